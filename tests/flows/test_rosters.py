"""The list of members, from an instructor's launch to what a tool reads, against LMSs that differ."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from ltitools.db import session, utcnow
from ltitools.models import Course, Enrolment, Job, Person
from ltitools.plugin import Delivery, Role, RosterChanged, roster
from ltitools.services import activities, tenants
from ltitools.testing import writing
from probe import make_probe
from sites import TENANT, Sites, running

Start = Callable[..., Sites]
LEARNERS = {"Amélie Roy", "Ben Carter", "Chidi Okafor", "Dana Flores", "Émile Gagnon", "Alex Sample"}
TEACHERS = {"Thérèse Tremblay", "Arun Patel"}


class Heard:
    """A tool that listens, and what it heard."""

    def __init__(self) -> None:
        self.events: list[Delivery] = []


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def start(database_url: str, heard: Heard) -> Iterator[Start]:
    """Starts the tool and an LMS of a personality, with one activity of the probe."""
    with ExitStack() as stack:

        def begin(personality: str = "generic") -> Sites:
            probe = make_probe(listens={RosterChanged: heard.events.append})
            sites = stack.enter_context(running(database_url, personality, plugins=[probe]))
            with writing(sites.tool):
                activities.create(tenants.by_key(TENANT).id, "probe", "quiz", "Quiz")
            return sites

        yield begin


def deliver(sites: Sites) -> None:
    """Run and deliver everything, now."""
    with writing(sites.tool):
        session.execute(update(Job).values(due_at=utcnow() - timedelta(seconds=1)))
    while sites.deliver():
        pass


def course(sites: Sites) -> tuple[int, int]:
    """The institution and the one course."""
    with sites.tool.app_context():
        row = session.scalars(select(Course)).one()
        return row.tenant_id, row.id


def ask(sites: Sites) -> None:
    """Have the members listed."""
    with writing(sites.tool):
        roster.ask(*course(sites))
    deliver(sites)


def listed(sites: Sites, **values: Any) -> set[str]:
    """The names of members with these values."""
    with sites.tool.app_context():
        found = roster.members(*course(sites))
    return {
        member.person.name for member in found if all(getattr(member, name) == value for name, value in values.items())
    }


@pytest.mark.parametrize("personality", ["moodle", "canvas", "generic"])
def test_an_instructors_launch_brings_everybody_in_although_nobody_else_was_here(
    start: Start, heard: Heard, personality: str
) -> None:
    sites = start(personality)
    sites.control("levers", {"page_size": 3})
    link = sites.place("probe:quiz")
    teacher = sites.enter("arun", link)
    assert sites.control("state")["requests"].get("members") is None, "nothing is asked while the instructor waits"
    deliver(sites)
    assert sites.control("state")["requests"]["members"] == 3, "eight people in pages of three"
    assert listed(sites, roles=frozenset({Role.LEARNER}), status="active", listed=True) == LEARNERS
    assert listed(sites, roles=frozenset({Role.INSTRUCTOR}), status="active", listed=True) == TEACHERS
    assert teacher.get().json()["is_instructor"] is True
    with sites.tool.app_context():
        state = roster.state(*course(sites))
        assert session.scalar(select(func.count()).select_from(Person)) == 8, "the instructor is not there twice"
    assert (state.can_ask, state.problem) == (True, "")
    assert state.listed_at is not None
    assert [one.event for one in heard.events] == [RosterChanged(*course(sites))]


def test_a_list_is_asked_for_again_after_ten_minutes_and_by_instructors_only(start: Start) -> None:
    sites = start()
    link = sites.place("probe:quiz")

    def asked() -> int:
        deliver(sites)
        return int(sites.control("state")["requests"].get("members", 0))

    sites.enter("ben", link)
    assert asked() == 0
    for _ in range(3):
        sites.enter("arun", link)
    assert asked() == 1
    sites.enter("arun", link)
    assert asked() == 1
    with writing(sites.tool):
        session.execute(update(Course).values(roster_asked_at=utcnow() - timedelta(minutes=11)))
    sites.enter("ben", link)
    assert asked() == 1
    sites.enter("therese", link)
    assert asked() == 2


def test_tools_hear_of_changes_and_of_nothing_else(start: Start, heard: Heard) -> None:
    sites = start()
    sites.enter("arun", sites.place("probe:quiz"))
    for statuses, heard_so_far in (
        ({}, 1),
        ({}, 1),
        ({"ben": "Inactive"}, 2),
        ({"ben": "Deleted"}, 3),
        ({"ben": "Deleted"}, 3),
        ({}, 4),
    ):
        sites.control("levers", {"statuses": statuses})
        ask(sites)
        assert len(heard.events) == heard_so_far
        status = statuses.get("ben", "Active").lower()
        assert "Ben Carter" in listed(sites, status=status, listed=True)


@pytest.mark.parametrize("personality", ["moodle", "canvas"])
def test_who_is_missing_is_inactive_and_is_back_with_their_next_launch(start: Start, personality: str) -> None:
    sites = start(personality)
    link = sites.place("probe:quiz")
    sites.enter("arun", link)
    deliver(sites)
    sites.control("levers", {"statuses": {"ben": "Inactive", "dana": "Deleted"}})
    ask(sites)
    assert listed(sites, status="inactive") == listed(sites, listed=False) == {"Ben Carter", "Dana Flores"}
    sites.enter("ben", link)
    assert listed(sites, status="inactive") == {"Dana Flores"}


def test_who_only_launched_is_not_listed_and_does_not_become_inactive(start: Start) -> None:
    """Moodle's administrators are in no list."""
    sites = start("moodle")
    sites.enter("noor", sites.place("probe:quiz"))
    deliver(sites)
    ask(sites)
    assert listed(sites, listed=False) == {"Noor Haddad"}
    assert "Noor Haddad" in listed(sites, status="active")


def test_what_somebody_is_in_a_launch_counts_for_more_than_the_list(start: Start) -> None:
    """Moodle lists a non-editing teacher, who launches as an instructor, as a learner."""
    sites = start("moodle")
    link = sites.place("probe:quiz")
    sites.enter("arun", link)
    sites.enter("ben", link)
    with writing(sites.tool):
        ben = select(Person.id).where(Person.name == "Ben Carter").scalar_subquery()
        session.execute(
            update(Enrolment)
            .where(Enrolment.person_id == ben)
            .values(roles=["assistant"])
            .execution_options(synchronize_session=False)
        )
    deliver(sites)
    assert listed(sites, roles=frozenset({Role.ASSISTANT})) == {"Ben Carter"}
    assert "Chidi Okafor" in listed(sites, roles=frozenset({Role.LEARNER}))


def test_names_that_the_lms_keeps_back_erase_none_that_are_known(start: Start) -> None:
    sites = start()
    sites.enter("arun", sites.place("probe:quiz"))
    deliver(sites)
    subs = {one["key"]: one["sub"] for one in sites.control("state")["people"]}
    odd = [
        {"user_id": subs["ben"], "roles": ["Learner"]},
        {"user_id": "new", "roles": None, "name": 7},
        {"user_id": None},
        {"roles": []},
        None,
        3,
        {"user_id": subs["dana"], "status": None, "email": [], "roles": "Learner"},
    ]
    body = json.dumps({"members": odd})
    sites.fail("members", status=200, body=body, headers={"Content-Type": "application/json"})
    ask(sites)
    assert listed(sites, status="active", listed=True) == {"Ben Carter", "Dana Flores", "7"}


@pytest.mark.parametrize("lever", ["elsewhere", "circle"])
def test_a_list_that_leads_astray_makes_nobody_inactive_and_is_explained(start: Start, lever: str) -> None:
    sites = start()
    sites.enter("arun", sites.place("probe:quiz"))
    deliver(sites)
    sites.control("levers", {"next_page": lever, "statuses": {"ben": "Inactive"}, "page_size": 3})
    ask(sites)
    with sites.tool.app_context():
        state = roster.state(*course(sites))
    assert state.problem
    assert state.listed_at is not None
    assert state.asked_at is not None
    assert state.asked_at > state.listed_at
    assert "Émile Gagnon" in listed(sites, status="active")


def test_a_refusal_is_kept_in_the_words_of_the_lms_and_not_repeated(start: Start) -> None:
    sites = start()
    sites.enter("arun", sites.place("probe:quiz"))
    sites.fail("members", status=403, body="No names for you", times=9)
    deliver(sites)
    deliver(sites)
    assert sites.control("state")["requests"]["members"] == 1
    with sites.tool.app_context():
        state = roster.state(*course(sites))
    assert (state.problem, state.listed_at) == ("403 No names for you", None)
    sites.control("reset", {})
    assert listed(sites) == {"Arun Patel"}


def test_a_lms_that_is_down_is_asked_again(start: Start) -> None:
    sites = start()
    sites.enter("arun", sites.place("probe:quiz"))
    sites.fail("members", status=503, body="Maintenance", times=2)
    for _ in range(2):
        with writing(sites.tool):
            session.execute(update(Job).values(due_at=utcnow() - timedelta(seconds=1)))
        sites.deliver()
        with sites.tool.app_context():
            assert roster.state(*course(sites)).problem == "503 Maintenance"
    deliver(sites)
    with sites.tool.app_context():
        assert roster.state(*course(sites)).problem == ""
    assert listed(sites, status="active") == LEARNERS | TEACHERS


def test_a_course_without_the_service_has_no_list_and_says_so(start: Start) -> None:
    sites = start()
    link = sites.place("probe:quiz")
    sites.enter("arun", link)
    with writing(sites.tool):
        session.execute(update(Course).values(memberships_url=None))
    ask(sites)
    with sites.tool.app_context():
        state = roster.state(*course(sites))
    assert (state.can_ask, state.listed_at, state.problem) == (False, None, "")
    assert sites.control("state")["requests"].get("members", 0) == 0
