"""The page of a course in a real browser: from the menu of the course, and as an activity of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from people import Person
from playwright.sync_api import Browser, expect

from sites import Sites, running

pytestmark = pytest.mark.browser
CONTENT = Path(__file__).parent.parent.parent / "config" / "demo"
TITLES = ("AI at work: a first look", "A second look, with a title long enough for two lines on the screen of a phone")
NARROW = {"width": 320, "height": 700}
Meet = Callable[..., Person]


@pytest.fixture(scope="module")
def campus(make_database: Callable[[], str]) -> Iterator[Sites]:
    """The tool, and an LMS like Canvas, whose courses have the tool in their menu."""
    with running(make_database(), "canvas") as sites:
        sites.import_questions(CONTENT / "ai-awareness-taster.csv", "taster", "AI at work: a first look")
        yield sites


@pytest.fixture
def meet_there(browser: Browser, campus: Sites) -> Iterator[Meet]:
    """Gives a person with a browser window of their own, signed in to that LMS."""
    people: list[Person] = []

    def introduce(name: str, browser: Browser = browser, **window: Any) -> Person:
        people.append(Person.sign_in(browser, campus, name, **window))
        return people[-1]

    yield introduce
    for person in people:
        person.leave()


@pytest.fixture(scope="module")
def placed(campus: Sites) -> tuple[str, ...]:
    """Two activities in the first course, both opened once, also by a learner."""
    for title in TITLES:
        number = campus.place("diagnostic:taster", title=title)
        campus.enter("therese", number)
        campus.enter("chidi", number)
    return TITLES


def open_page(person: Person, course: int = 1) -> None:
    """Open the tool from the menu of the course."""
    person.page.goto(f"{person.sites.lms_url}/courses/{course}")
    person.page.get_by_role("link", name="ltitools", exact=True).click()
    person.tool.locator("main[data-tool] h1").wait_for()


def test_a_learner_goes_into_an_activity_and_back(meet_there: Meet, placed: tuple[str, ...]) -> None:
    learner = meet_there("Ben Carter")
    open_page(learner)
    learner.inspect()
    expect(learner.tool.get_by_role("heading", level=3)).to_have_text(list(placed))
    learner.tool.get_by_role("button", name=f"Begin or continue {placed[0]}").click()
    learner.tool.get_by_role("button", name="Start").click()
    expect(learner.tool.locator("main form").first).to_be_visible()
    learner.inspect()
    learner.tool.get_by_role("link", name="All activities of this course").click()
    expect(learner.tool.get_by_role("heading", name="To do now")).to_be_visible()
    expect(learner.tool.get_by_text("Answered: 0 of 12.")).to_be_visible()
    learner.inspect()


def test_an_instructor_sees_how_far_people_are(meet_there: Meet, placed: tuple[str, ...]) -> None:
    teacher = meet_there("Arun Patel")
    open_page(teacher)
    expect(teacher.tool.get_by_role("heading", level=2)).to_have_text([*placed, "Add an activity"])
    teacher.inspect()
    teacher.tool.get_by_role("button", name=f"Open {placed[1]}").click()
    expect(teacher.tool.locator("main[data-tool=diagnostic]")).to_be_visible()
    teacher.inspect()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["Émile Gagnon", "Thérèse Tremblay"])
def test_it_is_read_in_french_on_a_phone(meet_there: Meet, placed: tuple[str, ...], name: str, scheme: str) -> None:
    person = meet_there(name, viewport=NARROW, color_scheme=scheme)
    open_page(person)
    assert person.frame().evaluate("document.documentElement.lang") == "fr"
    expect(person.tool.get_by_role("heading", name="Toutes les activités de ce cours")).to_be_visible()
    person.inspect()


@pytest.mark.parametrize("name", ["Ben Carter", "Arun Patel"])
def test_an_empty_course_is_explained(meet_there: Meet, name: str) -> None:
    person = meet_there(name)
    open_page(person, course=2)
    expect(person.tool.get_by_text("There is no activity here yet.")).to_be_visible()
    person.inspect()


def test_a_person_in_front_of_a_keyboard_and_without_javascript_reaches_an_activity(
    meet_there: Meet, placed: tuple[str, ...], browser_without_scripts: Browser
) -> None:
    learner = meet_there("Chidi Okafor", browser_without_scripts)
    learner.page.goto(f"{learner.sites.lms_url}/courses/1/tool")
    entry = learner.tool.get_by_role("button", name=re.compile("Begin or continue")).first
    learner.go_on_to(entry)
    entry.focus()
    learner.page.keyboard.press("Enter")
    expect(learner.tool.locator("main[data-tool=diagnostic]")).to_be_visible()


def test_in_moodle_a_teacher_adds_the_page_as_an_activity(meet: Meet) -> None:
    teacher = meet("Arun Patel")
    teacher.open_course()
    teacher.page.get_by_role("link", name="Add an activity").first.click()
    teacher.choose_tool("diagnostic")
    teacher.tool.get_by_role("link", name="Choose something else").click()
    expect(teacher.tool.get_by_role("heading", name="Or the whole course")).to_be_visible()
    teacher.inspect()
    teacher.tool.get_by_role("button", name="Add a page of all activities of this course").click()
    expect(teacher.page.get_by_role("status")).to_contain_text("All activities of this course")
    teacher.open_course()
    teacher.page.get_by_role("link", name="All activities of this course").first.click()
    expect(teacher.tool.get_by_role("heading", name="All activities of this course")).to_be_visible()
    teacher.inspect()
