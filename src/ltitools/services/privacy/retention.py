"""How long people are kept: what nobody has needed for some time goes by itself, once a day."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, or_, select, update

from ltitools.context import current_host
from ltitools.db import session, utcnow
from ltitools.errors import Conflict
from ltitools.i18n import host
from ltitools.models import (
    ConsoleCode,
    ConsoleSession,
    Enrolment,
    Grade,
    Launch,
    LaunchLog,
    OneTimeCode,
    PendingLogin,
    Person,
    Tenant,
)
from ltitools.services import audit
from ltitools.services.jobs import JobRun
from ltitools.services.privacy import erasing, finding, removing, tables

_ = host.gettext
log = logging.getLogger(__name__)
JOB = "privacy"
FEWEST_DAYS, MOST_DAYS = 30, 36_500


@dataclass(frozen=True)
class Due:
    """Who has not been seen for so long: those to be erased, and how many stay because a grade of theirs waits."""

    people: Sequence[int]
    waiting: int


def set_days(tenant: Tenant, days: int | None) -> None:
    """Erase people of the institution so many days after they were last seen, or never. Raises Conflict."""
    if days is not None and not FEWEST_DAYS <= days <= MOST_DAYS:
        raise Conflict(
            _("People are kept for %(few)s to %(most)s days, or without end.", few=FEWEST_DAYS, most=MOST_DAYS)
        )
    if days != tenant.retention_days:
        session.execute(update(Tenant).where(Tenant.id == tenant.id).values(retention_days=days))
        session.refresh(tenant)
        audit.record("retention.change", f"tenant {tenant.key}", tenant.id, days=days)


def set_contact(tenant: Tenant, contact: str) -> None:
    """Whom people ask about what is kept of them: an address or a name, shown to everybody."""
    contact = " ".join(contact.split())[:255]
    if contact != tenant.privacy_contact:
        session.execute(update(Tenant).where(Tenant.id == tenant.id).values(privacy_contact=contact))
        session.refresh(tenant)
        audit.record("tenant.change", f"tenant {tenant.key}", tenant.id, privacy_contact=contact)


def due(tenant: Tenant, days: int) -> Due:
    """Who would be erased now if people were kept for so many days.

    Somebody is seen when they open a tool, and when the LMS lists them in a course.
    """
    found = session.execute(
        select(Person.id, _waits()).where(
            Person.tenant_id == tenant.id,
            Person.erased_at.is_(None),
            *_unseen_since(utcnow() - timedelta(days=days)),
        )
    ).all()
    return Due([number for number, waits in found if not waits], sum(waits for _number, waits in found))


def _waits() -> ColumnElement[bool]:
    return (
        select(Grade.id)
        .where(Grade.tenant_id == Person.tenant_id, Grade.person_id == Person.id, Grade.state.in_(erasing.WAITING))
        .exists()
    )


def _unseen_since(moment: datetime) -> tuple[ColumnElement[bool], ...]:
    lately = (
        select(Enrolment.course_id)
        .where(
            Enrolment.tenant_id == Person.tenant_id,
            Enrolment.person_id == Person.id,
            or_(Enrolment.seen_at >= moment, Enrolment.listed_at >= moment),
        )
        .exists()
    )
    return Person.seen_at < moment, ~lately


def daily(_run: JobRun) -> None:
    """The worker calls this once a day, for all institutions. Commits after each person and institution."""
    with audit.acting(audit.Actor("worker")):
        forget_visits()
        session.commit()
        failed = sum([_erase_due(tenant) for tenant in _keeping_for_a_time()])
        removing.remove_due()
    if failed:
        raise RuntimeError(f"{failed} people could not be erased; the log says why")


def forget_visits() -> None:
    """Drop visits, sign-ins and refusals that are over for as long as the settings say."""
    now = utcnow()
    old = now - timedelta(days=current_host().settings.launch_log_days)
    for table in (OneTimeCode, ConsoleSession, ConsoleCode):
        session.execute(delete(table).where(table.expires_at < now))
    session.execute(delete(PendingLogin).where(PendingLogin.expires_at < now - timedelta(days=1)))
    session.execute(delete(Launch).where(Launch.expires_at < old))
    session.execute(delete(LaunchLog).where(LaunchLog.last_at < old))


def _keeping_for_a_time() -> Sequence[Tenant]:
    return session.scalars(select(Tenant).where(Tenant.retention_days.is_not(None)).order_by(Tenant.id)).all()


def _erase_due(tenant: Tenant) -> int:
    """Erase those who are due, each in a transaction of its own. Returns how many could not be."""
    people = due(tenant, tenant.retention_days or MOST_DAYS).people
    there = tables.all_tables() if people else ()
    session.commit()
    failed = 0
    for number in people:
        try:
            erasing.erase(finding.get(tenant.id, number), there)
            session.commit()
        except Exception:
            session.rollback()
            log.exception("person %s could not be erased", number)
            failed += 1
    if people:
        log.info("tenant %s: %s people erased after %s days", tenant.key, len(people) - failed, tenant.retention_days)
    return failed
