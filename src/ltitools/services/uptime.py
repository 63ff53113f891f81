"""Times in which the server was away: server processes leave a sign of life, and a gap between two is an outage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from ltitools.db import session, upsert, utcnow
from ltitools.models import Heartbeat
from ltitools.models import Outage as OutageRow

BEAT_EVERY = timedelta(seconds=20)
AWAY_FROM = timedelta(seconds=60)
ONLY_ROW = 1


@dataclass(frozen=True)
class Outage:
    """A time in which no server process gave a sign of life."""

    began_at: datetime
    ended_at: datetime


def beat(now: datetime | None = None) -> None:
    """Leave a sign of life; where the last one is more than a minute old, note the outage in between. Commits."""
    now = now or utcnow()
    session.execute(upsert(Heartbeat).values(id=ONLY_ROW, beaten_at=now).on_conflict_do_nothing())
    row = session.scalars(
        select(Heartbeat).where(Heartbeat.id == ONLY_ROW).with_for_update().execution_options(populate_existing=True)
    ).one()
    if now - row.beaten_at > AWAY_FROM:
        session.add(OutageRow(began_at=row.beaten_at, ended_at=now))
    row.beaten_at = max(now, row.beaten_at)
    session.commit()


def outages(since: datetime) -> Sequence[Outage]:
    """The outages that ended after `since`, oldest first."""
    rows = session.scalars(select(OutageRow).where(OutageRow.ended_at > since).order_by(OutageRow.began_at))
    return [Outage(row.began_at, row.ended_at) for row in rows]


def postponed(start: datetime, end: datetime, away: Iterable[Outage]) -> datetime:
    """`end` of a time that runs from `start`, later by what it lost to outages, which are in order.

    An outage counts as far as it lies after `start`, and only if it began before the end, which those before it
    may have put off.
    """
    for outage in away:
        began = max(outage.began_at, start)
        if began < end and outage.ended_at > began:
            end += outage.ended_at - began
    return end
