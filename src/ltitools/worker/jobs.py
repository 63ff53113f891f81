"""Jobs: claimed one by one, each run in a transaction of its own, again after a failure.

A job that is done leaves no row; one that comes at an interval keeps its row and gets its next time.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, delete, or_, select, tuple_, update

from ltitools.db import session, upsert, utcnow
from ltitools.models import Job as JobRow
from ltitools.models import Tenant
from ltitools.plugin import Plugin
from ltitools.plugin.contract import Job
from ltitools.services import rosters
from ltitools.services.jobs import HOST, JobRun
from ltitools.services.privacy import retention
from ltitools.worker.leases import back_off, claim

log = logging.getLogger(__name__)
MAX_FAILURES = 24
LEASE = timedelta(minutes=10)
AT_INTERVALS = "every"
HOST_JOBS = (
    Job(rosters.JOB, rosters.refresh_job),
    Job(retention.JOB, retention.daily, every=timedelta(days=1)),
)

Known = Mapping[tuple[str, str], Job]


def known_jobs(plugins: Mapping[str, Plugin]) -> Known:
    """The jobs of the host and of the installed plugins, by plugin and name."""
    of_host = {(HOST, job.name): job for job in HOST_JOBS}
    return of_host | {(plugin.key, job.name): job for plugin in plugins.values() for job in plugin.jobs}


def plan(known: Known) -> None:
    """Give every job that comes at an interval its row. Commits.

    A tool's first run is due at once; the host's is not, because a server that is only tried out has nothing to tidy.
    """
    now = utcnow()
    for (plugin, name), job in known.items():
        if job.every is None:
            continue
        row = {"plugin": plugin, "name": name, "unique_key": AT_INTERVALS}
        first = now + job.every if plugin == HOST else now
        session.execute(
            upsert(JobRow)
            .values(**row, args={}, asked=1, state="waiting", failures=0, problem="", due_at=first, created_at=now)
            .on_conflict_do_nothing(index_elements=list(row))
        )
        # A newer version of the plugin may want it more often.
        session.execute(
            update(JobRow).filter_by(**row).where(JobRow.due_at > now + job.every).values(due_at=now + job.every)
        )
    session.commit()


def run_due(known: Known) -> int:
    """Run one job that is due. Returns how many that were: none or one.

    A job of a plugin that is not installed any more waits, unharmed, until it is again; a job of an institution that
    is switched off waits as well.
    """
    lease = claim(JobRow, _ours(known), 1, LEASE)
    row = session.scalar(select(JobRow).where(JobRow.lease == lease))
    if row is None:
        session.commit()
        return 0
    session.commit()
    # What an earlier job has read is not taken for what is there now.
    session.expunge_all()
    _run(row, known[row.plugin, row.name])
    return 1


def _ours(known: Known) -> ColumnElement[bool]:
    by_interval = [names for names, job in known.items() if job.every is not None]
    enabled = select(Tenant.id).where(Tenant.enabled)
    return or_(
        and_(tuple_(JobRow.plugin, JobRow.name).in_(list(known)), JobRow.tenant_id.in_(enabled)),
        and_(tuple_(JobRow.plugin, JobRow.name).in_(by_interval), JobRow.tenant_id.is_(None)),
    )


def _run(row: JobRow, job: Job) -> None:
    """Call the job's function; what it writes and the mark that it is done are one transaction."""
    started = utcnow()
    try:
        job.function(JobRun(row.id, row.tenant_id, row.args))
        _finish(row, started + job.every if row.tenant_id is None and job.every else None)
        session.commit()
    except Exception as error:
        session.rollback()
        log.exception("job %s of %s failed (%s)", row.name, row.plugin, row.id)
        _fail(row, job, f"{type(error).__name__}: {error}")
        session.commit()


def _finish(row: JobRow, next_time: object) -> None:
    """Take the job off the list, or note its next time. One that was asked for meanwhile is due again."""
    ours = (JobRow.id == row.id, JobRow.lease == row.lease)
    rest = {"lease": None, "leased_until": None, "failures": 0, "problem": ""}
    if next_time is not None:
        session.execute(update(JobRow).where(*ours).values(**rest, state="waiting", due_at=next_time))
        return
    session.execute(delete(JobRow).where(*ours, JobRow.asked == row.asked))
    session.execute(update(JobRow).where(*ours).values(**rest, state="waiting"))


def _fail(row: JobRow, job: Job, problem: str) -> None:
    """Back off, or park the job. One that comes at an interval is never parked and never waits longer than that."""
    failures = row.failures + 1
    wait = back_off(failures)
    at_interval = row.tenant_id is None and job.every is not None
    if at_interval and job.every is not None:
        wait = min(wait, job.every)
    session.execute(
        update(JobRow)
        .where(JobRow.id == row.id, JobRow.lease == row.lease)
        .values(
            state="parked" if failures >= MAX_FAILURES and not at_interval else "waiting",
            failures=failures,
            due_at=utcnow() + wait,
            lease=None,
            leased_until=None,
            problem=problem[:1000],
        )
    )
