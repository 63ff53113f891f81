"""Fixtures that the tests of every tool share: a database of the test's own, a platform, and people who come in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings

from ltitools.testing import INSTRUCTOR, LEARNER, Platform, Visit, databases
from scoped import watching

# How fast examples come says how busy the machine is.
settings.register_profile("tools", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tools")


@pytest.fixture(scope="session")
def statements() -> Iterator[list[str]]:
    """The statements without an institution that code of ours has sent since the last look."""
    with watching() as found:
        yield found


@pytest.fixture(autouse=True)
def every_statement_names_its_institution(statements: list[str]) -> Iterator[None]:
    """Whatever a test does, no query of ours looks at the rows of all institutions."""
    yield
    found, statements[:] = list(statements), []
    assert found == [], "these statements do not say whose rows they are about (see tests/scoped.py)"


@pytest.fixture(scope="session")
def make_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Makes migrated, empty databases of the kind under test."""
    with databases(tmp_path_factory.mktemp("databases")) as make:
        yield make


@pytest.fixture
def platform(app: Flask) -> Iterator[Platform]:
    """A platform that is registered with the institution ``acme``."""
    platform = Platform()
    platform.register(app)
    yield platform
    platform.close()


@pytest.fixture
def other_platform(app: Flask) -> Iterator[Platform]:
    """The platform of another institution, ``beta``."""
    platform = Platform("https://other.example.test", "client-2")
    platform.register(app, "beta")
    yield platform
    platform.close()


@pytest.fixture
def enter(app: Flask, platform: Platform) -> Callable[..., Visit]:
    """Launches a person into an activity of a course, each time in a new browser."""

    def enter(
        activity: str = "",
        *,
        as_: str | Sequence[str] = LEARNER,
        person: str | None = None,
        name: str | None = "Somebody",
        link: str = "link-1",
        course: str = "course-1",
        title: str = "Before the course",
        through: Platform = platform,
        **claims: Any,
    ) -> Visit:
        sub = person or ("grace" if INSTRUCTOR in as_ else "ada")
        return through.visit(
            app.test_client(),
            sub=f"{sub}@{through.issuer}",
            name=name,
            given_name=None,
            family_name=None,
            roles=[as_] if isinstance(as_, str) else list(as_),
            resource_link={"id": link, "title": title},
            context={"id": course, "title": f"Title of {course}"},
            custom={"activity": activity} if activity else {},
            **claims,
        )

    return enter
