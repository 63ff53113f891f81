"""The versions of a pre-assessment: keeping a draft, publishing it, reading its questions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement, delete, func, select

from ltitools.plugin import Launch, activities, competencies, session, utcnow
from ltitools_diagnostic.items import Bank, CompetencyTitles, Wording, from_json, to_json
from ltitools_diagnostic.models import (
    DRAFT,
    PUBLISHED,
    Answer,
    Attempt,
    Result,
    SelfRating,
    Version,
    VersionCompetency,
    VersionItem,
)
from ltitools_diagnostic.scoring import can_show

KEY = "diagnostic"
FRAMEWORK = "diagnostic"
"""One framework per institution: the same code in two pre-assessments is the same competency."""


@dataclass(frozen=True)
class Section:
    """A competency of a version: how many questions there are, how many a form takes, and its weight in the score."""

    code: str
    titles: Wording
    items: int
    drawn: int
    weight: Decimal

    @property
    def can_show(self) -> bool:
        """Whether enough questions are drawn to conclude that the competency is shown."""
        return can_show(self.drawn)


@dataclass(frozen=True)
class AskedSection:
    """A competency of a sitting's form, by the id of its row."""

    row_id: int
    code: str
    titles: Wording


def asked_sections(tenant_id: int, version_id: int, item_ids: Iterable[int]) -> list[AskedSection]:
    """The competencies of some questions of a version, in its order."""
    rows = session.scalars(
        select(VersionCompetency)
        .where(
            VersionCompetency.tenant_id == tenant_id,
            VersionCompetency.version_id == version_id,
            VersionCompetency.id.in_(
                select(VersionItem.competency_row_id).where(
                    VersionItem.tenant_id == tenant_id, VersionItem.id.in_(list(item_ids))
                )
            ),
        )
        .order_by(VersionCompetency.position)
    )
    return [AskedSection(row.id, row.code, row.titles) for row in rows]


def get(tenant_id: int, version_id: int) -> Version | None:
    """One version of the institution."""
    return session.scalar(select(Version).where(Version.tenant_id == tenant_id, Version.id == version_id))


def published(tenant_id: int, activity_id: int) -> Version | None:
    """The version that new attempts take."""
    return session.scalar(
        select(Version)
        .where(
            Version.tenant_id == tenant_id,
            Version.activity_id == activity_id,
            Version.state == PUBLISHED,
        )
        .order_by(Version.number.desc())
        .limit(1)
    )


def draft(tenant_id: int, activity_id: int) -> Version | None:
    """The version that waits to be published."""
    return session.scalar(
        select(Version).where(
            Version.tenant_id == tenant_id, Version.activity_id == activity_id, Version.state == DRAFT
        )
    )


def all_current(tenant_id: int) -> dict[int, tuple[Version | None, Version | None]]:
    """The published version and the draft of every activity, by activity id."""
    current: dict[int, tuple[Version | None, Version | None]] = {}
    for version in session.scalars(select(Version).where(Version.tenant_id == tenant_id).order_by(Version.number)):
        live, waiting = current.get(version.activity_id, (None, None))
        current[version.activity_id] = (live, version) if version.state == DRAFT else (version, waiting)
    return current


def is_asked() -> ColumnElement[bool]:
    """The condition on `VersionItem` that a question is not retired."""
    return func.coalesce(VersionItem.content["retired"].as_boolean(), False).is_(False)


def may_edit(launch: Launch, activity_id: int) -> bool:
    """Whether the course of this launch owns the activity; nobody else edits it."""
    activity = activities.get(launch.tenant.id, activity_id)
    return launch.is_instructor and launch.course is not None and activity.owner_course_id == launch.course.id


def sections(tenant_id: int, versions: Iterable[Version]) -> dict[int, list[Section]]:
    """The competencies of versions with their counts, by version id, in two queries.

    Retired questions are not counted, and a published version does not show competencies in which nothing is asked.
    """
    by_id = {version.id: version for version in versions}
    counted = session.execute(
        select(VersionItem.competency_row_id, func.count())
        .where(VersionItem.tenant_id == tenant_id, VersionItem.version_id.in_(by_id), is_asked())
        .group_by(VersionItem.competency_row_id)
    )
    counts = dict(counted.all())
    found: dict[int, list[Section]] = {version_id: [] for version_id in by_id}
    for row in session.scalars(
        select(VersionCompetency)
        .where(VersionCompetency.tenant_id == tenant_id, VersionCompetency.version_id.in_(by_id))
        .order_by(VersionCompetency.position)
    ):
        items, version = counts.get(row.id, 0), by_id[row.version_id]
        if items or version.state == DRAFT:
            drawn = min(version.per_competency or items, items)
            found[row.version_id].append(Section(row.code, row.titles, items, drawn, row.weight))
    return found


def bank(version: Version) -> Bank:
    """The questions of a version."""
    titles = session.scalars(
        select(VersionCompetency)
        .where(VersionCompetency.tenant_id == version.tenant_id, VersionCompetency.version_id == version.id)
        .order_by(VersionCompetency.position)
    )
    contents = session.scalars(
        select(VersionItem.content)
        .where(VersionItem.tenant_id == version.tenant_id, VersionItem.version_id == version.id)
        .order_by(VersionItem.position)
    )
    return Bank(
        tuple(CompetencyTitles(row.code, row.titles) for row in titles),
        tuple(from_json(content) for content in contents),
    )


def digest(bank: Bank) -> str:
    """A fingerprint of the questions: equal for the same ones."""
    titles = [[each.code, dict(each.titles)] for each in bank.competencies]
    content = [titles, [to_json(item) for item in bank.items]]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def keep_draft(tenant_id: int, activity_id: int, bank: Bank, per_competency: int | None = None) -> Version:
    """Store `bank` as the draft of the activity, in place of the draft that is there.

    Competencies keep the weights that they have in that draft, or else in the published version.
    """
    weights: dict[str, Decimal] = {}
    for known in (published(tenant_id, activity_id), old := draft(tenant_id, activity_id)):
        if known is not None:
            weights |= {section.code: section.weight for section in sections(tenant_id, [known])[known.id]}
    if old is not None:
        _drop_draft(old)
    last = session.scalar(
        select(func.max(Version.number)).where(Version.tenant_id == tenant_id, Version.activity_id == activity_id)
    )
    version = Version(
        tenant_id=tenant_id,
        activity_id=activity_id,
        number=(last or 0) + 1,
        state=DRAFT,
        languages=list(bank.languages),
        per_competency=per_competency,
        digest=digest(bank),
    )
    session.add(version)
    session.flush()
    _store_bank(version, bank, weights)
    return version


def weigh(version: Version, weights: Mapping[str, Decimal]) -> None:
    """Set the weights of competencies of a draft, by code."""
    for row in session.scalars(
        select(VersionCompetency).where(
            VersionCompetency.tenant_id == version.tenant_id, VersionCompetency.version_id == version.id
        )
    ):
        row.weight = weights.get(row.code, row.weight)
    session.flush()


def publish(version: Version) -> None:
    """Publish a draft: from now on it is what new attempts take, and it never changes again."""
    locked = session.scalar(
        select(Version)
        .where(Version.tenant_id == version.tenant_id, Version.id == version.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if locked is None or locked.state == PUBLISHED:
        return
    rows = session.scalars(
        select(VersionCompetency).where(
            VersionCompetency.tenant_id == locked.tenant_id, VersionCompetency.version_id == locked.id
        )
    ).all()
    known = competencies.ensure_all(locked.tenant_id, FRAMEWORK, {row.code: row.titles for row in rows})
    for row in rows:
        row.competency_id = known[row.code].id
    locked.state = PUBLISHED
    locked.published_at = utcnow()
    session.flush()


def _store_bank(version: Version, bank: Bank, weights: Mapping[str, Decimal]) -> None:
    own = {"tenant_id": version.tenant_id, "version_id": version.id}
    rows = {
        each.code: VersionCompetency(
            **own,
            position=position,
            code=each.code,
            titles=dict(each.titles),
            weight=weights.get(each.code, Decimal(1)),
        )
        for position, each in enumerate(bank.competencies)
    }
    session.add_all(rows.values())
    session.flush()
    session.add_all(
        VersionItem(
            **own,
            competency_row_id=rows[item.competency].id,
            position=position,
            code=item.code,
            content=to_json(item),
        )
        for position, item in enumerate(bank.items)
    )
    session.flush()


def _drop_draft(version: Version) -> None:
    """Remove a draft and the previews of it; nothing else can refer to a draft."""
    drop_previews(version)
    for owned in (VersionItem, VersionCompetency):
        session.execute(delete(owned).where(owned.tenant_id == version.tenant_id, owned.version_id == version.id))
    session.delete(version)
    session.flush()


def drop_previews(version: Version) -> None:
    """Remove the sittings by which instructors tried a draft."""
    previews = select(Attempt.id).where(
        Attempt.tenant_id == version.tenant_id, Attempt.version_id == version.id, Attempt.preview
    )
    for table in (Answer, Result, SelfRating):
        session.execute(delete(table).where(table.tenant_id == version.tenant_id, table.attempt_id.in_(previews)))
    session.execute(
        delete(Attempt).where(Attempt.tenant_id == version.tenant_id, Attempt.version_id == version.id, Attempt.preview)
    )
