"""What instructors see of a person and may do about them, and what the numbers leave out."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from ltitools.lti import claims as names
from ltitools.plugin import session
from ltitools.testing import INSTRUCTOR, LEARNER, Platform, Visit, ags_claim, statements, writing

COLUMN = ags_claim("https://lms.example.test/lineitems/1", "https://lms.example.test/lineitems")
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"
Enter = Callable[..., Visit]
Publish = Callable[..., str]
Rows = Callable[..., list[Any]]
MakeBank = Callable[..., bytes]


def of(visit: Visit, path: str = "") -> str:
    return unescape(visit.get(path).get_data(as_text=True))


def simple_bank(make: MakeBank, questions: int = 6) -> bytes:
    return make(
        *(
            {"id": f"q{n}", "competency": "one", "type": "text", "question": f"Number {n}?", "answer": "yes"}
            for n in range(questions)
        )
    )


def finish(visit: Visit, right: int = 0) -> None:
    """Submit with that many right answers."""
    visit.post("start")
    for number in range(1, right + 1):
        visit.post(f"q/{number}", {f"answer-{number}": "yes"})
    visit.post("submit")


def person_id(rows: Rows, sub: str) -> int:
    [row] = rows("SELECT id FROM person WHERE sub LIKE :sub", sub=f"{sub}@%")
    return int(row["id"])


def test_an_instructor_reads_a_learners_answers_one_by_one(
    enter: Enter, publish: Publish, bank: MakeBank, rows: Rows
) -> None:
    activity = publish(simple_bank(bank))
    visit = enter(activity, name="Ada Lovelace")
    visit.post("start")
    visit.post("q/1", {"answer-1": "perhaps"})
    teacher = enter(activity, as_=INSTRUCTOR)
    who = f"people/{person_id(rows, 'ada')}"
    page = of(teacher, who)
    assert "Ada Lovelace" in page
    assert "1 of 6 answered" in page
    assert "Not submitted yet: what you see are the answers saved so far." in of(teacher, f"{who}/sitting/1")
    visit.post("submit")
    page = of(teacher, f"{who}/sitting/1")
    assert "perhaps" in page
    assert "your answer" not in page.lower()
    assert '<span class="verdict wrong">Not right</span>' in page


def test_a_sitting_is_reset_with_a_reason_and_the_person_may_sit_again(
    enter: Enter, publish: Publish, bank: MakeBank, rows: Rows
) -> None:
    activity = publish(simple_bank(bank))
    visit = enter(activity, endpoint=COLUMN)
    finish(visit, right=2)
    teacher = enter(activity, as_=INSTRUCTOR)
    where = f"people/{person_id(rows, 'ada')}/sitting/1"
    assert teacher.post(f"{where}/void", {"reason": "  "}).status_code == 422
    teacher.post(f"{where}/void", {"reason": "The fire alarm went off."})
    assert "was reset on" in of(teacher, where)
    assert "Reset by" in of(teacher, f"people/{person_id(rows, 'ada')}")
    assert rows("SELECT withdrawn_reason FROM evidence") == [{"withdrawn_reason": "The fire alarm went off."}] * 6
    assert "Start" in of(visit)
    [grade] = rows("SELECT given, state FROM grade")
    assert float(grade["given"]) == pytest.approx(33.33333)
    finish(visit, right=5)
    [grade] = rows("SELECT given FROM grade")
    assert float(grade["given"]) == pytest.approx(83.33333)
    assert [row["number"] for row in rows("SELECT number FROM diagnostic_attempt ORDER BY number")] == [1, 2]


def test_a_reset_can_remove_the_grade_too(enter: Enter, publish: Publish, bank: MakeBank, rows: Rows) -> None:
    activity = publish(simple_bank(bank))
    finish(enter(activity, endpoint=COLUMN), right=2)
    where = f"people/{person_id(rows, 'ada')}/sitting/1/void"
    enter(activity, as_=INSTRUCTOR).post(where, {"reason": "Wrong person.", "clear": "yes"})
    assert [row["given"] for row in rows("SELECT given FROM grade")] == [None]


def test_a_reset_leaves_what_other_sittings_have_shown(
    enter: Enter, publish: Publish, bank: MakeBank, rows: Rows
) -> None:
    activity = publish(simple_bank(bank))
    visit = enter(activity, endpoint=COLUMN)
    finish(visit, right=3)
    finish(visit, right=5)
    teacher = enter(activity, as_=INSTRUCTOR)
    teacher.post(f"people/{person_id(rows, 'ada')}/sitting/2/void", {"reason": "Copied."})
    [grade] = rows("SELECT given FROM grade")
    assert float(grade["given"]) == 50
    assert "Overall score: 50 out of 100" in of(visit)


def test_a_grade_is_sent_again_when_asked(enter: Enter, publish: Publish, bank: MakeBank, rows: Rows) -> None:
    activity = publish(simple_bank(bank))
    finish(enter(activity, endpoint=COLUMN))
    before = rows("SELECT version FROM grade")[0]["version"]
    enter(activity, as_=INSTRUCTOR).post(f"people/{person_id(rows, 'ada')}/grade")
    assert rows("SELECT version FROM grade")[0]["version"] == before + 1


def test_a_click_on_a_grade_in_the_gradebook_opens_that_very_sitting(
    enter: Enter, publish: Publish, bank: MakeBank, platform: Platform
) -> None:
    activity = publish(simple_bank(bank))
    finish(enter(activity, name="Ada Lovelace", endpoint=COLUMN), right=2)
    review = {"message_type": names.SUBMISSION_REVIEW_REQUEST, "endpoint": COLUMN}
    learner = {"user_id": f"ada@{platform.issuer}"}
    teacher = enter(activity, as_=INSTRUCTOR, for_user=learner, **review)
    assert "Ada Lovelace: attempt 1" in of(teacher)
    learner_again = enter(activity, name="Ada Lovelace", endpoint=COLUMN)
    finish(learner_again, right=5)
    finish(learner_again, right=1)
    page = of(enter(activity, as_=INSTRUCTOR, for_user=learner, **review))
    assert "Ada Lovelace: attempt 2" in page
    assert "Score that counts: 83.33 out of 100" in page
    own = enter(activity, for_user=learner, **review)
    assert "Your results" in of(own)


def test_somebody_without_a_trace_here_is_not_found(enter: Enter, publish: Publish, rows: Rows) -> None:
    activity = publish()
    enter(activity, person="elsewhere", link="link-2", course="course-2").post("start")
    teacher = enter(activity, as_=INSTRUCTOR)
    assert teacher.get(f"people/{person_id(rows, 'elsewhere')}").status_code == 404
    assert teacher.get("people/999").status_code == 404


def test_neither_test_people_nor_instructors_are_in_a_statistic(
    app: Flask, enter: Enter, publish: Publish, bank: MakeBank, rows: Rows
) -> None:
    activity = publish(simple_bank(bank))
    finish(enter(activity, person="ada", name="Ada"), right=6)
    finish(enter(activity, person="test", name="Test", as_=[LEARNER, TEST_USER]))
    finish(enter(activity, person="tess", name="Tess"))
    with writing(app):
        session.execute(
            text("UPDATE enrolment SET roles = '[\"instructor\"]' WHERE person_id = :id"),
            {"id": person_id(rows, "tess")},
        )
    teacher = enter(activity, as_=INSTRUCTOR)
    page = of(teacher)
    assert "1 person has begun, 1 has submitted." in page
    assert "(test person, not counted)" in page
    assert "(instructor, not counted)" in page
    picture = page.partition("Where people stood at their first attempt")[2].partition("</table>")[0]
    assert re.findall(r'<td class="number">(\d+)</td>', picture) == ["1", "1", "0", "0"]
    analysis = of(teacher, "analysis")
    assert "From the first attempt of 1 person." in analysis
    assert re.findall(r'<td class="number">([\d.]+)</td>', analysis) == ["1", "1"] * 6


def test_item_statistics_are_of_first_sittings_only(enter: Enter, publish: Publish, bank: MakeBank) -> None:
    activity = publish(simple_bank(bank))
    for person, right in (("a", 1), ("b", 3), ("c", 5)):
        visit = enter(activity, person=person)
        finish(visit, right=right)
        finish(visit, right=6)
    page = of(enter(activity, as_=INSTRUCTOR), "analysis")
    assert "From the first attempts of 3 people." in page
    facilities = re.findall(r'<td class="number">3</td>\s*<td class="number">([\d.]+)</td>', page)
    assert sum(map(float, facilities)) == pytest.approx(3.0, abs=0.02)


def test_every_answer_is_in_the_file(enter: Enter, publish: Publish, bank: MakeBank, rows: Rows) -> None:
    activity = publish(simple_bank(bank))
    visit = enter(activity, name="@Ada")
    visit.post("start")
    visit.post("q/1", {"answer-1": "=1+1"})
    visit.post("submit")
    response = enter(activity, as_=INSTRUCTOR).get("answers.csv")
    found = list(csv.DictReader(io.StringIO(response.get_data().decode("utf-8-sig"), newline="")))
    assert len(found) == 6
    assert {row["Name"] for row in found} == {"'@Ada"}
    assert sorted(row["Answer"] for row in found)[-1] == "'=1+1"
    assert {row["Points (0 to 1)"] for row in found} == {"0"}
    assert {row["Question id"] for row in found} == {f"q{n}" for n in range(6)}


def test_a_dashboard_asks_the_database_as_often_for_ten_people_as_for_one(
    app: Flask, enter: Enter, publish: Publish, bank: MakeBank
) -> None:
    activity = publish(simple_bank(bank))
    finish(enter(activity, person="p0"))
    teacher = enter(activity, as_=INSTRUCTOR)
    counts = []
    for number in range(1, 10, 8):
        with statements(app) as sent:
            teacher.get()
        counts.append(len(sent))
        for other in range(number, number + 8):
            finish(enter(activity, person=f"p{other}"))
    assert counts[0] == counts[1]
