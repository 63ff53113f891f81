"""What the tests ask of any browser, however it is driven, and what a person does with it.

Three drivers keep to `Window` and `Document`: `chromium` (Playwright), `firefox` (WebDriver BiDi) and `webkit`
(WebDriver). A script is the text of a JavaScript function; what goes into it and comes out is JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from sites import Sites, until

UNFINISHED = (".part", ".wkdownload")
# Elements of a kind that a person can see, and whose text, where one is asked for, holds it.
FIND = """(css, text) => [...document.querySelectorAll(css)].find((element) => {
    const shown = (element.innerText || element.value || "").trim();
    return element.getClientRects().length && shown.includes(text);
})"""
LISTEN = f"""(css, text) => {{
    window.pressed = false;
    ({FIND})(css, text)?.addEventListener("click", () => {{ window.pressed = true; }}, {{once: true, capture: true}});
}}"""


class Gone(Exception):
    """The document is not there any more, or not yet; look again."""


class Missing(Exception):
    """The browser is not installed, or does not start here."""


class Document(Protocol):
    """The page of a window, or what is in one of its frames."""

    def url(self) -> str:
        """Where it comes from."""

    def frames(self) -> Sequence[Document]:
        """What is in its frames, in the order of the page."""

    def run(self, script: str, *values: Any) -> Any:
        """Call the function with the values; a promise is waited for. Gone if the document is."""

    def click(self, script: str, *values: Any) -> None:
        """Press the mouse, as a person does, on the element that the function gives. Gone if the document is."""


class Window(Protocol):
    """One tab."""

    def open(self, url: str) -> None:
        """Go there, as by the address bar."""

    def page(self) -> Document:
        """What it shows."""

    def tab(self) -> Window:
        """One more tab with the same cookies."""

    def others(self) -> Sequence[Window]:
        """The other tabs with the same cookies."""

    def download(self, act: Callable[[], None]) -> bytes:
        """The file that the browser saves when `act` is done."""

    def leave(self) -> None:
        """Close it, and forget its cookies."""


def as_json(script: str) -> str:
    """The function as one whose values and result are texts: how drivers send them across."""
    return f"async (values) => JSON.stringify(await ({script})(...JSON.parse(values)) ?? null)"


def arguments(values: Sequence[Any]) -> str:
    """The values of such a function."""
    return json.dumps(values)


def downloaded(folder: Path, act: Callable[[], None]) -> bytes:
    """The file that appears in the folder, whole, when `act` is done."""
    before = set(folder.iterdir())
    act()

    def arrived() -> bytes | None:
        new = [file for file in folder.iterdir() if file not in before]
        whole = len(new) == 1 and new[0].suffix not in UNFINISHED
        return new[0].read_bytes() if whole else None

    return bytes(until(arrived))


class Reader:
    """A person at the LMS, in any browser; `tool` is the page of the tool that they read."""

    def __init__(self, window: Window, sites: Sites) -> None:
        self.window, self.sites = window, sites

    def sign_in(self, name: str) -> None:
        """Choose a person on the LMS's first page."""
        self.window.open(self.sites.lms_url)
        self.press("button", name, self.window.page)
        self.see("a[href$='#people']", "", self.window.page)

    def open_activity(self, number: int) -> None:
        """Open an activity of the LMS."""
        self.window.open(f"{self.sites.lms_url}/activities/{number}")

    def frame(self) -> Document:
        """The tool's own frame in the page of the LMS, or its page in a window of its own."""
        page = self.window.page()
        for document in (page, *page.frames()):
            if document.url().startswith(self.sites.tool_url):
                return document
        raise Gone(f"no page of the tool is shown at {page.url()}")

    def tool(self) -> Document:
        """The page that the tool shows: where it keeps no cookie, it is in a frame inside the tool's own."""
        document = self.frame()
        while inner := document.frames():
            document = inner[-1]
        return document

    def see(self, css: str, text: str = "", where: Callable[[], Document] | None = None) -> str:
        """Wait until an element is shown; gives its text."""
        script = f"(...all) => {{ const found = ({FIND})(...all); return found && {{text: found.innerText}}; }}"
        found = self.wait_for(lambda: (where or self.tool)().run(script, css, text), f"{css} {text!r} is not shown")
        return str(found["text"])

    def press(self, css: str, text: str = "", where: Callable[[], Document] | None = None) -> None:
        """Click an element when it is there; again where the click went beside it, as the page was still growing."""

        def attempt() -> bool:
            document = (where or self.tool)()
            document.run(LISTEN, css, text)
            document.click(FIND, css, text)
            try:
                return bool(document.run("() => window.pressed ?? true"))
            except Gone:
                return True

        self.wait_for(attempt, f"{css} {text!r} cannot be pressed")

    def type(self, css: str, text: str) -> None:
        """Fill in a field."""
        self.see(css)
        self.tool().run("(css, text) => { document.querySelector(css).value = text; }", css, text)

    def back(self) -> None:
        """Press the button of the browser that leads to the page before."""
        self.window.page().run("() => { history.back(); }")

    def forward(self) -> None:
        """Press the one that leads to the page after."""
        self.window.page().run("() => { history.forward(); }")

    def reload(self) -> None:
        """Reload the tool's frame."""
        self.frame().run("() => { location.reload(); }")

    def history(self) -> list[str]:
        """What the browser remembers of each document: its address, what it has asked for, and its state."""
        script = """() => JSON.stringify([
            location.href, document.referrer, history.state, performance.getEntries().map((entry) => entry.name),
        ])"""
        found, documents = [], [self.window.page()]
        while documents:
            document = documents.pop()
            found.append(str(document.run(script)))
            documents.extend(document.frames())
        return found

    def wait_for(self, ask: Callable[[], Any], otherwise: str) -> Any:
        """Ask until there is an answer, also while documents come and go."""
        reason = ""

        def attempt() -> Any:
            nonlocal reason
            try:
                return ask()
            except Gone as gone:
                reason = str(gone)
                return None

        try:
            return until(attempt)
        except AssertionError:
            raise AssertionError(f"{otherwise}: {reason}\n{self.described()}") from None

    def described(self) -> str:
        """Every document of the window, with the beginning of its text."""

        def lines(document: Document, depth: int) -> list[str]:
            try:
                text = document.run("() => document.body?.innerText")
            except Gone as gone:
                text = f"gone: {gone}"
            own = f"{'  ' * depth}{document.url()}: {str(text)[:400]!r}"
            return [own, *(line for frame in document.frames() for line in lines(frame, depth + 1))]

        return "\n".join(lines(self.window.page(), 0))
