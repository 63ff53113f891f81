"""A class that has passed: a thousand badges given and signed in the background, while employers look at one of them.

``python tests/scale/awards.py [learners]`` prints how long that took, how long a page took meanwhile, and how long a
badge takes from the last answer until it can be seen; ``make bench`` calls it.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import click
from flask import Flask
from sqlalchemy import func, insert, select

sys.path.insert(0, str(Path(__file__).parent.parent))

from ltitools.models import Course, Enrolment, Grade, Link, Person
from ltitools.plugin import activities, jobs, session, tenants, utcnow
from ltitools.testing import LEARNER, databases, writing
from ltitools_badges import achievements, rules
from ltitools_badges.core.content import MicroCredential
from ltitools_badges.models import Badge
from ltitools_badges.rules import Part, Terms
from scale.crowd import ACTIVITY, TENANT, attend, served
from sites import until

BADGE = MicroCredential("en", "First look", "Has looked.", outcomes=("Looks before leaping",), hours=Decimal(2))
SOMETHING = Decimal("0.01")
"""So little is asked for: the learners of `crowd` answer without thinking."""
SLOW = 0.3
"""What a page may take at most while badges are given, in seconds."""
PAUSE = 0.1
PATIENCE = 300
WARM = 10
"""So many pages are asked for before the time is taken, so that each process of the server has shown one."""


@dataclass
class Seen:
    """What somebody met who asked for a page again and again: seconds, and what went wrong."""

    times: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Class:
    """Learners who have passed: how many have a badge, and how long everything took."""

    signed: int
    seconds: float
    seen: Seen


def prepare(app: Flask) -> int:
    """A published micro-credential for which the activity of the crowd counts; gives its id."""
    with writing(app):
        tenant = tenants.by_key(TENANT)
        plugin, _, slug = ACTIVITY.partition(":")
        counts = activities.find(tenant.id, plugin, slug)
        assert counts is not None
        made = achievements.create(tenant.id, BADGE.name, BADGE.language, None, "look")
        achievements.save(achievements.draft_of(tenant.id, made.id), BADGE)
        achievements.publish(tenant.id, made.id)
        rules.save(tenant.id, made.id, None, Terms((Part(counts.id),), threshold=SOMETHING))
        return made.id


def first_badge(app: Flask) -> Badge:
    """The badge of the first learner, once it can be looked at."""
    found: list[Badge] = []

    def is_signed() -> bool:
        with app.app_context():
            found[:] = session.scalars(select(Badge).where(Badge.signed_at.is_not(None)).limit(1)).all()
        return bool(found)

    until(is_signed)
    return found[0]


def enrol(app: Flask, learners: int) -> int:
    """So many people in the course of the first learner, with scores of before; gives the course's id."""
    with writing(app):
        now, link = utcnow(), session.scalars(select(Link).where(Link.course_id.is_not(None))).one()
        course = session.scalars(select(Course).where(Course.id == link.course_id)).one()
        whose = {"tenant_id": link.tenant_id, "registration_id": link.registration_id}
        people = [{**whose, "sub": f"class-{number}", "name": f"Pupil {number}"} for number in range(learners)]
        ids = session.scalars(insert(Person).returning(Person.id), people).all()
        roles = session.scalars(select(Enrolment.roles)).first() or [LEARNER]
        enrolled = {"course_id": course.id, "tenant_id": link.tenant_id, "roles": roles, "seen_at": now}
        session.execute(insert(Enrolment), [{**enrolled, "person_id": number} for number in ids])
        scored = {"link_id": link.id, "given": Decimal("84.5"), "maximum": Decimal(100), "state": "sent"}
        times = {"submitted_at": now, "timestamp": now, "due_at": now}
        session.execute(insert(Grade), [{**whose, **scored, **times, "person_id": number} for number in ids])
        return course.id


def give_all(app: Flask, achievement_id: int, course_id: int, address: str, learners: int) -> Class:
    """Ask for everybody's badges, and for the page at an address until all of them are signed."""
    with writing(app):
        tenant = tenants.by_key(TENANT)
        before = _signed(achievement_id)
        args = {"course_id": course_id, "achievement_id": achievement_id}
        jobs.enqueue(tenant.id, "badges", "consider", args)
    seen, done = Seen(), threading.Event()
    _ask(address, Seen(), done, WARM)
    asking = threading.Thread(target=_ask, args=(address, seen, done))
    begun = time.monotonic()
    asking.start()
    try:
        while _count(app, achievement_id) < before + learners and time.monotonic() - begun < PATIENCE:
            time.sleep(0.1)
    finally:
        seconds = time.monotonic() - begun
        done.set()
        asking.join()
    return Class(_count(app, achievement_id) - before, seconds, seen)


def _count(app: Flask, achievement_id: int) -> int:
    with app.app_context():
        return _signed(achievement_id)


def _signed(achievement_id: int) -> int:
    rows = select(func.count()).where(Badge.achievement_id == achievement_id, Badge.signed_at.is_not(None))
    return session.scalar(rows) or 0


def _ask(address: str, seen: Seen, done: threading.Event, times: int = sys.maxsize) -> None:
    parts = urlsplit(address)
    while not done.is_set() and len(seen.times) + len(seen.errors) < times:
        connection = HTTPConnection("127.0.0.1", parts.port or 80, timeout=60)
        begun = time.monotonic()
        try:
            connection.request("GET", parts.path, headers={"Host": parts.netloc, "Accept": "text/html"})
            answer = connection.getresponse()
            answer.read()
            seen.times.append(time.monotonic() - begun)
            if answer.status != 200:
                seen.errors.append(f"status {answer.status}")
        except OSError as error:
            seen.errors.append(f"{type(error).__name__}: {error}")
        finally:
            connection.close()
        done.wait(PAUSE)


def page_of(tool_url: str, badge: Badge) -> str:
    """Where everybody sees a badge."""
    return f"{tool_url}/i/{TENANT}/credentials/{badge.public_id}"


SETTINGS: Mapping[str, str] = {"workers": "1", "worker_threads": "2", "worker_poll_seconds": "1"}
"""One process does everything: it shows pages, and gives badges in the background. It looks often for what there is to
do, as the benchmark asks for badges without a request."""


def main() -> None:
    """Print the times; fail where something went wrong or took too long."""
    learners = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with (
        tempfile.TemporaryDirectory() as folder,
        databases(Path(folder)) as make,
        served(make(), **SETTINGS) as (app, platform, url),
    ):
        achievement_id = prepare(app)
        attend(platform, url, 1)
        begun = time.monotonic()
        badge = first_badge(app)
        first = time.monotonic() - begun
        course_id = enrol(app, learners)
        found = give_all(app, achievement_id, course_id, page_of(url, badge), learners)
    per_thousand = found.seconds * 1000 / learners
    median, worst = statistics.median(found.seen.times) * 1000, max(found.seen.times) * 1000
    click.echo(f"from the answers to a badge that can be seen: {first:.1f} s, keys made for it included")
    click.echo(f"{found.signed} badges given and signed in {found.seconds:.1f} s: {per_thousand:.1f} s for 1000")
    click.echo(
        f"a public page meanwhile, {len(found.seen.times)} times: median {median:.0f} ms, longest {worst:.0f} ms"
    )
    wrong = found.seen.errors[:20]
    if statistics.median(found.seen.times) > SLOW or per_thousand > 60:
        wrong.append("too slow")
    sys.exit("\n".join(wrong) if wrong else 0)


if __name__ == "__main__":
    main()
