"""The LMS in a real browser, around a tool of a few lines: frames, cookies between two sites, and looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from demo_lms.campus import Campus, campus_of

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
        found = Axe().run(page, options=AXE_RULES).response["violations"]
        assert [(path, each["id"], each["nodes"][0]["html"]) for each in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") == 320, path
