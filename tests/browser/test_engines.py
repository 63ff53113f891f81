"""What the browsers of the tests keep of a site in the frame of another: else the rows of D10 would prove nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import ADDRESS_BAR
from engines import CHROMIUM, FIREFOX, NO_COOKIES, NO_COOKIES_IN_FRAMES, WEBKIT, Engines
from flask import Flask, Response, request
from windows import Gone, Window

from sites import serving, until
from tls import Authority

pytestmark = pytest.mark.browser
COOKIES = {
    "__Host-partitioned": "Path=/; Secure; HttpOnly; SameSite=None; Partitioned",
    "__Host-plain": "Path=/; Secure; HttpOnly; SameSite=None",
}
STORAGE = "() => { try { sessionStorage.setItem('a', 'b'); return sessionStorage.getItem('a'); } catch { return ''; } }"
PARTITIONED, BOTH = ["__Host-partitioned"], sorted(COOKIES)
NONE: list[str] = []
KEPT = {
    CHROMIUM: (PARTITIONED, "b", NONE, BOTH),
    NO_COOKIES: (NONE, "", NONE, NONE),
    NO_COOKIES_IN_FRAMES: (NONE, "", NONE, BOTH),
    FIREFOX: (BOTH, "b", NONE, BOTH),
    WEBKIT: (NONE, "b", NONE, BOTH),
}
"""Of each browser: cookies and storage in a frame; then by itself, what is there from the frame, and what is kept."""


def tiny() -> Flask:
    """A site that sets cookies and says which ones came, and one that has it in a frame."""
    app = Flask("tiny")

    @app.get("/around")
    def around() -> str:
        return f'<iframe src="{request.args["site"]}"></iframe>'

    @app.get("/inside")
    def inside() -> Response:
        response = Response(f"<p>{' '.join(sorted(request.cookies))}.</p>", mimetype="text/html")
        for name, attributes in COOKIES.items():
            response.headers.add("Set-Cookie", f"{name}=1; {attributes}")
        return response

    return app


@pytest.fixture
def port(authority: Authority) -> Iterator[int]:
    """Where both sites are, under two names."""
    with serving(tiny(), tls=authority.server) as port:
        yield port


def cookies(window: Window, url: str, *, in_frame: bool) -> list[str]:
    """The cookies that the site says the browser sent with its page."""

    def says() -> str | None:
        try:
            document = window.page().frames()[0] if in_frame else window.page()
            return str(document.run("() => document.querySelector('p').innerText"))
        except Gone:
            return None

    window.open(url)
    return str(until(says)).rstrip(".").split()


@pytest.mark.parametrize("engine", KEPT)
def test_a_browser_keeps_in_a_frame_what_its_settings_let_it_keep(engines: Engines, port: int, engine: str) -> None:
    inside = f"https://tool.localhost:{port}/inside"
    around = f"https://lms.localhost:{port}/around?site={inside}"
    window = engines.window(engine)
    assert cookies(window, around, in_frame=True) == []
    in_frame = cookies(window, around, in_frame=True)
    stored = window.page().frames()[0].run(STORAGE)
    assert window.page().frames()[0].run("() => isSecureContext")
    from_frame = cookies(window, inside, in_frame=False)
    alone = cookies(window, inside, in_frame=False)
    window.leave()
    assert (in_frame, stored, from_frame, alone) == KEPT[engine]


@pytest.mark.parametrize("mode", [CHROMIUM, NO_COOKIES, NO_COOKIES_IN_FRAMES])
def test_chromium_runs_without_the_switches_by_which_drivers_make_it_more_lenient(engines: Engines, mode: str) -> None:
    session = engines.chromium(mode).new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    number = next(process["id"] for process in processes if process["type"] == "browser")
    switches = Path(f"/proc/{number}/cmdline").read_text().split("\0")
    assert any(switch.startswith("--user-data-dir=") for switch in switches)
    assert not [switch for switch in switches if "StoragePartitioning" in switch or "ThirdPartyCookies" in switch]
    assert [switch for switch in switches if switch.startswith("--disable-features")] == [ADDRESS_BAR]
    assert "--disable-web-security" not in switches
    assert "--ignore-certificate-errors" not in switches
