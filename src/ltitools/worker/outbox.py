"""The outbox of grades: claim what is due, post it outside any transaction, write down what came of it.

A row is done only if the version that was posted is still the current one. A score whose fate is unknown (no
answer, a cut connection) is posted again: platforms replace a score, they do not add it. After the first score of a
column the platform's results are looked at once: some take every score and show none.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import aliased

from ltitools.context import current_host
from ltitools.db import session, utcnow
from ltitools.http import HttpError
from ltitools.lti.ags import RESULT_READ, SCORE, post_score, read_comment, read_results
from ltitools.lti.platforms import Dialect, Outcome, Score, Verdict, dialect_of
from ltitools.lti.services import ServiceRefused
from ltitools.models import Grade, LineItem, Link, Person, Registration, Tenant
from ltitools.services.grades import STEP
from ltitools.services.launch_log import without_person
from ltitools.services.tokens import access_token, forget_token, with_token
from ltitools.worker.leases import back_off, claim, is_due

log = logging.getLogger(__name__)
BATCH = 10
MAX_FAILURES = 24
SCOPES = (SCORE,)


@dataclass(frozen=True)
class Parcel:
    """A claimed grade with all that posting it needs; detached from the database."""

    grade_id: int
    tenant_id: int
    lease: str
    version: int
    failures: int
    registration: Registration
    line_item_url: str
    result_readable: bool
    result: str
    score: Score

    @property
    def dialect(self) -> Dialect:
        """How this platform wants it."""
        return dialect_of(self.registration.platform)


def deliver_due() -> int:
    """Deliver one batch of grades of one platform, serially: platforms throttle parallel calls. Returns its size."""
    registration_id = _next_registration()
    if registration_id is None:
        session.commit()
        return 0
    lease = claim(Grade, Grade.registration_id == registration_id, BATCH)
    parcels = _parcels(lease)
    session.commit()
    for number, parcel in enumerate(parcels):
        outcome = _post(parcel)
        _settle(parcel, outcome)
        if outcome.verdict is Verdict.DELIVERED:
            _look_at_result(parcel)
        if outcome.verdict is Verdict.RETRY:
            _put_back(parcels[number + 1 :], outcome.wait)
            break
    return len(parcels)


def _next_registration() -> int | None:
    """The platform of the grade that waits longest, among those that no other worker is posting to."""
    now = utcnow()
    busy = aliased(Grade)
    return session.scalar(
        select(Grade.registration_id)
        .join(Registration, Registration.id == Grade.registration_id)
        .join(Tenant, Tenant.id == Grade.tenant_id)
        .where(is_due(Grade, now), Registration.enabled, Tenant.enabled)
        .where(~select(busy.id).where(busy.registration_id == Grade.registration_id, busy.leased_until > now).exists())
        .order_by(Grade.due_at, Grade.id)
        .limit(1)
    )


def _parcels(lease: str) -> list[Parcel]:
    rows = session.execute(
        select(Grade, Link, LineItem.url, Person.sub, Registration)
        .join(Link, Link.id == Grade.link_id)
        .outerjoin(LineItem, and_(LineItem.link_id == Link.id, LineItem.competency_id == Grade.competency_id))
        .join(Person, Person.id == Grade.person_id)
        .join(Registration, Registration.id == Grade.registration_id)
        .where(Grade.lease == lease)
        .order_by(Grade.due_at, Grade.id)
    ).all()
    parcels = []
    for grade, link, own_url, sub, registration in rows:
        score = Score(
            user_id=sub,
            given=grade.given,
            maximum=grade.maximum,
            timestamp=grade.timestamp,
            submitted_at=grade.submitted_at,
            comment=grade.comment,
            first=grade.posts == 0,
        )
        parcels.append(
            Parcel(
                grade_id=grade.id,
                tenant_id=grade.tenant_id,
                lease=lease,
                version=grade.version,
                failures=grade.failures,
                registration=registration,
                line_item_url=(link.line_item_url if grade.competency_id is None else own_url) or "",
                result_readable=RESULT_READ in link.service_scopes,
                result=grade.result,
                score=score,
            )
        )
    for registration in {parcel.registration for parcel in parcels}:
        session.refresh(registration)
        session.expunge(registration)
    return parcels


def _post(parcel: Parcel) -> Outcome:
    """Post one score. A refused token is renewed once."""
    outcome = _try(parcel)
    if outcome.verdict is Verdict.RENEW_ACCESS:
        for scopes in (SCOPES, (RESULT_READ,)):
            forget_token(parcel.registration, scopes)
        outcome = _try(parcel)
    if outcome.verdict is Verdict.RENEW_ACCESS:
        return Outcome(Verdict.RETRY, outcome.problem)
    return outcome


def _try(parcel: Parcel) -> Outcome:
    http = current_host().http
    try:
        score = _with_comment(parcel)
        token = access_token(parcel.registration, SCOPES)
        _count_post(parcel)
        return parcel.dialect.outcome(post_score(http, token, parcel.line_item_url, score, parcel.dialect))
    except HttpError as error:
        return Outcome(Verdict.RETRY, str(error))
    except ServiceRefused as error:
        if error.status == 401:
            return Outcome(Verdict.RENEW_ACCESS, str(error))
        return Outcome(Verdict.RETRY, str(error))


def _with_comment(parcel: Parcel) -> Score:
    """The score with the teacher's own comment, where the platform would clear that otherwise."""
    score = parcel.score
    if not parcel.dialect.reads_comment_first or score.comment is not None or not parcel.result_readable:
        return score
    token = access_token(parcel.registration, (RESULT_READ,))
    comment = read_comment(current_host().http, token, parcel.line_item_url, score.user_id)
    return replace(score, comment=parcel.dialect.kept_comment(comment) if comment else None)


def _count_post(parcel: Parcel) -> None:
    """Write down that a post may reach the platform from now on, before it is made."""
    session.execute(update(Grade).where(*_ours(parcel)).values(posts=Grade.posts + 1))
    session.commit()


def _settle(parcel: Parcel, outcome: Outcome) -> None:
    """Write down what came of a post and end the lease."""
    now = utcnow()
    values: dict[str, object] = {"leased_until": None, "lease": None}
    if outcome.verdict is Verdict.DELIVERED:
        session.execute(
            update(Grade)
            .where(*_ours(parcel))
            .values(**values, sent_version=parcel.version, sent_at=now, failures=0, problem="")
        )
        session.execute(
            update(Grade)
            .where(Grade.id == parcel.grade_id, Grade.tenant_id == parcel.tenant_id, Grade.version == parcel.version)
            .values(state=_delivered_state(parcel))
        )
        session.commit()
        return
    log.warning("grade %s: %s: %s", parcel.grade_id, outcome.verdict, _for_log(parcel, outcome.problem))
    failures = parcel.failures + 1
    values |= {"failures": failures, "problem": outcome.problem[:1000]}
    values["due_at"] = now + back_off(failures, outcome.wait)
    if outcome.verdict is Verdict.RENEW_TIMESTAMP:
        values["timestamp"] = max(now, parcel.score.timestamp + STEP)
        values["due_at"] = now + timedelta(seconds=1)
    session.execute(update(Grade).where(*_ours(parcel)).values(**values))
    if outcome.verdict is Verdict.PARK or failures >= MAX_FAILURES:
        session.execute(
            update(Grade)
            .where(Grade.id == parcel.grade_id, Grade.tenant_id == parcel.tenant_id, Grade.version == parcel.version)
            .values(state="parked")
        )
    session.commit()


def _for_log(parcel: Parcel, words: str) -> str:
    """The platform's words without the person, whom some platforms name in them."""
    return without_person(re.sub(rf"(?<!\w){re.escape(parcel.score.user_id)}(?!\w)", "…", words))


def _delivered_state(parcel: Parcel) -> str:
    if parcel.score.given is None:
        return "cleared"
    return "unseen" if parcel.result == "missing" else "sent"


def _look_at_result(parcel: Parcel) -> None:
    """See whether the platform shows the score: once for a person, and not where it showed somebody else's."""
    if not parcel.result_readable or parcel.result or parcel.score.given is None or _others_are_shown(parcel):
        return
    try:
        results = with_token(
            parcel.registration,
            (RESULT_READ,),
            lambda token: read_results(current_host().http, token, parcel.line_item_url, parcel.score.user_id),
        )
        found = "shown" if any(result.score is not None for result in results) else "missing"
    except (HttpError, ServiceRefused) as error:
        log.info("grade %s: its result cannot be read: %s", parcel.grade_id, _for_log(parcel, str(error)))
        found = "unreadable"
    row = (Grade.id == parcel.grade_id, Grade.tenant_id == parcel.tenant_id)
    session.execute(update(Grade).where(*row).values(result=found))
    if found == "missing":
        unseen = (*row, Grade.version == parcel.version, Grade.state == "sent")
        session.execute(update(Grade).where(*unseen).values(state="unseen"))
    session.commit()


def _others_are_shown(parcel: Parcel) -> bool:
    """Whether the platform is known to show scores of this column."""
    this = aliased(Grade)
    same_column = and_(this.link_id == Grade.link_id, this.competency_id.is_not_distinct_from(Grade.competency_id))
    known = session.scalars(
        select(Grade.id)
        .join(this, same_column)
        .where(this.id == parcel.grade_id, Grade.tenant_id == parcel.tenant_id, Grade.result == "shown")
        .limit(1)
    ).first()
    session.commit()
    return known is not None


def _put_back(parcels: list[Parcel], wait: float | None) -> None:
    """Give up the leases of what the batch did not come to: the platform is down, or asked for time."""
    later = utcnow() + back_off(1, wait)
    for parcel in parcels:
        session.execute(update(Grade).where(*_ours(parcel)).values(lease=None, leased_until=None, due_at=later))
    session.commit()


def _ours(parcel: Parcel) -> tuple[ColumnElement[bool], ...]:
    """The row, as long as it is leased to us."""
    return (Grade.id == parcel.grade_id, Grade.tenant_id == parcel.tenant_id, Grade.lease == parcel.lease)
