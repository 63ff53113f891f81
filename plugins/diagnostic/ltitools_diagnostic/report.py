"""What came of sittings: of one person, and of all people on a link, on a page or as a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from babel.numbers import format_decimal
from sqlalchemy import func, select

from ltitools.plugin import (
    INSTRUCTORS,
    GradeStatus,
    Launch,
    LazyText,
    Person,
    current_locale,
    grades,
    people,
    roster,
    session,
)
from ltitools_diagnostic import delivery, sitting
from ltitools_diagnostic.csvfile import write_rows
from ltitools_diagnostic.delivery import Extra
from ltitools_diagnostic.items import Wording
from ltitools_diagnostic.models import Answer, Attempt, Version, VersionCompetency
from ltitools_diagnostic.planning import Module, Plan
from ltitools_diagnostic.scoring import CUT, Level
from ltitools_diagnostic.standing import Best, Sitting, best
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


RATINGS = (
    lazy("Not at all"),
    lazy("A little, with help"),
    lazy("In simple cases"),
    lazy("Well"),
    lazy("So well that I could explain it to others"),
)
"""What a self-rating from 0 to 4 says."""


@dataclass(frozen=True)
class Advice:
    """What to learn: the plan that closes the gaps, and modules for what the answers do not settle."""

    plan: Plan
    more: Sequence[Module]
    bests: Mapping[str, Best]

    def closes(self, module: Module) -> list[Wording]:
        """The titles of what the person lacks and the module teaches."""
        return [self.bests[code].titles for code in module.competencies if code in self.bests and self._open(code)]

    @property
    def untaught_titles(self) -> list[Wording]:
        """The titles of the gaps that no module teaches."""
        return [self.bests[code].titles for code in self.plan.untaught]

    def _open(self, code: str) -> bool:
        return not self.bests[code].shown


@dataclass(frozen=True)
class Row:
    """One person on the dashboard: their sittings that are not voided, and what these have shown together.

    `prior` are the levels of the first sitting, `results` the best of all, both by competency code. `answered` of
    `asked` questions belong to the latest sitting.
    """

    person: Person
    attempts: Sequence[Attempt]
    prior: Sitting
    results: Mapping[str, Best]
    ratings: Mapping[str, int]
    answered: int
    grade: GradeStatus
    extra: Extra
    counts: bool

    @property
    def latest(self) -> Attempt | None:
        """The latest sitting."""
        return self.attempts[-1] if self.attempts else None

    @property
    def asked(self) -> int:
        """How many questions the latest sitting has."""
        return len(self.latest.form) if self.latest else 0

    @property
    def submitted(self) -> Sequence[Attempt]:
        """The sittings that count."""
        return sitting.counted(self.attempts)

    @property
    def score(self) -> Decimal | None:
        """The score that counts."""
        return self.submitted[-1].standing if self.submitted else None

    @property
    def submitted_at(self) -> datetime | None:
        """When the latest sitting that counts was submitted."""
        return self.submitted[-1].submitted_at if self.submitted else None


@dataclass(frozen=True)
class Summary:
    """A competency over all people who count: how many stood where at first, and stand where now."""

    code: str
    titles: Wording
    prior: Mapping[str, int]
    levels: Mapping[str, int]
    ratings: Sequence[int] = ()

    @property
    def n(self) -> int:
        """How many people have a result."""
        return sum(self.prior.values())

    @property
    def mean_rating(self) -> Decimal | None:
        """What people thought of themselves, 0 to 4, to one decimal; None where nobody said."""
        return round(Decimal(sum(self.ratings)) / len(self.ratings), 1) if self.ratings else None


@dataclass(frozen=True)
class Dashboard:
    """What happened on one link. Test people and instructors are listed and not counted."""

    summaries: Sequence[Summary]
    rows: Sequence[Row]
    absent: Sequence[Person] = field(default_factory=tuple)

    @property
    def started(self) -> int:
        """How many people who count have begun."""
        return sum(row.counts for row in self.rows)

    @property
    def submitted(self) -> int:
        """How many people who count have submitted."""
        return sum(bool(row.submitted) and row.counts for row in self.rows)

    @property
    def waiting(self) -> list[Row]:
        """Who asks for more time."""
        return [row for row in self.rows if row.extra.waits]


def dashboard(launch: Launch, version: Version | None) -> Dashboard:
    """Everybody's state at the activity on a link, in a fixed number of queries however many they are."""
    assert launch.link is not None
    assert launch.activity is not None
    tenant_id, link_id, activity_id = launch.tenant.id, launch.link.id, launch.activity.id
    by_person = _attempts_by_person(tenant_id, link_id, activity_id)
    attempts = [attempt for own in by_person.values() for attempt in own]
    extras = delivery.extras(tenant_id, link_id, activity_id)
    known = people.names(tenant_id, {*by_person, *extras})
    members = roster.members(tenant_id, launch.course.id) if launch.course else []
    instructors = {member.person.id for member in members if not member.roles.isdisjoint(INSTRUCTORS)}
    answered = _answered_counts(tenant_id, link_id, activity_id)
    results = sitting.outcomes_of(tenant_id, [attempt.id for attempt in attempts])
    ratings = sitting.ratings(tenant_id, [attempt.id for attempt in attempts])
    states = grades.statuses(tenant_id, link_id)
    rows = []
    for person_id, person in known.items():
        own = by_person.get(person_id, [])
        past = [results.get(attempt.id, {}) for attempt in sitting.counted(own)]
        row = Row(
            person=person,
            attempts=own,
            prior=past[0] if past else {},
            results=best(past),
            ratings=next((ratings[attempt.id] for attempt in own if attempt.id in ratings), {}),
            answered=answered.get(own[-1].id, 0) if own else 0,
            grade=states.get(person_id, GradeStatus("none")),
            extra=extras.get(person_id, delivery.NOTHING_EXTRA),
            counts=bool(own) and not person.is_test and person_id not in instructors,
        )
        rows.append(row)
    rows.sort(key=lambda row: (row.person.is_test, not row.person.name, row.person.name.casefold()))
    absent = [
        member.person
        for member in members
        if member.person.id not in known
        and member.status == "active"
        and member.roles.isdisjoint(INSTRUCTORS)
        and not member.person.is_test
        and member.roles
    ]
    return Dashboard(_summaries(_columns(tenant_id, attempts, version), rows), rows, absent)


def is_member(launch: Launch, person_id: int) -> bool:
    """Whether the course knows the person, by its list or by a launch."""
    if launch.course is None:
        return False
    return any(member.person.id == person_id for member in roster.members(launch.tenant.id, launch.course.id))


def people_csv(board: Dashboard) -> bytes:
    """The dashboard as a file for a spreadsheet."""
    header = [
        _("Name"),
        _("E-mail"),
        _("Counted"),
        _("State"),
        _("Attempts"),
        _("Answered"),
        _("Questions"),
        _("Submitted (UTC)"),
        _("Score"),
    ]
    for summary in board.summaries:
        title = say(summary.titles)
        header += [
            _("%(title)s: level at first", title=title),
            _("%(title)s: level", title=title),
            _("%(title)s: best share", title=title),
            _("%(title)s: probability", title=title),
            _("%(title)s: self-rating", title=title),
        ]
    header.append(_("Grade in the LMS"))
    rows = [_csv_row(row, board.summaries) for row in board.rows]
    rows += [[person.name, person.email, "", _("Not begun")] for person in board.absent]
    return write_rows([header, *rows])


def _csv_row(row: Row, summaries: Sequence[Summary]) -> list[str]:
    cells = [
        row.person.name,
        row.person.email,
        _("yes") if row.counts else _("no"),
        str(state_text(row)),
        str(len(row.attempts)),
        str(row.answered),
        str(row.asked),
        row.submitted_at.strftime("%Y-%m-%d %H:%M") if row.submitted_at else "",
        "" if row.score is None else f"{row.score:f}",
    ]
    for summary in summaries:
        result, prior = row.results.get(summary.code), row.prior.get(summary.code)
        cells += [
            str(LEVELS[prior.level]) if prior else "",
            str(LEVELS[result.level]) if result else "",
            f"{float(result.share):.4f}" if result else "",
            f"{result.conclusion.probability:.4f}" if result else "",
            str(row.ratings.get(summary.code, "")),
        ]
    return [*cells, grade_text(row.grade)]


def state_text(row: Row) -> LazyText:
    """How far a person has come."""
    latest = row.latest
    if latest is None:
        return lazy("Not begun")
    if latest.submitted_at is not None:
        return lazy("Submitted") if len(row.attempts) == 1 else lazy("Submitted %(n)s times", n=len(row.submitted))
    if row.answered:
        return lazy("In progress: %(answered)s of %(asked)s", answered=row.answered, asked=row.asked)
    return lazy("Opened, nothing answered")


def grade_text(grade: GradeStatus) -> str:
    """How far a grade has come on its way to the LMS; a refusal in the LMS's own words."""
    texts = {
        "waiting": lazy("Waiting for the LMS"),
        "sent": lazy("Sent"),
        "unseen": lazy("Sent, but the LMS shows no grade: this activity is set up there without one"),
        "cleared": lazy("Removed from the gradebook"),
        "ungraded": lazy("Not sent: this activity has no gradebook column"),
        "dropped": lazy("Not sent: an administrator took it off the list"),
    }
    if grade.state == "parked":
        return _("The LMS refused: %(problem)s", problem=grade.problem)
    return str(texts[grade.state]) if grade.state in texts else ""


def decimal_text(number: Decimal | float) -> str:
    """A number with the decimal sign of the reader's language, without zeros at its end."""
    return str(format_decimal(number, format="#,##0.##", locale=current_locale()))


def percent_text(share: float) -> str:
    """A share, 0 to 1, in percent with at most one decimal, without the sign."""
    return str(format_decimal(round(float(share) * 100, 1), format="#,##0.#", locale=current_locale()))


def cut_percent() -> int:
    """The share of the questions of a competency that has to be known, in percent."""
    return round(CUT * 100)


def _attempts_by_person(tenant_id: int, link_id: int, activity_id: int) -> dict[int, list[Attempt]]:
    rows = session.scalars(
        select(Attempt)
        .where(
            Attempt.tenant_id == tenant_id,
            Attempt.link_id == link_id,
            Attempt.activity_id == activity_id,
            ~Attempt.preview,
            Attempt.voided_at.is_(None),
        )
        .order_by(Attempt.number)
    )
    found: dict[int, list[Attempt]] = {}
    for attempt in rows:
        found.setdefault(attempt.person_id, []).append(attempt)
    return found


def _answered_counts(tenant_id: int, link_id: int, activity_id: int) -> dict[int, int]:
    rows = session.execute(
        select(Answer.attempt_id, func.count())
        .join(Attempt, Attempt.id == Answer.attempt_id)
        .where(
            Answer.tenant_id == tenant_id,
            Attempt.link_id == link_id,
            Attempt.activity_id == activity_id,
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
    counted = [row for row in rows if row.counts and row.submitted]
    return [
        Summary(
            code,
            titles,
            Counter(row.prior[code].level for row in counted if code in row.prior),
            Counter(row.results[code].level for row in counted if code in row.results),
            [row.ratings[code] for row in counted if code in row.ratings],
        )
        for code, titles in columns.items()
    ]
