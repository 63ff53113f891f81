"""The tool and the demo LMS as two running sites, for tests that go through real HTTP."""

from __future__ import annotations

import logging
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests
from flask import Flask
from werkzeug.serving import make_server

from ltitools.db import session
from ltitools.demo_lms import ToolRegistration, Visitor, create_lms, register_tool
from ltitools.demo_lms.loopback import fetch_json, new_session
from ltitools.plugin import Plugin
from ltitools.services import registrations, tenants
from ltitools.testing import authorization_url, close_app, deliver, make_app, writing
from tls import Authority

CLIENT_ID = "client-7"
DEPLOYMENT_ID = "1"
TENANT = "acme"
PATIENCE = 60.0


def free_port() -> int:
    """A loopback port that nothing listens on, below those that a system gives to whoever asks for any."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def until(condition: Callable[[], Any]) -> Any:
    """Ask again and again until the condition holds; AssertionError if it never does."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, "what should have happened did not"
        time.sleep(0.05)
    return value


@dataclass
class Sites:
    """Both sites, running on loopback under two names that are two sites to a browser.

    `ca_file` is the authority that has to be trusted there, where they speak TLS.
    """

    tool: Flask
    lms: Flask
    tool_url: str
    lms_url: str
    ca_file: str = ""

    def place(self, activity: str, **values: Any) -> int:
        """Place an activity in a course of the LMS without asking the tool; gives its number there."""
        asked = {"title": activity, "custom": {"activity": activity}, **values}
        return int(self.control("activities", asked)["id"])

    def control(self, lever: str, values: Any = None) -> Any:
        """Pull a lever of the LMS, see `ltitools.demo_lms.control`."""
        with new_session(self.ca_file) as http:
            url = f"{self.lms_url}/control/{lever}"
            if values is not None:
                answer = http.post(url, json=values, timeout=PATIENCE)
            else:
                answer = http.get(url, timeout=PATIENCE)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def fail(self, on: str, **fault: Any) -> None:
        """Let the next requests of a kind go wrong at the LMS."""
        self.control("faults", [{"on": on, **fault}])

    def cell(self, person: str, column: int = -1) -> dict[str, Any]:
        """What the gradebook holds for a person in a column (the newest), with every score that was sent."""
        cells = self.control("state")["gradebook"][column]["cells"]
        return next((cell for cell in cells if cell["person"] == person), {"score": None, "posts": []})

    def enter(self, person: str, activity: int) -> ToolBrowser:
        """Launch an activity of the LMS as a person; gives their browser inside the tool."""
        visitor = Visitor(self.lms_url, person, self.ca_file)
        browser = ToolBrowser(self.tool_url, self.ca_file)
        form = visitor.begin(activity)
        login = browser.send("POST", form.action, dict(form.fields))
        answer = visitor.authorize(authorization_url(login.headers.get("Location", ""), login.text))
        arrived = browser.send("POST", answer.action, dict(answer.fields))
        assert arrived.status_code == 303, arrived.text
        browser.home = arrived.headers["Location"]
        visitor.close()
        return browser

    def deliver(self) -> int:
        """Deliver what is due, in the calling thread."""
        return deliver(self.tool)

    def start_worker(self) -> None:
        """Deliver grades in the background, as the demo does."""
        self.tool.extensions["ltitools.worker"].start()

    def import_questions(self, file: Path, slug: str, title: str, tenant: str = TENANT) -> None:
        """Publish a question file in the institution."""
        command = self.tool.extensions["ltitools.plugins"]["diagnostic"].cli
        arguments = ["import", str(file), "--tenant", tenant, "--slug", slug, "--title", title, "--json"]
        with writing(self.tool):
            command.main(arguments, standalone_mode=False)


class ToolBrowser:
    """A browser without a screen: keeps the tool's cookies and sends the forms on its pages."""

    def __init__(self, base_url: str, ca_file: str = "") -> None:
        self.base_url = base_url
        self.home = ""
        self.http = new_session(ca_file)
        self.cookies: dict[str, str] = {}
        self.proof = ""
        self.page_with_form = "form"

    def send(self, method: str, url: str, data: dict[str, str] | None = None) -> requests.Response:
        """One request, redirects not followed."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.http.request(
            method,
            urljoin(self.base_url, url),
            data=data,
            headers={"Cookie": cookies} if cookies else {},
            allow_redirects=False,
            timeout=PATIENCE,
        )
        for line in answer.raw.headers.getlist("Set-Cookie"):
            name, _, rest = line.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        return answer

    def get(self, path: str = "") -> requests.Response:
        """A page of the launch, redirects followed."""
        answer = self.send("GET", urljoin(self.home, path))
        while answer.is_redirect:
            answer = self.send("GET", urljoin(answer.url, answer.headers["Location"]))
        return answer

    def post(self, path: str, **data: str) -> requests.Response:
        """Send a form of the launch, with the proof from one of its pages."""
        if not self.proof:
            page = self.get(self.page_with_form).text
            self.proof = page.partition('name="_form" value="')[2].partition('"')[0]
        return self.send("POST", urljoin(self.home, path), {"_form": self.proof, **data})


@contextmanager
def serving(app: Any, port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve a WSGI application on a loopback port, in threads; gives the port."""
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL if tls else logging.ERROR)
    server = make_server("127.0.0.1", port, app, threaded=True)
    if tls is not None:
        # The handshake waits for the thread of the connection: a browser also opens connections in advance, and
        # Werkzeug's own way would let nobody else in until such a one is used.
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.ssl_context = tls
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Later:
    """A WSGI application that is known only after the port it is served on."""

    app: Any = None

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self.app(environ, start_response)


@contextmanager
def running(
    database_url: str,
    personality: str = "moodle",
    plugins: Iterable[Plugin] | None = None,
    authority: Authority | None = None,
    **settings: Any,
) -> Iterator[Sites]:
    """The tool and an LMS of the given personality, registered with each other; over TLS with an authority."""
    tool_at = _Later()
    with serving(tool_at, tls=authority.server if authority else None) as tool_port:
        tool_url = f"{'https' if authority else 'http'}://tool.localhost:{tool_port}"
        with running_lms(tool_url, personality, authority) as (lms, lms_url):
            values = {"public_url": tool_url, "worker_threads": 1, "worker_poll_seconds": 0.2, **settings}
            ca_file = str(authority.ca_file) if authority else ""
            tool = tool_at.app = make_app(database_url, plugins, ca_file=ca_file, **values)
            register(tool, lms_url, personality)
            try:
                yield Sites(tool, lms, tool_url, lms_url, ca_file)
            finally:
                close_app(tool)


@contextmanager
def running_lms(tool_url: str, personality: Any, authority: Authority | None = None) -> Iterator[tuple[Flask, str]]:
    """An LMS of the given personality that knows the tool at `tool_url`; gives it and its address."""
    lms_at = _Later()
    with serving(lms_at, tls=authority.server if authority else None) as lms_port:
        lms_url = f"{'https' if authority else 'http'}://lms.localhost:{lms_port}"
        base = f"{tool_url}/lti/{TENANT}"
        fetch_keys = partial(fetch_json, ca_file=str(authority.ca_file) if authority else "")
        lms = create_lms("sqlite://", lms_url, personality=personality, control=True, fetch_keys=fetch_keys)
        register_tool(
            lms,
            ToolRegistration(
                client_id=CLIENT_ID,
                deployment_id=DEPLOYMENT_ID,
                login_url=f"{base}/login",
                launch_url=f"{base}/launch",
                jwks_url=f"{base}/jwks.json",
                title="ltitools",
            ),
        )
        lms_at.app = lms
        yield lms, lms_url


def register(tool: Flask, lms_url: str, personality: str, tenant: str = TENANT) -> None:
    """Make the LMS known to the institution."""
    with writing(tool):
        owner, _ = tenants.add(tenant, "Acme College")
        registrations.add(
            owner,
            registrations.NewRegistration(
                issuer=lms_url,
                client_id=CLIENT_ID,
                auth_url=f"{lms_url}/lti/authorize",
                token_url=f"{lms_url}/lti/token",
                jwks_url=f"{lms_url}/lti/jwks",
                platform=personality,
                deployment_ids=(DEPLOYMENT_ID,),
            ),
        )
        session.commit()
