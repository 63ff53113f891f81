"""People in front of a browser: what they do in the LMS and in the frame of the tool."""

from __future__ import annotations

import re
from functools import partial
from operator import ne
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Frame, FrameLocator, Locator, Page, expect
from playwright.sync_api import Error as PlaywrightError

from sites import PATIENCE, Sites

AXE = Axe()
MILLISECONDS = PATIENCE * 1000
expect.set_options(timeout=MILLISECONDS)
AXE_OPTIONS = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
}


def axe_says(frame: Frame, *, iframes: bool) -> list[str]:
    """What axe, which is there already, finds wrong in a frame, or in it and the frames inside it together."""
    # Its whole answer also has what is right, and that is long.
    run = "options => axe.run(options).then((answer) => answer.violations)"
    found = frame.evaluate(run, {**AXE_OPTIONS, "iframes": iframes})
    return [f"{each['id']}: {each['help']}: {[node['html'] for node in each['nodes']][:3]}" for each in found]


class Person:
    """One person with one window."""

    def __init__(self, context: BrowserContext, page: Page, sites: Sites) -> None:
        self.context, self.page, self.sites = context, page, sites
        self.complaints: list[str] = []
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, kind: str, text: str) -> None:
        # The browser also notes the status of a form that comes back with its mistakes marked.
        if kind in ("error", "warning") and "status of 422" not in text:
            self.complaints.append(text)

    @classmethod
    def sign_in(cls, browser: Browser, sites: Sites, name: str, **window: Any) -> Person:
        """Open a window and choose a person on the LMS's first page."""
        context = browser.new_context(**{"viewport": {"width": 1100, "height": 900}, **window})
        context.set_default_timeout(MILLISECONDS)
        person = cls(context, context.new_page(), sites)
        person.page.goto(sites.lms_url)
        # Who goes elsewhere before the answer is there is not signed in.
        with person.page.expect_navigation():
            person.page.get_by_role("button", name=re.compile(name)).click()
        return person

    def described(self) -> str:
        """What every frame shows."""
        lines = []
        for frame in self.page.frames:
            try:
                text = frame.locator("body").inner_text(timeout=1000)
            except PlaywrightError as error:
                text = f"gone: {error}"
            lines.append(f"{frame.url}: {text[:400]!r}")
        return "\n".join(lines)

    def leave(self) -> None:
        """Close the window."""
        self.context.close()

    @property
    def tool(self) -> FrameLocator:
        """What is in the tool's frame, or will be."""
        return self.page.frame_locator("iframe.tool")

    def go_on_to(self, wanted: Locator) -> None:
        """Go from step to step of a launch, as no script does, until what is wanted is in the tool's frame."""
        button = self.tool.get_by_role("button", name="Continue", exact=True)
        go_on = button.or_(self.tool.get_by_role("link", name="Continue", exact=True))
        frame = self.page.locator("iframe.tool").element_handle().content_frame()
        assert frame is not None
        go_on.or_(wanted).first.wait_for()
        while not wanted.count():
            before = frame.url
            go_on.click()
            frame.wait_for_url(partial(ne, before))
            go_on.or_(wanted).first.wait_for()

    def frame(self) -> Frame:
        """The tool's frame as it is now."""
        for frame in self.page.frames:
            if frame.url.startswith(self.sites.tool_url):
                return frame
        raise AssertionError(f"no page of the tool is open: {[frame.url for frame in self.page.frames]}")

    def shown_frames(self) -> list[Frame]:
        """The page and the frames in it that a person sees; the one in which an LMS keeps things for a tool is none."""
        return [frame for frame in self.page.frames if not frame.parent_frame or frame.frame_element().is_visible()]

    def open_course(self, number: int = 1) -> None:
        """Go to a course's page."""
        self.page.goto(f"{self.sites.lms_url}/courses/{number}")

    def open_activity(self, title: str | re.Pattern[str]) -> None:
        """Open an activity in the course and wait for the tool."""
        self.page.get_by_role("link", name=title).first.click()
        expect(self.tool.locator("main[data-tool=diagnostic]")).to_be_visible()

    def add_pre_assessment(self, title: str) -> None:
        """As a teacher: choose one that is there, by deep linking."""
        self.open_course()
        self.page.get_by_role("link", name="Add an activity").first.click()
        self.choose_tool("diagnostic")
        self.tool.get_by_role("radio", name=re.compile(title)).check()
        self.inspect()
        self.tool.get_by_role("button", name="Add to the course").click()
        expect(self.page.get_by_role("status")).to_contain_text(title)

    def choose_tool(self, key: str) -> None:
        """Of the tools that are offered while an activity is added, choose one."""
        self.tool.locator(f"main a[href*='/tools/{key}/']").click()

    def question(self) -> Locator:
        """The form of the question that is shown."""
        return self.tool.locator("main form").first

    def answer(self, number: int = 0) -> None:
        """Answer the question that is shown: its n-th option, or a number."""
        inputs = self.question().locator("input[type=radio], input[type=checkbox]")
        self.question().locator("input:not([type=hidden])").first.wait_for()
        if inputs.count():
            inputs.nth(min(number, inputs.count() - 1)).check()
        else:
            self.question().locator("input:not([type=hidden])").first.fill("7")

    def inspect(self, *, refused: bool = False) -> None:
        """Look at the page as it is: accessible, nothing cut off at the side, no complaint of the browser.

        On the page of a refusal the browser notes its status; that is no complaint.
        """
        try:
            faults = self.faults()
        except PlaywrightError as error:
            if "most likely because of a navigation" not in error.message:
                raise
            # What was waited for stood on the page before as well, and that one was just left: the next is looked at.
            self.page.wait_for_load_state("networkidle")
            faults = self.faults()
        assert faults == [], "\n".join(faults)
        notes = [text for text in self.complaints if not (refused and "Failed to load resource" in text)]
        assert notes == [], "\n".join(notes)
        self.complaints.clear()

    def faults(self) -> list[str]:
        """What is wrong with the pages that are shown: against the rules of axe, wider than the window, no language."""
        shown = self.shown_frames()
        # A visit without a cookie is shown by two pages, one in the other, that have their headings together: axe has
        # to be in both before it begins. The page of the LMS stands for itself.
        for frame in shown:
            frame.evaluate(AXE.axe_script)
        faults = []
        for frame in shown:
            said = axe_says(frame, iframes=frame.url.startswith(self.sites.tool_url))
            faults += [f"{frame.url}: {violation}" for violation in said]
            wide = frame.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if wide > 0:
                faults.append(f"{frame.url} is {wide} px wider than its window")
            if frame.evaluate("document.documentElement.lang") not in ("en", "fr"):
                faults.append(f"{frame.url} says no language")
        return faults
