"""The administrator's pages: registering a tool, looking at it, switching it on and off."""

from __future__ import annotations

import re

import pytest

from demo_lms.candidate import PAGE, SITE, begin, newest, registered, request_body, send, speak_for
from demo_lms.conftest import MakeRig, Rig

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"


@pytest.fixture
def admin(rig: Rig) -> Rig:
    rig.sign_in("noor")
    return rig


def frame_on(html: str) -> str:
    found = re.search(r'<iframe class="tool registration"[^>]* src="([^"]*)"', html)
    assert found is not None, html
    return found[1].replace("&amp;", "&")


def test_the_pages_are_for_the_administrator(rig: Rig) -> None:
    for person, status in (("therese", 403), ("noor", 200)):
        rig.sign_in(person)
        for path in ("/admin/tools/", "/admin/tools/1", "/admin/tools/1/delete"):
            assert rig.browser.get(path).status_code == status, (person, path)
    rig.sign_in("therese")
    assert rig.post("/admin/tools/1/deactivate").status_code == 403
    assert newest(rig)["state"] == "active"


def test_a_form_from_elsewhere_changes_nothing(admin: Rig) -> None:
    assert admin.browser.post("/admin/tools/1/deactivate").status_code == 400
    assert newest(admin)["state"] == "active"


def test_the_tools_page_is_framed_and_only_that_origin_besides_the_tools(admin: Rig) -> None:
    response = admin.post("/admin/tools/register", url=PAGE)
    assert frame_on(response.text).startswith(f"{PAGE}&openid_configuration=")
    policy = response.headers["Content-Security-Policy"]
    frames = next(part for part in policy.split("; ") if part.startswith("frame-src"))
    assert frames == f"frame-src 'self' {SITE} http://tool.localhost:8200"
    assert SITE not in admin.browser.get("/").headers["Content-Security-Policy"]


@pytest.mark.parametrize("url", ["", "tool.localhost/register", "javascript:alert(1)", "https://"])
def test_what_is_no_address_is_said_to_be_none(admin: Rig, url: str) -> None:
    response = admin.post("/admin/tools/register", url=url)
    assert response.status_code == 422
    assert "Enter the whole address" in response.text


def test_moodle_asks_first_whether_a_tool_of_that_domain_is_meant(make_rig: MakeRig) -> None:
    rig = make_rig("moodle")
    registered(rig)
    rig.sign_in("noor")
    asked = rig.post("/admin/tools/register", url=PAGE).text
    assert "Update Newcomer" in asked
    assert "Update Diagnostic" not in asked
    assert "<iframe" not in asked
    assert "<iframe" in rig.post("/admin/tools/register", url=PAGE, which="new").text
    assert "Update Newcomer" in rig.post("/admin/tools/register", url=PAGE, which="2").text


def test_a_tool_is_activated_deactivated_and_deleted(admin: Rig) -> None:
    registered(admin)
    assert "Review and activate" in admin.page("/admin/tools/")
    assert admin.post("/admin/tools/2/activate").status_code == 303
    assert newest(admin)["state"] == "active"
    assert "Active: Newcomer." in admin.page("/admin/tools/2")
    admin.post("/admin/tools/2/deactivate")
    assert newest(admin)["state"] == "inactive"
    assert "Delete Newcomer?" in admin.page("/admin/tools/2/delete")
    admin.post("/admin/tools/2/delete")
    assert "Newcomer" not in admin.page("/admin/tools/").replace("Deleted: Newcomer.", "")


def test_the_page_of_a_tool_shows_what_it_has_asked_for(admin: Rig) -> None:
    answer = registered(admin)
    page = admin.page("/admin/tools/2")
    words = (answer["client_id"], f"{SITE}/login", "LtiDeepLinkingRequest", "ContentArea", "names and e-mail addresses")
    for word in words:
        assert word in page


def test_registering_again_goes_to_the_address_from_before(admin: Rig) -> None:
    registered(admin)
    page = admin.post("/admin/tools/2/update").text
    assert frame_on(page).startswith(PAGE)
    assert admin.post("/admin/tools/1/update").status_code == 404


def test_canvas_grants_what_is_left_ticked(make_rig: MakeRig) -> None:
    rig = make_rig("canvas")
    registered(rig)
    rig.sign_in("noor")
    scope = request_body()["scope"].split()[0]
    rig.post("/admin/tools/2/activate", reviewed="yes", scope=scope, placement="assignment_selection")
    tool = newest(rig)
    assert (tool["scopes"], list(tool["placements"])) == ([scope], ["assignment_selection"])
    assert rig.page("/admin/tools/2").count("(not granted)") == 2


def test_an_update_in_canvas_is_accepted_or_discarded(make_rig: MakeRig) -> None:
    rig = make_rig("canvas")
    registered(rig)
    rig.sign_in("noor")
    for decision, title in (("discard", "Newcomer"), ("accept", "Renamed")):
        send(rig, begin(rig, tool=2), request_body(client_name="Renamed"))
        assert "An update waits" in rig.page("/admin/tools/")
        rig.post("/admin/tools/2/waiting", decision=decision)
        assert (newest(rig)["title"], newest(rig)["update"]) == (title, None)


def test_canvas_adds_a_tool_to_a_course_under_another_deployment(make_rig: MakeRig) -> None:
    rig = make_rig("canvas")
    registered(rig)
    speak_for(rig)
    rig.sign_in("noor")
    assert "Add to AI-102" in rig.page("/admin/tools/2")
    rig.post("/admin/tools/2/deployments", course="2")
    assert [each["course"] for each in newest(rig)["deployments"]] == [None, 2]
    assert "Add to AI-102" not in rig.page("/admin/tools/2")
    assert rig.post("/admin/tools/2/deployments", course="2").status_code == 404


def test_with_several_tools_a_teacher_chooses_one_first(admin: Rig) -> None:
    registered(admin)
    speak_for(admin)
    admin.sign_in("therese")
    assert "À partir de quel outil ?" in admin.page("/courses/1/add")
    assert 'src="/courses/1/choose?tool=2"' in admin.page("/courses/1/add?tool=2")
    admin.post("/courses/1/add-by-hand", tool="2", title="By hand", url=f"{SITE}/launch?x=1")
    assert admin.state()["activities"][-1]["tool"] == 2


def test_the_menu_of_a_course_has_every_tool_that_asked_for_it(make_rig: MakeRig) -> None:
    rig = make_rig("canvas")
    registered(rig, config={"messages": []})
    speak_for(rig)
    registered(rig)
    speak_for(rig)
    rig.sign_in("ben")
    page = rig.page("/courses/1")
    assert [f"/courses/1/tool?tool={number}" in page for number in (1, 2, 3)] == [True, False, True]
    assert rig.claims(rig.form(rig.browser.get("/courses/1/launch?tool=3")))[f"{CLAIM}deployment_id"]


def test_an_administrators_launch_says_so(rig: Rig) -> None:
    roles = rig.claims(rig.begin("noor", rig.add_activity()["id"]))[f"{CLAIM}roles"]
    assert "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator" in roles
    assert any("/system/person#" in role for role in roles)
