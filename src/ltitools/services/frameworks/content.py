"""A framework as a value: what a file holds, what a form changes, what a version keeps."""

from __future__ import annotations

import re
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ltitools.i18n import LOCALES, current_locale, host
from ltitools.services.frameworks.findings import Findings

lazy = host.lazy

MAX_ITEMS = 5000
MAX_DEPTH = 20
MAX_CODE = 128
MAX_TITLE = 2000
MAX_DESCRIPTION = 10_000
KEY_FORM = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

Wording = Mapping[str, str]
"""A text by locale; a locale without a text is not in it."""


@dataclass(frozen=True)
class Item:
    """A competency of a framework. `parent` is the guid of the one above it; `case` what CASE says beyond this."""

    guid: str
    code: str
    titles: Wording
    descriptions: Wording = field(default_factory=dict)
    parent: str | None = None
    uri: str = ""
    case: Mapping[str, Any] = field(default_factory=dict)
    changed_at: datetime | None = None


@dataclass(frozen=True)
class Content:
    """All that a version of a framework says. `items` are in their order, each after its parent."""

    guid: str
    titles: Wording
    items: tuple[Item, ...] = ()
    descriptions: Wording = field(default_factory=dict)
    creator: str = ""
    uri: str = ""
    case: Mapping[str, Any] = field(default_factory=dict)
    changed_at: datetime | None = None

    @property
    def depths(self) -> dict[str, int]:
        """How far below the top each competency stands, by guid; the top is 0."""
        depths: dict[str, int] = {}
        for item in self.items:
            depths[item.guid] = depths[item.parent] + 1 if item.parent else 0
        return depths


def new_guid() -> str:
    """An identifier that nothing else has."""
    return str(uuid.uuid4())


def wording(texts: Wording, locale: str | None = None) -> str:
    """A text in the locale (the current one if none is given), else in any, else nothing."""
    return texts.get(locale or current_locale()) or next(iter(texts.values()), "")


def clean(text: str) -> str:
    """`text` without what no database keeps and no page shows, its lines ended as everywhere here."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def by_locale(**texts: str) -> dict[str, str]:
    """A wording of those texts that are not empty."""
    cleaned = {locale: clean(texts.get(locale, "")) for locale in LOCALES}
    return {locale: text for locale, text in cleaned.items() if text}


def arranged(items: Iterable[Item]) -> tuple[Item, ...]:
    """The same items, each after its parent and before the next sibling of it; siblings stay in their order.

    Items whose parent is not there, or that are below themselves, are left out.
    """
    listed = list(items)
    known = {item.guid for item in listed}
    below: dict[str | None, list[Item]] = defaultdict(list)
    for item in listed:
        below[item.parent].append(item)
    found: list[Item] = []
    waiting = list(reversed(below[None]))
    while waiting:
        item = waiting.pop()
        found.append(item)
        if item.guid in known:
            known.discard(item.guid)
            waiting += reversed(below[item.guid])
    return tuple(found)


def with_items(content: Content, items: Iterable[Item]) -> Content:
    """The framework with other competencies; associations with those that are gone go with them."""
    after = arranged(items)
    gone = {item.guid for item in content.items} - {item.guid for item in after}
    kept = [
        one
        for one in content.case.get("associations", ())
        if not gone & {one["originNodeURI"]["identifier"], one["destinationNodeURI"]["identifier"]}
    ]
    return replace(content, items=after, case={**content.case, "associations": kept} if gone else content.case)


def moved(content: Content, guid: str, by: int) -> Content:
    """The framework with a competency before (-1) or after (1) the next one of the same parent."""
    parent = next((item.parent for item in content.items if item.guid == guid), None)
    siblings = [item for item in content.items if item.parent == parent]
    place = next((index for index, item in enumerate(siblings) if item.guid == guid), None)
    if place is None or not 0 <= place + by < len(siblings):
        return content
    siblings[place], siblings[place + by] = siblings[place + by], siblings[place]
    others = [item for item in content.items if item.parent != parent]
    return replace(content, items=arranged([*siblings, *others]))


def without(content: Content, guid: str) -> Content:
    """The framework without a competency; those below it move up to its parent."""
    parent = next((item.parent for item in content.items if item.guid == guid), None)
    left = (item for item in content.items if item.guid != guid)
    return with_items(content, (replace(item, parent=parent) if item.parent == guid else item for item in left))


def problems(content: Content, findings: Findings) -> None:
    """Remark everything for which the content could not be kept."""
    if len(content.items) > MAX_ITEMS:
        findings.error(
            lazy("There are more than %(most)s competencies. Divide them into several frameworks.", most=MAX_ITEMS)
        )
        return
    _problems_of_codes(content.items, findings)
    for item in content.items:
        if not item.titles:
            findings.error(lazy("A competency has no wording in any language."), item.code)
        if any(len(text) > MAX_TITLE for text in item.titles.values()):
            findings.error(lazy("A wording is longer than %(most)s characters.", most=MAX_TITLE), item.code)
        if any(len(text) > MAX_DESCRIPTION for text in item.descriptions.values()):
            findings.error(lazy("A description is longer than %(most)s characters.", most=MAX_DESCRIPTION), item.code)
    kept = {item.guid for item in arranged(content.items)}
    for item in content.items:
        if item.guid not in kept:
            findings.error(lazy("A competency stands below itself, or below one that is not there."), item.code)
    if len(kept) == len(content.items):
        for guid, depth in replace(content, items=arranged(content.items)).depths.items():
            if depth >= MAX_DEPTH:
                findings.error(lazy("There are more than %(most)s levels.", most=MAX_DEPTH), guid)
                break


def _problems_of_codes(items: Iterable[Item], findings: Findings) -> None:
    codes: set[str] = set()
    guids: set[str] = set()
    for item in items:
        if not item.code:
            findings.error(lazy("A competency has no code."), wording(item.titles)[:60])
        if len(item.code) > MAX_CODE:
            findings.error(lazy("A code is longer than %(most)s characters.", most=MAX_CODE), item.code)
        if item.code in codes:
            findings.error(lazy("Two competencies have the same code."), item.code)
        if item.guid in guids:
            findings.error(lazy("Two competencies have the same identifier."), item.guid)
        codes.add(item.code)
        guids.add(item.guid)
