"""What came of sittings: the results of one person, and of all people on a link, on a page or as a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from babel.numbers import format_decimal
from sqlalchemy import func, select

from ltitools.plugin import GradeStatus, LazyText, current_locale, grades, people, session
from ltitools_diagnostic.csvfile import write_rows
from ltitools_diagnostic.items import Wording
from ltitools_diagnostic.models import Answer, Attempt, Result, Version, VersionCompetency
from ltitools_diagnostic.scoring import CUT, Level
from ltitools_diagnostic.texts import _, lazy, say

LEVELS: Mapping[str, LazyText] = {
    Level.SHOWN: lazy("Shown"),
    Level.DEVELOPING: lazy("Developing"),
    Level.GAP: lazy("Gap"),
}
SENTENCES: Mapping[str, LazyText] = {
    Level.SHOWN: lazy("Your answers show that you can already do this."),
    Level.DEVELOPING: lazy(
        "Your answers do not settle this yet: you know a part of it, or there was too little to see."
    ),
    Level.GAP: lazy("There is something to learn for you here. That is what the course is for."),
}


@dataclass(frozen=True)
class CompetencyOutcome:
    """The result of an attempt in one competency."""

    code: str
    titles: Wording
    points: float
    items: int
    probability: float
    level: str

    @property
    def share(self) -> float:
        """Points as a share, 0 to 1."""
        return self.points / self.items

    @property
    def points_text(self) -> str:
        """Points as people write them: 7, or 7.5."""
        return decimal_text(Decimal(str(round(self.points, 2))))


@dataclass(frozen=True)
class Row:
    """One person on the dashboard; `answered` of `asked` questions, results by competency code."""

    name: str
    is_test: bool
    answered: int
    asked: int
    submitted_at: datetime | None
    score: Decimal | None
    results: Mapping[str, CompetencyOutcome]
    grade: GradeStatus


@dataclass(frozen=True)
class Summary:
    """A competency over all people who count: how many stand where."""

    code: str
    titles: Wording
    levels: Mapping[str, int]


@dataclass(frozen=True)
class Dashboard:
    """What happened on one link. Test people are listed and not counted."""

    summaries: Sequence[Summary]
    rows: Sequence[Row]

    @property
    def started(self) -> int:
        """How many people who count have begun."""
        return sum(not row.is_test for row in self.rows)

    @property
    def submitted(self) -> int:
        """How many people who count have submitted."""
        return sum(row.submitted_at is not None and not row.is_test for row in self.rows)


def outcomes(attempt: Attempt) -> list[CompetencyOutcome]:
    """The results of one submitted attempt, in the order of the version's competencies."""
    return list(_outcomes(attempt.tenant_id, [attempt.id]).get(attempt.id, {}).values())


def dashboard(tenant_id: int, link_id: int, activity_id: int, version: Version | None) -> Dashboard:
    """Everybody's state at the activity on a link, in a fixed number of queries however many they are."""
    attempts = session.scalars(
        select(Attempt).where(
            Attempt.tenant_id == tenant_id,
            Attempt.link_id == link_id,
            Attempt.activity_id == activity_id,
            ~Attempt.preview,
        )
    ).all()
    known = people.names(tenant_id, [attempt.person_id for attempt in attempts])
    answered = _answered_counts(tenant_id, link_id)
    results = _outcomes(tenant_id, [attempt.id for attempt in attempts])
    states = grades.statuses(tenant_id, link_id)
    rows = [
        Row(
            name=known[attempt.person_id].name,
            is_test=known[attempt.person_id].is_test,
            answered=answered.get(attempt.id, 0),
            asked=len(attempt.form),
            submitted_at=attempt.submitted_at,
            score=attempt.score,
            results=results.get(attempt.id, {}),
            grade=states.get(attempt.person_id, GradeStatus("none")),
        )
        for attempt in attempts
    ]
    rows.sort(key=lambda row: (row.is_test, not row.name, row.name.casefold()))
    return Dashboard(_summaries(_columns(tenant_id, attempts, version), rows), rows)


def people_csv(board: Dashboard) -> bytes:
    """The dashboard as a file for a spreadsheet."""
    header = [_("Name"), _("Test person"), _("State"), _("Answered"), _("Questions"), _("Submitted (UTC)"), _("Score")]
    for summary in board.summaries:
        title = say(summary.titles)
        header += [
            _("%(title)s: points", title=title),
            _("%(title)s: questions", title=title),
            _("%(title)s: probability", title=title),
            _("%(title)s: level", title=title),
        ]
    header.append(_("Grade in the LMS"))
    return write_rows([header, *(_csv_row(row, board.summaries) for row in board.rows)])


def _csv_row(row: Row, summaries: Sequence[Summary]) -> list[str]:
    cells = [
        row.name,
        _("yes") if row.is_test else "",
        str(state_text(row)),
        str(row.answered),
        str(row.asked),
        row.submitted_at.strftime("%Y-%m-%d %H:%M") if row.submitted_at else "",
        "" if row.score is None else f"{row.score:f}",
    ]
    for summary in summaries:
        result = row.results.get(summary.code)
        if result is None:
            cells += ["", "", "", ""]
        else:
            probability = f"{result.probability:.4f}"
            cells += [f"{result.points:.4g}", str(result.items), probability, str(LEVELS[result.level])]
    return [*cells, grade_text(row.grade)]


def state_text(row: Row) -> LazyText:
    """How far a person has come."""
    if row.submitted_at is not None:
        return lazy("Submitted")
    if row.answered:
        return lazy("In progress: %(answered)s of %(asked)s", answered=row.answered, asked=row.asked)
    return lazy("Opened, nothing answered")


def grade_text(grade: GradeStatus) -> str:
    """How far a grade has come on its way to the LMS; a refusal in the LMS's own words."""
    texts = {
        "waiting": lazy("Waiting for the LMS"),
        "sent": lazy("Sent"),
        "ungraded": lazy("Not sent: this activity has no gradebook column"),
    }
    if grade.state == "parked":
        return _("The LMS refused: %(problem)s", problem=grade.problem)
    return str(texts[grade.state]) if grade.state in texts else ""


def decimal_text(number: Decimal) -> str:
    """A number with the decimal sign of the reader's language, without zeros at its end."""
    return str(format_decimal(number, format="#,##0.##", locale=current_locale()))


def cut_percent() -> int:
    """The share of the questions of a competency that has to be known, in percent."""
    return round(CUT * 100)


def _outcomes(tenant_id: int, attempt_ids: Sequence[int]) -> dict[int, dict[str, CompetencyOutcome]]:
    found: dict[int, dict[str, CompetencyOutcome]] = {}
    rows = session.execute(
        select(Result, VersionCompetency)
        .join(VersionCompetency, VersionCompetency.id == Result.competency_row_id)
        .where(Result.tenant_id == tenant_id, Result.attempt_id.in_(attempt_ids))
        .order_by(VersionCompetency.position)
    )
    for result, competency in rows:
        found.setdefault(result.attempt_id, {})[competency.code] = CompetencyOutcome(
            competency.code, competency.titles, result.points, result.items, result.probability, result.level
        )
    return found


def _answered_counts(tenant_id: int, link_id: int) -> dict[int, int]:
    rows = session.execute(
        select(Answer.attempt_id, func.count())
        .join(Attempt, Attempt.id == Answer.attempt_id)
        .where(
            Answer.tenant_id == tenant_id,
            Attempt.link_id == link_id,
            Answer.response.is_not(None),
        )
        .group_by(Answer.attempt_id)
    )
    return dict(rows.all())


def _columns(tenant_id: int, attempts: Sequence[Attempt], version: Version | None) -> dict[str, Wording]:
    """The competencies of every version that is in use here, by code; the newest wording counts."""
    used = {attempt.version_id for attempt in attempts} | ({version.id} if version else set())
    rows = session.scalars(
        select(VersionCompetency)
        .where(VersionCompetency.tenant_id == tenant_id, VersionCompetency.version_id.in_(used))
        .order_by(VersionCompetency.version_id, VersionCompetency.position)
    )
    return {row.code: row.titles for row in rows}


def _summaries(columns: Mapping[str, Wording], rows: Sequence[Row]) -> list[Summary]:
    counted = [row for row in rows if not row.is_test]
    return [
        Summary(code, titles, Counter(row.results[code].level for row in counted if code in row.results))
        for code, titles in columns.items()
    ]
