"""The JSON-LD contexts of Open Badges 3.0: read from the openbadgeslib package, pinned, and never fetched.

A context decides what a signature covers, so one that changes under the same address changes what was signed. The
files are therefore taken from an installed package, the sha256 of each is checked when it is first read, and an address
that is not in the list is refused: https://www.w3.org/TR/vc-data-integrity/#contexts-and-vocabularies
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

CREDENTIALS = "https://www.w3.org/ns/credentials/v2"
OPEN_BADGES = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
EXTENSIONS = "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json"

#: What a badge of ours names, in this order. The third defines the type of `credentialSchema`.
BADGE = (CREDENTIALS, OPEN_BADGES, EXTENSIONS)

#: A context of our own that is appended to find undefined terms (see canonical.py). Nobody else may name it.
UNDEFINED = "https://undefined.invalid/context"
UNDEFINED_PREFIX = "urn:x-undefined:"

# address: (file in openbadgeslib.ob3.contexts, sha256)
_PINNED = {
    CREDENTIALS: ("credentials-v2.json", "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734"),
    OPEN_BADGES: ("ob-v3p0-context-3.0.3.json", "3d34f4d4ef1bce691106e63798beb5e7b862ba841423f5ee1e53ab7ddf3bca84"),
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.2.json": (
        "ob-v3p0-context-3.0.2.json",
        "00666ad080ba407687ed1846b7f5e7495f5019042b202a727de47c48a1755c53",
    ),
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.1.json": (
        "ob-v3p0-context-3.0.1.json",
        "5f3d9dd6288ef437ff8286cf95ffbff609c748a66f24a1e9450c45ca64be1571",
    ),
    EXTENSIONS: ("ob-v3p0-extensions.json", "87c06c81bc2317663bf288d740d94fddd2818c4342b186270ff6371dfaa63f93"),
    "https://w3id.org/security/data-integrity/v2": (
        "security-data-integrity-v2.json",
        "67f21e6e33a6c14e5ccfd2fc7865f7474fb71a04af7e94136cb399dfac8ae8f4",
    ),
    "https://w3id.org/security/multikey/v1": (
        "security-multikey-v1.json",
        "ba2c182de2d92f7e47184bcca8fcf0beaee6d3986c527bf664c195bbc7c58597",
    ),
}


class UnknownContext(ValueError):
    """A document names a context that is not pinned, or brings one of its own."""


class ChangedContext(RuntimeError):
    """The installed openbadgeslib has another text for a context than the one pinned here: nothing may be signed."""


@cache
def load(address: str) -> dict[str, Any]:
    """The text of a pinned context."""
    if address == UNDEFINED:
        return {"@context": {"@vocab": UNDEFINED_PREFIX}}
    if address not in _PINNED:
        raise UnknownContext(address)
    name, expected = _PINNED[address]
    text = resources.files("openbadgeslib.ob3.contexts").joinpath(name).read_bytes()
    if hashlib.sha256(text).hexdigest() != expected:
        raise ChangedContext(f"{name} of the installed openbadgeslib is not the text that was pinned for {address}")
    context: dict[str, Any] = json.loads(text)
    return context


def known() -> dict[str, dict[str, Any]]:
    """Every pinned context by its address."""
    return {address: load(address) for address in _PINNED}


def named(document: Mapping[str, Any]) -> list[str]:
    """The contexts that a document names. One inside another, or anywhere but on top, is unknown by definition."""
    given = document.get("@context")
    addresses = [given] if isinstance(given, str) else given
    if not isinstance(addresses, list) or not addresses:
        raise UnknownContext("no @context")
    for address in addresses:
        if not isinstance(address, str) or address not in _PINNED:
            raise UnknownContext(address if isinstance(address, str) else "a context inside the document")
    return addresses


def loader(address: str, _options: Any = None) -> dict[str, Any]:
    """PyLD's document loader. The tag lets PyLD keep what it made of a context from call to call."""
    return {"contextUrl": None, "documentUrl": address, "document": load(address), "tag": "static"}
