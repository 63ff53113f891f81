"""Competencies of an institution, and the append-only record of evidence for them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import Select, func, select, update

from ltitools.db import session, upsert, utcnow
from ltitools.i18n import current_locale
from ltitools.models import Competency as CompetencyRow
from ltitools.models import CompetencyResult as ResultRow
from ltitools.models import Evidence as EvidenceRow
from ltitools.models import Framework
from ltitools.services.events import CompetencyRecorded, emit


@dataclass(frozen=True)
class Competency:
    """Something a learner can do. `titles` maps a locale to its wording.

    `id` is of one version of its framework and says how it was worded there; `guid` is the same in all versions.
    """

    id: int
    code: str
    titles: Mapping[str, str]
    guid: str

    def title(self, locale: str | None = None) -> str:
        """Its wording in the locale (the current one if none is given), else in any, else its code."""
        return self.titles.get(locale or current_locale()) or next(iter(self.titles.values()), self.code)


@dataclass(frozen=True)
class Evidence:
    """One observation: `fraction` (0 to 1) of what was asked, at `observed_at`. `source` is the writer's own
    unique reference; the same source is recorded once.
    """

    person_id: int
    course_id: int | None
    link_id: int | None
    activity_id: int | None
    competency_id: int
    fraction: float
    source: str
    observed_at: datetime


@dataclass(frozen=True)
class CompetencyResult:
    """A conclusion: `level` is shown, developing or gap; `probability` that the competency is mastered."""

    person_id: int
    course_id: int | None
    link_id: int | None
    activity_id: int | None
    competency_id: int
    level: str
    probability: float
    source: str
    observed_at: datetime


def ensure(tenant_id: int, framework: str, code: str, titles: Mapping[str, str]) -> Competency:
    """The competency with this code in the framework, made if it is not there."""
    return ensure_all(tenant_id, framework, {code: titles})[code]


def ensure_all(tenant_id: int, framework: str, titles: Mapping[str, Mapping[str, str]]) -> dict[str, Competency]:
    """The same for many, by code, in the version of the framework that is in force.

    A wording that is new for a locale is added, one that is there is kept. What is not in that version is added to it
    at the end, under the identifier that another version of the framework has for the code.
    """
    framework_id = _in_force(tenant_id, framework)
    found = {
        row.code: row
        for row in session.scalars(
            select(CompetencyRow).where(
                CompetencyRow.tenant_id == tenant_id,
                CompetencyRow.framework_id == framework_id,
                CompetencyRow.code.in_(list(titles)),
            )
        )
    }
    if missing := [code for code in titles if code not in found]:
        found |= _added(tenant_id, framework, framework_id, {code: titles[code] for code in missing})
    for code, wording in titles.items():
        merged = {**wording, **found[code].titles}
        if merged != found[code].titles:
            found[code].titles, found[code].changed_at = merged, utcnow()
    session.flush()
    return {code: _competency(row) for code, row in found.items()}


def _added(
    tenant_id: int, key: str, framework_id: int, titles: Mapping[str, Mapping[str, str]]
) -> dict[str, CompetencyRow]:
    known = session.execute(
        select(CompetencyRow.code, CompetencyRow.guid)
        .join(Framework, Framework.id == CompetencyRow.framework_id)
        .where(CompetencyRow.tenant_id == tenant_id, Framework.key == key, CompetencyRow.code.in_(list(titles)))
        .order_by(Framework.number)
    )
    guids = {row.code: row.guid for row in known}
    last = session.scalar(
        select(func.max(CompetencyRow.position)).where(
            CompetencyRow.tenant_id == tenant_id, CompetencyRow.framework_id == framework_id
        )
    )
    rows = {
        code: CompetencyRow(
            tenant_id=tenant_id,
            framework_id=framework_id,
            guid=guids.get(code) or str(uuid.uuid4()),
            code=code,
            titles=dict(wording),
            position=position,
        )
        for position, (code, wording) in enumerate(titles.items(), 0 if last is None else last + 1)
    }
    session.add_all(rows.values())
    return rows


def named(tenant_id: int, competency_ids: Iterable[int]) -> dict[int, Competency]:
    """The competencies with these ids, in one query."""
    ids = set(competency_ids)
    if not ids:
        return {}
    rows = session.scalars(select(CompetencyRow).where(CompetencyRow.tenant_id == tenant_id, CompetencyRow.id.in_(ids)))
    return {row.id: _competency(row) for row in rows}


@dataclass(frozen=True)
class Framed:
    """A competency with the framework that it stands in: its title and the number of its version.

    `uri` is where the competency came from, empty where it was made here.
    """

    competency: Competency
    framework_key: str
    framework_titles: Mapping[str, str]
    number: int
    uri: str

    def framework(self, locale: str | None = None) -> str:
        """The framework's title in the locale, else in any, else its key."""
        titles = self.framework_titles
        return titles.get(locale or current_locale()) or next(iter(titles.values()), self.framework_key)


def in_force(tenant_id: int) -> list[Framed]:
    """The competencies of all frameworks of an institution that are in force, by framework, in their order."""
    rows = session.execute(
        select(CompetencyRow, Framework)
        .join(Framework, Framework.id == CompetencyRow.framework_id)
        .where(CompetencyRow.tenant_id == tenant_id, Framework.state == "published")
        .order_by(Framework.key, CompetencyRow.position, CompetencyRow.id)
    )
    return [Framed(_competency(row), one.key, one.titles, one.number, row.uri) for row, one in rows]


def append_evidence(tenant_id: int, evidence: Sequence[Evidence]) -> None:
    """Add observations to the record; what is there is never changed."""
    if not evidence:
        return
    if any(not 0 <= one.fraction <= 1 for one in evidence):
        raise ValueError("a fraction of evidence lies between 0 and 1")
    rows = [{"tenant_id": tenant_id, **asdict(one)} for one in evidence]
    session.execute(upsert(EvidenceRow).on_conflict_do_nothing(index_elements=["tenant_id", "source"]), rows)


def record_results(tenant_id: int, results: Sequence[CompetencyResult]) -> None:
    """Store conclusions and tell the plugins that listen; the same source again changes nothing."""
    for result in results:
        new = session.execute(
            upsert(ResultRow)
            .values(tenant_id=tenant_id, **asdict(result))
            .on_conflict_do_nothing(index_elements=["tenant_id", "source"])
            .returning(ResultRow.id)
        ).first()
        if new is None:
            continue
        emit(
            CompetencyRecorded(
                tenant_id=tenant_id,
                person_id=result.person_id,
                course_id=result.course_id,
                link_id=result.link_id,
                activity_id=result.activity_id,
                competency_id=result.competency_id,
                level=result.level,
                probability=result.probability,
            )
        )


def withdraw(tenant_id: int, sources: Sequence[str] | str, reason: str) -> int:
    """Take evidence and conclusions back that turned out to be wrong: those with `sources`, or where it is one text,
    all whose source begins with it. They stay on record with the time and `reason` of the first withdrawal, count for
    nothing any more, and the same sources cannot be recorded again. Returns how many were withdrawn now.
    """
    if not sources:
        return 0
    values = {"withdrawn_at": utcnow(), "withdrawn_reason": reason[:500]}
    count = 0
    for table in (EvidenceRow, ResultRow):
        source = table.source
        chosen = source.startswith(sources, autoescape=True) if isinstance(sources, str) else source.in_(sources)
        changed = session.execute(
            update(table)
            .where(table.tenant_id == tenant_id, table.withdrawn_at.is_(None), chosen)
            .values(**values)
            .returning(table.id)
        )
        count += len(changed.all())
    return count


def results_of(tenant_id: int, person_id: int, course_id: int | None = None) -> list[CompetencyResult]:
    """What was concluded of a person, everywhere or in a course, and was not withdrawn; the latest first."""
    found = select(ResultRow).where(
        ResultRow.tenant_id == tenant_id, ResultRow.person_id == person_id, ResultRow.withdrawn_at.is_(None)
    )
    if course_id is not None:
        found = found.where(ResultRow.course_id == course_id)
    return _results(found)


def results_in(tenant_id: int, course_id: int) -> list[CompetencyResult]:
    """What was concluded of everybody in a course, and was not withdrawn; the latest first."""
    return _results(
        select(ResultRow).where(
            ResultRow.tenant_id == tenant_id, ResultRow.course_id == course_id, ResultRow.withdrawn_at.is_(None)
        )
    )


def _results(found: Select[ResultRow]) -> list[CompetencyResult]:
    names = [field.name for field in fields(CompetencyResult)]
    rows = session.scalars(found.order_by(ResultRow.observed_at.desc(), ResultRow.id.desc()))
    return [CompetencyResult(**{name: getattr(row, name) for name in names}) for row in rows]


def _in_force(tenant_id: int, key: str) -> int:
    """The published version of the framework, locked: made if there is none, or else its draft, which is now in force.

    Locked, because two tools that add the same code at once would each make it.
    """
    now = utcnow()
    session.execute(
        upsert(Framework)
        .values(tenant_id=tenant_id, key=key, created_at=now, changed_at=now, published_at=now)
        .on_conflict_do_nothing()
    )
    framework = session.scalars(
        select(Framework)
        .where(Framework.tenant_id == tenant_id, Framework.key == key, Framework.state != "replaced")
        .order_by(Framework.state.desc())
        .limit(1)
        .with_for_update()
    ).one()
    if framework.state == "draft":
        framework.state, framework.published_at = "published", now
    return framework.id


def _competency(row: CompetencyRow) -> Competency:
    return Competency(row.id, row.code, row.titles, row.guid)
