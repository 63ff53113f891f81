"""Scores on their way to the LMS: recorded in the caller's transaction, delivered by `ltitools.worker.outbox`.

A *score* is what we send, a *line item* the gradebook column it goes to, a *result* what the LMS then holds.
https://www.imsglobal.org/spec/lti-ags/v2p0/
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sqlalchemy import ColumnElement, select, update

from ltitools.db import announce_work, session, utcnow
from ltitools.errors import NotFound
from ltitools.lti.ags import SCORE
from ltitools.models import Grade, LineItem, Link, Person
from ltitools.services import audit
from ltitools.services.events import ScoreCleared, ScoreRecorded, emit

STEP = timedelta(seconds=1)
AHEAD = timedelta(seconds=2)
PLACES = Decimal("0.00001")


@dataclass(frozen=True)
class Score:
    """A final score. `given` of zero is a score; no score is no record. `submitted_at` is when the work was."""

    given: Decimal
    maximum: Decimal
    submitted_at: datetime
    comment: str | None = None


@dataclass(frozen=True)
class GradeStatus:
    """How far a score has come. One that was cleared, or is to be, has no `given`.

    `state`: ``none`` (nothing recorded), ``waiting``, ``sent``, ``unseen`` (the LMS took it but shows no score for the
    person, as Moodle does where the grade type of the activity is *None*), ``cleared`` (the LMS holds no score of ours
    any more), ``parked`` (the LMS refused, `problem` has its words), ``dropped`` (somebody decided that it is not to be
    sent) or ``ungraded`` (the LMS gave this link no column).
    """

    state: str
    given: Decimal | None = None
    maximum: Decimal | None = None
    recorded_at: datetime | None = None
    sent_at: datetime | None = None
    problem: str = ""


NOTHING = GradeStatus("none")


def takes_scores(link: Link) -> bool:
    """Whether the LMS gave the link a column and the right to write to it."""
    return bool(link.line_item_url) and SCORE in link.service_scopes


def record(tenant_id: int, link_id: int, person_id: int, score: Score, competency_id: int | None = None) -> GradeStatus:
    """Record a score for a person on a link, or for a competency there; the latest wins. Nothing is sent before the
    caller commits.

    The score for a competency goes to a column of its own, which `columns.ensure_for_competency` makes.
    """
    if score.given < 0 or score.maximum <= 0:
        raise ValueError("a score has 0 <= given and 0 < maximum")
    link = _link(tenant_id, link_id)
    person = session.scalar(select(Person).where(Person.tenant_id == tenant_id, Person.id == person_id))
    if link is None or person is None:
        raise NotFound("The link or the person of this score is not there.")
    grade, can_go = _locked(tenant_id, link_id, person_id, competency_id), _has_column(link, competency_id)
    if grade is None:
        grade = Grade(
            tenant_id=tenant_id,
            registration_id=link.registration_id,
            link_id=link_id,
            person_id=person_id,
            competency_id=competency_id,
            version=0,
            timestamp=utcnow(),
        )
        session.add(grade)
    grade.given = score.given.quantize(PLACES, ROUND_HALF_UP)
    grade.maximum = score.maximum.quantize(PLACES, ROUND_HALF_UP)
    grade.comment = score.comment
    grade.submitted_at = score.submitted_at
    _renew(grade, can_go)
    session.flush()
    if competency_id is None:
        emit(
            ScoreRecorded(
                tenant_id=tenant_id,
                person_id=person_id,
                course_id=link.course_id,
                link_id=link_id,
                activity_id=link.activity_id,
                given=str(score.given),
                maximum=str(score.maximum),
            )
        )
    return _status(grade)


def clear(tenant_id: int, link_id: int, person_id: int, competency_id: int | None = None) -> GradeStatus:
    """Empty the person's cell in the gradebook, in the caller's transaction. Only this call ever does.

    It goes the way of a score, and a later score wins over it. Where nothing of ours has gone to the LMS, or there is
    nothing to clear, nothing is sent.
    """
    link, grade = _link(tenant_id, link_id), _locked(tenant_id, link_id, person_id, competency_id)
    if link is None or grade is None:
        return NOTHING
    grade.given = None
    grade.comment = None
    _renew(grade, _has_column(link, competency_id))
    if not grade.posts and not grade.lease:
        grade.state = "cleared"
        grade.sent_version = grade.version
    session.flush()
    if competency_id is None:
        emit(ScoreCleared(tenant_id, person_id, link.course_id, link_id, link.activity_id))
    return _status(grade)


def resend(tenant_id: int, link_id: int, person_id: int, competency_id: int | None = None) -> GradeStatus:
    """Send what is recorded for the person once more, although the LMS had taken it: an instructor asks for it.

    It gets a new timestamp, and the LMS's results are looked at anew.
    """
    link, grade = _link(tenant_id, link_id), _locked(tenant_id, link_id, person_id, competency_id)
    if link is None or grade is None:
        return NOTHING
    grade.result = ""
    _renew(grade, _has_column(link, competency_id))
    session.flush()
    return _status(grade)


def status(tenant_id: int, link_id: int, person_id: int, competency_id: int | None = None) -> GradeStatus:
    """How far the person's score on the link, or for a competency there, has come."""
    grade = session.scalar(select(Grade).where(*_cell(tenant_id, link_id, person_id, competency_id)))
    return _status(grade) if grade else NOTHING


def statuses(tenant_id: int, link_id: int, competency_id: int | None = None) -> dict[int, GradeStatus]:
    """The same for everybody with a score there, by person id."""
    rows = session.scalars(
        select(Grade).where(
            Grade.tenant_id == tenant_id,
            Grade.link_id == link_id,
            Grade.competency_id.is_not_distinct_from(competency_id),
        )
    )
    return {grade.person_id: _status(grade) for grade in rows}


@dataclass(frozen=True)
class Recorded:
    """A score on record: of whom, on which link and activity, `given` of `maximum`."""

    person_id: int
    link_id: int
    activity_id: int | None
    given: Decimal
    maximum: Decimal
    recorded_at: datetime


def in_course(tenant_id: int, course_id: int) -> list[Recorded]:
    """The scores of everybody on the links of a course, of whichever tool, without those for one competency."""
    rows = session.execute(
        select(Grade, Link.activity_id)
        .join(Link, Link.id == Grade.link_id)
        .where(
            Grade.tenant_id == tenant_id,
            Link.course_id == course_id,
            Grade.competency_id.is_(None),
            Grade.given.is_not(None),
        )
        .order_by(Grade.id)
    )
    return [
        Recorded(grade.person_id, grade.link_id, activity_id, grade.given, grade.maximum, grade.recorded_at)
        for grade, activity_id in rows
        if grade.given is not None
    ]


def undelivered(tenant_id: int) -> list[tuple[Grade, Link, Person]]:
    """The scores that the LMS has not taken, with their link and person, oldest first."""
    rows = session.execute(
        select(Grade, Link, Person)
        .join(Link, Link.id == Grade.link_id)
        .join(Person, Person.id == Grade.person_id)
        .where(Grade.tenant_id == tenant_id, Grade.state.in_(("waiting", "parked", "ungraded")))
        .order_by(Grade.recorded_at, Grade.id)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def send_again(tenant_id: int, grade_id: int | None = None) -> int:
    """Let parked and waiting scores, or one of them, be due now. Returns how many."""
    due = update(Grade).where(Grade.tenant_id == tenant_id, Grade.state.in_(("parked", "waiting")))
    if grade_id is not None:
        due = due.where(Grade.id == grade_id)
    now = utcnow()
    changed = session.execute(due.values(state="waiting", due_at=now, failures=0).returning(Grade.id)).all()
    announce_work()
    if changed:
        audit.record("grade.send", f"grade {grade_id}" if grade_id else "all grades", tenant_id, count=len(changed))
    return len(changed)


def drop(tenant_id: int, grade_id: int) -> bool:
    """Give up sending a score that waits, is parked or has no column. It stays on record, and the next score of the
    person is sent again. False where it was sent meanwhile.
    """
    changed = session.execute(
        update(Grade)
        .where(
            Grade.tenant_id == tenant_id,
            Grade.id == grade_id,
            Grade.state.in_(("waiting", "parked", "ungraded")),
            Grade.lease.is_(None),
        )
        .values(state="dropped")
        .returning(Grade.id)
    ).first()
    if changed:
        audit.record("grade.drop", f"grade {grade_id}", tenant_id)
    return changed is not None


def _link(tenant_id: int, link_id: int) -> Link | None:
    return session.scalar(select(Link).where(Link.tenant_id == tenant_id, Link.id == link_id))


def _cell(tenant_id: int, link_id: int, person_id: int, competency_id: int | None) -> tuple[ColumnElement[bool], ...]:
    return (
        Grade.tenant_id == tenant_id,
        Grade.link_id == link_id,
        Grade.person_id == person_id,
        Grade.competency_id.is_not_distinct_from(competency_id),
    )


def _locked(tenant_id: int, link_id: int, person_id: int, competency_id: int | None) -> Grade | None:
    return session.scalar(select(Grade).where(*_cell(tenant_id, link_id, person_id, competency_id)).with_for_update())


def _renew(grade: Grade, can_go: bool) -> None:
    """Let the grade be a new one that has to be sent, as soon as there is a column that it can go to.

    Its timestamp only grows: one second after any that was or is being posted for this person and line item, because
    Moodle compares by seconds. A score whose timestamp would be more than two seconds ahead waits for the clock.
    """
    now = utcnow()
    posted = grade.posts or grade.lease
    grade.timestamp = max(now, grade.timestamp + STEP if posted else grade.timestamp)
    grade.version += 1
    grade.state = "waiting" if can_go else "ungraded"
    grade.failures = 0
    grade.problem = ""
    grade.recorded_at = now
    grade.due_at = max(now, grade.timestamp - AHEAD)
    announce_work()


def _has_column(link: Link, competency_id: int | None) -> bool:
    if competency_id is None:
        return takes_scores(link)
    made = select(LineItem.id).where(
        LineItem.tenant_id == link.tenant_id,
        LineItem.link_id == link.id,
        LineItem.competency_id == competency_id,
    )
    return SCORE in link.service_scopes and session.scalar(made) is not None


def _status(grade: Grade) -> GradeStatus:
    return GradeStatus(
        state=grade.state,
        given=grade.given,
        maximum=grade.maximum,
        recorded_at=grade.recorded_at,
        sent_at=grade.sent_at,
        problem=grade.problem,
    )
