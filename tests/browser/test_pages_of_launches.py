"""The pages that a launch without cookies adds: wide and light in English, narrow and dark in French."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from people import Person
from playwright.sync_api import FrameLocator, Locator, Page, Route, expect

from sites import Sites, running

pytestmark = pytest.mark.browser
Meet = Callable[..., Person]
PHONE = {"viewport": {"width": 320, "height": 640}, "color_scheme": "dark", "locale": "fr-CA"}
QUESTIONS = """competency,competency_fr,type,question_en,question_fr,answer,answer_fr
Aid,Secours,text,What closes a small cut?,Que met-on sur une petite coupure ?,plaster,pansement
"""
KEYS = 40
"""More presses of Tab than any of these pages has places to stop at."""


@dataclass(frozen=True)
class Reads:
    """Who reads the pages, in which window, and what they say there."""

    name: str
    window: dict[str, Any]
    open_window: str
    offered: str
    keeps_nothing: str
    own_window: str
    stay: str
    start: str
    save: str
    answered: str
    unreachable: str
    close: str
    end: str
    ended: str
    unknown: str
    advice: tuple[str, str]


ENGLISH = Reads(
    name="Ben Carter",
    window={"color_scheme": "light", "locale": "en-CA"},
    open_window="Open in a new window",
    offered="Open it in a window of its own",
    keeps_nothing="Your browser keeps nothing for this site",
    own_window="Go on in a window of its own",
    stay="Stay here",
    start="Start",
    save="Save and continue",
    answered="All questions are answered.",
    unreachable="The server cannot be reached. What you typed is still here: try again in a moment.",
    close="Close this notice",
    end="End this visit",
    ended="Your visit has ended",
    unknown="This did not work",
    advice=("For instructors", "For administrators"),
)
FRENCH = Reads(
    name="Amélie Roy",
    window=PHONE,
    open_window="Ouvrir dans une nouvelle fenêtre",
    offered="Ouvrez-la dans une fenêtre à part",
    keeps_nothing="Votre navigateur ne conserve rien pour ce site",
    own_window="Continuer dans une fenêtre à part",
    stay="Rester ici",
    start="Commencer",
    save="Enregistrer et continuer",
    answered="Vous avez répondu à toutes les questions.",
    unreachable="Le serveur est injoignable. Ce que vous avez saisi est toujours là : réessayez dans un instant.",
    close="Fermer cet avis",
    end="Terminer cette visite",
    ended="Votre visite est terminée",
    unknown="Cela n’a pas fonctionné",
    advice=("Pour les personnes qui enseignent", "Pour l’administration"),
)
BOTH = pytest.mark.parametrize("reads", [ENGLISH, FRENCH], ids=["english-wide-light", "french-narrow-dark"])
WINDOW = pytest.mark.parametrize("sites", ["window"], indirect=True)
NAME = pytest.mark.parametrize("sites", ["name"], indirect=True)


@pytest.fixture(scope="module")
def sites(request: pytest.FixtureRequest, make_database: Callable[[], str]) -> Iterator[Sites]:
    """The tool with one way only to know a browser again, and an LMS like Moodle."""
    with running(make_database(), "moodle", launch_layers=request.param) as sites:
        yield sites


@pytest.fixture
def activity(sites: Sites, tmp_path: Path) -> str:
    """A pre-assessment of one question whose answer is typed, placed for this test alone; gives its title."""
    title = f"Short {uuid.uuid4().hex[:6]}"
    file = tmp_path / "short.csv"
    file.write_text(QUESTIONS, "utf-8")
    slug = title.lower().replace(" ", "-")
    sites.import_questions(file, slug, title)
    sites.place(f"diagnostic:{slug}", title=title)
    return title


def arrived(meet: Meet, reads: Reads, title: str) -> Person:
    """A reader who has pressed the activity's link in the course."""
    person = meet(reads.name, **reads.window)
    person.open_course()
    person.page.get_by_role("link", name=title).first.click()
    return person


def inside(around: FrameLocator | Page) -> FrameLocator:
    """The page that a visit without a cookie shows, when it is ready."""
    return around.frame_locator("iframe.visit-page[data-ready]")


def heading(place: FrameLocator | Page, text: str) -> Locator:
    """The heading of the page, visible."""
    found = place.get_by_role("heading", level=1, name=text, exact=True)
    expect(found).to_be_visible()
    return found


def window_of(person: Person, button: Locator) -> Person:
    """The same person in the window that a button opens."""
    with person.context.expect_page() as opened:
        button.click()
    return Person(person.context, opened.value, person.sites)


def tab_to(person: Person, wanted: Locator) -> None:
    """Press Tab until the focus is on the control and can be seen there."""
    wanted.wait_for()
    for _ in range(KEYS):
        person.page.keyboard.press("Tab")
        if wanted.evaluate("element => document.hasFocus() && element === document.activeElement"):
            assert wanted.evaluate("element => getComputedStyle(element).outlineStyle") != "none"
            return
    raise AssertionError(f"{wanted} cannot be reached with Tab")


def opened_advice(place: FrameLocator | Page, reads: Reads) -> None:
    """Open what a refusal tells others than the reader."""
    for summary in reads.advice:
        place.get_by_text(summary, exact=True).click()
    expect(place.locator("details[open] > p")).to_have_count(2)
    expect(place.locator("details[open] > p").last).to_be_visible()


def covered(control: Locator, notice: Locator) -> bool:
    """Whether a notice lies over a control that has the focus (WCAG 2.2, 2.4.11)."""
    below, above = control.bounding_box(), notice.bounding_box()
    assert below is not None
    assert above is not None
    return below["y"] + below["height"] > above["y"] and below["y"] < above["y"] + above["height"]


@BOTH
@WINDOW
def test_a_window_is_offered_and_says_so_where_the_browser_keeps_nothing_there_either(
    meet: Meet, activity: str, reads: Reads
) -> None:
    person = arrived(meet, reads, activity)
    heading(person.tool, reads.offered)
    person.inspect()
    window = window_of(person, person.tool.get_by_role("button", name=reads.open_window))
    heading(window.page, reads.keeps_nothing)
    window.inspect(refused=True)
    opened_advice(window.page, reads)
    window.inspect()


@BOTH
@NAME
def test_the_pages_of_a_visit_without_a_cookie_are_read_in_the_frame_and_in_a_window(
    meet: Meet, activity: str, reads: Reads
) -> None:
    person = arrived(meet, reads, activity)
    page = inside(person.tool)
    expect(page.get_by_role("button", name=reads.start)).to_be_visible()
    expect(page.get_by_role("banner")).to_contain_text(activity)
    expect(page.get_by_role("contentinfo")).to_contain_text("Acme College")
    assert person.context.cookies(person.sites.tool_url) == []
    person.inspect()
    page.get_by_role("banner").get_by_role("button", name=reads.open_window).click()
    heading(page, reads.own_window)
    person.inspect()
    window = window_of(person, page.get_by_role("main").get_by_role("button", name=reads.open_window))
    expect(inside(window.page).get_by_role("button", name=reads.start)).to_be_visible()
    expect(inside(window.page).get_by_role("button", name=reads.open_window)).to_have_count(0)
    window.inspect()
    person.page.bring_to_front()
    page.get_by_role("link", name=reads.stay).click()
    expect(page.get_by_role("button", name=reads.start)).to_be_visible()


@BOTH
@NAME
def test_the_keyboard_leads_through_the_pages_of_a_visit_without_a_cookie(
    meet: Meet, activity: str, reads: Reads
) -> None:
    person = arrived(meet, reads, activity)
    keys, page = person.page.keyboard, inside(person.tool)
    tab_to(person, page.get_by_role("banner").get_by_role("button", name=reads.open_window))
    tab_to(person, page.get_by_role("button", name=reads.start))
    keys.press("Enter")
    tab_to(person, page.get_by_role("main").get_by_role("textbox"))
    keys.type("plaster")
    tab_to(person, page.get_by_role("button", name=reads.save))
    keys.press("Enter")
    expect(page.get_by_text(reads.answered)).to_be_visible()
    tab_to(person, page.get_by_role("button", name=reads.end))
    keys.press("Enter")
    heading(page, reads.ended)


@BOTH
@NAME
def test_a_visit_that_was_ended_says_so_and_what_is_refused_after_it_says_what_to_do(
    meet: Meet, activity: str, reads: Reads
) -> None:
    person = arrived(meet, reads, activity)
    page = inside(person.tool)
    page.get_by_role("button", name=reads.end).click()
    heading(page, reads.ended)
    person.inspect()
    person.frame().evaluate("() => { location.reload(); }")
    expect(person.tool.locator(".error-code")).to_have_text("launch-expired")
    heading(person.tool, reads.ended)
    person.inspect(refused=True)
    opened_advice(person.tool, reads)
    person.inspect()


@BOTH
@NAME
def test_the_address_of_a_visit_alone_opens_nothing_and_says_what_to_do(
    meet: Meet, activity: str, reads: Reads
) -> None:
    person = arrived(meet, reads, activity)
    expect(inside(person.tool).get_by_role("button", name=reads.start)).to_be_visible()
    other = Person(person.context, person.context.new_page(), person.sites)
    other.page.goto(person.frame().url)
    heading(other.page, reads.unknown)
    expect(other.page.locator(".error-code")).to_have_text("launch-other-browser")
    opened_advice(other.page, reads)
    other.inspect(refused=True)


def out_of_reach(route: Route) -> None:
    """Nobody answers."""
    route.abort()


def answered_by_another(route: Route) -> None:
    """A web server in front answers for ours."""
    route.fulfill(status=502, content_type="text/html", body="<h1>Bad Gateway</h1>")


@pytest.mark.parametrize("trouble", [out_of_reach, answered_by_another])
@BOTH
@NAME
def test_what_was_typed_is_not_lost_where_the_server_does_not_answer(
    meet: Meet, activity: str, reads: Reads, trouble: Callable[[Route], None]
) -> None:
    person = arrived(meet, reads, activity)
    page, notice = inside(person.tool), person.tool.get_by_role("alert")
    page.get_by_role("button", name=reads.start).click()
    page.get_by_role("main").get_by_role("textbox").fill("pansement")
    expect(notice).to_have_count(0)
    person.context.route("**/q/*", trouble)
    page.get_by_role("button", name=reads.save).click()
    expect(notice).to_contain_text(reads.unreachable)
    expect(page.get_by_role("main").get_by_role("textbox")).to_have_value("pansement")
    person.inspect(refused=True)
    notice.get_by_role("button", name=reads.close).click()
    expect(notice).to_have_count(0)
    page.get_by_role("button", name=reads.save).click()
    expect(notice).to_be_visible()
    tab_to(person, page.get_by_role("button", name=reads.end))
    assert not covered(page.get_by_role("button", name=reads.end), notice)
    person.context.unroute("**/q/*")
    page.get_by_role("button", name=reads.save).click()
    expect(page.get_by_text(reads.answered)).to_be_visible()
    expect(notice).to_have_count(0)
