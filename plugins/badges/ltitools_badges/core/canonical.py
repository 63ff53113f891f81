"""RDF dataset canonicalisation (RDFC-1.0) of a credential, which refuses a document that it would lose a part of.

https://www.w3.org/TR/rdf-canon/ and, for why nothing may be lost, https://www.w3.org/TR/vc-di-eddsa/#transformation-eddsa-rdfc-2022
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from threading import Lock
from typing import Any

from pyld import jsonld

from ltitools_badges.core import contexts
from ltitools_badges.core.reading import Unreadable

# Where relative addresses end up. Like an undefined term, one of them would not be signed.
_RELATIVE = "https://relative.invalid/"

# The members that JSON-LD itself lets a text consist of: https://www.w3.org/TR/vc-data-model-2.0/#language-and-base-direction
_TEXT_WITH_LANGUAGE = {"@value", "@language", "@direction"}
_TERM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_ADDRESS = re.compile(r"""[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>"{}|\\^`]*""")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")

# PyLD's caches of contexts are shared by the process and not made for threads.
_one_at_a_time = Lock()


class Lossy(ValueError):
    """The document holds terms that its contexts do not define: they would be left out of what is signed."""

    def __init__(self, terms: tuple[str, ...]) -> None:
        super().__init__(", ".join(terms))
        self.terms = terms


def dataset(document: Mapping[str, Any]) -> str:
    """The canonical N-Quads of a document, or Lossy, contexts.UnknownContext, reading.Unreadable.

    One expansion does both jobs. A context that gives every undefined term an address comes after the document's own,
    and a base gives one to every relative address. When neither is found in what the document expands to, they have
    changed nothing, and nothing is left out of the result.
    """
    contexts.named(document)
    return _dataset(text(document))


def lossless(document: Mapping[str, Any]) -> None:
    """Raise Lossy where a signature over the document would not cover all of it."""
    dataset(document)


def text(document: Mapping[str, Any]) -> str:
    """The document as it is served, baked and signed in a token: JSON without needless spaces."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


# A badge is canonicalised for its proof, for its token and when it is looked at again, all within moments.
@lru_cache(maxsize=32)
def _dataset(written: str) -> str:
    document = json.loads(written)
    _only_terms(document)
    options = {"base": _RELATIVE, "documentLoader": contexts.loader}
    with _one_at_a_time:
        try:
            expanded = jsonld.expand({**document, "@context": [*contexts.named(document), contexts.UNDEFINED]}, options)
            lost = tuple(sorted(set(_lost(expanded))))
            if lost:
                raise Lossy(lost)
            quads: str = jsonld.normalize(
                expanded, {**options, "algorithm": "URDNA2015", "format": "application/n-quads"}
            )
        except jsonld.JsonLdError as cause:
            raise Unreadable(cause.code or cause.type) from cause
    return quads


def _only_terms(document: Mapping[str, Any]) -> None:
    """Every member has to be spelled as a term, for a signature covers what the terms stand for.

    Somebody could spell `credentialStatus` by its full address, or move it to a part that has the badge's own id: the
    signature still holds, and who reads the JSON finds no status.
    https://www.w3.org/TR/vc-data-integrity/#validating-contexts asks for the same.
    """
    strange = {name for name in _members(document, top=True) if not _TERM.fullmatch(name)}
    own = document.get("id")
    if own is not None and any(part.get("id") == own and len(part) > 1 for part in _parts(list(document.values()))):
        strange.add(str(own))
    if strange:
        raise Lossy(tuple(sorted(strange)))


def _parts(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every object within a value."""
    if isinstance(value, Mapping):
        yield value
    for inner in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _parts(inner)


def _members(value: Any, *, top: bool = False) -> Iterator[str]:
    if isinstance(value, Mapping):
        if "@value" in value and set(value) <= _TEXT_WITH_LANGUAGE:
            return
        for name, inner in value.items():
            if top and name == "@context":
                continue
            yield name
            yield from _members(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _members(inner)


def _lost(expanded: Any) -> Iterator[str]:
    """What of an expanded document RDF would not hold: https://www.w3.org/TR/json-ld11-api/#deserialize-json-ld-to-rdf-algorithm"""
    if isinstance(expanded, Mapping):
        for name, inner in expanded.items():
            if name == "@language":
                if not _LANGUAGE.fullmatch(inner):
                    yield inner
            elif name in ("@id", "@type"):
                yield from (_written(one) for one in _each(inner) if not _kept(one))
            elif not name.startswith("@"):
                if not _kept(name):
                    yield _written(name)
                yield from _lost(inner)
            elif name not in ("@value", "@direction"):
                yield from _lost(inner)
    elif isinstance(expanded, list):
        for inner in expanded:
            yield from _lost(inner)


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _kept(address: Any) -> bool:
    """Whether this is an address that RDF keeps. Names for blank nodes are refused: two of them could be one thing."""
    return (
        isinstance(address, str)
        and _ADDRESS.fullmatch(address) is not None
        and not address.startswith((contexts.UNDEFINED_PREFIX, _RELATIVE))
    )


def _written(address: Any) -> str:
    """The term as the document has it."""
    return str(address).removeprefix(contexts.UNDEFINED_PREFIX).removeprefix(_RELATIVE)
