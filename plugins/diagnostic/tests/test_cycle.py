"""Assess, learn, reassess: what a learner is asked again, what it changes, and what the time does to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from ltitools.plugin import JobRun, session
from ltitools.services.uptime import beat
from ltitools.testing import INSTRUCTOR, Visit, ags_claim, error_code, statements, writing
from ltitools_diagnostic import overdue
from ltitools_diagnostic.models import Attempt

COLUMN = ags_claim("https://lms.example.test/lineitems/1", "https://lms.example.test/lineitems")
Enter = Callable[..., Visit]
Publish = Callable[..., str]
Rows = Callable[..., list[Any]]
MakeBank = Callable[..., bytes]
SETTINGS = {"paging": "question", "review": "answers", "zone": "UTC"}


def two_competencies(make: MakeBank, each: int = 12) -> bytes:
    return make(
        *(
            {"id": f"{code}{n}", "competency": code, "type": "text", "question": f"{code} number {n}?", "answer": "yes"}
            for code in ("alpha", "beta")
            for n in range(each)
        )
    )


def of(visit: Visit, path: str = "") -> str:
    return unescape(visit.get(path).get_data(as_text=True))


def sit(visit: Visit, know: Callable[[str], bool]) -> list[str]:
    """One sitting from its start to its results; returns the questions that were asked."""
    asked = []
    where = visit.post("start").headers["Location"]
    while "/q/" in where:
        page, number = of(visit, where), where.rpartition("/")[2]
        question = re.search(r"(alpha|beta) number \d+\?", page)
        assert question is not None
        asked.append(question[0])
        where = visit.post(where, {f"answer-{number}": "yes" if know(question[0]) else "no"}).headers["Location"]
    visit.post("submit")
    return asked


def configure(enter: Enter, activity: str, **rules: str) -> None:
    answer = enter(activity, as_=INSTRUCTOR).post("settings", {**SETTINGS, **rules})
    assert answer.status_code == 303, answer.get_data(as_text=True)


def move_start(app: Flask, back: timedelta) -> None:
    """Let the open sittings have begun that much earlier."""
    with writing(app):
        session.execute(update(Attempt).values(started_at=datetime.now(UTC) - back))


def run_overdue(app: Flask) -> None:
    with writing(app):
        overdue.submit_overdue(JobRun(1, None, {}))


def test_a_reassessment_asks_only_about_what_is_not_shown_and_with_other_questions(
    enter: Enter, publish: Publish, bank: MakeBank, rows: Rows
) -> None:
    visit = enter(publish(two_competencies(bank), per="6"), endpoint=COLUMN)
    first = sit(visit, lambda question: question.startswith("alpha"))
    page = of(visit)
    assert "asked again only about the one competency that is not shown yet" in page
    second = sit(visit, lambda question: True)
    assert len(first) == 12
    assert len(second) == 6
    assert all(question.startswith("beta") for question in second)
    assert not set(first) & set(second)
    page = of(visit)
    assert "You have shown everything. There is nothing left here" in page
    assert "Overall score: 100 out of 100" in page
    assert [float(row["given"]) for row in rows("SELECT given FROM grade")] == [100]


def test_questions_come_again_only_when_there_are_no_others(enter: Enter, publish: Publish, bank: MakeBank) -> None:
    visit = enter(publish(two_competencies(bank, 8), per="6"))
    first = sit(visit, lambda question: question.startswith("alpha"))
    again = sit(visit, lambda question: False)
    met = {question for question in first if question.startswith("beta")}
    assert len(set(again) - met) == 2
    assert len(set(again) & met) == 4


def test_a_worse_reassessment_lowers_nothing_and_is_not_sent(
    enter: Enter, publish: Publish, bank: MakeBank, rows: Rows
) -> None:
    """A score that is the same would only undo what a teacher has changed in the gradebook since."""
    visit = enter(publish(two_competencies(bank), per="6"), endpoint=COLUMN)
    sit(visit, lambda question: question.startswith("alpha"))
    before = rows("SELECT given, version FROM grade")
    sit(visit, lambda question: False)
    assert rows("SELECT given, version FROM grade") == before
    assert "Overall score: 50 out of 100" in of(visit)


def test_everything_shown_at_the_first_sitting_is_said_at_once_and_nothing_is_asked_again(
    enter: Enter, publish: Publish, bank: MakeBank, rows: Rows
) -> None:
    visit = enter(publish(two_competencies(bank), per="6"))
    sit(visit, lambda question: True)
    page = of(visit)
    assert "You have shown everything at the first attempt." in page
    assert "Answer again" not in page
    assert visit.post("start").headers["Location"] == visit.path
    assert len(rows("SELECT id FROM diagnostic_attempt")) == 1


def test_attempts_are_used_up_and_an_instructor_can_give_one_more(
    enter: Enter, publish: Publish, bank: MakeBank, rows: Rows
) -> None:
    activity = publish(two_competencies(bank), per="6")
    configure(enter, activity, attempts="1")
    visit = enter(activity)
    assert "You can submit once." in of(visit)
    sit(visit, lambda question: False)
    assert "You have used all your attempts." in of(visit)
    assert visit.post("start").status_code == 422
    [person] = rows("SELECT person_id FROM diagnostic_attempt")
    enter(activity, as_=INSTRUCTOR).post(
        f"people/{person['person_id']}/allowance", {"factor": "1", "extra_attempts": "1"}
    )
    assert "1 attempt is left." in of(visit)
    sit(visit, lambda question: True)
    assert "You have shown everything." in of(visit)


def test_a_password_opens_the_activity(enter: Enter, publish: Publish, rows: Rows) -> None:
    activity = publish()
    configure(enter, activity, password="Ahornblatt 7")
    visit = enter(activity)
    refused = visit.post("start", {"password": "wrong"})
    assert refused.status_code == 422
    assert '<a href="#password">This is not the password.' in refused.get_data(as_text=True)
    assert rows("SELECT id FROM diagnostic_attempt") == []
    assert "/q/1" in visit.post("start", {"password": " Ahornblatt 7 "}).headers["Location"]


@pytest.mark.parametrize(("field", "hours", "said"), [("opens_at", 2, "opens on"), ("closes_at", -2, "is closed")])
def test_outside_the_dates_nothing_can_be_begun(
    enter: Enter, publish: Publish, rows: Rows, field: str, hours: int, said: str
) -> None:
    activity = publish()
    when = datetime.now(UTC) + timedelta(hours=hours)
    configure(enter, activity, **{field: f"{when:%Y-%m-%dT%H:%M}"})
    visit = enter(activity)
    assert said in of(visit)
    assert visit.post("start").status_code == 422
    assert rows("SELECT id FROM diagnostic_attempt") == []


def test_dates_are_typed_and_shown_in_the_time_zone_of_the_activity(enter: Enter, publish: Publish) -> None:
    activity = publish()
    configure(enter, activity, closes_at="2037-07-01T18:00", zone="America/Toronto")
    assert "Submit before 1 July 2037, 18:00 (Toronto)." in of(enter(activity))
    assert 'value="2037-07-01T18:00"' in of(enter(activity, as_=INSTRUCTOR), "settings")


def test_an_answer_after_the_time_is_not_taken_and_what_was_saved_is_submitted(
    app: Flask, enter: Enter, publish: Publish, bank: MakeBank, rows: Rows
) -> None:
    activity = publish(two_competencies(bank), per="6")
    configure(enter, activity, time_limit="30")
    visit = enter(activity, endpoint=COLUMN)
    visit.post("start")
    assert 'role="timer"' in of(visit, "q/1")
    visit.post("q/1", {"answer-1": "yes"})
    move_start(app, timedelta(minutes=31))
    assert "The time is over" in of(visit)
    visit.post("q/2", {"answer-2": "yes"})
    [attempt] = rows("SELECT ended_by, score, submitted_at, started_at FROM diagnostic_attempt")
    assert (attempt["ended_by"], float(attempt["score"])) == ("time", pytest.approx(100 / 12, abs=0.001))
    assert "The time of your latest attempt was over" in of(visit)
    assert len(rows("SELECT id FROM grade")) == 1


def test_an_answer_that_was_on_its_way_when_the_time_ended_is_taken(
    app: Flask, enter: Enter, publish: Publish, bank: MakeBank, rows: Rows
) -> None:
    activity = publish(two_competencies(bank), per="6")
    configure(enter, activity, time_limit="30")
    visit = enter(activity)
    visit.post("start")
    move_start(app, timedelta(minutes=30, seconds=5))
    assert visit.post("q/1", {"answer-1": "yes", "go": "time"}).headers["Location"] == visit.path
    [attempt] = rows("SELECT ended_by, score FROM diagnostic_attempt")
    assert (attempt["ended_by"], float(attempt["score"])) == ("time", pytest.approx(100 / 12, abs=0.001))


def test_who_does_not_come_back_is_submitted_when_the_time_is_over(
    app: Flask, enter: Enter, publish: Publish, rows: Rows
) -> None:
    activity = publish()
    configure(enter, activity, time_limit="30")
    for person in ("late", "slow", "new"):
        enter(activity, person=person, endpoint=COLUMN).post("start")
    people = [row["person_id"] for row in rows("SELECT person_id FROM diagnostic_attempt ORDER BY id")]
    move_start(app, timedelta(minutes=40))
    with writing(app):
        session.execute(update(Attempt).where(Attempt.person_id == people[2]).values(started_at=datetime.now(UTC)))
    enter(activity, as_=INSTRUCTOR).post(f"people/{people[1]}/allowance", {"factor": "1.5"})
    run_overdue(app)
    ended = rows("SELECT person_id, ended_by FROM diagnostic_attempt WHERE submitted_at IS NOT NULL")
    assert [(row["person_id"], row["ended_by"]) for row in ended] == [(people[0], "time")]
    assert [row["person_id"] for row in rows("SELECT person_id FROM grade")] == [people[0]]


def test_time_in_which_the_server_was_away_is_given_back(
    app: Flask, enter: Enter, publish: Publish, rows: Rows
) -> None:
    activity = publish()
    configure(enter, activity, time_limit="30")
    visit = enter(activity)
    visit.post("start")
    move_start(app, timedelta(minutes=40))
    now = datetime.now(UTC)
    with writing(app):
        beat(now - timedelta(minutes=35))
        beat(now - timedelta(minutes=10))
    run_overdue(app)
    page = of(visit, "q/1")
    assert re.search(r'role="timer" class="number">1[45]:\d\d<', page)
    assert rows("SELECT id FROM diagnostic_attempt WHERE submitted_at IS NOT NULL") == []


def test_a_learner_asks_for_more_time_and_what_is_granted_counts_at_once(
    app: Flask, enter: Enter, publish: Publish, rows: Rows
) -> None:
    activity = publish()
    configure(enter, activity, time_limit="30")
    visit = enter(activity, name="Ada")
    visit.post("start")
    move_start(app, timedelta(minutes=20))
    visit.post("more-time", {"reason": "I read with a screen reader."})
    assert "Your request was passed on" in of(visit, "more-time")
    teacher = enter(activity, as_=INSTRUCTOR)
    assert "1 person asks for more time." in of(teacher)
    [person] = rows("SELECT person_id FROM diagnostic_attempt")
    assert "I read with a screen reader." in of(teacher, f"people/{person['person_id']}")
    teacher.post(f"people/{person['person_id']}/allowance", {"factor": "2"})
    assert re.search(r'role="timer" class="number">(39|40):\d\d<', of(visit, "q/1"))
    assert "You have 60 minutes for an attempt." in of(visit, "more-time")
    assert "asks for more time" not in of(teacher)


def test_a_request_that_is_answered_with_no_is_told(enter: Enter, publish: Publish, rows: Rows) -> None:
    activity = publish()
    configure(enter, activity, time_limit="30")
    visit = enter(activity)
    visit.post("more-time", {"reason": ""})
    [person] = rows("SELECT person_id FROM diagnostic_allowance")
    enter(activity, as_=INSTRUCTOR).post(f"people/{person['person_id']}/allowance", {"factor": "1"})
    assert "kept the time as it is" in of(visit, "more-time")


def test_all_questions_of_a_competency_stand_on_one_page_where_the_activity_asks_so(
    enter: Enter, publish: Publish, bank: MakeBank, rows: Rows
) -> None:
    activity = publish(two_competencies(bank, 3))
    configure(enter, activity, paging="competency")
    visit = enter(activity)
    visit.post("start")
    first, second = of(visit, "q/1"), of(visit, "q/2")
    assert "<h1>alpha</h1>" in first
    assert first.count("alpha number") == 3
    assert "beta number" not in first
    assert second.count("beta number") == 3
    assert visit.get("q/3").status_code == 404
    answer = visit.post("q/1", {"answer-1": "yes", "answer-2": "x" * 300, "answer-3": "yes"})
    assert answer.status_code == 422
    assert "The other answers of this page are saved." in answer.get_data(as_text=True)
    stored = rows("SELECT response FROM diagnostic_answer")
    assert [str(row["response"]).strip('"') for row in stored] == ["yes"] * 2
    assert visit.post("q/2", {"answer-4": "yes"}).headers["Location"].endswith("/overview")


def test_self_ratings_are_asked_first_and_shown_beside_the_results(enter: Enter, publish: Publish, rows: Rows) -> None:
    activity = publish()
    configure(enter, activity, self_rating="yes")
    visit = enter(activity)
    assert visit.post("start").headers["Location"].endswith("/rating")
    page = of(visit, "rating")
    fields = re.findall(r'name="(rating-\d+)" value="3"', page)
    assert len(fields) == 2
    assert visit.post("rating", {fields[0]: "3", fields[1]: "9"}).headers["Location"].endswith("/q/1")
    assert [row["rating"] for row in rows("SELECT rating FROM diagnostic_self_rating")] == [3]
    visit.post("submit")
    assert "You said before: “Well”" in of(visit)
    board = of(enter(activity, as_=INSTRUCTOR))
    assert "self: 3 of 4" in board
    assert "Self-rating (0 to 4)" in board
    assert rows("SELECT COUNT(*) AS n FROM evidence")[0]["n"] == 12


@pytest.mark.parametrize(
    ("rules", "shown"),
    [({"review": "answers"}, True), ({"review": "results"}, False), ({"review": "closed"}, False)],
)
def test_right_answers_are_shown_when_the_activity_says_so(
    enter: Enter, publish: Publish, rules: dict[str, str], shown: bool
) -> None:
    activity = publish()
    configure(enter, activity, **rules)
    visit = enter(activity)
    visit.post("start")
    visit.post("submit")
    assert ("Question by question" in of(visit)) is shown
    assert ("right answer" in of(visit, "sitting/1")) is shown


def test_right_answers_are_shown_after_the_closing(app: Flask, enter: Enter, publish: Publish) -> None:
    activity = publish()
    visit = enter(activity)
    visit.post("start")
    visit.post("submit")
    configure(enter, activity, review="closed", closes_at="2020-01-01T00:00")
    assert "Question by question" in of(visit)


def test_what_the_owning_course_sets_is_what_copies_begin_with(enter: Enter, publish: Publish) -> None:
    activity = publish()
    configure(enter, activity, time_limit="45", closes_at="2037-01-01T00:00")
    page = of(enter(activity, link="link-9", course="course-9"))
    assert "You have 45 minutes from the moment you start." in page
    assert "Submit before" not in page
    other = enter(activity, link="link-9", course="course-9", as_=INSTRUCTOR)
    other.post("settings", {**SETTINGS, "time_limit": "20"})
    assert "You have 45 minutes" in of(enter(activity))
    duplicate = of(enter(activity, link="link-10", course="course-9"))
    assert "You have 20 minutes" in duplicate
    assert "You have 20 minutes" in of(enter(activity, link="link-9", course="course-9"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_limit", "0"),
        ("time_limit", "ninety"),
        ("attempts", "-1"),
        ("opens_at", "tomorrow"),
        ("closes_at", "9999-99-99T00:00"),
        ("zone", "Mars/Olympus"),
        ("zone", "../etc/passwd"),
        ("password", "x" * 65),
    ],
)
def test_settings_that_make_no_sense_are_told_next_to_their_field(
    enter: Enter, publish: Publish, rows: Rows, field: str, value: str
) -> None:
    answer = enter(publish(), as_=INSTRUCTOR).post("settings", {**SETTINGS, field: value})
    assert answer.status_code == 422
    assert f'<a href="#{field}">' in answer.get_data(as_text=True)
    assert rows("SELECT id FROM diagnostic_delivery") == []


def test_an_activity_cannot_close_before_it_opens(enter: Enter, publish: Publish) -> None:
    dates = {"opens_at": "2030-01-02T00:00", "closes_at": "2030-01-01T00:00"}
    assert enter(publish(), as_=INSTRUCTOR).post("settings", {**SETTINGS, **dates}).status_code == 422


@pytest.mark.parametrize("path", ["settings", "people/1", "people/1/sitting/1", "analysis", "answers.csv"])
def test_learners_open_none_of_these_pages(enter: Enter, publish: Publish, path: str) -> None:
    response = enter(publish()).get(path)
    assert (response.status_code, error_code(response)) == (403, "role-forbidden")


@pytest.mark.parametrize(
    "path", ["settings", "roster", "people/1/allowance", "people/1/sitting/1/void", "people/1/grade"]
)
def test_learners_send_none_of_these_forms(enter: Enter, publish: Publish, path: str) -> None:
    response = enter(publish()).post(path, {"factor": "2", "reason": "x"})
    assert (response.status_code, error_code(response)) == (403, "role-forbidden")


def test_weights_change_the_score_from_the_next_version_on(
    enter: Enter, publish: Publish, bank: MakeBank, rows: Rows
) -> None:
    activity = publish(two_competencies(bank), per="6")
    teacher = enter(activity, as_=INSTRUCTOR)
    draft = teacher.post("revise").headers["Location"]
    settings = {"title": "Before", "per_competency": "6", "go": "publish"}
    refused = teacher.post(draft, {**settings, "weight-0": "0", "weight-1": "0"})
    assert refused.status_code == 422
    teacher.post(draft, {**settings, "weight-0": "3", "weight-1": "1"})
    visit = enter(activity, endpoint=COLUMN)
    sit(visit, lambda question: question.startswith("alpha"))
    assert [float(row["given"]) for row in rows("SELECT given FROM grade")] == [75]
    again = teacher.post("revise").headers["Location"]
    assert re.findall(r'name="weight-\d" value="(\d)"', of(teacher, again)) == ["3", "1"]


def test_a_sitting_in_the_middle_is_left_alone_by_a_new_version(enter: Enter, publish: Publish, bank: MakeBank) -> None:
    activity = publish(two_competencies(bank), per="6")
    visit = enter(activity)
    visit.post("start")
    before = of(visit, "q/1")
    teacher = enter(activity, as_=INSTRUCTOR)
    draft = teacher.post("revise").headers["Location"]
    teacher.post(draft, {"title": "Before", "per_competency": "2", "go": "publish"})
    assert of(visit, "q/1").partition("<main")[2] == before.partition("<main")[2]
    visit.post("submit")
    visit.post("start")
    assert "of 4 answered" in of(visit, "q/1")


@pytest.mark.parametrize("questions", [6, 24])
def test_a_page_of_a_sitting_asks_the_database_a_fixed_number_of_times(
    app: Flask, enter: Enter, publish: Publish, bank: MakeBank, questions: int
) -> None:
    visit = enter(publish(two_competencies(bank, questions)))
    visit.post("start")
    with statements(app) as to_read:
        visit.get("q/1")
    with statements(app) as to_answer:
        visit.post("q/1", {"answer-1": "yes"})
    with statements(app) as to_submit:
        visit.post("submit")
    assert len(to_read) <= 9
    assert len(to_answer) <= 10
    assert len(to_submit) <= 40


@pytest.mark.parametrize(
    ("rules", "state"),
    [({}, "open"), ({"opens_at": "2037-01-01T00:00"}, "waiting"), ({"closes_at": "2020-01-01T00:00"}, "closed")],
)
def test_the_course_page_tells_what_is_open_by_the_dates(
    enter: Enter, publish: Publish, rules: dict[str, str], state: str
) -> None:
    activity = publish()
    configure(enter, activity, **rules)
    enter(activity)
    visit = enter("course", link="the-course-page")
    page = of(visit, visit.get().headers["Location"])
    said = {
        "open": "You have not begun yet.",
        "waiting": "This activity is not open yet.",
        "closed": "This activity is closed.",
    }
    assert [key for key, text in said.items() if text in page] == [state]
