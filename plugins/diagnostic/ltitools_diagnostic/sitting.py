"""A sitting, from its start to its results: draw the form, save answers, submit, and void what went wrong."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from ltitools.plugin import Score, competencies, grades, session, upsert, utcnow
from ltitools_diagnostic import forms, recording
from ltitools_diagnostic.items import Item, Response, from_json
from ltitools_diagnostic.models import (
    Answer,
    Attempt,
    Result,
    SelfRating,
    Version,
    VersionCompetency,
    VersionItem,
)
from ltitools_diagnostic.scoring import fraction
from ltitools_diagnostic.standing import CompetencyOutcome, Sitting, best, score_of, standings

MAXIMUM = Decimal(100)
NOTHING = Decimal(0)
BY_PERSON, BY_TIME = "person", "time"
SELF_RATINGS = range(5)
"""From 0, "not at all", to 4, "I could teach it"."""


class AlreadySubmitted(Exception):
    """The attempt is submitted; its answers are final."""


class NothingLeft(Exception):
    """Everything that could be asked again is shown already."""


@dataclass(frozen=True)
class Question:
    """A question of a form: `number` counts from 1, `order` are its option indices as shown."""

    number: int
    item_id: int
    competency_row_id: int
    item: Item
    order: Sequence[int]
    response: Response


@dataclass(frozen=True)
class Who:
    """A person at an activity on a link: whose sittings belong together."""

    tenant_id: int
    link_id: int
    activity_id: int
    person_id: int


@dataclass(frozen=True)
class Request:
    """What a new sitting is to be: the job role that was chosen, and whether each page holds one competency.

    `scope` are the codes of the competencies that the job role needs; None is all.
    """

    course_id: int | None
    role: str | None = None
    scope: Collection[str] | None = None
    grouped: bool = False


def all_of(who: Who) -> list[Attempt]:
    """Every sitting of the person, also the voided ones, in their order."""
    return list(
        session.scalars(
            select(Attempt)
            .where(
                Attempt.tenant_id == who.tenant_id,
                Attempt.link_id == who.link_id,
                Attempt.activity_id == who.activity_id,
                Attempt.person_id == who.person_id,
                ~Attempt.preview,
            )
            .order_by(Attempt.number)
        )
    )


def open_one(attempts: Sequence[Attempt]) -> Attempt | None:
    """The sitting that is not submitted yet; there is at most one."""
    return next((each for each in attempts if each.submitted_at is None and each.voided_at is None), None)


def counted(attempts: Sequence[Attempt]) -> list[Attempt]:
    """The sittings that count: submitted, and not voided."""
    return [each for each in attempts if each.submitted_at is not None and each.voided_at is None]


def used(attempts: Sequence[Attempt]) -> int:
    """How many sittings have been used; a voided one is given back."""
    return sum(each.voided_at is None for each in attempts)


def find_preview(tenant_id: int, version_id: int, person_id: int) -> Attempt | None:
    """The preview that a person has begun of a version."""
    return session.scalar(
        select(Attempt).where(
            Attempt.tenant_id == tenant_id,
            Attempt.version_id == version_id,
            Attempt.person_id == person_id,
            Attempt.preview,
        )
    )


def begin(version: Version, who: Who, request: Request) -> Attempt:
    """The open sitting of the person, begun now unless there is one: two browsers end in one.

    A later sitting asks about what is not shown yet, with other questions while there are some. Raises NothingLeft.
    """
    attempts = all_of(who)
    found = open_one(attempts)
    if found is not None:
        return found
    attempt = Attempt(
        tenant_id=who.tenant_id,
        version_id=version.id,
        activity_id=who.activity_id,
        person_id=who.person_id,
        course_id=request.course_id,
        link_id=who.link_id,
        preview=False,
        number=max((each.number for each in attempts), default=0) + 1,
        role=request.role,
    )
    past = counted(attempts)
    _draw(attempt, version, request, shown_codes(past), _times_asked(past))
    if not attempt.form:
        raise NothingLeft
    return _first(attempt, lambda: open_one(all_of(who)))


def begin_preview(version: Version, *, person_id: int, course_id: int | None, grouped: bool) -> Attempt:
    """A new preview of the version, in place of the person's earlier one."""
    old = find_preview(version.tenant_id, version.id, person_id)
    if old is not None:
        for table in (Answer, Result, SelfRating):
            session.execute(delete(table).where(table.tenant_id == old.tenant_id, table.attempt_id == old.id))
        session.delete(old)
        session.flush()
    attempt = Attempt(
        tenant_id=version.tenant_id,
        version_id=version.id,
        activity_id=version.activity_id,
        person_id=person_id,
        course_id=course_id,
        link_id=None,
        preview=True,
    )
    _draw(attempt, version, Request(course_id, grouped=grouped), frozenset(), Counter())
    return _first(attempt, lambda: find_preview(version.tenant_id, version.id, person_id))


def outcomes_of(tenant_id: int, attempt_ids: Collection[int]) -> dict[int, dict[str, CompetencyOutcome]]:
    """The results of submitted attempts by attempt and competency code, in one query."""
    found: dict[int, dict[str, CompetencyOutcome]] = {}
    rows = session.execute(
        select(Result, VersionCompetency)
        .join(VersionCompetency, VersionCompetency.id == Result.competency_row_id)
        .where(Result.tenant_id == tenant_id, Result.attempt_id.in_(attempt_ids))
        .order_by(VersionCompetency.position)
    )
    for result, competency in rows:
        found.setdefault(result.attempt_id, {})[competency.code] = CompetencyOutcome(
            competency.code,
            competency.titles,
            result.points,
            result.items,
            result.probability,
            result.level,
            result.weight,
        )
    return found


def in_order(attempts: Sequence[Attempt]) -> list[Sitting]:
    """The results of attempts of one person, in their order."""
    found = outcomes_of(attempts[0].tenant_id, [each.id for each in attempts]) if attempts else {}
    return [found.get(each.id, {}) for each in attempts]


def shown_codes(past: Sequence[Attempt]) -> frozenset[str]:
    """The competencies that need not be asked again."""
    return frozenset(code for code, each in best(in_order(past)).items() if each.shown)


def questions(attempt: Attempt, numbers: Container[int] | None = None) -> list[Question]:
    """The questions of the form in their order with what was answered, or only those with `numbers`."""
    wanted = [
        (number, item_id, order)
        for number, (item_id, order) in enumerate(attempt.form, start=1)
        if numbers is None or number in numbers
    ]
    ids = [item_id for _number, item_id, _order in wanted]
    items = {
        item.id: item
        for item in session.scalars(
            select(VersionItem).where(
                VersionItem.tenant_id == attempt.tenant_id,
                VersionItem.version_id == attempt.version_id,
                VersionItem.id.in_(ids),
            )
        )
    }
    responses = {answer.item_id: answer.response for answer in _answers(attempt)}
    return [
        Question(
            number,
            item_id,
            items[item_id].competency_row_id,
            from_json(items[item_id].content),
            order,
            responses.get(item_id),
        )
        for number, item_id, order in wanted
    ]


def answered(attempt: Attempt) -> set[int]:
    """The numbers of the questions that have an answer."""
    done = {answer.item_id for answer in _answers(attempt) if answer.response is not None}
    return {number for number, (item_id, _order) in enumerate(attempt.form, start=1) if item_id in done}


def pages(attempt: Attempt, *, grouped: bool) -> list[list[int]]:
    """The numbers of the questions on each page: one, or all of a competency in the order in which these come."""
    numbers = range(1, len(attempt.form) + 1)
    if not grouped:
        return [[number] for number in numbers]
    competency_of = dict(
        session.execute(
            select(VersionItem.id, VersionItem.competency_row_id).where(
                VersionItem.tenant_id == attempt.tenant_id, VersionItem.version_id == attempt.version_id
            )
        ).all()
    )
    found: dict[int, list[int]] = {}
    for number in numbers:
        found.setdefault(competency_of[attempt.form[number - 1][0]], []).append(number)
    return list(found.values())


def save(attempt: Attempt, responses: Mapping[int, Response]) -> None:
    """Keep answers by question number, in place of earlier ones; None clears one."""
    locked = _locked(attempt)
    if locked.submitted_at is not None or locked.voided_at is not None:
        raise AlreadySubmitted
    now = utcnow()
    rows = [
        {
            "tenant_id": locked.tenant_id,
            "attempt_id": locked.id,
            "item_id": locked.form[number - 1][0],
            "response": response,
            "saved_at": now,
        }
        for number, response in responses.items()
    ]
    if not rows:
        return
    statement = upsert(Answer)
    kept = {"response": statement.excluded.response, "saved_at": statement.excluded.saved_at}
    session.execute(statement.on_conflict_do_update(index_elements=["attempt_id", "item_id"], set_=kept), rows)


def rate(attempt: Attempt, ratings: Mapping[int, int]) -> None:
    """Keep how well the person thinks they can do each competency, by the id of its row. Raises AlreadySubmitted."""
    locked = _locked(attempt)
    if locked.submitted_at is not None:
        raise AlreadySubmitted
    for row_id, rating in ratings.items():
        own = {"tenant_id": locked.tenant_id, "attempt_id": locked.id, "competency_row_id": row_id}
        session.execute(
            upsert(SelfRating)
            .values(**own, rating=rating)
            .on_conflict_do_update(index_elements=["attempt_id", "competency_row_id"], set_={"rating": rating})
        )


def ratings(tenant_id: int, attempt_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """Self-ratings by attempt and competency code."""
    found: dict[int, dict[str, int]] = {}
    rows = session.execute(
        select(SelfRating.attempt_id, VersionCompetency.code, SelfRating.rating)
        .join(VersionCompetency, VersionCompetency.id == SelfRating.competency_row_id)
        .where(SelfRating.tenant_id == tenant_id, SelfRating.attempt_id.in_(attempt_ids))
    )
    for attempt_id, code, rating in rows:
        found.setdefault(attempt_id, {})[code] = rating
    return found


def submit(attempt: Attempt, *, counts: bool, ended_by: str = BY_PERSON, at: datetime | None = None) -> None:
    """Score the attempt and record what follows from it, in the caller's transaction; a second time is harmless.

    An attempt of a test person does not count: it is graded, so that the way to the gradebook can be tried, but
    it is no evidence. A preview is neither. `at` is when the time was over, where that ended the sitting.
    """
    locked = _locked(attempt)
    if locked.submitted_at is not None or locked.voided_at is not None:
        return
    locked.submitted_at = at or utcnow()
    locked.ended_by = ended_by
    form = questions(locked)
    earned = {question.item_id: fraction(question.item, question.response) for question in form}
    competency_of = {question.item_id: question.competency_row_id for question in form}
    recording.store_fractions(locked, earned)
    results = recording.store_results(locked, competency_of, earned)
    session.flush()
    locked.score = score_of(outcomes_of(locked.tenant_id, [locked.id]).get(locked.id, {}))
    if locked.preview or locked.link_id is None:
        locked.standing = locked.score
        session.flush()
        return
    if counts:
        recording.record_evidence(locked, competency_of, earned, results)
    _record_grade(locked)


def void(attempt: Attempt, *, by: int, reason: str, clear_grade: bool = False) -> None:
    """Take a sitting out of everything, on record and with a reason; the person may sit again.

    What other sittings have shown counts on. Without any, the grade in the LMS stays until the next one is
    submitted, unless `clear_grade` asks for it to be removed.
    """
    locked = _locked(attempt)
    if locked.voided_at is not None or locked.preview or locked.link_id is None:
        return
    locked.voided_at, locked.voided_by, locked.voided_reason = utcnow(), by, reason
    session.flush()
    competencies.withdraw(locked.tenant_id, f"{recording.source(locked)}:", reason)
    past = counted(all_of(_who(locked)))
    for each, standing in zip(past, standings(in_order(past)), strict=True):
        each.standing = standing
    session.flush()
    if past:
        _send(past[-1])
    elif clear_grade:
        grades.clear(locked.tenant_id, locked.link_id, locked.person_id)


def _who(attempt: Attempt) -> Who:
    return Who(attempt.tenant_id, attempt.link_id or 0, attempt.activity_id, attempt.person_id)


def _record_grade(attempt: Attempt) -> None:
    """Set what counts after this sitting, and send it where it is new: a reassessment never lowers it.

    A score that is the same is not sent again, because it would only undo what a teacher has changed since.
    """
    past = counted(all_of(_who(attempt)))
    before = past[-2].standing if len(past) > 1 else None
    attempt.standing = standings(in_order(past))[-1]
    session.flush()
    if attempt.standing != before:
        _send(attempt)


def _send(attempt: Attempt) -> None:
    assert attempt.link_id is not None
    assert attempt.submitted_at is not None
    assert attempt.standing is not None
    given = Score(attempt.standing, MAXIMUM, attempt.submitted_at)
    grades.record(attempt.tenant_id, attempt.link_id, attempt.person_id, given)


def _draw(
    attempt: Attempt, version: Version, request: Request, shown: Collection[str], asked: Mapping[str, int]
) -> None:
    """Give the attempt its form: of the competencies in scope that are not shown, questions less asked first."""
    rows = session.execute(
        select(VersionItem, VersionCompetency.code)
        .join(VersionCompetency, VersionCompetency.id == VersionItem.competency_row_id)
        .where(VersionItem.tenant_id == version.tenant_id, VersionItem.version_id == version.id)
        .order_by(VersionCompetency.position, VersionItem.position)
    )
    candidates = [
        forms.Candidate(
            row.id, row.competency_row_id, forms.shuffled_options(from_json(row.content)), asked.get(row.code, 0)
        )
        for row, code in rows
        if not row.content.get("retired") and code not in shown and (request.scope is None or code in request.scope)
    ]
    attempt.seed = secrets.token_hex(16)
    drawn = forms.draw(candidates, version.per_competency, attempt.seed, grouped=request.grouped)
    attempt.form = [list(each) for each in drawn]


def _times_asked(past: Sequence[Attempt]) -> Counter[str]:
    """In how many sittings each question was asked, by its code, which stays the same over versions."""
    if not past:
        return Counter()
    asked = Counter(item_id for attempt in past for item_id, _order in attempt.form)
    codes = session.execute(
        select(VersionItem.id, VersionItem.code).where(
            VersionItem.tenant_id == past[0].tenant_id, VersionItem.id.in_(list(asked))
        )
    )
    times: Counter[str] = Counter()
    for item_id, code in codes:
        times[code] += asked[item_id]
    return times


def _first(attempt: Attempt, find_other: Callable[[], Attempt | None]) -> Attempt:
    """Store `attempt`, unless another browser of the person was faster: then that one's."""
    try:
        with session.begin_nested():
            session.add(attempt)
    except IntegrityError:
        other = find_other()
        if other is None:
            raise
        return other
    return attempt


def _locked(attempt: Attempt) -> Attempt:
    """The attempt's row, held until the transaction ends, as it is now and not as it was read before."""
    return session.scalars(
        select(Attempt)
        .where(Attempt.tenant_id == attempt.tenant_id, Attempt.id == attempt.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _answers(attempt: Attempt) -> Sequence[Answer]:
    return session.scalars(
        select(Answer).where(Answer.tenant_id == attempt.tenant_id, Answer.attempt_id == attempt.id)
    ).all()
