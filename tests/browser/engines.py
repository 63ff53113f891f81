"""The browsers of the tests of cookies, each started when the first test asks for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import chromium
import firefox
import pytest
import webkit
from playwright.sync_api import Browser, Playwright
from windows import Missing, Window

from tls import Authority

CHROMIUM = "chromium"
NO_COOKIES = "chromium-without-cookies"
NO_COOKIES_IN_FRAMES = "chromium-without-cookies-in-frames"
FIREFOX = "firefox"
WEBKIT = "webkit"
ROWS = {WEBKIT: 157, FIREFOX: 158}
"""The row of D10 that stands for a browser which may be missing."""
BLOCKED = {
    CHROMIUM: "",
    NO_COOKIES: "[*.]tool.localhost,*",
    NO_COOKIES_IN_FRAMES: "[*.]tool.localhost,[*.]lms.localhost",
}
"""Whose cookies and storage each Chromium refuses besides those of third parties, and within which site."""


class Engines:
    """Gives windows of any browser, each with cookies of its own."""

    def __init__(self, playwright: Playwright, folder: Path, authority: Authority, stack: ExitStack) -> None:
        self._playwright, self._folder, self._authority, self._stack = playwright, folder, authority, stack
        self._browsers: dict[str, Browser] = {}
        self._openers: dict[str, Callable[[], Window] | Missing] = {}

    def window(self, engine: str) -> Window:
        """A window of a browser; the test is skipped, with its row, where there is no such browser."""
        if engine not in self._openers:
            self._openers[engine] = self._start(engine)
        opener = self._openers[engine]
        if isinstance(opener, Missing):
            pytest.skip(f"row {ROWS[engine]} not run: {opener}")
        return opener()

    def chromium(self, mode: str = CHROMIUM) -> Browser:
        """A Chromium as Playwright knows it."""
        if mode not in self._browsers:
            started = chromium.started(
                self._playwright,
                self._folder / mode,
                blocked=BLOCKED[mode],
                trusted_key=self._authority.key_digest,
            )
            self._browsers[mode] = self._stack.enter_context(started)
        return self._browsers[mode]

    def _start(self, engine: str) -> Callable[[], Window] | Missing:
        if engine in BLOCKED:
            return partial(_chromium_window, self.chromium(engine))
        try:
            if engine == FIREFOX:
                return self._stack.enter_context(firefox.started(self._folder / engine)).window
            return self._stack.enter_context(webkit.started(self._folder / engine)).window
        except Missing as missing:
            return missing


def _chromium_window(browser: Browser) -> Window:
    return chromium.ChromiumWindow(browser.new_context())
