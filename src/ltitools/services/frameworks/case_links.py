"""The associations of a CASE package: ``isChildOf`` makes the hierarchy, all others are kept as they are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ltitools.i18n import LazyText, host
from ltitools.services.frameworks.content import Item
from ltitools.services.frameworks.findings import Findings
from ltitools.services.frameworks.shapes import ASSOCIATION, ASSOCIATION_TYPES, CHILD, read_object

lazy = host.lazy
NEEDED = ("identifier", "uri", "originNodeURI", "destinationNodeURI", "lastChangeDateTime")
TWICE = lazy("An association is there twice. It was left out.")
BELOW_ITSELF = lazy("An association places a competency below itself. It was left out.")
CHILD_FIELDS = ("identifier", "uri", "lastChangeDateTime", "CFAssociationGroupingURI")


@dataclass(frozen=True)
class Tree:
    """The competencies with their parents, and the associations that say something else."""

    items: tuple[Item, ...]
    others: list[dict[str, Any]]


@dataclass(frozen=True)
class _Place:
    """Where a competency stands: below what, as which one, and by which association."""

    parent: str | None
    order: float
    association: Mapping[str, Any]


def name_of(value: Any) -> str:
    """A name by which packages refer to something: an identifier or an address, without regard to capitals."""
    return value.strip().lower() if isinstance(value, str) else ""


def read(
    objects: Iterable[tuple[str, Any]],
    document: str,
    found: Mapping[str, tuple[str, Item]],
    ids: Mapping[str, str],
    findings: Findings,
) -> Tree:
    """The hierarchy of the competencies `found`."""
    places: dict[str, _Place] = {}
    others: list[dict[str, Any]] = []
    for where, raw in objects:
        fields = read_object(ASSOCIATION, raw, where, findings)
        kind = fields.get("associationType")
        if kind not in ASSOCIATION_TYPES:
            findings.warn(lazy("CASE 1.0 does not know this type of association. It was left out."), f"{where}: {kind}")
            continue
        origin, destination = (_end(raw, name, ids) for name in ("originNodeURI", "destinationNodeURI"))
        above = destination == document or (destination in found and destination != origin)
        if kind == CHILD and above and origin is not None and origin in found and origin not in places:
            _tell_missing(fields, where, findings)
            places[origin] = _Place(
                None if destination == document else destination,
                fields.get("sequenceNumber", math.inf),
                {name: fields[name] for name in CHILD_FIELDS if name in fields},
            )
            continue
        if kind == CHILD:
            remark = _about_child(origin, destination, document, found, places)
            findings.warn(remark, where)
            if remark in (TWICE, BELOW_ITSELF):
                continue
        _keep(fields, kind, where, others, findings)
    _cut_cycles(places, found, findings)
    return Tree(_placed(places, found, document, findings), others)


def _end(raw: Mapping[str, Any], name: str, ids: Mapping[str, str]) -> str | None:
    """What an end of an association refers to, where that is in the package."""
    node = raw.get(name)
    if not isinstance(node, dict):
        return ids.get(name_of(node))
    return ids.get(name_of(node.get("identifier"))) or ids.get(name_of(node.get("uri")))


def _tell_missing(fields: Mapping[str, Any], where: str, findings: Findings) -> None:
    for name in NEEDED:
        if name not in fields:
            findings.warn(
                lazy("A field that CASE requires is not there, or not valid. It was filled in."), f"{where}.{name}"
            )


def _about_child(
    origin: str | None,
    destination: str | None,
    document: str,
    found: Mapping[str, Any],
    places: Mapping[str, _Place],
) -> LazyText:
    """Why an association does not make the hierarchy."""
    if origin is None or origin not in found:
        return lazy("An association places something that is not in the package.")
    if destination == origin:
        return BELOW_ITSELF
    if destination != document and destination not in found:
        return lazy("An association places a competency below something that is not in the package.")
    if (places[origin].parent or document) == destination:
        return TWICE
    return lazy("A competency has several parents. The first one counts.")


def _keep(fields: dict[str, Any], kind: str, where: str, others: list[dict[str, Any]], findings: Findings) -> None:
    if missing := [name for name in NEEDED if name not in fields]:
        findings.warn(lazy("An object lacks what CASE requires. It was left out."), f"{where}: {', '.join(missing)}")
        return
    findings.note(
        lazy("Associations of the type %(type)s are kept and written again, but mean nothing here.", type=kind), where
    )
    others.append(fields)


def _cut_cycles(places: dict[str, _Place], found: Mapping[str, tuple[str, Item]], findings: Findings) -> None:
    fine: set[str] = set()
    for guid in found:
        way: list[str] = []
        above: str | None = guid
        while above is not None and above not in fine:
            if above in way:
                findings.warn(lazy("A competency stands below itself. It was put at the top."), found[above][0])
                places[above] = replace(places[above], parent=None)
                break
            way.append(above)
            above = places[above].parent if above in places else None
        fine.update(way)


def _placed(
    places: Mapping[str, _Place], found: Mapping[str, tuple[str, Item]], document: str, findings: Findings
) -> tuple[Item, ...]:
    """The competencies with their parents, siblings in the order of their numbers and else in that of the file."""
    items: list[tuple[float, Item]] = []
    for guid, (where, item) in found.items():
        place = places.get(guid)
        if place is None:
            findings.warn(lazy("No association places this competency. It was put at the top."), where)
            items.append((math.inf, item))
            continue
        child = {**place.association, "parent": place.parent or document}
        items.append((place.order, replace(item, parent=place.parent, case={**item.case, "child": child})))
    return tuple(item for _, item in sorted(items, key=lambda one: one[0]))
