"""``ltitools jobs``: work of the worker that went wrong."""

from __future__ import annotations

import click

from ltitools.commands import as_json, print_rows, with_app
from ltitools.services import jobs, tenants


@click.group("jobs")
def jobs_group() -> None:
    """Work in the background, such as asking an LMS who is in a course."""


@jobs_group.command("list")
@click.option("--tenant", "tenant_key", metavar="KEY", help="Only this institution's.")
@as_json
@with_app
def jobs_list(tenant_key: str | None, as_json: bool) -> None:
    """List the jobs that have failed: those that are tried again, and those that are parked."""
    keys = {one.id: one.key for one in tenants.all_tenants()}
    rows = [
        {
            "number": job.id,
            "state": job.state,
            "tenant": keys.get(job.tenant_id or 0, ""),
            "job": f"{job.plugin}:{job.name}",
            "created_at": job.created_at.isoformat(timespec="seconds"),
            "failures": job.failures,
            "problem": job.problem,
        }
        for job in jobs.unfinished(tenants.by_key(tenant_key).id if tenant_key else None)
    ]
    print_rows(rows, as_json, empty="No job has failed.")


@jobs_group.command("run")
@click.argument("number", type=int, required=False)
@with_app
def jobs_run(number: int | None) -> None:
    """Run failed jobs again: the one with this NUMBER, or all. A running server does it."""
    count = jobs.run_again(number)
    click.echo(f"{count} to be run again." if count else "No such job has failed.")
