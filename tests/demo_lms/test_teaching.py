"""What teachers do: add, change, copy and delete activities, and grade by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.demo_lms.conftest import MakeRig, Rig

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
AGS_CLAIM = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
BY_HAND = {"title": "By hand", "target": "iframe", "graded": "yes", "score_maximum": "20"}


@pytest.fixture
def teacher(make_rig: MakeRig) -> Rig:
    rig = make_rig("moodle")
    rig.sign_in("arun")
    return rig


def test_a_link_is_added_by_hand(teacher: Rig) -> None:
    url = "http://tool.localhost:8200/lti/launch?x=1"
    custom = "activity=diagnostic:pre\r\n\r\nempty=\r\nwith = a=b"
    response = teacher.post("/courses/1/add-by-hand", **BY_HAND, url=url, custom=custom)
    assert response.status_code == 303
    (activity,) = teacher.state()["activities"]
    assert (activity["title"], activity["url"]) == ("By hand", url)
    assert activity["custom"] == {"activity": "diagnostic:pre", "empty": "", "with": "a=b"}
    assert teacher.state()["gradebook"][0]["scoreMaximum"] == 20


def test_a_link_may_have_no_activity_and_no_grade(teacher: Rig) -> None:
    teacher.post("/courses/1/add-by-hand", title="Empty", target="window")
    (activity,) = teacher.state()["activities"]
    assert (activity["custom"], activity["line_item"], activity["target"]) == ({}, None, "window")
    assert teacher.state()["gradebook"] == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"title": " "}, "Give the activity a title."),
        ({"url": "http://other.localhost/"}, "Enter an address that begins with http://tool.localhost:8200."),
        ({"custom": "no equals sign"}, "Not so: no equals sign"),
        ({"score_maximum": "lots"}, "Enter a number greater than zero."),
    ],
)
def test_a_mistake_in_the_form_is_explained_and_nothing_is_lost(
    teacher: Rig, change: dict[str, str], sentence: str
) -> None:
    response = teacher.post("/courses/1/add-by-hand", **{**BY_HAND, "text": "Keep me", **change})
    assert response.status_code == 422
    assert sentence in response.text
    assert "Keep me" in response.text
    assert teacher.state()["activities"] == []


def test_an_activity_is_edited(teacher: Rig) -> None:
    number = teacher.add_activity(title="Old", custom={"a": "1"})["id"]
    assert 'value="Old"' in teacher.page(f"/activities/{number}/edit")
    changed = {**BY_HAND, "title": "New", "custom": "b=2", "target": "window", "score_maximum": "12,5"}
    teacher.post(f"/activities/{number}/edit", **changed)
    (activity,) = teacher.state()["activities"]
    assert (activity["title"], activity["custom"], activity["target"]) == ("New", {"b": "2"}, "window")
    assert teacher.state()["gradebook"][0]["label"] == "New"
    assert teacher.state()["gradebook"][0]["scoreMaximum"] == 12.5


def test_taking_the_grade_away_deletes_the_column(teacher: Rig) -> None:
    number = teacher.add_activity()["id"]
    teacher.post(f"/activities/{number}/edit", title="Now ungraded", target="iframe")
    assert teacher.state()["gradebook"] == []


def test_an_activity_is_deleted_with_its_grades_after_a_question(teacher: Rig) -> None:
    activity = teacher.add_activity()
    teacher.send_score(activity["line_item"])
    assert "This cannot be undone." in teacher.page(f"/activities/{activity['id']}/delete")
    teacher.post(f"/activities/{activity['id']}/delete")
    assert teacher.state()["activities"] == teacher.state()["gradebook"] == []
    assert teacher.browser.get(f"/activities/{activity['id']}").status_code == 404


def test_a_duplicate_keeps_the_custom_values_and_has_its_own_link_and_column(teacher: Rig) -> None:
    original = teacher.add_activity(title="Pre", custom={"activity": "diagnostic:pre"})
    teacher.send_score(original["line_item"])
    teacher.post(f"/activities/{original['id']}/duplicate")
    first, second = teacher.state()["activities"]
    assert second["title"] == "Pre (copy)"
    assert second["custom"] == first["custom"]
    assert second["resource_link_id"] != first["resource_link_id"]
    assert second["line_item"] != first["line_item"]
    assert [column["cells"] != [] for column in teacher.state()["gradebook"]] == [True, False]


def test_a_course_is_copied_into_another_one(teacher: Rig) -> None:
    teacher.add_activity(title="Pre", custom={"activity": "a"}, target="window")
    teacher.add_activity(title="Post", graded=False)
    assert teacher.post("/courses/1/copy", into="2").status_code == 303
    copies = [each for each in teacher.state()["activities"] if each["course"] == 2]
    assert [each["title"] for each in copies] == ["Pre", "Post"]
    assert (copies[0]["custom"], copies[0]["target"]) == ({"activity": "a"}, "window")
    assert [column["course"] for column in teacher.state()["gradebook"]] == [1, 2]
    links = [each["resource_link_id"] for each in teacher.state()["activities"]]
    assert len(set(links)) == 4


def test_a_course_is_copied_into_a_new_one_that_knows_where_it_came_from(make_rig: MakeRig) -> None:
    rig = make_rig("generic")
    rig.sign_in("arun")
    rig.add_activity(custom={"before": "$Context.id.history", "link": "$ResourceLink.id.history"})
    response = rig.post("/courses/1/copy", into="new", title="Next year")
    assert response.headers["Location"] == "/courses/3"
    original, copy = rig.state()["activities"]
    claims = rig.claims(rig.begin("therese", copy["id"]))
    assert claims[f"{LTI}context"]["title"] == "Next year"
    assert claims[f"{LTI}custom"]["before"] == rig.state()["courses"][0]["context_id"]
    assert claims[f"{LTI}custom"]["link"] == original["resource_link_id"]
    assert claims[AGS_CLAIM]["lineitem"] == copy["line_item"]


def test_a_grade_and_a_comment_are_typed_by_hand(teacher: Rig) -> None:
    teacher.add_activity()
    teacher.post("/courses/1/gradebook/1/6", score="82.5", comment="Good work")
    assert (teacher.cell()["score"], teacher.cell()["comments"]) == (82.5, ["Good work"])
    page = teacher.page("/courses/1/gradebook")
    assert "82.5" in page
    assert "Good work" in page
    assert "by hand" in page


def test_a_comment_alone_leaves_the_grade_to_the_tool(teacher: Rig) -> None:
    column = teacher.add_activity()["line_item"]
    teacher.send_score(column)
    teacher.post("/courses/1/gradebook/1/6", score="80", comment="Seen")
    assert teacher.cell()["overridden"] is False


@pytest.mark.parametrize("score", ["much", "-1", "1e12", "nan"])
def test_a_grade_that_is_no_number_is_explained(teacher: Rig, score: str) -> None:
    teacher.add_activity()
    response = teacher.post("/courses/1/gradebook/1/6", score=score)
    assert response.status_code == 422
    assert "Enter a number that is not negative" in response.text
    assert teacher.cell() == {}


def test_a_grade_belongs_to_a_learner_of_the_course(teacher: Rig) -> None:
    teacher.add_activity()
    for path in ("/courses/1/gradebook/1/3", "/courses/1/gradebook/9/6", "/courses/2/gradebook/1/6"):
        assert teacher.browser.get(path).status_code == 404


def test_a_teacher_sees_what_the_tool_has_sent(teacher: Rig) -> None:
    column = teacher.add_activity()["line_item"]
    teacher.send_score(column, comment="From the tool")
    page = teacher.page("/courses/1/gradebook/1/6")
    assert "80 / 100" in page
    assert "From the tool" in page
    assert "FullyGraded" in page


@pytest.mark.parametrize(
    "path",
    [
        "/courses/1/add",
        "/courses/1/choose",
        "/courses/1/add-by-hand",
        "/activities/1/edit",
        "/activities/1/delete",
        "/courses/1/copy",
        "/courses/1/gradebook",
        "/courses/1/gradebook/1/6",
    ],
)
def test_learners_and_strangers_are_kept_out_with_a_reason(make_rig: MakeRig, path: str) -> None:
    rig = make_rig()
    rig.add_activity()
    assert "You are not signed in" in rig.browser.get(path).text
    rig.sign_in("ben")
    response = rig.browser.get(path)
    assert response.status_code == 403
    assert "This page is for teachers" in response.text


def test_a_form_of_another_site_is_refused(teacher: Rig) -> None:
    number = teacher.add_activity()["id"]
    for form in ({}, {"csrf": "guessed"}):
        response = teacher.browser.post(f"/activities/{number}/delete", data=form)
        assert response.status_code == 400
        assert "This form is no longer valid" in response.text
    assert len(teacher.state()["activities"]) == 1
