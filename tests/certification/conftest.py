"""What the certification tests share: an application with the probe, an LMS, and a person's browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from flask.testing import FlaskClient

from certification.helpers import Lti
from ltitools.plugin import Plugin
from ltitools.services import activities, tenants
from ltitools.testing import Platform, writing
from probe import make_probe

if TYPE_CHECKING:
    from conftest import StartApp


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
