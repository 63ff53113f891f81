"""The LMS in a real browser, around a tool of a few lines: frames, cookies between two sites, and looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from demo_lms.campus import Campus, campus_of
from demo_lms.candidate import registered

if TYPE_CHECKING:
    from tests.demo_lms.conftest import MakeRig

pytestmark = pytest.mark.browser
AXE_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture
def campus(make_rig: MakeRig, browser: Browser) -> Iterator[Campus]:
    with campus_of(make_rig("moodle"), browser) as campus:
        yield campus


def test_the_frame_of_another_site_reaches_the_lms_with_the_persons_cookie(campus: Campus) -> None:
    page = campus.enter("ben")
    page.goto(f"{campus.url}/activities/1")
    page.frame_locator("iframe.tool").locator("#who").get_by_text("Ben Carter").wait_for()


def test_without_scripts_the_buttons_lead_the_same_way(campus: Campus) -> None:
    page = campus.enter("ben", java_script_enabled=False)
    page.goto(f"{campus.url}/activities/1")
    frame = page.frame_locator("iframe.tool")
    frame.get_by_role("button", name="Continue").click()
    frame.locator("#next").click()
    for hidden in ("repost", "id_token"):
        frame.locator(f"form:has([name={hidden}])").get_by_role("button").click()
    frame.locator("#who").get_by_text("Ben Carter").wait_for()


def test_only_the_tool_in_the_frame_says_how_high_it_is(campus: Campus) -> None:
    page = campus.enter("ben")
    page.goto(f"{campus.url}/activities/1")
    page.locator('iframe.tool[height="333"]').wait_for()
    page.evaluate(
        """() => new Promise((done) => {
            addEventListener("message", () => setTimeout(done, 0));
            postMessage({subject: "lti.frameResize", height: 999}, "*");
        })"""
    )
    assert page.locator("iframe.tool").get_attribute("height") == "333"


def test_a_tool_registers_in_its_frame_which_alone_says_that_it_is_done(campus: Campus) -> None:
    page = campus.enter("noor")
    page.get_by_label("Registration URL").fill(f"{campus.tool_url}/register?invite=abc")
    page.get_by_role("button", name="Register").click()
    page.get_by_role("button", name="Add as a new tool").click()
    frame = page.frame_locator("iframe.registration")
    frame.get_by_role("button", name="Agree").click()
    close = frame.get_by_role("button", name="Close")
    close.wait_for()
    page.evaluate(
        """() => new Promise((done) => {
            addEventListener("message", () => setTimeout(done, 0));
            postMessage({subject: "org.imsglobal.lti.close"}, "*");
        })"""
    )
    assert close.is_visible()
    close.click()
    page.get_by_role("link", name="Review and activate Newcomer").click()
    page.get_by_role("button", name="Activate").click()
    page.get_by_role("status").get_by_text("Active: Newcomer.").wait_for()


@pytest.mark.parametrize(("name", "scheme"), [("moodle", "light"), ("canvas", "dark")])
def test_the_administrators_pages_fit_a_small_screen_and_pass_axe(
    make_rig: MakeRig, browser: Browser, name: str, scheme: str
) -> None:
    rig = make_rig(name)
    with campus_of(rig, browser) as campus:
        registered(rig)
        page = campus.enter("noor", color_scheme=scheme, viewport={"width": 320, "height": 640})
        for path in ("/admin/tools/", "/admin/tools/1", "/admin/tools/2", "/admin/tools/2/delete", "/keys"):
            page.goto(campus.url + path)
            check_looks(page, path)
        page.goto(f"{campus.url}/admin/tools/")
        page.get_by_label("Registration URL").fill("nonsense")
        page.get_by_role("button", name="Register").click()
        page.get_by_role("alert").wait_for()
        check_looks(page, "a wrong address")
        page.get_by_label("Registration URL").fill(f"{campus.tool_url}/register")
        page.get_by_role("button", name="Register").click()
        if name == "moodle":
            check_looks(page, "which tool")
            page.get_by_role("button", name="Update Tiny").click()
        page.frame_locator("iframe.registration").get_by_role("button", name="Agree").wait_for()
        check_looks(page, "the frame", frames=False)


def check_looks(page: Page, where: str, *, frames: bool = True) -> None:
    """No violation of axe's rules, and nothing to scroll sideways. What is in a tool's frame is not ours."""
    context = None if frames else {"exclude": [["iframe"]]}
    found = Axe().run(page, context=context, options=AXE_RULES).response["violations"]
    assert [(where, each["id"], each["nodes"][0]["html"]) for each in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") == 320, where


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_small_screen_and_pass_axe(campus: Campus, scheme: str) -> None:
    page = campus.enter("therese", color_scheme=scheme, viewport={"width": 320, "height": 640})
    for path in (
        "/",
        "/courses",
        "/courses/1",
        "/courses/2",
        "/courses/1/add-by-hand",
        "/activities/1/edit",
        "/courses/1/copy",
        "/courses/1/gradebook",
        "/courses/1/gradebook/1/6",
        "/courses/1/members",
        "/nowhere",
    ):
        page.goto(campus.url + path)
        check_looks(page, path)
