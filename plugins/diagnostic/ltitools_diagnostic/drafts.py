"""Changing the questions of a draft, one at a time. Whoever changes something holds the draft first: see `hold`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

from sqlalchemy import delete, func, select

from ltitools.plugin import session
from ltitools_diagnostic import versions
from ltitools_diagnostic.columns import MAX_NAME
from ltitools_diagnostic.items import Item, Wording, from_json, to_json
from ltitools_diagnostic.models import DRAFT, Version, VersionCompetency, VersionItem

_ROOM_FOR_A_NUMBER = 8


@dataclass(frozen=True)
class Entry:
    """A question of a draft by the id of its row; `number` counts from 1 in the order of the draft."""

    item_id: int
    number: int
    item: Item


@dataclass(frozen=True)
class Group:
    """A competency of a draft with its questions, by the id of its row."""

    row_id: int
    code: str
    titles: Wording
    entries: tuple[Entry, ...]


def hold(version: Version) -> bool:
    """Keep everybody else from changing or publishing the draft until the commit; False where it is none any more."""
    held = session.scalar(
        select(Version)
        .where(Version.tenant_id == version.tenant_id, Version.id == version.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return held is not None and held.state == DRAFT


def groups(version: Version) -> list[Group]:
    """The competencies and their questions, in order."""
    entries: dict[int, list[Entry]] = {}
    for number, row in enumerate(_items(version), start=1):
        entries.setdefault(row.competency_row_id, []).append(Entry(row.id, number, from_json(row.content)))
    return [Group(row.id, row.code, row.titles, tuple(entries.get(row.id, ()))) for row in _competencies(version)]


def digest(item: Item) -> str:
    """A fingerprint of a question: a form holds it, and by it is seen whether somebody else has changed it since."""
    return hashlib.sha256(json.dumps(to_json(item), sort_keys=True).encode()).hexdigest()


def free_code(version: Version, competency: str) -> str:
    """A name for a new question that no version of the pre-assessment has used.

    A reassessment knows by this name which questions a person has met.
    """
    used = set(
        session.scalars(
            select(VersionItem.code)
            .join(Version, Version.id == VersionItem.version_id)
            .where(Version.tenant_id == version.tenant_id, Version.activity_id == version.activity_id)
        )
    )
    stem = competency[: MAX_NAME - _ROOM_FOR_A_NUMBER]
    return next(code for number in count(1) if (code := f"{stem}-{number}") not in used)


def save(version: Version, item: Item, item_id: int | None = None) -> int:
    """Store a new question, or another wording of one that is there; returns the id of its row."""
    competency_row_id = next(row.id for row in _competencies(version) if row.code == item.competency)
    row = _item(version, item_id) if item_id is not None else None
    if row is None:
        row = VersionItem(tenant_id=version.tenant_id, version_id=version.id, code=item.code)
    if row.competency_row_id != competency_row_id:
        row.competency_row_id = competency_row_id
        row.position = _behind_all(version)
    row.content = to_json(item)
    session.add(row)
    _settle(version)
    return row.id


def duplicate(version: Version, item_id: int) -> int | None:
    """A copy right behind the question; returns the id of its row."""
    row = _item(version, item_id)
    if row is None:
        return None
    item = from_json(row.content)
    code = free_code(version, item.competency)
    copy = VersionItem(
        tenant_id=version.tenant_id,
        version_id=version.id,
        competency_row_id=row.competency_row_id,
        # The same position: of two with the same one the newer is the second, and then all are numbered again.
        position=row.position,
        code=code,
        content=to_json(replace(item, code=code, retired=False)),
    )
    session.add(copy)
    _settle(version)
    return copy.id


def move(version: Version, item_id: int, by: int) -> None:
    """Change places with the question before (`by` -1) or after (1) it, in its competency."""
    row = _item(version, item_id)
    if row is None:
        return
    siblings = [each for each in _items(version) if each.competency_row_id == row.competency_row_id]
    place = siblings.index(row) + by
    if 0 <= place < len(siblings):
        row.position, siblings[place].position = siblings[place].position, row.position
        _settle(version)


def retire(version: Version, item_id: int, retired: bool) -> None:
    """Take a question out of what is asked, or bring it back."""
    row = _item(version, item_id)
    if row is not None:
        row.content = to_json(replace(from_json(row.content), retired=retired))
        _settle(version)


def remove(version: Version, item_id: int) -> None:
    """Delete a question from the draft. Published versions that have it keep it."""
    versions.drop_previews(version)
    session.execute(
        delete(VersionItem).where(
            VersionItem.tenant_id == version.tenant_id,
            VersionItem.version_id == version.id,
            VersionItem.id == item_id,
        )
    )
    _settle(version)


def add_competency(version: Version, code: str, titles: Wording) -> None:
    """A new competency, the last one, without questions. Its code must be free."""
    position = max((row.position for row in _competencies(version)), default=-1) + 1
    session.add(
        VersionCompetency(
            tenant_id=version.tenant_id,
            version_id=version.id,
            position=position,
            code=code,
            titles=dict(titles),
        )
    )
    _settle(version)


def rename_competency(version: Version, row_id: int, titles: Wording) -> None:
    """Other titles; the code stays, because results of the past hang on it."""
    for row in _competencies(version):
        if row.id == row_id:
            row.titles = dict(titles)
    _settle(version)


def remove_competency(version: Version, row_id: int) -> None:
    """Remove a competency that has no questions; one that has some stays."""
    versions.drop_previews(version)
    with_questions = select(VersionItem.competency_row_id).where(
        VersionItem.tenant_id == version.tenant_id, VersionItem.version_id == version.id
    )
    session.execute(
        delete(VersionCompetency).where(
            VersionCompetency.tenant_id == version.tenant_id,
            VersionCompetency.version_id == version.id,
            VersionCompetency.id == row_id,
            VersionCompetency.id.not_in(with_questions),
        )
    )
    _settle(version)


def _settle(version: Version) -> None:
    """After a change: number the questions by competency, and note again what is in the draft.

    Previews of it are forgotten, because they are of other questions.
    """
    session.flush()
    versions.drop_previews(version)
    for position, row in enumerate(_items(version)):
        row.position = position
    session.flush()
    bank = versions.bank(version)
    version.languages = list(bank.languages)
    version.digest = versions.digest(bank)
    session.flush()


def _competencies(version: Version) -> Sequence[VersionCompetency]:
    return session.scalars(
        select(VersionCompetency)
        .where(VersionCompetency.tenant_id == version.tenant_id, VersionCompetency.version_id == version.id)
        .order_by(VersionCompetency.position)
    ).all()


def _items(version: Version) -> Sequence[VersionItem]:
    return session.scalars(
        select(VersionItem)
        .join(VersionCompetency, VersionCompetency.id == VersionItem.competency_row_id)
        .where(VersionItem.tenant_id == version.tenant_id, VersionItem.version_id == version.id)
        .order_by(VersionCompetency.position, VersionItem.position, VersionItem.id)
    ).all()


def _item(version: Version, item_id: int) -> VersionItem | None:
    return session.scalar(
        select(VersionItem).where(
            VersionItem.tenant_id == version.tenant_id,
            VersionItem.version_id == version.id,
            VersionItem.id == item_id,
        )
    )


def _behind_all(version: Version) -> int:
    last = session.scalar(
        select(func.max(VersionItem.position)).where(
            VersionItem.tenant_id == version.tenant_id, VersionItem.version_id == version.id
        )
    )
    return 0 if last is None else last + 1
