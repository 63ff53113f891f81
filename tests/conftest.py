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
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, Playwright, sync_playwright

from ltitools.plugin import Plugin
from ltitools.testing import Platform, close_app, databases, make_app

MakeDatabase = Callable[[], str]
StartApp = Callable[..., Flask]
# How fast examples come says how busy the machine is.
settings.register_profile("ltitools", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ltitools")


def pytest_report_header() -> str:
    """Say on which database the suite runs."""
    return f"ltitools database under test: {os.environ.get('LTITOOLS_TEST_DATABASE', 'sqlite')}"


@pytest.fixture(scope="session")
def make_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeDatabase]:
    """Makes migrated, empty databases: SQLite, or PostgreSQL where LTITOOLS_TEST_DATABASE says so."""
    with databases(tmp_path_factory.mktemp("databases")) as make:
        yield make


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
def platform(app: Flask) -> Iterator[Platform]:
    """A platform that is registered with the institution ``acme``."""
    platform = Platform()
    platform.register(app)
    yield platform
    platform.close()


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
