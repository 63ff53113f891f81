"""Claiming due rows: one atomic step that leaves each row to one worker, until its lease runs out."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, select, update

from ltitools.db import session, utcnow
from ltitools.models import EventDelivery, Grade, Job

Leased = type[Grade] | type[EventDelivery] | type[Job]

LEASE = timedelta(seconds=120)
FIRST_WAIT = 5.0
LONGEST_WAIT = 6 * 3600.0
# Not the numbers of `random` that all share: a thread that draws from them disturbs whoever wants the same ones twice.
_JITTER = secrets.SystemRandom()


def is_due(table: Leased, now: datetime) -> ColumnElement[bool]:
    """Rows that wait, whose time has come, and that nobody holds."""
    return and_(
        table.state == "waiting",
        table.due_at <= now,
        or_(table.leased_until.is_(None), table.leased_until < now),
    )


def claim(table: Leased, condition: ColumnElement[bool], limit: int, lasting: timedelta = LEASE) -> str:
    """Lease up to `limit` rows that satisfy `condition` and commit. Returns the name of the lease."""
    now = utcnow()
    lease = secrets.token_hex(16)
    chosen = (
        select(table.id)
        .where(is_due(table, now), condition)
        .order_by(table.due_at, table.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        # PostgreSQL would run a plain subquery once for each row, and so take more than the limit.
        .cte("chosen")
    )
    session.execute(
        update(table)
        .where(table.id.in_(select(chosen.c.id)), is_due(table, now))
        .values(lease=lease, leased_until=now + lasting)
        .execution_options(synchronize_session=False)
    )
    session.commit()
    return lease


def back_off(failures: int, asked: float | None = None) -> timedelta:
    """How long to wait after the n-th failure: growing, with jitter, never less than the platform asked for."""
    wait = min(FIRST_WAIT * 3.0 ** max(failures - 1, 0), LONGEST_WAIT)
    jittered = wait * _JITTER.uniform(0.75, 1.25)
    return timedelta(seconds=max(jittered, asked or 0.0))
