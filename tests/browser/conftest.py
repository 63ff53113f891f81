"""A browser and the two sites, shared by the browser tests; each test has windows and an activity of its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from people import Person
from playwright.sync_api import Browser

from sites import Sites, running

CONTENT = Path(__file__).parent.parent.parent / "config" / "demo"
Meet = Callable[..., Person]


@pytest.fixture
def activity(sites: Sites) -> str:
    """A pre-assessment made and placed in the course for this test alone; gives its title there.

    Placed once more, one that is there would begin with the rules that another test has set for it in the course.
    """
    number = uuid.uuid4().hex[:6]
    title = f"Pre-assessment {number}"
    sites.import_questions(CONTENT / "ai-awareness-taster.csv", f"taster-{number}", title)
    sites.place(f"diagnostic:taster-{number}", title=title)
    return title


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory, make_database: Callable[[], str]) -> Iterator[Sites]:
    """The tool with the demo's content, and an LMS like Moodle."""
    with running(make_database(), "moodle") as sites:
        sites.import_questions(CONTENT / "ai-awareness-taster.csv", "taster", "AI at work: a first look")
        sites.start_worker()
        yield sites


@pytest.fixture
def meet(browser: Browser, sites: Sites) -> Iterator[Meet]:
    """Gives a person with a browser window of their own, signed in to the LMS."""
    people: list[Person] = []

    def introduce(name: str, **window: Any) -> Person:
        people.append(Person.sign_in(browser, sites, name, **window))
        return people[-1]

    yield introduce
    for person in people:
        person.leave()
