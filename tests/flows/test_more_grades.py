"""Grades that are cleared, sent again, not shown by the LMS, or for a competency."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from ltitools.db import session, utcnow
from ltitools.models import Grade, LineItem, Link, Person
from ltitools.plugin import Competency, GradeStatus, Score, columns, competencies, grades
from ltitools.services import activities, tenants
from ltitools.services import grades as all_grades
from ltitools.testing import writing
from probe import make_probe
from sites import TENANT, Sites, running

Start = Callable[..., Sites]
each_lms = pytest.mark.parametrize("personality", ["moodle", "canvas", "generic"])


@pytest.fixture
def start(database_url: str) -> Iterator[Start]:
    """Starts the tool and an LMS of a personality, with one activity of the probe."""
    with ExitStack() as stack:

        def begin(personality: str = "moodle") -> Sites:
            sites = stack.enter_context(running(database_url, personality, plugins=[make_probe(listens={})]))
            with writing(sites.tool):
                activities.create(tenants.by_key(TENANT).id, "probe", "quiz", "Quiz")
            return sites

        yield begin


def send(sites: Sites) -> None:
    """Deliver all that waits, as if its time had come."""
    with writing(sites.tool):
        session.execute(update(Grade).where(Grade.state == "waiting").values(due_at=utcnow()))
    while sites.deliver():
        pass


@contextmanager
def cell(sites: Sites, person: str = "Ben Carter") -> Iterator[tuple[int, int, int]]:
    """Institution, link and person of the first link and a learner, in a transaction."""
    with writing(sites.tool):
        link = session.scalars(select(Link).order_by(Link.id)).first()
        assert link is not None
        yield link.tenant_id, link.id, session.scalars(select(Person.id).where(Person.name == person)).one()


def state(sites: Sites, person: str = "Ben Carter") -> str:
    with cell(sites, person) as where:
        return grades.status(*where).state


def graded(sites: Sites, given: str = "70") -> None:
    """Ben has a score, and the LMS has it."""
    sites.enter("ben", sites.place("probe:quiz")).post("score", given=given)
    send(sites)
    assert sites.cell("ben")["score"] == pytest.approx(float(given))


@each_lms
def test_a_cleared_grade_is_empty_in_the_lms_and_a_later_score_fills_it_again(start: Start, personality: str) -> None:
    sites = start(personality)
    graded(sites)
    attempts = sites.cell("ben")["attempts"]
    with cell(sites) as where:
        assert grades.clear(*where) == GradeStatus("waiting", None, Decimal(100), **_times(where))
    send(sites)
    assert (sites.cell("ben")["score"], state(sites)) == (None, "cleared")
    assert sites.cell("ben")["attempts"] == attempts, "clearing is no attempt"
    with cell(sites) as where:
        grades.record(*where, Score(Decimal(55), Decimal(100), utcnow()))
    send(sites)
    assert (sites.cell("ben")["score"], state(sites)) == (55, "sent")


def _times(where: tuple[int, int, int]) -> dict[str, Any]:
    now = grades.status(*where)
    return {"recorded_at": now.recorded_at, "sent_at": now.sent_at}


@each_lms
def test_clearing_what_never_went_out_sends_nothing(start: Start, personality: str) -> None:
    sites = start(personality)
    browser = sites.enter("ben", sites.place("probe:quiz"))
    with cell(sites) as where:
        assert grades.clear(*where) == grades.resend(*where) == GradeStatus("none")
    browser.post("score", given="70")
    with cell(sites) as where:
        assert grades.clear(*where).state == "cleared"
    send(sites)
    assert sites.cell("ben")["posts"] == []


def test_a_score_and_a_clearing_that_cross_end_as_the_later_says(start: Start) -> None:
    """The order is that of the calls, whatever the LMS answered in between."""
    sites = start()
    graded(sites)
    sites.fail("scores", status=503, times=1)
    with cell(sites) as where:
        grades.clear(*where)
    send(sites)
    with cell(sites) as where:
        assert grades.status(*where).state == "waiting"
        grades.record(*where, Score(Decimal(80), Decimal(100), utcnow()))
        grades.clear(*where)
        grades.record(*where, Score(Decimal(90), Decimal(100), utcnow()))
    send(sites)
    assert (sites.cell("ben")["score"], state(sites)) == (90, "sent")
    sites.fail("scores", after_storing=True, status=500, times=1)
    with cell(sites) as where:
        grades.clear(*where)
    for _ in range(3):
        send(sites)
    assert (sites.cell("ben")["score"], state(sites)) == (None, "cleared")


@each_lms
def test_a_score_can_be_sent_again_although_it_was_taken(start: Start, personality: str) -> None:
    """Somebody emptied or changed the cell in the LMS."""
    sites = start(personality)
    graded(sites)
    attempts = sites.cell("ben")["attempts"]
    with cell(sites) as where:
        assert grades.resend(*where).state == "waiting"
    send(sites)
    found = sites.cell("ben")
    assert [post["status"] for post in found["posts"]] == [200, 200]
    assert found["posts"][0]["body"]["timestamp"] < found["posts"][1]["body"]["timestamp"]
    assert (found["score"], found["attempts"], state(sites)) == (70, attempts, "sent")


def test_a_column_that_takes_scores_and_shows_none_is_noticed(start: Start) -> None:
    sites = start()
    sites.control("levers", {"scores_hidden": True})
    link = sites.place("probe:quiz")
    for person in ("ben", "dana"):
        sites.enter(person, link).post("score", given="70")
    send(sites)
    assert state(sites) == state(sites, "Dana Flores") == "unseen"
    with cell(sites) as (tenant_id, _link_id, _person_id):
        assert all_grades.undelivered(tenant_id) == [], "it was delivered"
    asked = sites.control("state")["requests"]["results"]
    with cell(sites) as where:
        grades.record(*where, Score(Decimal(80), Decimal(100), utcnow()))
    send(sites)
    assert state(sites) == "unseen"
    assert sites.control("state")["requests"]["results"] == asked + 1, "only the teacher's comment was read"
    sites.control("levers", {})
    with cell(sites) as where:
        grades.resend(*where)
    send(sites)
    assert (state(sites), state(sites, "Dana Flores")) == ("sent", "unseen")


def test_once_a_column_shows_a_score_nobody_looks_again(start: Start) -> None:
    sites = start("generic")
    link = sites.place("probe:quiz")
    for person in ("ben", "dana", "emile"):
        sites.enter(person, link).post("score", given="70")
        send(sites)
    assert sites.control("state")["requests"]["results"] == 1
    sites.enter("ben", sites.place("probe:quiz")).post("score", given="70")
    send(sites)
    assert sites.control("state")["requests"]["results"] == 2, "another column is another question"


def test_results_that_cannot_be_read_change_nothing_and_are_not_asked_for_again(start: Start) -> None:
    sites = start("generic")
    sites.fail("results", status=500, times=9)
    browser = sites.enter("ben", sites.place("probe:quiz"))
    for given in ("70", "80"):
        browser.post("score", given=given)
        send(sites)
        assert browser.get().json()["grade"] == "sent"
    assert sites.control("state")["requests"]["results"] == 1


# Columns of competencies ------------------------------------------------------------------------------------


@pytest.fixture
def made(start: Start) -> Callable[[str], tuple[Sites, list[Competency]]]:
    """Starts an LMS in which Ben and an instructor have opened an activity about two competencies."""

    def begin(personality: str) -> tuple[Sites, list[Competency]]:
        sites = start(personality)
        link = sites.place("probe:quiz")
        sites.enter("ben", link)
        sites.enter("arun", link)
        with cell(sites) as (tenant_id, _link, _person):
            titles = {"verify": {"en": "Checking AI output"}, "data": {"en": "Data and privacy"}}
            found = list(competencies.ensure_all(tenant_id, "ictc", titles).values())
        return sites, found

    return begin


def ensure(sites: Sites, competency: Competency, link_number: int = 0) -> str:
    """The column for the competency, in a transaction of its own."""
    with writing(sites.tool):
        link = session.scalars(select(Link).order_by(Link.id)).all()[link_number]
        quiz = activities.find(link.tenant_id, "probe", "quiz")
        assert quiz is not None
        session.commit()
        return columns.ensure_for_competency(link.tenant_id, link.id, quiz, competency)


@each_lms
def test_each_competency_has_a_column_and_the_links_own_stays_its_own(
    made: Callable[[str], tuple[Sites, list[Competency]]], personality: str
) -> None:
    sites, (verify, data) = made(personality)
    with cell(sites) as where:
        for given, competency in ((60, verify), (90, data)):
            score = Score(Decimal(given), Decimal(100), utcnow())
            assert grades.record(*where, score, competency_id=competency.id).state == "ungraded"
        assert grades.record(*where, Score(Decimal(75), Decimal(100), utcnow())).state == "waiting"
    assert ensure(sites, verify) != ensure(sites, data)
    assert ensure(sites, verify) == ensure(sites, verify)
    send(sites)
    book = sites.control("state")["gradebook"]
    assert [(one["tag"], one["resourceId"], "resourceLinkId" in one) for one in book] == [
        ("", "", True),
        ("competency:verify", "probe:quiz", False),
        ("competency:data", "probe:quiz", False),
    ]
    assert [sites.cell("ben", number)["score"] for number in range(3)] == [75, 60, 90]
    with cell(sites) as where:
        assert grades.status(*where, competency_id=verify.id).given == 60
        assert set(grades.statuses(*where[:2])) == {where[2]}
        assert grades.clear(*where, competency_id=verify.id).state == "waiting"
    send(sites)
    assert [sites.cell("ben", number)["score"] for number in range(3)] == [75, None, 90]
    sites.enter("ben", 1)
    with sites.tool.app_context():
        own = session.scalars(select(Link.line_item_url)).one()
    assert own == book[0]["id"]


def test_a_column_that_was_made_before_a_crash_is_found_again_and_another_links_is_not(
    made: Callable[[str], tuple[Sites, list[Competency]]],
) -> None:
    sites, (verify, _data) = made("moodle")
    url = ensure(sites, verify)
    with writing(sites.tool):
        session.execute(LineItem.__table__.delete())
    assert ensure(sites, verify) == url
    sites.enter("ben", sites.place("probe:quiz"))
    second = ensure(sites, verify, 1)
    assert second != url
    assert len(sites.control("state")["gradebook"]) == 4


def test_a_link_and_a_competency_have_one_score_of_a_person_each(
    made: Callable[[str], tuple[Sites, list[Competency]]],
) -> None:
    """On either database, although one of the two has no competency."""
    sites, (verify, _data) = made("generic")
    for competency_id in (None, verify.id):
        for given in (10, 20):
            with cell(sites) as where:
                score = Score(Decimal(given), Decimal(100), utcnow())
                grades.record(*where, score, competency_id=competency_id)
    with sites.tool.app_context():
        assert sorted(session.scalars(select(Grade.given))) == [20, 20]
