"""The server process is killed (SIGKILL) on the way from an answer to the gradebook; nothing may be lost."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from flask import Flask
from sqlalchemy import select, update

from ltitools.db import session, utcnow
from ltitools.demo_lms.loopback import new_session
from ltitools.models import EventDelivery, Evidence, Grade, Job, Person
from ltitools.services import activities, tenants
from ltitools.testing import close_app, make_app, writing
from probe import make_probe
from sites import TENANT, Sites, free_port, register, running_lms, until


class Server:
    """The tool in a process of its own, on a database that outlives it."""

    def __init__(self, database_url: str, port: int, *, probe: bool) -> None:
        self.settings = {
            "database_url": database_url,
            "public_url": f"http://tool.localhost:{port}",
            "worker_poll_seconds": 0.2,
            "http_read_timeout": 30.0,
            "port": port,
            "probe": probe,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, worker_threads: int = 1) -> None:
        """Start it and wait until it answers."""
        program = Path(__file__).parent.parent / "tool_server.py"
        arguments = json.dumps({**self.settings, "worker_threads": worker_threads})
        self.process = subprocess.Popen([sys.executable, str(program), arguments])
        until(self.answers)

    def answers(self) -> bool:
        """Whether it serves."""
        assert self.process is None or self.process.poll() is None, "the server ended by itself"
        with new_session() as http:
            try:
                return http.get(f"{self.settings['public_url']}/healthz", timeout=5).ok
            except (requests.ConnectionError, requests.Timeout):
                return False

    def kill(self) -> None:
        """As the kernel does when memory runs out."""
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait(30)
            self.process = None


@pytest.fixture
def world(database_url: str, request: pytest.FixtureRequest) -> Iterator[tuple[Server, Sites]]:
    """A killable server with the probe, or with the installed tools, registered with an LMS."""
    probe = getattr(request, "param", "probe") == "probe"
    port = free_port()
    server = Server(database_url, port, probe=probe)
    observer = make_app(database_url, [make_probe()] if probe else None)
    with running_lms(f"http://tool.localhost:{port}", "moodle") as (lms, lms_url):
        register(observer, lms_url, "moodle")
        if probe:
            with writing(observer):
                activities.create(tenants.by_key(TENANT).id, "probe", "quiz", "Quiz")
        yield server, Sites(observer, lms, f"http://tool.localhost:{port}", lms_url)
        server.kill()
    close_app(observer)


def end_leases(app: Flask) -> None:
    """What two minutes do: the dead worker's claims run out."""
    with writing(app):
        past = utcnow() - timedelta(seconds=1)
        session.execute(update(Grade).where(Grade.leased_until.is_not(None)).values(leased_until=past))
        session.execute(update(EventDelivery).where(EventDelivery.leased_until.is_not(None)).values(leased_until=past))
        session.execute(update(Job).where(Job.leased_until.is_not(None)).values(leased_until=past))
        session.execute(update(Grade).where(Grade.state == "waiting").values(due_at=past))


def test_a_score_recorded_before_the_kill_reaches_the_gradebook(world: tuple[Server, Sites]) -> None:
    server, sites = world
    server.start(worker_threads=0)
    assert sites.enter("ben", sites.place("probe:quiz")).post("score", given="70").json() == {"state": "waiting"}
    server.kill()
    assert sites.cell("ben")["posts"] == []
    server.start()
    until(lambda: sites.cell("ben")["score"] == 70)


@pytest.mark.parametrize("after_storing", [False, True], ids=["before-storing", "after-storing"])
@pytest.mark.parametrize("kind", ["token", "scores"])
def test_a_kill_while_the_lms_thinks_loses_no_grade(
    world: tuple[Server, Sites], kind: str, after_storing: bool
) -> None:
    server, sites = world
    server.start()
    sites.fail(kind, hang_seconds=30, after_storing=after_storing, status=503)
    sites.enter("ben", sites.place("probe:quiz")).post("score", given="70")
    until(lambda: sites.control("state")["requests"].get(kind))
    server.kill()
    end_leases(sites.tool)
    server.start()
    until(lambda: sites.cell("ben")["score"] == 70 and _state(sites.tool) == "sent")


def _state(app: Flask) -> str:
    with app.app_context():
        return session.scalars(select(Grade.state)).one()


def test_a_kill_between_commit_and_listener_still_runs_the_listener(world: tuple[Server, Sites]) -> None:
    server, sites = world
    server.start(worker_threads=0)
    sites.enter("ben", sites.place("probe:quiz")).post("score", given="70")
    server.kill()

    def heard() -> int:
        with sites.tool.app_context():
            return len(session.scalars(select(Evidence.id)).all())

    assert heard() == 0
    server.start()
    until(lambda: heard() == 1)
    server.kill()
    with writing(sites.tool):
        session.execute(update(EventDelivery).values(state="waiting"))
    server.start()
    until(lambda: _delivered(sites.tool))
    assert heard() == 1, "the same event again must change nothing"


def test_a_kill_while_a_job_runs_leaves_it_to_the_next_process(world: tuple[Server, Sites]) -> None:
    server, sites = world
    server.start()
    sites.fail("members", hang_seconds=30, after_storing=True, status=503)
    sites.enter("arun", sites.place("probe:quiz"))
    until(lambda: sites.control("state")["requests"].get("members"))
    server.kill()
    end_leases(sites.tool)
    server.start()

    def finished() -> bool:
        with sites.tool.app_context():
            # Jobs that come at an interval belong to no institution, and always wait.
            waiting = session.scalars(select(Job.id).where(Job.tenant_id.is_not(None))).all()
            return not waiting and len(session.scalars(select(Person.id)).all()) == 8

    until(finished)


def _delivered(app: Flask) -> bool:
    with app.app_context():
        return set(session.scalars(select(EventDelivery.state))) == {"done"}


@pytest.mark.parametrize("world", ["installed"], indirect=True)
def test_a_learner_whose_server_is_killed_at_every_step_loses_neither_an_answer_nor_the_grade(
    world: tuple[Server, Sites],
) -> None:
    server, sites = world
    content = Path(__file__).parents[2] / "config" / "demo" / "ai-awareness-taster.csv"
    sites.import_questions(content, "taster", "AI at work: a first look")
    activity = sites.place("diagnostic:taster")
    server.start(worker_threads=0)
    browser = sites.enter("ben", activity)
    browser.page_with_form = ""
    where = browser.post("start").headers["Location"]
    saved = 0
    while "/q/" in where:
        number = where.rpartition("/")[2]
        page = browser.get(where).text
        name = f"answer-{number}"
        value = found[1] if (found := re.search(rf'name="{name}"[^>]* value="([^"]+)"', page)) else "7"
        where = browser.post(f"q/{number}", **{name: value}).headers["Location"]
        saved += 1
        if saved % 5 == 0:
            server.kill()
            server.start(worker_threads=0)
            assert f"{saved} of 12 answered" in browser.get(where).text
    assert saved == 12
    browser.post("submit")
    server.kill()
    assert sites.cell("ben")["posts"] == []
    server.start()
    assert "Your results" in sites.enter("ben", activity).get().text
    score = until(lambda: sites.cell("ben")["score"])
    with sites.tool.app_context():
        assert float(session.scalars(select(Grade.given)).one()) == pytest.approx(score)
        assert len(session.scalars(select(Evidence.id)).all()) == 12
