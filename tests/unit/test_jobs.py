"""Jobs: queued in a transaction, run at least once, again after a failure, parked in the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select, update

from ltitools.cli import cli
from ltitools.db import session, utcnow
from ltitools.errors import PluginError
from ltitools.models import Framework, Tenant
from ltitools.models import Job as JobRow
from ltitools.plugin import Job, JobRun, Plugin, jobs
from ltitools.plugins import check
from ltitools.services import jobs as queue
from ltitools.services import tenants
from ltitools.testing import deliver, writing
from ltitools.worker import jobs as running
from probe import make_probe

StartApp = Callable[..., Flask]
Start = Callable[..., Flask]
OF_TOOLS = JobRow.plugin != "ltitools"
"""The host has a job of its own, which comes at an interval and is never due here."""


@pytest.fixture
def start(start_app: StartApp) -> Start:
    """Starts an application whose probe has the given jobs, with the institution ``acme``."""

    def begin(*of_probe: Job) -> Flask:
        app = start_app([make_probe(jobs=of_probe)])
        with writing(app):
            tenants.add("acme", "Acme College")
        return app

    return begin


class Journal:
    """A job that writes down how it was run, and fails as often as it is told to."""

    def __init__(self, failing: int = 0) -> None:
        self.runs: list[JobRun] = []
        self.failing = failing

    def __call__(self, run: JobRun) -> None:
        self.runs.append(run)
        assert run.tenant_id is not None
        session.add(Framework(tenant_id=run.tenant_id, key=f"run-{len(self.runs)}"))
        session.flush()
        if len(self.runs) <= self.failing:
            raise RuntimeError("the job's own trouble")

    @property
    def args(self) -> list[Any]:
        return [dict(run.args) for run in self.runs]


def enqueue(app: Flask, args: dict[str, Any] | None = None, plugin: str = "probe", **more: Any) -> None:
    with writing(app):
        jobs.enqueue(tenants.by_key("acme").id, plugin, "work", args or {}, **more)


def waiting(app: Flask) -> list[tuple[str, int, str]]:
    with app.app_context():
        rows = session.scalars(select(JobRow).where(OF_TOOLS).order_by(JobRow.id))
        return [(row.state, row.failures, row.problem) for row in rows]


def written(app: Flask) -> list[str]:
    with app.app_context():
        return list(session.scalars(select(Framework.key).order_by(Framework.key)))


def make_due(app: Flask) -> None:
    with writing(app):
        session.execute(update(JobRow).where(OF_TOOLS).values(due_at=utcnow() - timedelta(seconds=1)))


def test_a_job_is_run_once_with_its_args_and_leaves_no_row(start: Start) -> None:
    journal = Journal()
    app = start(Job("work", journal))
    enqueue(app, {"course": 7, "of": ["a", None, 1.5]})
    assert journal.runs == [], "nothing is run inside the request"
    assert deliver(app) == 1
    assert deliver(app) == 0
    assert journal.args == [{"course": 7, "of": ["a", None, 1.5]}]
    assert (waiting(app), written(app)) == ([], ["run-1"])
    with app.app_context():
        assert journal.runs[0].tenant_id == tenants.by_key("acme").id


def test_a_transaction_that_is_rolled_back_queues_nothing(start: Start) -> None:
    app = start(Job("work", Journal()))
    with app.app_context():
        jobs.enqueue(tenants.by_key("acme").id, "probe", "work", {})
        session.rollback()
    assert waiting(app) == []


def test_a_job_for_later_waits_until_then(start: Start) -> None:
    journal = Journal()
    app = start(Job("work", journal))
    enqueue(app, due_at=utcnow() + timedelta(hours=1))
    assert deliver(app) == 0
    make_due(app)
    assert deliver(app) == 1


def test_a_job_that_fails_is_run_again_and_what_it_wrote_is_taken_back(start: Start) -> None:
    journal = Journal(failing=1)
    app = start(Job("work", journal))
    enqueue(app, {"n": 1})
    deliver(app)
    assert waiting(app) == [("waiting", 1, "RuntimeError: the job's own trouble")]
    assert written(app) == []
    assert deliver(app) == 0, "it waits before it is tried again"
    make_due(app)
    assert deliver(app) == 1
    assert (waiting(app), written(app)) == ([], ["run-2"])
    assert journal.runs[0] == journal.runs[1]


def test_a_job_that_always_fails_is_parked_holds_nobody_up_and_can_be_run_again(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "MAX_FAILURES", 2)
    broken, other = Journal(failing=2), Journal()
    app = start(Job("work", broken), Job("other", other))
    enqueue(app)
    with writing(app):
        jobs.enqueue(tenants.by_key("acme").id, "probe", "other", {})
    for _ in range(3):
        deliver(app)
        make_due(app)
    assert waiting(app) == [("parked", 2, "RuntimeError: the job's own trouble")]
    assert (len(broken.runs), len(other.runs)) == (2, 1)
    with writing(app):
        (parked,) = queue.unfinished(tenants.by_key("acme").id)
        assert queue.run_again(parked.id + 1) == 0
        assert queue.run_again(parked.id) == 1
    deliver(app)
    assert (waiting(app), len(broken.runs)) == ([], 3)


def test_what_may_be_queued_once_is_queued_once_with_the_latest_args_at_the_earliest_time(start: Start) -> None:
    journal = Journal()
    app = start(Job("work", journal))
    later = utcnow() + timedelta(hours=1)
    enqueue(app, {"n": 1}, unique="course:7", due_at=later)
    enqueue(app, {"n": 2}, unique="course:8")
    enqueue(app, {"n": 3}, unique="course:7")
    enqueue(app, {"n": 4}, unique="course:7", due_at=later)
    enqueue(app, {"n": 5})
    enqueue(app, {"n": 6})
    with writing(app):
        other, _ = tenants.add("beta", "Beta College")
        jobs.enqueue(other.id, "probe", "work", {"n": 7}, unique="course:7")
    deliver(app)
    assert sorted(args["n"] for args in journal.args) == [2, 4, 5, 6, 7]
    enqueue(app, {"n": 8}, unique="course:7")
    deliver(app)
    assert journal.args[-1] == {"n": 8}


def test_what_is_asked_for_while_it_runs_is_run_once_more(start: Start) -> None:
    runs: list[Any] = []

    def asks_again(run: JobRun) -> None:
        runs.append(run.args["n"])
        assert run.tenant_id is not None
        if len(runs) == 1:
            jobs.enqueue(run.tenant_id, "probe", "work", {"n": 2}, unique="course:7")
            session.commit()

    app = start(Job("work", asks_again))
    enqueue(app, {"n": 1}, unique="course:7")
    deliver(app)
    assert runs == [1, 2]
    assert waiting(app) == []


def test_a_parked_job_that_is_asked_for_again_is_due_again(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MAX_FAILURES", 1)
    journal = Journal(failing=1)
    app = start(Job("work", journal))
    enqueue(app, unique="course:7")
    deliver(app)
    assert waiting(app)[0][0] == "parked"
    enqueue(app, unique="course:7")
    deliver(app)
    assert (len(journal.runs), waiting(app)) == (2, [])


def test_a_worker_that_dies_with_a_job_leaves_it_to_the_next(start: Start) -> None:
    journal = Journal()
    app = start(Job("work", journal))
    enqueue(app)
    with writing(app):
        running.claim(JobRow, JobRow.id > 0, 1, running.LEASE)
    assert deliver(app) == 0
    with writing(app):
        session.execute(update(JobRow).values(leased_until=utcnow() - timedelta(seconds=1)))
    assert deliver(app) == 1
    assert len(journal.runs) == 1


def test_jobs_of_a_removed_plugin_or_an_institution_that_is_switched_off_wait_unharmed(
    start: Start, start_app: StartApp
) -> None:
    journal = Journal()
    app = start(Job("work", journal))
    enqueue(app)
    enqueue(app, plugin="gone")
    without = start_app([make_probe(key="other", blueprint=None, listens={})])
    assert deliver(without) == 0
    with writing(app):
        tenants.set_enabled("acme", False)
    assert deliver(app) == 0
    with writing(app):
        tenants.set_enabled("acme", True)
    assert deliver(app) == 1
    assert waiting(app) == [("waiting", 0, "")]


def test_a_job_at_an_interval_is_run_once_in_it_by_all_processes_together(start: Start, start_app: StartApp) -> None:
    runs: list[JobRun] = []

    def made() -> list[Plugin]:
        return [make_probe(jobs=(Job("weekly", runs.append, every=timedelta(weeks=1)),))]

    first, second = start_app(made()), start_app(made())
    for app in (first, second, first):
        deliver(app)
    assert [(run.tenant_id, run.args) for run in runs] == [(None, {})]
    with first.app_context():
        due = session.scalars(select(JobRow.due_at).where(OF_TOOLS)).one()
    assert timedelta(days=6) < due - utcnow() < timedelta(days=8)
    make_due(first)
    deliver(second)
    deliver(first)
    assert len(runs) == 2
    sooner = start_app([make_probe(jobs=(Job("weekly", runs.append, every=timedelta(hours=1)),))])
    deliver(sooner)
    with first.app_context():
        assert session.scalars(select(JobRow.due_at).where(OF_TOOLS)).one() - utcnow() < timedelta(hours=2)


def test_a_job_at_an_interval_is_never_parked(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MAX_FAILURES", 1)
    calls: list[JobRun] = []

    def broken(run: JobRun) -> None:
        calls.append(run)
        raise RuntimeError("never works")

    app = start(Job("often", broken, every=timedelta(seconds=3)))
    for number in range(1, 4):
        deliver(app)
        assert waiting(app) == [("waiting", number, "RuntimeError: never works")]
        with app.app_context():
            assert session.scalars(select(JobRow.due_at).where(OF_TOOLS)).one() - utcnow() <= timedelta(seconds=3)
        make_due(app)


def test_what_one_job_has_read_is_read_anew_by_the_next(start: Start) -> None:
    """Another process may have changed it, and rows stay as they are in a session."""
    read: list[Tenant] = []

    def looks(_run: JobRun) -> None:
        read.append(tenants.by_key("acme"))
        rename = update(Tenant).values(name=Tenant.name + "!").execution_options(synchronize_session=False)
        session.execute(rename)

    app = start(Job("work", looks))
    enqueue(app)
    enqueue(app)
    deliver(app)
    assert [tenant.name for tenant in read] == ["Acme College", "Acme College!"]


@pytest.mark.parametrize(
    ("of_probe", "said"),
    [
        ((Job("work", print), Job("work", repr)), "has two jobs named 'work'"),
        ((Job("work", print, every=timedelta()),), "must come at an interval longer than nothing"),
    ],
)
def test_a_plugin_with_jobs_that_cannot_be_told_apart_or_never_end_is_refused(
    of_probe: tuple[Job, ...], said: str
) -> None:
    with pytest.raises(PluginError, match=said):
        check("probe", make_probe(jobs=of_probe))


def test_a_unique_key_that_no_database_can_hold_is_refused(start: Start) -> None:
    app = start(Job("work", Journal()))
    with pytest.raises(ValueError, match="200 characters"):
        enqueue(app, unique="x" * 201)


def test_an_operator_sees_failed_jobs_and_has_them_run_again(
    start: Start, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(failing=1)
    app = start(Job("work", journal))
    monkeypatch.setenv("LTITOOLS_DATABASE_URL", database_url)
    monkeypatch.setenv("LTITOOLS_SECRET_KEY", "only for tests, and long enough to be accepted")

    def typed(*words: str) -> str:
        done = CliRunner().invoke(cli, ["jobs", *words], catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    assert typed("list") == "No job has failed.\n"
    enqueue(app)
    assert typed("list", "--tenant", "acme") == "No job has failed.\n"
    deliver(app)
    (shown,) = json.loads(typed("list", "--json"))
    assert (shown["state"], shown["tenant"], shown["job"]) == ("waiting", "acme", "probe:work")
    assert shown["problem"] == "RuntimeError: the job's own trouble"
    assert typed("run", "999999") == "No such job has failed.\n"
    assert typed("run", str(shown["number"])) == "1 to be run again.\n"
    assert deliver(app) == 1
    assert (len(journal.runs), typed("list")) == (2, "No job has failed.\n")
