"""A browser and the two sites, shared by the browser tests; each test has windows and an activity of its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from engines import Engines
from people import Person
from playwright.sync_api import Browser, Playwright
from windows import Reader, Window

from sites import Sites, running
from tls import Authority, make_authority

CONTENT = Path(__file__).parent.parent.parent / "config" / "demo"
Meet = Callable[..., Person]
Campus = Callable[..., Sites]
Arrive = Callable[..., Reader]
PEOPLE = pytest.StashKey[list[Person]]()


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails says what its people had before them."""
    report = yield
    if report.when == "call" and report.failed:
        report.sections += [("what was shown", person.described()) for person in item.stash.get(PEOPLE, [])]
    return report


@pytest.fixture
def meet(browser: Browser, sites: Sites, request: pytest.FixtureRequest) -> Iterator[Meet]:
    """Gives a person with a browser window of their own, signed in to the LMS."""
    people: list[Person] = []
    request.node.stash[PEOPLE] = people

    def introduce(name: str, browser: Browser = browser, **window: Any) -> Person:
        people.append(Person.sign_in(browser, sites, name, **window))
        return people[-1]

    yield introduce
    for person in people:
        person.leave()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whom the browsers trust to say that the two sites are themselves."""
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def engines(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> Iterator[Engines]:
    """The browsers of the tests of cookies."""
    with ExitStack() as stack:
        yield Engines(playwright, tmp_path_factory.mktemp("engines"), authority, stack)


@pytest.fixture(scope="session")
def campus(make_database: Callable[[], str], authority: Authority) -> Iterator[Campus]:
    """Gives the two sites over TLS: an LMS of a personality, and the tool with the layers that are not switched off."""
    with ExitStack() as stack:

        @cache
        def start(personality: str, **settings: Any) -> Sites:
            sites = stack.enter_context(running(make_database(), personality, authority=authority, **settings))
            sites.start_worker()
            return sites

        yield start


@pytest.fixture
def arrive(engines: Engines) -> Iterator[Arrive]:
    """Gives a person in a window of a browser, signed in to the LMS."""
    windows: list[Window] = []

    def introduce(engine: str, sites: Sites, name: str = "Ben Carter") -> Reader:
        windows.append(engines.window(engine))
        reader = Reader(windows[-1], sites)
        reader.sign_in(name)
        return reader

    yield introduce
    for window in windows:
        window.leave()
