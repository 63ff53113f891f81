"""A score on its way to the gradebook of an LMS that misbehaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select, update

from ltitools.db import session, utcnow
from ltitools.models import Grade, Link, ServiceToken
from ltitools.services import activities, tenants
from ltitools.testing import writing
from ltitools.worker import outbox
from probe import make_probe
from sites import TENANT, Sites, ToolBrowser, running

Start = Callable[..., Sites]


@pytest.fixture
def start(database_url: str) -> Iterator[Start]:
    """Starts the tool and an LMS of a personality, with one activity of the probe."""
    with ExitStack() as stack:

        def begin(personality: str = "moodle") -> Sites:
            sites = stack.enter_context(running(database_url, personality, plugins=[make_probe()]))
            with writing(sites.tool):
                activities.create(tenants.by_key(TENANT).id, "probe", "quiz", "Quiz")
            return sites

        yield begin


@pytest.fixture
def moodle(start: Start) -> Sites:
    return start("moodle")


def learner(sites: Sites, person: str = "ben") -> ToolBrowser:
    return sites.enter(person, sites.place("probe:quiz"))


def make_due(sites: Sites) -> None:
    """Let what waits for its next try be due now."""
    with writing(sites.tool):
        session.execute(update(Grade).where(Grade.state == "waiting").values(due_at=utcnow()))


def stored(sites: Sites) -> Grade:
    with sites.tool.app_context():
        return session.scalars(select(Grade)).one()


@pytest.mark.parametrize("personality", ["moodle", "canvas", "generic"])
def test_a_score_reaches_the_gradebook_and_is_said_to_be_sent_only_then(start: Start, personality: str) -> None:
    sites = start(personality)
    browser = learner(sites)
    assert browser.post("score", given="83.33333").json() == {"state": "waiting"}
    assert sites.cell("ben")["score"] is None
    assert browser.get().json()["grade"] == "waiting"
    sites.deliver()
    assert sites.cell("ben")["score"] == pytest.approx(83.33333)
    assert browser.get().json()["grade"] == "sent"


@pytest.mark.parametrize("personality", ["moodle", "canvas", "generic"])
def test_a_score_of_zero_is_a_score(start: Start, personality: str) -> None:
    sites = start(personality)
    learner(sites).post("score", given="0")
    sites.deliver()
    assert sites.cell("ben")["score"] == 0


def test_nobody_gets_a_score_who_has_none(moodle: Sites) -> None:
    learner(moodle)
    assert moodle.deliver() == 0
    assert moodle.cell("ben")["posts"] == []


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408])
def test_a_score_is_sent_again_when_the_lms_is_down(moodle: Sites, status: int) -> None:
    moodle.fail("scores", status=status, times=2)
    browser = learner(moodle)
    browser.post("score", given="70")
    for _ in range(2):
        moodle.deliver()
        assert browser.get().json()["grade"] == "waiting"
        make_due(moodle)
    moodle.deliver()
    assert moodle.cell("ben")["score"] == 70
    assert browser.get().json()["grade"] == "sent"


def test_the_wait_between_tries_grows_and_never_undercuts_what_the_lms_asked_for(moodle: Sites) -> None:
    moodle.fail("scores", status=503, times=1)
    moodle.fail("scores", status=429, headers={"Retry-After": "1800"}, times=1)
    learner(moodle).post("score", given="70")
    moodle.deliver()
    first = stored(moodle).due_at - utcnow()
    make_due(moodle)
    moodle.deliver()
    second = stored(moodle).due_at - utcnow()
    assert timedelta(seconds=1) < first < timedelta(seconds=10)
    assert second > timedelta(seconds=1700)


@pytest.mark.parametrize("personality", ["moodle", "canvas", "generic"])
@pytest.mark.parametrize("fault", [{"cut": True}, {"status": 500}])
def test_a_score_whose_answer_was_lost_ends_up_once_in_the_gradebook(
    start: Start, personality: str, fault: dict[str, object]
) -> None:
    """The LMS took the score, but its answer never came: the second post must neither fail for good nor add."""
    sites = start(personality)
    sites.fail("scores", after_storing=True, times=1, **fault)
    browser = learner(sites)
    browser.post("score", given="70")
    for _ in range(3):
        sites.deliver()
        make_due(sites)
    assert sites.cell("ben")["score"] == 70
    assert browser.get().json()["grade"] == "sent"


def test_canvas_counts_one_attempt_however_often_the_score_is_sent(start: Start) -> None:
    sites = start("canvas")
    sites.fail("scores", after_storing=True, status=502, times=2)
    browser = learner(sites)
    browser.post("score", given="70")
    for _ in range(3):
        sites.deliver()
        make_due(sites)
    browser.post("score", given="80")
    make_due(sites)
    sites.deliver()
    cell = sites.cell("ben")
    assert (cell["score"], cell["attempts"]) == (80, 1)


def test_the_latest_of_several_scores_wins_although_each_comes_within_the_same_second(moodle: Sites) -> None:
    """Moodle refuses a timestamp that is not later by whole seconds than the one it has."""
    browser = learner(moodle)
    for given in ("50", "60", "70"):
        browser.post("score", given=given)
        make_due(moodle)
        moodle.deliver()
    cell = moodle.cell("ben")
    assert cell["score"] == 70
    assert [post["status"] for post in cell["posts"]] == [200, 200, 200]
    times = [datetime.fromisoformat(post["body"]["timestamp"]) for post in cell["posts"]]
    assert all(later - earlier >= timedelta(seconds=1) for earlier, later in pairwise(times))


def test_a_score_that_would_be_dated_ahead_waits_for_the_clock(moodle: Sites) -> None:
    browser = learner(moodle)
    browser.post("score", given="50")
    moodle.deliver()
    ahead = utcnow() + timedelta(seconds=60)
    with writing(moodle.tool):
        # As if it had been posted again and again: every post is dated a second later.
        session.execute(update(Grade).values(timestamp=ahead))
    browser.post("score", given="60")
    moodle.deliver()
    waiting = stored(moodle)
    assert (waiting.state, waiting.timestamp) == ("waiting", ahead + timedelta(seconds=1))
    assert waiting.timestamp - waiting.due_at == timedelta(seconds=2)
    assert moodle.cell("ben")["score"] == 50
    for post in moodle.cell("ben")["posts"]:
        sent, received = (
            datetime.fromisoformat(post["body"]["timestamp"]),
            datetime.fromisoformat(post["received_at"]),
        )
        assert sent - received <= timedelta(seconds=3)


def test_a_timestamp_that_the_lms_finds_too_early_is_renewed(moodle: Sites) -> None:
    """A teacher's edit a moment ago made the stored time later than ours."""
    browser = learner(moodle)
    browser.post("score", given="50")
    moodle.fail("scores", status=409, body="Refusing score with an earlier timestamp", times=1)
    moodle.deliver()
    before = stored(moodle).timestamp
    make_due(moodle)
    moodle.deliver()
    assert moodle.cell("ben")["score"] == 50
    assert stored(moodle).timestamp == before
    assert stored(moodle).state == "sent"


def test_the_teachers_own_feedback_survives_a_new_score_on_moodle(moodle: Sites) -> None:
    """Moodle clears feedback with every score that has no comment."""
    browser = learner(moodle)
    browser.post("score", given="50", comment="Well begun.")
    moodle.deliver()
    browser.post("score", given="60")
    make_due(moodle)
    moodle.deliver()
    cell = moodle.cell("ben")
    assert (cell["score"], cell["comments"]) == (60, ["Well begun."])


def test_an_expired_token_is_renewed_once_and_a_good_one_is_used_again(moodle: Sites) -> None:
    for person in ("ben", "chidi", "dana"):
        learner(moodle, person).post("score", given="70")
    moodle.deliver()
    assert moodle.control("state")["requests"]["token"] == 2, "one for scores, one for results"
    moodle.fail("scores", status=401, times=1)
    learner(moodle, "emile").post("score", given="70")
    moodle.deliver()
    states = [moodle.cell(person, column)["score"] for column, person in enumerate(("ben", "chidi", "dana", "emile"))]
    assert states == [70, 70, 70, 70]
    assert moodle.control("state")["requests"]["token"] <= 4


def test_a_lms_that_refuses_every_token_keeps_the_score_waiting_and_says_why(moodle: Sites) -> None:
    moodle.fail("token", status=400, body='{"error":"invalid_client"}', times=3)
    browser = learner(moodle)
    browser.post("score", given="70")
    moodle.deliver()
    assert browser.get().json()["grade"] == "waiting"
    assert "invalid_client" in stored(moodle).problem
    moodle.control("faults", [])
    for _ in range(3):
        make_due(moodle)
        moodle.deliver()
    assert moodle.cell("ben")["score"] == 70


def test_a_score_that_the_lms_refuses_for_good_is_parked_with_its_words_and_a_new_one_is_tried(moodle: Sites) -> None:
    moodle.fail("scores", status=400, body="<html><body>Incorrect score received</body></html>", times=1)
    browser = learner(moodle)
    browser.post("score", given="70")
    moodle.deliver()
    assert browser.get().json()["grade"] == "parked"
    assert stored(moodle).problem == "400 Incorrect score received"
    assert moodle.deliver() == 0
    browser.post("score", given="75")
    make_due(moodle)
    moodle.deliver()
    assert moodle.cell("ben")["score"] == 75


def test_a_score_recorded_while_an_older_one_is_posted_is_sent_too(moodle: Sites) -> None:
    """The row is done only if the version that was posted is still the current one."""
    browser = learner(moodle)
    browser.post("score", given="50")
    with moodle.tool.app_context():
        lease = outbox.claim(Grade, Grade.id > 0, 5)
        parcels = outbox._parcels(lease)
        session.commit()
    browser.post("score", given="60")
    with moodle.tool.app_context():
        outbox._settle(parcels[0], outbox._post(parcels[0]))
    assert stored(moodle).state == "waiting"
    make_due(moodle)
    moodle.deliver()
    assert moodle.cell("ben")["score"] == 60
    assert stored(moodle).state == "sent"


def test_a_worker_that_dies_with_a_lease_leaves_the_score_to_the_next(moodle: Sites) -> None:
    browser = learner(moodle)
    browser.post("score", given="50")
    with moodle.tool.app_context():
        outbox.claim(Grade, Grade.id > 0, 5)
    moodle.deliver()
    assert moodle.cell("ben")["posts"] == []
    with writing(moodle.tool):
        session.execute(update(Grade).values(leased_until=utcnow() - timedelta(seconds=1)))
    moodle.deliver()
    assert moodle.cell("ben")["score"] == 50


def test_tokens_are_sealed_in_the_database(moodle: Sites) -> None:
    learner(moodle).post("score", given="50")
    moodle.deliver()
    with moodle.tool.app_context():
        kept = session.scalars(select(ServiceToken)).all()
        host = moodle.tool.extensions["ltitools"]
        assert kept
        for token in kept:
            assert host.sealer.open("service-token", token.sealed_token) not in token.sealed_token


def test_a_link_without_a_column_is_ungraded_and_nothing_is_sent(moodle: Sites) -> None:
    browser = moodle.enter("ben", moodle.place("probe:quiz", graded=False))
    assert browser.post("score", given="50").json() == {"state": "ungraded"}
    assert moodle.deliver() <= 1
    assert moodle.control("state")["requests"].get("scores", 0) == 0


@pytest.mark.parametrize("personality", ["moodle", "canvas"])
def test_an_instructor_adds_the_missing_column_and_the_scores_that_waited_for_it_are_sent(
    start: Start, personality: str
) -> None:
    sites = start(personality)
    link = sites.place("probe:quiz", graded=False)
    sites.enter("ben", link).post("score", given="50")
    teacher = sites.enter("arun", link)
    assert teacher.post("column").json() == {"state": "added"}
    while sites.deliver():
        pass
    assert sites.cell("ben")["score"] == 50
    assert teacher.post("column").json() == {"state": "added"}, "a second time changes nothing"
    assert len(sites.control("state")["gradebook"]) == 1
    assert sites.enter("ben", link).get().json()["can_grade"] is True


def test_a_column_that_the_lms_has_for_the_link_is_taken_and_none_is_made(moodle: Sites) -> None:
    link = moodle.place("probe:quiz")
    teacher = moodle.enter("arun", link)
    with writing(moodle.tool):
        session.execute(update(Link).values(line_item_url=None))
    teacher.post("column")
    assert len(moodle.control("state")["gradebook"]) == 1
    with moodle.tool.app_context():
        assert session.scalars(select(Link.line_item_url)).one() is not None


def test_a_lms_that_adds_no_column_is_quoted_and_a_learner_cannot_ask_for_one(moodle: Sites) -> None:
    link = moodle.place("probe:quiz", graded=False)
    moodle.fail("lineitems", status=403, body="No columns for you", times=5)
    refused = moodle.enter("arun", link).post("column")
    assert (refused.status_code, "column-refused" in refused.text) == (409, True)
    assert moodle.enter("ben", link).post("column").status_code == 403


def test_a_disabled_institution_sends_nothing_until_it_is_enabled(moodle: Sites) -> None:
    learner(moodle).post("score", given="50")
    with writing(moodle.tool):
        tenants.set_enabled(TENANT, False)
    moodle.deliver()
    assert moodle.cell("ben")["posts"] == []
    with writing(moodle.tool):
        tenants.set_enabled(TENANT, True)
    moodle.deliver()
    assert moodle.cell("ben")["score"] == 50
