"""What becomes of scores: each sentence is a rule of Moodle's, Canvas's or the plain gradebook."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.demo_lms.conftest import MakeRig, Rig

EXTENSION = "https://canvas.instructure.com/lti/submission"


@dataclass
class Case:
    """Scores sent one after the other, seconds apart, into a column of 50; and what is there at the end."""

    says: str
    sends: list[dict[str, Any]]
    status: list[int]
    cell: dict[str, Any] = field(default_factory=dict)
    apart: float = 1


def sent(score: float | str | None = 80, **more: Any) -> dict[str, Any]:
    return {"scoreGiven": score, **more}


MOODLE = [
    Case("a score is rescaled to the column", [sent(80)], [200], {"score": 40.0}),
    Case("five decimals are kept", [sent(66.666666)], [200], {"score": 33.33333}),
    Case("more than the maximum is cut off", [sent(120)], [200], {"score": 50.0}),
    Case("less than zero is zero", [sent(-5)], [200], {"score": 0.0}),
    Case("zero is a grade", [sent(0)], [200], {"score": 0.0}),
    Case("a number may come as text", [sent("66.6")], [200], {"score": 33.3}),
    Case("a maximum of zero means unscaled", [sent(7, scoreMaximum=0)], [200], {"score": 7.0}),
    Case("the same second is refused", [sent(80), sent(82)], [200, 409], {"score": 40.0}, apart=0),
    Case("a later fraction of the same second is refused", [sent(80), sent(82)], [200, 409], apart=0.9),
    Case("the next second is taken", [sent(80), sent(82)], [200, 200], {"score": 41.0}),
    Case(
        "a score from the future blocks the real ones",
        [sent(80, timestamp="2026-11-22T10:00:00Z"), sent(82)],
        [200, 409],
        {"score": 40.0},
    ),
    Case(
        "any other gradingProgress erases",
        [sent(80), sent(80, gradingProgress="PendingManual")],
        [200, 200],
        {"score": None},
    ),
    Case(
        "an unknown gradingProgress erases too",
        [sent(80), sent(1, gradingProgress="Bogus")],
        [200, 200],
        {"score": None},
    ),
    Case("no score erases", [sent(80), sent(None)], [200, 200], {"score": None}),
    Case("activityProgress does not matter", [sent(80, activityProgress="InProgress")], [200], {"score": 40.0}),
    Case(
        "a comment replaces the last one",
        [sent(80, comment="one"), sent(80, comment="two")],
        [200, 200],
        {"comments": ["two"]},
    ),
    Case("no comment clears the last one", [sent(80, comment="one"), sent(80)], [200, 200], {"comments": []}),
    Case("a score without its maximum is refused", [sent(80, scoreMaximum=None)], [400], {"score": None}),
    Case("a timestamp is required", [sent(80, timestamp=None)], [400]),
    Case("a timestamp is a time", [sent(80, timestamp="yesterday")], [400]),
    Case("activityProgress is required", [sent(80, activityProgress=None)], [400]),
    Case("a teacher cannot be graded", [sent(80, userId="3")], [400]),
    Case("an unknown person cannot be graded", [sent(80, userId="999")], [400]),
    Case("an id that is no number breaks Moodle", [sent(80, userId="ben")], [502]),
    Case("the id may be a JSON number", [sent(80, userId=6)], [200], {"score": 40.0}),
]
CANVAS = [
    Case("a score is scaled to the column", [sent(80)], [200], {"score": 40.0}),
    Case("more than the maximum is kept", [sent(120)], [200], {"score": 60.0}),
    Case("the same timestamp is taken", [sent(80), sent(82)], [200, 200], {"score": 41.0}, apart=0),
    Case("an earlier timestamp is refused", [sent(80), sent(82)], [200, 400], {"score": 40.0}, apart=-1),
    Case(
        "a final score waiting for a person counts", [sent(80, gradingProgress="PendingManual")], [200], {"score": 40.0}
    ),
    Case(
        "any other gradingProgress resets", [sent(80), sent(80, gradingProgress="Pending")], [200, 200], {"score": None}
    ),
    Case("no score resets", [sent(80), sent(None)], [200, 200], {"score": None}),
    Case(
        "preserve_score keeps it",
        [sent(80), sent(None, **{EXTENSION: {"preserve_score": True}})],
        [200, 200],
        {"score": 40.0},
    ),
    Case(
        "prioritize_non_tool_grade keeps it",
        [sent(80), sent(90, **{EXTENSION: {"prioritize_non_tool_grade": True}})],
        [200, 200],
        {"score": 40.0},
    ),
    Case("every post is a new attempt", [sent(80), sent(82)], [200, 200], {"attempts": 2}),
    Case(
        "unless it says that it is none",
        [sent(80), sent(82, **{EXTENSION: {"new_submission": False}})],
        [200, 200],
        {"attempts": 1},
    ),
    Case("or has no submission", [sent(80, **{EXTENSION: {"submission_type": "none"}})], [200], {"attempts": 0}),
    Case(
        "comments add up",
        [sent(80, comment="one"), sent(80, comment="one")],
        [200, 200],
        {"comments": ["one", "one"]},
    ),
    Case("no comment leaves the last one", [sent(80, comment="one"), sent(80)], [200, 200], {"comments": ["one"]}),
    Case("the maximum is required", [sent(80, scoreMaximum=None)], [422]),
    Case("the maximum is not negative", [sent(80, scoreMaximum=-1)], [422]),
    Case("the maximum is not zero", [sent(80, scoreMaximum=0)], [422]),
    Case("the score is not negative", [sent(-1)], [422]),
    Case("the score is a number", [sent("80")], [422]),
    Case(
        "a time of submission in the future is refused",
        [sent(80, submission={"submittedAt": "2026-11-22T09:01:01Z"})],
        [400],
    ),
    Case("a minute ahead is fine", [sent(80, submission={"submittedAt": "2026-11-22T09:01:00Z"})], [200]),
    Case("a timestamp is a time", [sent(80, timestamp="yesterday")], [400]),
    Case("gradingProgress is required", [sent(80, gradingProgress=None)], [400]),
    Case("an unknown person cannot be graded", [sent(80, userId="nobody")], [422]),
]
GENERIC = [
    Case("a score is scaled to the column", [sent(80)], [200], {"score": 40.0}),
    Case("more than the maximum is kept", [sent(120)], [200], {"score": 60.0}),
    Case("the same timestamp is taken", [sent(80), sent(82)], [200, 200], {"score": 41.0}, apart=0),
    Case("an earlier timestamp is refused", [sent(80), sent(82)], [200, 409], {"score": 40.0}, apart=-1),
    Case(
        "only a final score changes the grade",
        [sent(80), sent(10, gradingProgress="Pending")],
        [200, 200],
        {"score": 40.0},
    ),
    Case("a final score without a number clears it", [sent(80), sent(None)], [200, 200], {"score": None}),
    Case(
        "a comment replaces the last one",
        [sent(80, comment="one"), sent(80, comment="two")],
        [200, 200],
        {"comments": ["two"]},
    ),
    Case("no comment leaves the last one", [sent(80, comment="one"), sent(80)], [200, 200], {"comments": ["one"]}),
    Case("the maximum is required", [sent(80, scoreMaximum=None)], [400]),
    Case("the score is not negative", [sent(-1)], [400]),
    Case("a timestamp is a time", [sent(80, timestamp="tomorrow")], [400]),
    Case("an unknown person is not found", [sent(80, userId="nobody")], [404]),
]
CASES = (
    [("moodle", case) for case in MOODLE]
    + [("canvas", case) for case in CANVAS]
    + [("generic", case) for case in GENERIC]
)


@pytest.mark.parametrize(("personality", "case"), CASES, ids=[f"{name}: {case.says}" for name, case in CASES])
def test_the_gradebooks_rules(make_rig: MakeRig, personality: str, case: Case) -> None:
    rig = make_rig(personality)
    column = rig.add_activity(score_maximum=50)["line_item"]
    statuses = []
    for body in case.sends:
        statuses.append(rig.send_score(column, **body).status_code)
        rig.clock.forward(seconds=case.apart)
    assert statuses == case.status
    cell = rig.cell() or {"score": None, "comments": [], "attempts": 0}
    assert {name: cell[name] for name in case.cell} == case.cell


def test_every_score_is_noted_with_what_became_of_it(make_rig: MakeRig) -> None:
    rig = make_rig("moodle")
    column = rig.add_activity()["line_item"]
    rig.send_score(column, comment="Well done")
    rig.send_score(column)
    first, second = rig.cell()["posts"]
    assert first["received_at"] == "2026-11-22T09:00:00+00:00"
    assert first["body"]["comment"] == "Well done"
    assert (first["status"], first["outcome"]) == (200, "graded")
    assert (second["status"], second["outcome"]) == (409, "Refusing score with an earlier timestamp")


def test_the_media_type_of_a_score_is_required(rig: Rig) -> None:
    column = rig.add_activity()["line_item"]
    refused = 400 if rig.state()["personality"] == "moodle" else 415
    assert rig.send_score(column, content_type="application/json").status_code == refused
    assert rig.send_score(column, content_type="application/vnd.ims.lis.v2.score+json").status_code == refused
    assert rig.cell() == {}
    with_charset = "application/vnd.ims.lis.v1.score+json; charset=utf-8"
    assert rig.send_score(column, content_type=with_charset).status_code == 200


def test_scores_goes_before_the_query_of_moodles_column(make_rig: MakeRig) -> None:
    rig = make_rig("moodle")
    column = rig.add_activity()["line_item"]
    assert column.endswith("/lineitem?type_id=1")
    misplaced = rig.call("POST", column + "/scores", {}, content_type="application/vnd.ims.lis.v1.score+json")
    assert misplaced.status_code == 405


def test_moodle_answers_a_score_with_nothing_and_canvas_with_an_address(make_rig: MakeRig) -> None:
    rig = make_rig("moodle")
    assert rig.send_score(rig.add_activity()["line_item"]).text == ""
    rig = make_rig("canvas")
    column = rig.add_activity()["line_item"]
    result = rig.send_score(column).get_json()["resultUrl"]
    (found,) = rig.call("GET", result).get_json()
    assert found["resultScore"] == 80
    assert found["scoreOf"] == column


def test_the_test_student_can_be_graded(rig: Rig) -> None:
    column = rig.add_activity()["line_item"]
    assert rig.send_score(column, userId=rig.user("test")).status_code == 200
    assert rig.cell("test")["score"] == 80


@pytest.mark.parametrize("personality", ["moodle", "generic"])
def test_what_a_teacher_typed_stands(make_rig: MakeRig, personality: str) -> None:
    rig = make_rig(personality)
    column = rig.add_activity()["line_item"]
    rig.send_score(column)
    rig.clock.forward(seconds=5)
    rig.sign_in("therese")
    assert rig.post("/courses/1/gradebook/1/6", score="91,5", comment="By hand").status_code == 303
    rig.clock.forward(seconds=5)
    assert rig.send_score(column, scoreGiven=10).status_code == 200
    cell = rig.cell()
    assert (cell["score"], cell["overridden"], cell["comments"]) == (91.5, True, ["By hand"])
    assert cell["posts"][-1]["outcome"] == "kept the teacher's grade"
    rig.post("/courses/1/gradebook/1/6", score="", comment="")
    rig.clock.forward(seconds=5)
    rig.send_score(column, scoreGiven=10)
    assert rig.cell()["score"] == 10


def test_a_teachers_edit_moves_moodles_clock(make_rig: MakeRig) -> None:
    rig = make_rig("moodle")
    column = rig.add_activity()["line_item"]
    before = rig.clock().isoformat()
    rig.clock.forward(seconds=5)
    rig.sign_in("therese")
    rig.post("/courses/1/gradebook/1/6", score="", comment="Wait for me")
    assert rig.send_score(column, timestamp=before).status_code == 409


def test_results_are_the_grades_of_those_who_have_one(rig: Rig) -> None:
    column = rig.add_activity(score_maximum=50)["line_item"]
    rig.send_score(column, comment="Good")
    rig.send_score(column, userId=rig.user("dana"), scoreGiven=0)
    path, _mark, query = column.partition("?")
    everybody = rig.call("GET", f"{path}/results?{query}").get_json()
    assert [(each["resultScore"], each["resultMaximum"]) for each in everybody] == [(40, 50), (0, 50)]
    assert everybody[0]["comment"] == "Good"
    (one,) = rig.call("GET", f"{path}/results?{query}&user_id={rig.user('dana')}").get_json()
    assert one["userId"] == rig.user("dana")
    assert rig.call("GET", f"{path}/results?{query}&user_id={rig.user('therese')}").get_json() == []


def test_moodle_breaks_on_paged_results(make_rig: MakeRig) -> None:
    rig = make_rig("moodle")
    path, _mark, query = rig.add_activity()["line_item"].partition("?")
    response = rig.call("GET", f"{path}/results?{query}&limit=1")
    assert (response.status_code, response.mimetype) == (404, "text/html")


def test_results_of_the_others_come_in_pages(make_rig: MakeRig) -> None:
    rig = make_rig("canvas")
    column = rig.add_activity()["line_item"]
    for person in ("ben", "dana", "chidi"):
        rig.send_score(column, userId=rig.user(person))
    first = rig.call("GET", f"{column}/results?limit=2")
    following = first.headers["Link"].partition(">")[0].removeprefix("<")
    assert len(first.get_json()) == 2
    last = rig.call("GET", following)
    assert len(last.get_json()) == 1
    assert "Link" not in last.headers
