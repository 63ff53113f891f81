"""A sitting, from its start to its results: draw the form, save answers, submit."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from ltitools.plugin import CompetencyResult, Evidence, Score, competencies, grades, session, utcnow
from ltitools_diagnostic import forms
from ltitools_diagnostic.items import Item, Response, from_json
from ltitools_diagnostic.models import Answer, Attempt, Result, Version, VersionCompetency, VersionItem
from ltitools_diagnostic.scoring import Outcome, fraction, score

MAXIMUM = Decimal(100)
NOTHING = Decimal(0)


class AlreadySubmitted(Exception):
    """The attempt is submitted; its answers are final."""


@dataclass(frozen=True)
class Question:
    """A question of a form: `number` counts from 1, `order` are its option indices as shown."""

    number: int
    item_id: int
    competency_row_id: int
    item: Item
    order: Sequence[int]
    response: Response


def find(tenant_id: int, link_id: int, activity_id: int, person_id: int) -> Attempt | None:
    """The attempt of record of a person at the activity on a link."""
    return session.scalar(
        select(Attempt).where(
            Attempt.tenant_id == tenant_id,
            Attempt.link_id == link_id,
            Attempt.activity_id == activity_id,
            Attempt.person_id == person_id,
            ~Attempt.preview,
        )
    )


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


def begin(version: Version, *, person_id: int, link_id: int, course_id: int | None) -> Attempt:
    """The attempt of record on the link, begun now unless it is there: two browsers end in one attempt."""

    def of_record() -> Attempt | None:
        return find(version.tenant_id, link_id, version.activity_id, person_id)

    found = of_record()
    if found is not None:
        return found
    attempt = _drawn(version, person_id=person_id, link_id=link_id, course_id=course_id, preview=False)
    return _first(attempt, of_record)


def begin_preview(version: Version, *, person_id: int, course_id: int | None) -> Attempt:
    """A new preview of the version, in place of the person's earlier one."""
    old = find_preview(version.tenant_id, version.id, person_id)
    if old is not None:
        for table in (Answer, Result):
            session.execute(delete(table).where(table.tenant_id == old.tenant_id, table.attempt_id == old.id))
        session.delete(old)
        session.flush()
    attempt = _drawn(version, person_id=person_id, link_id=None, course_id=course_id, preview=True)
    return _first(attempt, lambda: find_preview(version.tenant_id, version.id, person_id))


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


def save(attempt: Attempt, number: int, response: Response) -> None:
    """Keep the answer to a question in place of an earlier one; None clears it."""
    locked = _locked(attempt)
    if locked.submitted_at is not None:
        raise AlreadySubmitted
    item_id = locked.form[number - 1][0]
    answer = next((each for each in _answers(locked) if each.item_id == item_id), None)
    if answer is None:
        answer = Answer(tenant_id=locked.tenant_id, attempt_id=locked.id, item_id=item_id)
        session.add(answer)
    answer.response = response
    answer.saved_at = utcnow()
    session.flush()


def submit(attempt: Attempt, *, counts: bool) -> None:
    """Score the attempt and record what follows from it, in the caller's transaction; a second time is harmless.

    An attempt of a test person does not count: it is graded, so that the way to the gradebook can be tried, but
    it is no evidence. A preview is neither.
    """
    locked = _locked(attempt)
    if locked.submitted_at is not None:
        return
    locked.submitted_at = utcnow()
    form = questions(locked)
    earned = {question.item_id: fraction(question.item, question.response) for question in form}
    _store_fractions(locked, earned)
    results = _store_results(locked, form, earned)
    locked.score = score(outcome for _result, outcome in results)
    session.flush()
    if locked.preview or locked.link_id is None:
        return
    if counts:
        _record_evidence(locked, form, earned, [result for result, _outcome in results])
    given = Score(locked.score, MAXIMUM, locked.submitted_at)
    grades.record(locked.tenant_id, locked.link_id, locked.person_id, given)


def _drawn(version: Version, *, person_id: int, link_id: int | None, course_id: int | None, preview: bool) -> Attempt:
    rows = session.scalars(
        select(VersionItem)
        .where(VersionItem.tenant_id == version.tenant_id, VersionItem.version_id == version.id)
        .order_by(VersionItem.position)
    )
    candidates = [
        forms.Candidate(row.id, row.competency_row_id, forms.shuffled_options(from_json(row.content))) for row in rows
    ]
    seed = secrets.token_hex(16)
    return Attempt(
        tenant_id=version.tenant_id,
        version_id=version.id,
        activity_id=version.activity_id,
        person_id=person_id,
        course_id=course_id,
        link_id=link_id,
        preview=preview,
        seed=seed,
        form=[list(drawn) for drawn in forms.draw(candidates, version.per_competency, seed)],
    )


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


def _store_fractions(attempt: Attempt, earned: dict[int, Fraction]) -> None:
    rows = {answer.item_id: answer for answer in _answers(attempt)}
    for item_id, share in earned.items():
        if item_id not in rows:
            rows[item_id] = Answer(tenant_id=attempt.tenant_id, attempt_id=attempt.id, item_id=item_id)
            session.add(rows[item_id])
        rows[item_id].fraction = float(share)


def _store_results(
    attempt: Attempt, form: Sequence[Question], earned: dict[int, Fraction]
) -> list[tuple[Result, Outcome]]:
    shares: dict[int, list[Fraction]] = {}
    for question in form:
        shares.setdefault(question.competency_row_id, []).append(earned[question.item_id])
    results = []
    for row_id, parts in shares.items():
        outcome = Outcome(sum(parts, Fraction(0)), len(parts))
        result = Result(
            tenant_id=attempt.tenant_id,
            attempt_id=attempt.id,
            competency_row_id=row_id,
            points=float(outcome.points),
            items=outcome.items,
            probability=outcome.probability,
            level=outcome.level.value,
        )
        session.add(result)
        results.append((result, outcome))
    return results


def _record_evidence(
    attempt: Attempt, form: Sequence[Question], earned: dict[int, Fraction], results: Sequence[Result]
) -> None:
    assert attempt.submitted_at is not None
    competency_of = _host_competencies(attempt)
    evidence = [
        Evidence(
            person_id=attempt.person_id,
            course_id=attempt.course_id,
            link_id=attempt.link_id,
            activity_id=attempt.activity_id,
            competency_id=competency_of[question.competency_row_id],
            fraction=float(earned[question.item_id]),
            source=f"diagnostic:attempt:{attempt.id}:item:{question.item_id}",
            observed_at=attempt.submitted_at,
        )
        for question in form
    ]
    competencies.append_evidence(attempt.tenant_id, evidence)
    conclusions = [
        CompetencyResult(
            person_id=attempt.person_id,
            course_id=attempt.course_id,
            link_id=attempt.link_id,
            activity_id=attempt.activity_id,
            competency_id=competency_of[result.competency_row_id],
            level=result.level,
            probability=result.probability,
            source=f"diagnostic:attempt:{attempt.id}:competency:{result.competency_row_id}",
            observed_at=attempt.submitted_at,
        )
        for result in results
    ]
    competencies.record_results(attempt.tenant_id, conclusions)


def _host_competencies(attempt: Attempt) -> dict[int, int]:
    """The host's competency of each competency of the version; publication has set them all."""
    rows = session.execute(
        select(VersionCompetency.id, VersionCompetency.competency_id).where(
            VersionCompetency.tenant_id == attempt.tenant_id,
            VersionCompetency.version_id == attempt.version_id,
        )
    )
    return {row_id: competency_id for row_id, competency_id in rows if competency_id is not None}
