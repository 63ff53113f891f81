"""The LMS in a real browser, around a tool of a few lines: frames, cookies between two sites, and looks."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask, request
from markupsafe import escape
from playwright.sync_api import Browser, BrowserContext, Page

from ltitools.demo_lms import ToolRegistration, register_tool
from ltitools.demo_lms.loopback import new_session
from sites import serving

if TYPE_CHECKING:
    from tests.demo_lms.conftest import MakeRig

pytestmark = pytest.mark.browser
AXE_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def tiny_tool(lms_url: list[str]) -> Flask:
    """A tool that says who came, and asks for a height. Its login is a page, as that of a careful tool is."""
    tool = Flask("tiny")

    @tool.post("/login")
    def login() -> str:
        asked = {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": "tiny",
            "redirect_uri": request.host_url + "launch",
            "state": "s",
            "nonce": secrets.token_hex(8),
            "login_hint": request.form["login_hint"],
            "lti_message_hint": request.form["lti_message_hint"],
        }
        target = escape(f"{lms_url[0]}/lti/authorize?{urlencode(asked)}")
        return f'<a id="next" href="{target}">Next</a><script>location.replace(next.href)</script>'.replace(
            "next.href", 'document.getElementById("next").href'
        )

    @tool.post("/launch")
    def launch() -> str:
        payload = request.form["id_token"].split(".")[1]
        name = json.loads(base64.urlsafe_b64decode(payload + "=="))["name"]
        resize = 'parent.postMessage({subject: "lti.frameResize", height: 333}, "*")'
        return f'<p id="who">{escape(name)}</p><script>{resize}</script>'

    return tool


@dataclass
class Campus:
    url: str
    browser: Browser
    windows: list[BrowserContext] = field(default_factory=list)

    def leave(self) -> None:
        for window in self.windows:
            window.close()

    def enter(self, person: str, **context: Any) -> Page:
        window = self.browser.new_context(**context)
        self.windows.append(window)
        page = window.new_page()
        page.goto(self.url)
        page.locator(f"button[value={person}]").click()
        return page


@pytest.fixture
def campus(make_rig: MakeRig, browser: Browser) -> Iterator[Campus]:
    lms_url: list[str] = []
    rig = make_rig("moodle")
    with serving(tiny_tool(lms_url)) as tool_port, serving(rig.app) as lms_port:
        tool_url = f"http://tool.localhost:{tool_port}"
        lms_url.append(f"http://lms.localhost:{lms_port}")
        # The issuer of this LMS was chosen before its port was known; a browser goes by the port.
        rig.app.extensions["demo_lms"].public_url = lms_url[0]
        register_tool(
            rig.app,
            ToolRegistration("tiny", "1", f"{tool_url}/login", f"{tool_url}/launch", f"{tool_url}/jwks", "Tiny"),
        )
        with new_session() as http:
            http.post(f"{lms_url[0]}/control/activities", json={"title": "Pre-assessment"}, timeout=10)
        campus = Campus(lms_url[0], browser)
        yield campus
        campus.leave()


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
