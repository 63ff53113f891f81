"""Writing a framework as a CASE 1.0 package that is valid against CASE's schema.

Identifiers and addresses are those that the framework came with, or else ours. CASE 1.0 has one language for a text;
the other one is written below ``extensions``, a field that CASE 1.1 has for such things and 1.0 leaves open.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ltitools.i18n import LOCALES, match_locale
from ltitools.services.frameworks.case_in import OURS
from ltitools.services.frameworks.content import Content, Item, Wording
from ltitools.services.frameworks.shapes import CHILD


def write(content: Content, base: str, creator: str, key: str) -> bytes:
    """The package. `base` is the address below which ours are, `creator` and `key` stand where nobody gave others."""
    return json.dumps(package(content, base, creator, key), ensure_ascii=False, indent=2).encode()


def package(content: Content, base: str, creator: str, key: str) -> dict[str, Any]:
    """The same as an object."""
    beyond: Mapping[str, Any] = content.case.get("document", {})
    language = _language(beyond, content.titles)
    document = {
        **beyond,
        "identifier": content.guid,
        "uri": content.uri or f"{base}/CFDocuments/{content.guid}",
        "creator": content.creator or creator,
        "title": _main(content.titles, language) or key,
        "lastChangeDateTime": _time(content.changed_at),
        "language": language,
        **_texts("description", content.descriptions, language),
        **_others(content.titles, content.descriptions, language),
    }
    top = {"title": document["title"], "identifier": content.guid, "uri": document["uri"]}
    nodes = {item.guid: _node(item, base) for item in content.items}
    numbers: dict[str | None, int] = {}
    children = []
    for item in content.items:
        numbers[item.parent] = numbers.get(item.parent, 0) + 1
        above = nodes[item.parent] if item.parent else top
        children.append(_child(item, nodes[item.guid], above, numbers[item.parent], base))
    package = {
        "CFDocument": document,
        "CFItems": [_item(item, base) for item in content.items],
        "CFAssociations": [*children, *content.case.get("associations", [])],
    }
    if "definitions" in content.case:
        package["CFDefinitions"] = content.case["definitions"]
    if "rubrics" in content.case:
        package["CFRubrics"] = content.case["rubrics"]
    return package


def _item(item: Item, base: str) -> dict[str, Any]:
    language = _language(item.case, item.titles)
    return {
        **{name: value for name, value in item.case.items() if name != "child"},
        "identifier": item.guid,
        "uri": _uri(item, base),
        "fullStatement": _main(item.titles, language),
        "humanCodingScheme": item.code,
        "language": language,
        "lastChangeDateTime": _time(item.changed_at),
        **_texts("notes", item.descriptions, language),
        **_others(item.titles, item.descriptions, language),
    }


def _child(item: Item, node: Mapping[str, str], above: Mapping[str, str], number: int, base: str) -> dict[str, Any]:
    """The association that places a competency: the one that it came with, as long as it stands where it stood."""
    known = item.case.get("child", {})
    known = known if known.get("parent") == above["identifier"] else {}
    identifier = known.get("identifier") or str(uuid.uuid5(uuid.UUID(item.guid), above["identifier"]))
    return {
        "uri": f"{base}/CFAssociations/{identifier}",
        "lastChangeDateTime": _time(item.changed_at),
        **{name: value for name, value in known.items() if name != "parent"},
        "identifier": identifier,
        "associationType": CHILD,
        "sequenceNumber": number,
        "originNodeURI": dict(node),
        "destinationNodeURI": dict(above),
    }


def _node(item: Item, base: str) -> dict[str, str]:
    return {"title": item.code, "identifier": item.guid, "uri": _uri(item, base)}


def _uri(item: Item, base: str) -> str:
    return item.uri or f"{base}/CFItems/{item.guid}"


def _language(beyond: Mapping[str, Any], titles: Wording) -> str:
    """The language of an object's own text: the one it came with, where there is a text in it, else the first."""
    came = str(beyond.get("language", ""))
    if came and (match_locale(came) in titles or not titles):
        return came
    return next((locale for locale in LOCALES if locale in titles), LOCALES[0])


def _main(texts: Wording, language: str) -> str:
    return texts.get(match_locale(language), "")


def _texts(name: str, texts: Wording, language: str) -> dict[str, str]:
    main = _main(texts, language)
    return {name: main} if main else {}


def _others(titles: Wording, descriptions: Wording, language: str) -> dict[str, Any]:
    """The wordings in other languages than the object's own."""
    main = match_locale(language)
    others = {
        name: {locale: text for locale, text in texts.items() if locale != main}
        for name, texts in (("titles", titles), ("descriptions", descriptions))
    }
    filled = {name: texts for name, texts in others.items() if texts}
    return {"extensions": {OURS: filled}} if filled else {}


def _time(moment: datetime | None) -> str:
    return (moment or datetime.now(UTC)).astimezone(UTC).isoformat()
