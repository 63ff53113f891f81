"""Work for later: a row of the caller's transaction, run by `ltitools.worker.jobs` at least once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, select, update

from ltitools.db import announce_work, session, upsert, utcnow
from ltitools.models import Job

HOST = "ltitools"
UNIQUE_LENGTH = 200


@dataclass(frozen=True)
class JobRun:
    """A job as its function gets it. One that comes at an interval has no tenant and no args.

    The same `job_id` may come again, after a failure or a crash: a job is made so that running it twice does no harm.
    """

    job_id: int
    tenant_id: int | None
    args: Mapping[str, Any]


def enqueue(
    tenant_id: int,
    plugin_key: str,
    name: str,
    args: Mapping[str, Any] | None = None,
    due_at: datetime | None = None,
    unique: str | None = None,
) -> None:
    """Queue the plugin's job `name` in the caller's transaction, for now or for `due_at`.

    `args` is anything that JSON can hold. Of the jobs of a tenant with the same `unique` one waits at most: it is run
    at the earlier of both times, with the later args, and once more if it was just being run. One that was parked is
    due again.
    """
    if unique is not None and len(unique) > UNIQUE_LENGTH:
        raise ValueError(f"the unique key of a job has at most {UNIQUE_LENGTH} characters")
    now = utcnow()
    values = {
        "tenant_id": tenant_id,
        "plugin": plugin_key,
        "name": name,
        "args": json.loads(json.dumps(args or {})),
        "unique_key": None if unique is None else f"{tenant_id}:{unique}",
        "due_at": due_at or now,
    }
    statement = upsert(Job).values(**values, asked=1, state="waiting", failures=0, problem="", created_at=now)
    new = statement.excluded
    earlier = case((Job.state == "parked", new.due_at), (Job.due_at < new.due_at, Job.due_at), else_=new.due_at)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["plugin", "name", "unique_key"],
            set_={
                "args": new.args,
                "asked": Job.asked + 1,
                "due_at": earlier,
                "state": "waiting",
                "failures": case((Job.state == "parked", 0), else_=Job.failures),
            },
        )
    )
    announce_work()


def unfinished(tenant_id: int | None = None) -> list[Job]:
    """The jobs that have failed at least once, parked ones too, of all tenants or of one; oldest first."""
    found = select(Job).where(Job.failures > 0).order_by(Job.created_at, Job.id)
    if tenant_id is not None:
        found = found.where(Job.tenant_id == tenant_id)
    return list(session.scalars(found))


def run_again(job_id: int | None = None) -> int:
    """Let all jobs that have failed, or one of them, be due now. Returns how many."""
    due = update(Job).where(Job.failures > 0)
    if job_id is not None:
        due = due.where(Job.id == job_id)
    changed = session.execute(due.values(state="waiting", due_at=utcnow(), failures=0).returning(Job.id)).all()
    announce_work()
    return len(changed)
