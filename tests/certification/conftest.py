"""What the certification tests share: an application with the probe, an LMS, and a person's browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from flask.testing import FlaskClient

from certification.helpers import Lti
from joining import Joining, Joins
from ltitools.plugin import Plugin
from ltitools.services import activities, tenants
from ltitools.testing import Platform, writing
from probe import make_probe
from sites import TENANT, running

if TYPE_CHECKING:
    from conftest import MakeDatabase, StartApp


@pytest.fixture
def plugins() -> list[Plugin]:
    """Only the probe, which answers a launch with what it has been told."""
    return [make_probe()]


@pytest.fixture
def lti(app: Flask, platform: Platform, client: FlaskClient, start_app: StartApp) -> Iterator[Lti]:
    """A tool with the activity ``probe:quiz``, the platform it is registered with, and a browser."""
    with writing(app):
        activities.create(tenants.by_key("acme").id, "probe", "quiz", "Quiz")
    with ExitStack() as stack:
        yield Lti(app, platform, client, start_app, stack)


@pytest.fixture(scope="session")
def _sites_of_joins(make_database: MakeDatabase) -> Iterator[Joins]:
    with ExitStack() as stack:

        @cache
        def start(personality: str) -> Joining:
            sites = stack.enter_context(running(make_database(), personality, plugins=[make_probe()]))
            with writing(sites.tool):
                activities.create(tenants.by_key(TENANT).id, "probe", "quiz", "Quiz")
            return Joining(sites)

        yield start


@pytest.fixture
def joins(_sites_of_joins: Joins) -> Iterator[Joins]:
    """Gives a tool and an LMS of a personality, which registers itself; its misbehaviour ends with the test."""
    used: set[str] = set()

    def start(personality: str) -> Joining:
        used.add(personality)
        return _sites_of_joins(personality)

    yield start
    for personality in used:
        _sites_of_joins(personality).as_usual()
