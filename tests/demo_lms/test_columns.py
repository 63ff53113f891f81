"""Line items, and the members of a course."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import TestResponse

if TYPE_CHECKING:
    from tests.demo_lms.conftest import MakeRig, Rig

ITEM = "application/vnd.ims.lis.v2.lineitem+json"
ITEMS = "application/vnd.ims.lis.v2.lineitemcontainer+json"
MEMBERS = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
COURSE = "/lti/services/1/lineitems"
AGS_CLAIM = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"


def create(rig: Rig, **body: Any) -> TestResponse:
    return rig.call("POST", COURSE, {"label": "Extra", "scoreMaximum": 10, **body}, content_type=ITEM)


def listed(rig: Rig, query: str = "") -> TestResponse:
    return rig.call("GET", f"{COURSE}{query}", accept=ITEMS)


def test_a_column_is_made_found_changed_and_removed(rig: Rig) -> None:
    made = create(rig, tag="extra", resourceId="r1")
    assert made.status_code == 201
    url = made.get_json()["id"]
    assert rig.call("GET", url, accept=ITEM).get_json()["label"] == "Extra"
    changed = {"label": "Renamed", "scoreMaximum": 20, "tag": "t2", "resourceId": "r1"}
    assert rig.call("PUT", url, changed, content_type=ITEM).get_json()["tag"] == "t2"
    assert [each["label"] for each in listed(rig).get_json()] == ["Renamed"]
    assert rig.call("DELETE", url).status_code == 204
    assert rig.call("GET", url).status_code == 404
    assert rig.call("DELETE", url).status_code == 404


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("?tag=a", ["One", "Two"]),
        ("?resource_id=r2", ["Two"]),
        ("?tag=a&resource_id=r1", ["One"]),
        ("?tag=zzz", []),
    ],
)
def test_columns_are_filtered(rig: Rig, query: str, labels: list[str]) -> None:
    create(rig, label="One", tag="a", resourceId="r1")
    create(rig, label="Two", tag="a", resourceId="r2")
    create(rig, label="Three", tag="b", resourceId="r3")
    assert [each["label"] for each in listed(rig, query).get_json()] == labels


def test_columns_are_filtered_by_link(rig: Rig) -> None:
    create(rig)
    activity = rig.add_activity(title="Linked")
    (found,) = listed(rig, f"?resource_link_id={activity['resource_link_id']}").get_json()
    assert found["id"] == activity["line_item"]


def test_columns_come_in_pages(rig: Rig) -> None:
    for number in range(3):
        create(rig, label=f"Column {number}")
    page = listed(rig, "?limit=2")
    assert len(page.get_json()) == 2
    link = page.headers["Link"]
    if rig.state()["personality"] == "moodle":
        assert "&amp;from=2" in link
        assert 'rel="next"' not in link
    else:
        assert link.endswith('from=2>; rel="next"')
    assert [each["label"] for each in listed(rig, "?limit=2&from=2").get_json()] == ["Column 2"]


def test_moodle_wants_the_exact_media_type_for_the_list(make_rig: MakeRig) -> None:
    rig = make_rig("moodle")
    assert rig.call("GET", COURSE).status_code == 200
    for wrong in ("*/*", "application/json", ITEM):
        assert rig.call("GET", COURSE, accept=wrong).status_code == 400
    url = create(rig).get_json()["id"]
    assert rig.call("GET", url, accept="*/*").status_code == 200
    assert rig.call("GET", url, accept="application/json").status_code == 400


def test_the_others_take_a_wildcard_and_refuse_plain_json(make_rig: MakeRig) -> None:
    rig = make_rig("canvas")
    assert rig.call("GET", COURSE, accept="*/*").status_code == 200
    assert rig.call("GET", COURSE, accept="application/json").status_code == 406


def test_the_media_type_of_a_new_column_is_required(rig: Rig) -> None:
    response = rig.call("POST", COURSE, {"label": "x", "scoreMaximum": 1}, content_type="application/json")
    assert response.status_code == (400 if rig.state()["personality"] == "moodle" else 415)


@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        ({"label": None}, {"moodle": 400, "canvas": 422, "generic": 400}),
        ({"scoreMaximum": None}, {"moodle": 400, "canvas": 422, "generic": 400}),
        ({"scoreMaximum": "abc"}, {"moodle": 400, "canvas": 422, "generic": 400}),
        ({"scoreMaximum": 0}, {"moodle": 201, "canvas": 422, "generic": 400}),
        ({"label": "L" * 256}, {"moodle": 502, "canvas": 422, "generic": 400}),
        ({"resourceLinkId": "777"}, {"moodle": 403, "canvas": 404, "generic": 404}),
    ],
)
def test_a_wrong_column_is_refused(rig: Rig, body: dict[str, Any], statuses: dict[str, int]) -> None:
    assert create(rig, **body).status_code == statuses[rig.state()["personality"]]


def test_a_second_column_of_a_link_takes_the_first_one_out_of_its_launches(rig: Rig) -> None:
    activity = rig.add_activity()
    assert create(rig, resourceLinkId=activity["resource_link_id"]).status_code == 201
    claims = rig.claims(rig.begin("ben", activity["id"]))
    assert "lineitem" not in claims[AGS_CLAIM]


def test_canvas_keeps_the_column_of_an_activity(rig: Rig) -> None:
    activity = rig.add_activity()
    rig.send_score(activity["line_item"])
    response = rig.call("DELETE", activity["line_item"])
    if rig.state()["personality"] == "canvas":
        assert response.status_code == 401
        assert len(rig.state()["gradebook"]) == 1
    else:
        assert response.status_code == 204
        assert rig.state()["gradebook"] == []
        assert "lineitem" not in rig.claims(rig.begin("ben", activity["id"]))[AGS_CLAIM]


def test_moodle_forgets_what_a_change_leaves_out_and_rescales_the_grades(make_rig: MakeRig) -> None:
    rig = make_rig("moodle")
    url = create(rig, scoreMaximum=100, tag="t", resourceId="r").get_json()["id"]
    rig.send_score(url)
    earlier = rig.clock().isoformat()
    rig.clock.forward(seconds=10)
    rig.call("PUT", url, {"label": "Extra", "scoreMaximum": 50}, content_type=ITEM)
    item = rig.call("GET", url).get_json()
    assert (item["tag"], item["resourceId"]) == ("", "")
    assert rig.cell()["score"] == 40
    assert rig.send_score(url, timestamp=earlier).status_code == 409


def test_canvas_changes_only_what_is_sent(make_rig: MakeRig) -> None:
    rig = make_rig("canvas")
    url = create(rig, tag="t", resourceId="r").get_json()["id"]
    changed = rig.call("PUT", url, {"label": "New"}, content_type=ITEM).get_json()
    assert (changed["label"], changed["scoreMaximum"], changed["tag"]) == ("New", 10, "t")


def test_a_column_that_was_removed_leaves_its_number_to_nobody(rig: Rig) -> None:
    first = create(rig).get_json()["id"]
    rig.call("DELETE", first)
    assert create(rig).get_json()["id"] != first


def test_an_unknown_course_is_not_found(rig: Rig) -> None:
    assert rig.call("GET", "/lti/services/99/lineitems").status_code == 404
    assert rig.call("GET", "/lti/services/99/memberships").status_code == 404


def test_the_members_of_a_course_are_listed_with_their_roles(rig: Rig) -> None:
    response = rig.call("GET", "/lti/services/1/memberships", accept=MEMBERS)
    members = {each["user_id"]: each for each in response.get_json()["members"]}
    assert len(members) == 8
    assert members[rig.user("therese")]["name"] == "Thérèse Tremblay"
    is_moodle = rig.state()["personality"] == "moodle"
    expected = "Instructor" if is_moodle else "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"
    assert expected in members[rig.user("therese")]["roles"]
    assert rig.user("noor") not in members


def test_members_are_filtered_by_role_and_come_in_pages(rig: Rig) -> None:
    for role in ("Learner", "http%3A%2F%2Fpurl.imsglobal.org%2Fvocab%2Flis%2Fv2%2Fmembership%23Learner"):
        found = rig.call("GET", f"/lti/services/1/memberships?role={role}").get_json()["members"]
        assert len(found) == 6
    page = rig.call("GET", "/lti/services/1/memberships?limit=5")
    following = page.headers["Link"].partition(">")[0].removeprefix("<")
    assert len(page.get_json()["members"]) == 5
    assert len(rig.call("GET", following).get_json()["members"]) == 3
