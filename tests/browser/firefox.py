"""Firefox, as Debian packages it, driven over WebDriver BiDi: https://www.w3.org/TR/webdriver-bidi/

Its tracking protection is the strict one, in which every third-party cookie is either blocked or partitioned. It
takes the certificate of the tests for valid because it is told to take any.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect
from windows import Gone, Missing, arguments, as_json, downloaded

START_TIMEOUT = 180
ANSWER_TIMEOUT = 60
NOT_PRESSED = ("no such element", "no such node", "move target out of bounds")
PREFERENCES = {
    "browser.contentblocking.category": "strict",
    "privacy.trackingprotection.enabled": True,
    "privacy.trackingprotection.socialtracking.enabled": True,
    "privacy.query_stripping.enabled": True,
    "network.cookie.cookieBehavior": 5,
    "network.cookie.CHIPS.enabled": True,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "browser.download.folderList": 2,
    "browser.download.alwaysOpenPanel": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
}


class Firefox:
    """The browser: sends commands, reads their answers."""

    def __init__(self, socket: ClientConnection, downloads: Path) -> None:
        self._socket, self.downloads = socket, downloads
        self._sent = 0
        self.command("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command; gives its result. Gone where the browser says no."""
        self._sent += 1
        self._socket.send(json.dumps({"id": self._sent, "method": method, "params": parameters}))
        while (answer := json.loads(self._socket.recv(ANSWER_TIMEOUT))).get("id") != self._sent:
            pass
        if answer["type"] == "error":
            raise Gone(f"{method}: {answer['error']}: {answer['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def window(self) -> FirefoxWindow:
        """A tab with cookies of its own."""
        return FirefoxWindow(self, self.command("browser.createUserContext")["userContext"])

    def trees(self, **where: str) -> list[dict[str, Any]]:
        """All tabs, or one, with their frames in them."""
        contexts: list[dict[str, Any]] = self.command("browsingContext.getTree", **where)["contexts"]
        return contexts


class FirefoxDocument:
    """What is in a tab or a frame; see `windows.Document`."""

    def __init__(self, browser: Firefox, tree: dict[str, Any]) -> None:
        self._browser, self._tree = browser, tree

    def url(self) -> str:
        return str(self._tree["url"])

    def frames(self) -> Sequence[FirefoxDocument]:
        return [FirefoxDocument(self._browser, child) for child in self._tree["children"]]

    def run(self, script: str, *values: Any) -> Any:
        return json.loads(self._call(as_json(script), {"type": "string", "value": arguments(values)})["value"])

    def click(self, script: str, *values: Any) -> None:
        in_view = "found?.scrollIntoView({block: 'center', behavior: 'instant'}); return found;"
        find = f"(values) => {{ const found = ({script})(...JSON.parse(values)); {in_view} }}"
        element = self._call(find, {"type": "string", "value": arguments(values)})
        if element["type"] != "node":
            raise Gone("nothing to click on")
        origin = {"type": "element", "element": {"sharedId": element["sharedId"]}}
        press = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        try:
            self._browser.command(
                "input.performActions",
                context=self._tree["context"],
                actions=[{"type": "pointer", "id": "mouse", "actions": press}],
            )
        except Gone as gone:
            if any(reason in str(gone) for reason in NOT_PRESSED):
                raise
            # Otherwise the press itself led away from the document before the browser had answered.

    def _call(self, function: str, *values: dict[str, Any]) -> dict[str, Any]:
        answer = self._browser.command(
            "script.callFunction",
            functionDeclaration=function,
            target={"context": self._tree["context"]},
            awaitPromise=True,
            arguments=list(values),
        )
        if answer["type"] == "exception":
            raise Gone(answer["exceptionDetails"]["text"])
        result: dict[str, Any] = answer["result"]
        return result


class FirefoxWindow:
    """A tab; see `windows.Window`."""

    def __init__(self, browser: Firefox, person: str, context: str = "") -> None:
        self._browser, self._person = browser, person
        self._context = context or str(
            browser.command("browsingContext.create", type="tab", userContext=person)["context"]
        )

    def open(self, url: str) -> None:
        self._browser.command("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def page(self) -> FirefoxDocument:
        return FirefoxDocument(self._browser, self._browser.trees(root=self._context)[0])

    def tab(self) -> FirefoxWindow:
        return FirefoxWindow(self._browser, self._person)

    def others(self) -> Sequence[FirefoxWindow]:
        trees = [tree for tree in self._browser.trees() if tree["userContext"] == self._person]
        contexts = [tree["context"] for tree in trees if tree["context"] != self._context]
        return [FirefoxWindow(self._browser, self._person, context) for context in contexts]

    def download(self, act: Callable[[], None]) -> bytes:
        return downloaded(self._browser.downloads, act)

    def leave(self) -> None:
        self._browser.command("browser.removeUserContext", userContext=self._person)


@contextmanager
def started(folder: Path) -> Iterator[Firefox]:
    """The browser, with a profile below `folder`; ended by its own process id. Missing if there is none."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        raise Missing("firefox-esr is not installed")
    profile, downloads = folder / "profile", folder / "downloads"
    profile.mkdir(parents=True)
    downloads.mkdir()
    preferences = {**PREFERENCES, "browser.download.dir": str(downloads)}
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
    (profile / "user.js").write_text("".join(lines))
    arguments = [program, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port=0"]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        # Pings take numbers from `random` in a thread of their own, which disturbs tests that draw examples.
        with connect(_address(profile, process), max_size=None, ping_interval=None) as socket:
            yield Firefox(socket, downloads)
    finally:
        process.terminate()
        process.wait(30)


def _address(profile: Path, process: subprocess.Popen[bytes]) -> str:
    """Where the browser listens: it writes that into its profile when it is ready."""
    announced = profile / "WebDriverBiDiServer.json"
    deadline = time.monotonic() + START_TIMEOUT
    while not (announced.exists() and announced.read_text().rstrip().endswith("}")):
        if process.poll() is not None:
            raise Missing(f"Firefox ended with status {process.returncode} before it was ready")
        if time.monotonic() > deadline:
            raise Missing("Firefox did not become ready")
        time.sleep(0.05)
    server = json.loads(announced.read_text())
    return f"ws://{server['ws_host']}:{server['ws_port']}/session"
