"""WebKit, as Debian packages it (webkit2gtk), driven over WebDriver: https://www.w3.org/TR/webdriver2/

Its cookie policy is WebKit's own: third parties keep none, and partitioned cookies are not known. It takes the
certificate of the tests for valid because it is told to take any. It needs a screen: Xvfb is one that nobody sees.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import requests
from windows import Gone, Missing, arguments, as_json, downloaded

from sites import free_port

BROWSERS = "/usr/lib/*/webkit2gtk-4.1/MiniBrowser"
START_TIMEOUT = 180
ANSWER_TIMEOUT = 60
WIDTH, HEIGHT = 1200, 3000
"""Of the screen: the driver does not scroll the page around a frame to what it clicks in there."""
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class WebKit:
    """The driver, which starts a browser for each person."""

    def __init__(self, url: str, program: Path, downloads: Path) -> None:
        self._url, self._program, self.downloads = url, program, downloads
        self._http = requests.Session()
        self._http.trust_env = False

    def command(self, method: str, path: str, **parameters: Any) -> Any:
        """Send a command; gives its result. Gone where the browser says no."""
        body = json.dumps(parameters) if method == "POST" else None
        answer = self._http.request(method, self._url + path, data=body, timeout=ANSWER_TIMEOUT)
        value = answer.json()["value"]
        if not answer.ok:
            raise Gone(f"{path}: {value['error']}: {value['message']}")
        return value

    def is_ready(self) -> bool:
        """Whether the driver listens."""
        try:
            return bool(self.command("GET", "/status")["ready"])
        except requests.ConnectionError:
            return False

    def window(self) -> WebKitWindow:
        """A browser with cookies of its own."""
        options = {"binary": str(self._program), "args": ["--automation"]}
        wanted = {"acceptInsecureCerts": True, "webkitgtk:browserOptions": options}
        session = self.command("POST", "/session", capabilities={"alwaysMatch": wanted})["sessionId"]
        self.command("POST", f"/session/{session}/window/rect", x=0, y=0, width=WIDTH, height=HEIGHT)
        return WebKitWindow(self, f"/session/{session}")

    def close(self) -> None:
        """Let go of the connection to the driver."""
        self._http.close()


class WebKitDocument:
    """What is in a tab or a frame, which is found by the numbers of the frames on the way; see `windows.Document`."""

    def __init__(self, window: WebKitWindow, path: tuple[int, ...] = ()) -> None:
        self._window, self._path = window, path

    def url(self) -> str:
        return str(self.run("() => location.href"))

    def frames(self) -> Sequence[WebKitDocument]:
        count = self.run("() => document.querySelectorAll('iframe').length")
        return [WebKitDocument(self._window, (*self._path, number)) for number in range(count)]

    def run(self, script: str, *values: Any) -> Any:
        self._window.select(self._path)
        return json.loads(self._window.execute(f"return ({as_json(script)})(arguments[0])", arguments(values)))

    def click(self, script: str, *values: Any) -> None:
        self._window.select(self._path)
        element = self._window.execute(f"return ({script})(...arguments)", *values)
        if element is None:
            raise Gone("nothing to click on")
        self._window.command("POST", f"/element/{element[ELEMENT]}/click")


class WebKitWindow:
    """A tab; see `windows.Window`."""

    def __init__(self, browser: WebKit, session: str, handle: str = "") -> None:
        self._browser, self._session = browser, session
        self._handle = handle or str(self.command("GET", "/window"))

    def command(self, method: str, path: str, **parameters: Any) -> Any:
        """A command to this person's browser."""
        return self._browser.command(method, self._session + path, **parameters)

    def execute(self, script: str, *values: Any) -> Any:
        """The result of a script in the selected document."""
        return self.command("POST", "/execute/sync", script=script, args=list(values))

    def select(self, path: tuple[int, ...]) -> None:
        """Have the next commands go to this tab, and to a frame in it."""
        self.command("POST", "/window", handle=self._handle)
        self.command("POST", "/frame", id=None)
        for number in path:
            frame = self.execute("return document.querySelectorAll('iframe')[arguments[0]]", number)
            self.command("POST", "/frame", id=frame)

    def open(self, url: str) -> None:
        self.select(())
        self.command("POST", "/url", url=url)

    def page(self) -> WebKitDocument:
        return WebKitDocument(self)

    def tab(self) -> WebKitWindow:
        handle = self.command("POST", "/window/new", type="tab")["handle"]
        return WebKitWindow(self._browser, self._session, handle)

    def others(self) -> Sequence[WebKitWindow]:
        handles = [handle for handle in self.command("GET", "/window/handles") if handle != self._handle]
        return [WebKitWindow(self._browser, self._session, handle) for handle in handles]

    def download(self, act: Callable[[], None]) -> bytes:
        return downloaded(self._browser.downloads, act)

    def leave(self) -> None:
        self._browser.command("DELETE", self._session)


@contextmanager
def started(folder: Path) -> Iterator[WebKit]:
    """The driver and a screen, with a home below `folder`; ended by process id. Missing if there is none."""
    program = next(iter(sorted(Path("/").glob(BROWSERS[1:]))), None)
    if program is None or not shutil.which("WebKitWebDriver") or not shutil.which("Xvfb"):
        raise Missing("webkit2gtk-driver and xvfb are not installed")
    downloads = folder / "Downloads"
    downloads.mkdir(parents=True)
    (folder / ".config").mkdir()
    (folder / ".config" / "user-dirs.dirs").write_text('XDG_DOWNLOAD_DIR="$HOME/Downloads"\n')
    with ExitStack() as stack:
        variables = {**os.environ, "HOME": str(folder), "DISPLAY": stack.enter_context(_screen())}
        port = free_port()
        driver = subprocess.Popen(
            ["WebKitWebDriver", f"--port={port}"],
            env=variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stack.callback(driver.wait, 30)
        stack.callback(driver.terminate)
        webkit = WebKit(f"http://127.0.0.1:{port}", program, downloads)
        stack.callback(webkit.close)
        deadline = time.monotonic() + START_TIMEOUT
        while not webkit.is_ready():
            if driver.poll() is not None or time.monotonic() > deadline:
                raise Missing("WebKitWebDriver did not become ready")
            time.sleep(0.05)
        yield webkit


@contextmanager
def _screen() -> Iterator[str]:
    """A screen of its own; gives its name."""
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert screen.stdout is not None
    try:
        yield f":{screen.stdout.readline().strip()}"
    finally:
        screen.terminate()
        screen.wait(30)
        screen.stdout.close()
