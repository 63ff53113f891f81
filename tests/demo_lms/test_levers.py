"""Lists of the demo LMS in pages, people who left, grades that are not shown, and clicks on a grade."""

from __future__ import annotations

from typing import Any

import pytest

from demo_lms.conftest import LTI, TYPES, MakeRig, Rig
from ltitools.demo_lms import nrps

MEMBERS = "/lti/services/1/memberships"
ITEMS = "/lti/services/1/lineitems"


def pull(rig: Rig, **levers: Any) -> None:
    assert rig.service.post("/control/levers", json=levers).status_code == 204


def members(rig: Rig) -> dict[str, str]:
    found = rig.call("GET", MEMBERS, accept=TYPES["members"]).get_json()["members"]
    return {member["name"]: member["status"] for member in found}


def test_lists_come_in_pages_of_the_size_that_was_set(rig: Rig) -> None:
    for _ in range(3):
        rig.add_activity()
    pull(rig, page_size=2)
    page = rig.call("GET", MEMBERS, accept=TYPES["members"])
    assert len(page.get_json()["members"]) == 2
    assert page.headers["Link"].endswith('; rel="next"')
    columns = rig.call("GET", ITEMS, accept=TYPES["items"])
    assert len(columns.get_json()) == 2
    header = columns.headers["Link"].encode("latin-1").decode()
    if rig.state()["personality"] == "moodle":
        assert header.endswith("; rel=“next”")
        assert "&amp;" in header
    else:
        assert header.endswith('; rel="next"')
    pull(rig)
    assert "Link" not in rig.call("GET", ITEMS, accept=TYPES["items"]).headers


def test_canvas_gives_no_more_members_at_once_than_it_likes(make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nrps, "CANVAS_PAGE", 5)
    rig = make_rig("canvas")
    for asked, given in (("", 5), ("?limit=100", 5), ("?limit=3", 3)):
        assert len(rig.call("GET", MEMBERS + asked).get_json()["members"]) == given
    assert "Link" not in make_rig("generic").call("GET", MEMBERS).headers


def test_results_of_moodle_have_no_pages_and_asking_for_one_crashes(make_rig: MakeRig) -> None:
    rig = make_rig("moodle")
    item = rig.add_activity()["line_item"]
    for person in ("ben", "dana", "emile"):
        rig.send_score(item, userId=rig.user(person))
    pull(rig, page_size=1)
    path, _, query = item.partition("?")
    whole = rig.call("GET", f"{path}/results?{query}", accept=TYPES["results"])
    assert (len(whole.get_json()), "Link" in whole.headers) == (3, False)
    assert rig.call("GET", f"{path}/results?{query}&limit=1", accept=TYPES["results"]).status_code == 404


@pytest.mark.parametrize("lever", ["elsewhere", "circle"])
def test_a_list_can_lead_astray(rig: Rig, lever: str) -> None:
    pull(rig, next_page=lever, page_size=3)
    following = rig.call("GET", MEMBERS).headers["Link"].partition(">")[0]
    assert following.startswith("<http://elsewhere.localhost" if lever == "elsewhere" else "<http://lms.localhost")
    if lever == "circle":
        again = rig.call("GET", following.removeprefix("<")).headers["Link"].partition(">")[0]
        assert again == following


def test_people_who_left_have_a_status_or_are_left_out(rig: Rig) -> None:
    pull(rig, statuses={"ben": "Inactive", "dana": "Deleted"})
    found = members(rig)
    if rig.state()["personality"] == "generic":
        assert (found["Ben Carter"], found["Dana Flores"], found["Arun Patel"]) == ("Inactive", "Deleted", "Active")
    else:
        assert not {"Ben Carter", "Dana Flores"} & set(found)
        assert set(found.values()) == {"Active"}


def test_a_gradebook_can_take_scores_and_show_none(rig: Rig) -> None:
    item = rig.add_activity()["line_item"]
    pull(rig, scores_hidden=True)
    assert rig.send_score(item).status_code == 200
    path, _, query = item.partition("?")
    assert rig.call("GET", f"{path}/results?{query}", accept=TYPES["results"]).get_json() == []
    assert rig.cell()["score"] == 80


def test_a_click_on_a_grade_is_a_launch_about_somebody(rig: Rig) -> None:
    activity = rig.add_activity()
    claims = rig.claims(rig.begin("therese", activity["id"], review="ben"))
    assert claims[f"{LTI}message_type"] == "LtiSubmissionReviewRequest"
    assert claims[f"{LTI}for_user"] == {"user_id": rig.user("ben")}
    assert claims["sub"] == rig.user("therese")


@pytest.mark.parametrize("levers", [{"page": 3}, {"next_page": "home"}, {"statuses": {"ben": "Away"}}])
def test_a_lever_that_is_none_is_refused(rig: Rig, levers: dict[str, Any]) -> None:
    assert rig.service.post("/control/levers", json=levers).status_code == 400


def test_a_reset_puts_all_levers_back(rig: Rig) -> None:
    pull(rig, statuses={"ben": "Deleted"}, page_size=1)
    rig.service.post("/control/reset")
    assert len(members(rig)) == 8


@pytest.mark.parametrize("strictly", [False, True])
def test_scopes_that_are_withheld_are_left_out_of_a_token_or_refuse_it(rig: Rig, strictly: bool) -> None:
    pull(rig, scopes_withheld=["score"], all_scopes_or_none=strictly)
    answer = rig.ask_token(rig.assertion())
    given = answer.get_json(force=True)
    if strictly:
        assert (answer.status_code, given["error"]) == (400, "invalid_scope")
    else:
        assert {each.rsplit("/", 1)[-1] for each in given["scope"].split()} == {
            *("lineitem", "lineitem.readonly", "result.readonly", "contextmembership.readonly")
        }
