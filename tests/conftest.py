"""What all tests share: a fresh database of the kind under test, an application on it, and a platform."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from chromium import started
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Playwright, sync_playwright

from ltitools.plugin import Plugin
from ltitools.testing import close_app, make_app
from tool_fixtures import every_statement_names_its_institution, make_database, platform, statements

MakeDatabase = Callable[[], str]
StartApp = Callable[..., Flask]
__all__ = ["every_statement_names_its_institution", "make_database", "platform", "statements"]
PATIENCE_WITH_A_BROWSER = 600
"""Seconds before a test in a browser counts as hanging: its steps take ten times as long on a busy machine."""
ALIKE = {
    "test_both_ways",  # the same pages by cookie and by token
    "test_d1_login",  # what a login or a token says; what happens to their rows stands in D3 and in the flows
    "test_d2_bad_payloads",
    "test_d4_valid_launches",
    "test_d5_deep_linking",
    "test_recorded_launches",
    "test_doctor",  # what it measures at an LMS
    "test_doctor_codes",
    "test_faults",  # prove the tests rather than the code
    "test_headers",
    "test_refused",  # pages in two languages
}
"""Modules that use a database, but none of whose tests asks more of it than others do, which run on each kind."""


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark that `make test` leaves out where it repeats the tests on another database."""
    config.addinivalue_line("markers", "any_database: would be the same on any database; given by tests/conftest.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that no other kind of database can make fail, and be patient with browsers."""
    for item in items:
        uses_one = "make_database" in getattr(item, "fixturenames", ())
        if not uses_one or item.path.stem in ALIKE:
            item.add_marker("any_database")
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.timeout(PATIENCE_WITH_A_BROWSER))


def pytest_report_header() -> str:
    """Say on which database the suite runs."""
    return f"ltitools database under test: {os.environ.get('LTITOOLS_TEST_DATABASE', 'sqlite')}"


@pytest.fixture
def database_url(make_database: MakeDatabase) -> str:
    """A database of the test's own."""
    return make_database()


@pytest.fixture
def plugins() -> list[Plugin] | None:
    """The tools of the application: the installed ones, unless a test module says otherwise."""
    return None


@pytest.fixture
def start_app(database_url: str) -> Iterator[StartApp]:
    """Makes applications on the test's database; they are closed at its end."""
    with ExitStack() as stack:

        def start(plugins: Iterable[Plugin] | None = None, **settings: Any) -> Flask:
            app = make_app(database_url, plugins, **settings)
            stack.callback(close_app, app)
            return app

        yield start


@pytest.fixture
def app(start_app: StartApp, plugins: list[Plugin] | None) -> Flask:
    """The application."""
    return start_app(plugins)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser."""
    return app.test_client()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium, which blocks third-party cookies in the windows that these tests open."""
    with started(playwright, tmp_path_factory.mktemp("chromium") / "profile") as browser:
        yield browser


@pytest.fixture(scope="session")
def browser_without_scripts(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The same, of a person who forbids every page its scripts."""
    with started(playwright, tmp_path_factory.mktemp("no-scripts") / "profile", scripts=False) as browser:
        yield browser
