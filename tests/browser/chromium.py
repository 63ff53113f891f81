"""A real Chromium, started without the switches by which automation makes it more lenient than a person's.

Playwright's own arguments switch off third-party storage partitioning, which decides whether a tool works in the
frame of an LMS; so the browser is started here and Playwright connects to it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright

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
START_TIMEOUT = 60


def executable(playwright: Playwright) -> str:
    """Chromium from PATH, else the driver's own."""
    return shutil.which("chromium") or playwright.chromium.executable_path


@contextmanager
def started(playwright: Playwright, profile: Path) -> Iterator[Browser]:
    """The browser, with a profile of its own; ended by its own process id."""
    arguments = [executable(playwright), *ARGUMENTS, f"--user-data-dir={profile}", "about:blank"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        browser = playwright.chromium.connect_over_cdp(_address(profile, process))
        yield browser
        browser.close()
    finally:
        process.terminate()
        process.wait(30)


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
