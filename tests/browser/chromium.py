"""A real Chromium, started without the switches by which automation makes it more lenient than a person's.

Playwright's own arguments switch off third-party storage partitioning, which decides whether a tool works in the
frame of an LMS; so the browser is started here and Playwright connects to it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Frame, Page, Playwright
from playwright.sync_api import Error as PlaywrightError
from windows import Gone, arguments, as_json

ARGUMENTS = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-field-trial-config",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
)
# Two pages that each window would load for the list below its address bar: a quarter of the browser's work.
ADDRESS_BAR = "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup"
START_TIMEOUT = 60
BLOCK = 2


def executable(playwright: Playwright) -> str:
    """Chromium from PATH, else the driver's own."""
    return shutil.which("chromium") or playwright.chromium.executable_path


@contextmanager
def started(
    playwright: Playwright, profile: Path, *, blocked: str = "", scripts: bool = True, trusted_key: str = ""
) -> Iterator[Browser]:
    """The browser, with a profile of its own; ended by its own process id.

    Third-party cookies are blocked in its windows. `blocked` is whose cookies and storage are blocked besides, and
    inside which site, in the form of the browser's own settings: ``[*.]tool.example,*``. With `scripts` false no page
    runs any. `trusted_key` is the digest of the public key of a site whose certificate is taken as valid.
    """
    _write_settings(profile, blocked, scripts)
    arguments = [executable(playwright), *ARGUMENTS, ADDRESS_BAR, f"--user-data-dir={profile}"]
    if trusted_key:
        arguments.append(f"--ignore-certificate-errors-spki-list={trusted_key}")
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    process = subprocess.Popen([*arguments, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        browser = playwright.chromium.connect_over_cdp(_address(profile, process))
        yield browser
        browser.close()
    finally:
        process.terminate()
        process.wait(30)


def _write_settings(profile: Path, blocked: str, scripts: bool) -> None:
    """Write a person's own choice into the profile, as the settings page of the browser does.

    Playwright's own way to forbid scripts comes too late for the frame of another site: that is now and then read as
    by a browser with scripts, and what is meant for those without is not shown there.
    """
    exceptions = {"cookies": {blocked: {"setting": BLOCK}} if blocked else {}}
    defaults = {} if scripts else {"javascript": BLOCK}
    (profile / "Default").mkdir(parents=True)
    settings = {"profile": {"content_settings": {"exceptions": exceptions}, "default_content_setting_values": defaults}}
    (profile / "Default" / "Preferences").write_text(json.dumps(settings))


def _address(profile: Path, process: subprocess.Popen[bytes]) -> str:
    """Where the browser listens: it writes that into its profile when it is ready."""
    announced = profile / "DevToolsActivePort"
    deadline = time.monotonic() + START_TIMEOUT
    while not (announced.exists() and "\n" in announced.read_text()):
        if process.poll() is not None:
            raise RuntimeError(f"Chromium ended with status {process.returncode} before it was ready")
        if time.monotonic() > deadline:
            raise RuntimeError("Chromium did not become ready")
        time.sleep(0.05)
    return f"http://127.0.0.1:{announced.read_text().splitlines()[0]}"


class ChromiumDocument:
    """What is in a frame; see `windows.Document`."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def url(self) -> str:
        return str(self.run("() => location.href"))

    def frames(self) -> Sequence[ChromiumDocument]:
        # The driver learns of new frames while it waits for an answer only.
        self.url()
        return [ChromiumDocument(frame) for frame in self._frame.child_frames]

    def run(self, script: str, *values: Any) -> Any:
        try:
            return json.loads(self._frame.evaluate(as_json(script), arguments(values)))
        except PlaywrightError as error:
            raise Gone(str(error)) from error

    def click(self, script: str, *values: Any) -> None:
        try:
            handle = self._frame.evaluate_handle(f"(values) => ({script})(...values)", list(values)).as_element()
            if handle is None:
                raise Gone("nothing to click on")
            # A tab behind another paints once a second, and a click waits for that.
            self._frame.page.bring_to_front()
            handle.click()
        except PlaywrightError as error:
            raise Gone(str(error)) from error


class ChromiumWindow:
    """A tab; see `windows.Window`."""

    def __init__(self, context: BrowserContext, page: Page | None = None) -> None:
        self.context = context
        self._page = page or context.new_page()

    def open(self, url: str) -> None:
        self._page.goto(url)

    def page(self) -> ChromiumDocument:
        return ChromiumDocument(self._page.main_frame)

    def tab(self) -> ChromiumWindow:
        return ChromiumWindow(self.context)

    def others(self) -> Sequence[ChromiumWindow]:
        self.page().url()
        return [ChromiumWindow(self.context, page) for page in self.context.pages if page != self._page]

    def download(self, act: Callable[[], None]) -> bytes:
        with self._page.expect_download() as download:
            act()
        return Path(download.value.path()).read_bytes()

    def leave(self) -> None:
        self.context.close()
