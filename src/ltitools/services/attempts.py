"""Limits for what must not be tried often: counted in the database, so all server processes count together."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from ltitools.context import current_host
from ltitools.db import session, upsert, utcnow
from ltitools.models import Attempt
from ltitools.refusals import refused

WINDOW = timedelta(minutes=10)


def count(kind: str, who: str, limit: int) -> None:
    """Count one attempt of `who` at `kind`, and refuse it where there were more than `limit` in ten minutes. Commits.

    `who` is a network address, for example: what is stored is a code that only this server can make of it.
    """
    now = utcnow()
    key = f"{kind}:{current_host().sealer.sign('attempt', who)}"
    old = now - WINDOW
    session.execute(delete(Attempt).where(Attempt.began_at < old))
    counted = session.execute(
        upsert(Attempt)
        .values(key=key, began_at=now, count=1)
        .on_conflict_do_update(
            index_elements=["key"],
            set_={"count": Attempt.count + 1},
        )
        .returning(Attempt.count)
    ).scalar_one()
    session.commit()
    if counted > limit:
        raise refused("too-many-attempts", kind)
