"""The LMS as a site for browsers, around a tool of a few lines at another site."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Flask, request
from markupsafe import escape
from playwright.sync_api import Browser, BrowserContext, Page

from demo_lms.candidate import SITE, request_body
from ltitools.demo_lms import ToolRegistration, register_tool
from ltitools.demo_lms.loopback import new_session
from sites import PATIENCE, serving

if TYPE_CHECKING:
    from tests.demo_lms.conftest import Rig


def tiny_tool(lms_url: list[str]) -> Flask:
    """A tool that says who came, and asks for a height. Its login is a page, as that of a careful tool is. Asked to,
    it registers itself."""
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

    @tool.get("/register")
    def page() -> str:
        hidden = "".join(f'<input type="hidden" name="{k}" value="{escape(v)}">' for k, v in request.args.items())
        return f'<form method="post">{hidden}<button>Agree</button></form>'

    @tool.post("/register")
    def register() -> str:
        with new_session() as http:
            found = http.get(request.form["openid_configuration"], timeout=10).json()
            bearer = {"Authorization": f"Bearer {request.form['registration_token']}"}
            body = json.dumps(request_body()).replace(SITE, request.host_url.rstrip("/"))
            body = body.replace("new.localhost:8300", request.host)
            sent = http.post(found["registration_endpoint"], body, headers=bearer, timeout=10)
            assert sent.ok, sent.text
        message = '{subject: "org.imsglobal.lti.close"}'
        return f"<button onclick='parent.postMessage({message}, \"*\")'>Close</button>"

    return tool


@dataclass
class Campus:
    url: str
    tool_url: str
    browser: Browser
    windows: list[BrowserContext] = field(default_factory=list)

    def leave(self) -> None:
        for window in self.windows:
            window.close()

    def enter(self, person: str, **context: Any) -> Page:
        window = self.browser.new_context(**context)
        self.windows.append(window)
        window.set_default_timeout(PATIENCE * 1000)
        page = window.new_page()
        page.goto(self.url)
        # Who goes elsewhere before the answer is there is not signed in.
        with page.expect_navigation():
            page.locator(f"button[value={person}]").click()
        return page


@contextmanager
def campus_of(rig: Rig, browser: Browser) -> Iterator[Campus]:
    """The LMS and a tiny tool, served as two sites, with one activity in the LMS."""
    lms_url: list[str] = []
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
        campus = Campus(lms_url[0], tool_url, browser)
        yield campus
        campus.leave()
