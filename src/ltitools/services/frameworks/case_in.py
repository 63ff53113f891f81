"""Reading a CASE 1.0 package liberally: what can be used is taken, and every deviation is remarked.

https://www.imsglobal.org/sites/default/files/CASE/casev1p0/information_model/caseservicev1p0_infomodelv1p0.html
"""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ltitools.i18n import LOCALES, host, match_locale
from ltitools.services.frameworks import case_links
from ltitools.services.frameworks.content import (
    MAX_CODE,
    MAX_DESCRIPTION,
    MAX_ITEMS,
    MAX_TITLE,
    Content,
    Item,
    arranged,
    by_locale,
    new_guid,
)
from ltitools.services.frameworks.content import problems as problems_of
from ltitools.services.frameworks.findings import Findings, Unusable
from ltitools.services.frameworks.shapes import (
    CRITERION,
    DEFINITIONS,
    DOCUMENT,
    ITEM,
    LEVEL,
    RUBRIC,
    Reader,
    read_object,
    text,
)

lazy = host.lazy
OURS = "ltitools"
"""Where `case_out` writes wordings in other languages, below the field ``extensions``."""
_EXTENSIONS = frozenset({"extensions"})
_MARKUP = re.compile(r"<[a-zA-Z/!][^<>]*>|\*\*\S|\$[^$\n]+\$|^\s*\|.*\|\s*$|\]\(\S+\)|(?<!\w)_\w+_(?!\w)", re.MULTILINE)
_PARTS = ("CFDocument", "CFItems", "CFAssociations", "CFDefinitions", "CFRubrics")


@dataclass
class _Package:
    """What is known while a package is read. `ids` finds a competency by what the package calls it."""

    findings: Findings
    guid: str
    language: str
    ids: dict[str, str]


def read(data: bytes, before: Content | None = None) -> tuple[Content, Findings]:
    """The framework in a package, and what there is to say about it. Raises Unusable.

    `before` is what the institution has of it: its identifiers and codes are used where the package has none.
    """
    findings = Findings()
    raw = _loaded(data, findings)
    document = read_object(DOCUMENT, raw["CFDocument"], "CFDocument", findings, also=_EXTENSIONS)
    _tell_missing(document, ("identifier", "uri", "creator", "title", "lastChangeDateTime"), "CFDocument", findings)
    guid = document.get("identifier") or (before.guid if before else new_guid())
    package = _Package(findings, guid, document.get("language", ""), {})
    for name in (raw["CFDocument"].get("identifier"), guid, document.get("uri")):
        package.ids.setdefault(case_links.name_of(name), guid)
    found = _items(raw, package)
    tree = case_links.read(_objects(raw, "CFAssociations", findings), guid, found, package.ids, findings)
    items = _coded(tree.items, {one.guid: one.code for one in before.items} if before else {}, found, findings)
    extension = _extension(raw["CFDocument"], "CFDocument", findings)
    locale = match_locale(package.language)
    content = Content(
        guid=guid,
        uri=document.get("uri", ""),
        titles=_wording(locale, document.get("title", ""), extension, "titles", MAX_TITLE, "CFDocument", findings),
        descriptions=_wording(
            locale, document.get("description", ""), extension, "descriptions", MAX_DESCRIPTION, "CFDocument", findings
        ),
        creator=_fitted(document.get("creator", ""), 255, "CFDocument.creator", findings),
        items=items,
        case=_beyond(raw, document, tree.others, findings),
        changed_at=_time(document),
    )
    problems_of(content, findings)
    if findings.errors:
        raise Unusable(findings)
    return content, findings


def _loaded(data: bytes, findings: Findings) -> dict[str, Any]:
    """The package's objects; raises Unusable where it is none."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        for name, times in Counter(name for name, _ in found).items():
            if times > 1:
                findings.warn(lazy("A field is there twice. The last one counts."), name[:60])
        return dict(found)

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no number of JSON")

    try:
        raw = json.loads(data, object_pairs_hook=pairs, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        findings.error(lazy("The file is no valid JSON: %(why)s.", why=str(error)[:200]))
        raise Unusable(findings) from error
    if isinstance(raw, dict) and isinstance(raw.get("CFPackage"), dict) and "CFDocument" not in raw:
        findings.note(lazy("The package stands inside a field CFPackage."), "CFPackage")
        raw = raw["CFPackage"]
    if not isinstance(raw, dict) or not isinstance(raw.get("CFDocument"), dict):
        findings.error(lazy("The file is no CASE package: it has no CFDocument."))
        raise Unusable(findings)
    for name in raw:
        if name not in _PARTS:
            findings.warn(lazy("CASE 1.0 does not know this field. It was left out."), name[:60])
    return raw


def _objects(raw: Mapping[str, Any], name: str, findings: Findings, place: str = "") -> Iterator[tuple[str, Any]]:
    """The objects of a list, each with its place."""
    listed = raw.get(name)
    where = f"{place}{name}"
    if listed is None or (name == "CFDefinitions" and listed == []):
        return
    if not isinstance(listed, list):
        findings.warn(lazy("Something stands where a list is expected. It was left out."), where)
        return
    for index, one in enumerate(listed):
        if isinstance(one, dict):
            yield f"{where}[{index}]", one
        else:
            findings.warn(lazy("Something stands where an object is expected. It was left out."), f"{where}[{index}]")


def _items(raw: Mapping[str, Any], package: _Package) -> dict[str, tuple[str, Item]]:
    """The competencies without parents, in the order of the file, each with its place, by guid."""
    findings, found = package.findings, dict[str, tuple[str, Item]]()
    if isinstance(raw.get("CFItems"), list) and len(raw["CFItems"]) > MAX_ITEMS:
        findings.error(
            lazy("There are more than %(most)s competencies. Divide them into several frameworks.", most=MAX_ITEMS)
        )
        raise Unusable(findings)
    for where, one in _objects(raw, "CFItems", findings):
        code = one.get("humanCodingScheme")
        place = f"{where} ({code[:60]})" if isinstance(code, str) and code else where
        fields = read_object(ITEM, one, place, findings, also=_EXTENSIONS)
        _tell_missing(fields, ("identifier", "fullStatement", "uri", "lastChangeDateTime"), place, findings)
        guid = _item_guid(fields, one, package, place, found)
        for name in (one.get("identifier"), guid, fields.get("uri")):
            package.ids.setdefault(case_links.name_of(name), guid)
        found[guid] = (place, _item(fields, one, guid, package, place))
    package.ids.pop("", None)
    return found


def _item_guid(
    fields: Mapping[str, Any], raw: Mapping[str, Any], package: _Package, place: str, taken: Mapping[str, Any]
) -> str:
    """The competency's own identifier; or one made of what it is called, so that the next import makes the same."""
    own = fields.get("identifier")
    if own and own not in taken and own != package.guid:
        return str(own)
    if own:
        package.findings.warn(lazy("Two objects have the same identifier. The second got a new one."), place)
    name = raw.get("identifier") or fields.get("uri") or fields.get("humanCodingScheme") or fields.get("fullStatement")
    for attempt in range(len(taken) + 1):
        made = str(uuid.uuid5(uuid.UUID(package.guid), f"{name} {attempt}" if own or attempt else f"{name}"))
        if made not in taken:
            break
    return made


def _item(fields: dict[str, Any], raw: Mapping[str, Any], guid: str, package: _Package, place: str) -> Item:
    findings = package.findings
    statement = fields.get("fullStatement") or fields.get("abbreviatedStatement") or fields.get("humanCodingScheme")
    if not fields.get("fullStatement", "-"):
        findings.warn(lazy("A competency has no statement. Its short one, its code or its identifier is shown."), place)
    if _MARKUP.search(statement or ""):
        findings.note(lazy("A wording has marks of HTML, Markdown or formulas. They are shown as they are."), place)
    locale = match_locale(fields.get("language") or package.language)
    extension = _extension(raw, place, findings)
    code = " ".join(fields.get("humanCodingScheme", "").split())
    ours = ("identifier", "uri", "lastChangeDateTime", "fullStatement", "humanCodingScheme", "notes")
    return Item(
        guid=guid,
        code=_fitted(code, MAX_CODE, f"{place}.humanCodingScheme", findings),
        titles=_wording(locale, statement or guid, extension, "titles", MAX_TITLE, f"{place}.fullStatement", findings),
        descriptions=_wording(
            locale, fields.get("notes", ""), extension, "descriptions", MAX_DESCRIPTION, f"{place}.notes", findings
        ),
        uri=fields.get("uri", ""),
        case={name: value for name, value in fields.items() if name not in ours},
        changed_at=_time(fields),
    )


def _coded(
    items: tuple[Item, ...], known: Mapping[str, str], found: Mapping[str, tuple[str, Item]], findings: Findings
) -> tuple[Item, ...]:
    """The same competencies, each with a code of its own: tools and tables find them by it."""
    taken = {item.code for item in items if item.code} | set(known.values())
    numbers: dict[str | None, int] = {}
    paths: dict[str | None, str] = {None: ""}
    used: set[str] = set()
    coded = []
    for item in arranged(items):
        numbers[item.parent] = numbers.get(item.parent, 0) + 1
        paths[item.guid] = f"{paths[item.parent]}{numbers[item.parent]}."
        code, place = item.code, found[item.guid][0]
        if not code:
            code = known.get(item.guid) or _free(paths[item.guid].rstrip("."), taken | used)
            findings.note(lazy("A competency has no code (humanCodingScheme). It got one."), f"{place} → {code}")
        elif code in used:
            code = _free(code, taken | used)
            findings.warn(lazy("Two competencies have the same code. The second got a new one."), f"{place} → {code}")
        used.add(code)
        coded.append(replace(item, code=code))
    return tuple(coded)


def _free(code: str, taken: set[str]) -> str:
    """The code, or the first of ``code-2``, ``code-3``, … that is free."""
    code, number = code[: MAX_CODE - 8], 1
    name = code
    while name in taken:
        number += 1
        name = f"{code}-{number}"
    return name


def _extension(raw: Mapping[str, Any], place: str, findings: Findings) -> Mapping[str, Any]:
    """What `case_out` has written about other languages."""
    extensions = raw.get("extensions")
    if extensions is None:
        return {}
    ours = extensions.get(OURS) if isinstance(extensions, dict) else None
    if not isinstance(ours, dict) or set(extensions) != {OURS}:
        findings.warn(lazy("CASE 1.0 does not know this field. It was left out."), f"{place}.extensions")
    return ours if isinstance(ours, dict) else {}


def _wording(
    locale: str, main: str, extension: Mapping[str, Any], name: str, most: int, place: str, findings: Findings
) -> dict[str, str]:
    others = extension.get(name)
    texts = {one: text(others.get(one))[0] or "" for one in LOCALES} if isinstance(others, dict) else {}
    return by_locale(**{one: _fitted(read, most, place, findings) for one, read in {**texts, locale: main}.items()})


def _fitted(value: str, most: int, place: str, findings: Findings) -> str:
    if len(value) <= most:
        return value
    findings.warn(lazy("A text is longer than %(most)s characters. It was cut off there.", most=most), place)
    return value[:most].strip()


def _tell_missing(fields: Mapping[str, Any], names: tuple[str, ...], place: str, findings: Findings) -> None:
    for name in names:
        if name not in fields:
            findings.warn(
                lazy("A field that CASE requires is not there, or not valid. It was filled in."), f"{place}.{name}"
            )


def _time(fields: Mapping[str, Any]) -> datetime | None:
    return datetime.fromisoformat(fields["lastChangeDateTime"]) if "lastChangeDateTime" in fields else None


def _beyond(
    raw: Mapping[str, Any], document: Mapping[str, Any], others: list[dict[str, Any]], findings: Findings
) -> dict[str, Any]:
    """What the package says beyond our columns, in the form in which it can be written again."""
    ours = ("identifier", "uri", "title", "description", "creator", "lastChangeDateTime")
    beyond: dict[str, Any] = {"document": {name: value for name, value in document.items() if name not in ours}}
    definitions = raw.get("CFDefinitions")
    if isinstance(definitions, dict):
        beyond["definitions"] = _definitions(definitions, findings)
    elif definitions not in (None, []):
        findings.warn(lazy("Something stands where an object is expected. It was left out."), "CFDefinitions")
    beyond["rubrics"] = _kept(raw, "CFRubrics", RUBRIC, findings, below=("CFRubricCriteria", "CFRubricCriterionLevels"))
    beyond["associations"] = others
    return {name: value for name, value in beyond.items() if value}


def _definitions(raw: Mapping[str, Any], findings: Findings) -> dict[str, Any]:
    for name in set(raw) - set(DEFINITIONS):
        findings.warn(lazy("CASE 1.0 does not know this field. It was left out."), f"CFDefinitions.{name[:60]}")
    found = {
        name: _kept(raw, name, shape, findings, place="CFDefinitions.", needed=needed)
        for name, (shape, needed) in DEFINITIONS.items()
    }
    return {name: values for name, values in found.items() if values}


def _kept(
    raw: Mapping[str, Any],
    name: str,
    shape: Mapping[str, Reader],
    findings: Findings,
    *,
    place: str = "",
    needed: frozenset[str] = frozenset(),
    below: tuple[str, ...] = (),
) -> list[dict[str, Any]]:
    """Objects that mean nothing here, as they can be written again; `below` names the lists inside them."""
    kept = []
    for where, one in _objects(raw, name, findings, place):
        fields = read_object(shape, one, where, findings, also=frozenset(below[:1]))
        if missing := sorted({"identifier", "uri", "lastChangeDateTime", *needed} - set(fields)):
            findings.warn(
                lazy("An object lacks what CASE requires. It was left out."), f"{where}: {', '.join(missing)}"
            )
            continue
        if below:
            inner = CRITERION if len(below) > 1 else LEVEL
            fields[below[0]] = _kept(one, below[0], inner, findings, place=f"{where}.", below=below[1:])
        kept.append(fields)
    if kept:
        findings.note(lazy("These are kept and written again, but mean nothing here."), f"{place}{name}")
    return kept
