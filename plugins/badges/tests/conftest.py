"""An application with this tool and one that records scores, a micro-credential, and people who come in from an LMS."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from earning import Campus, publish
from flask import Flask
from reading_badges import Reader, earned

from ltitools.plugin import activities, tenants
from ltitools.testing import Platform, Visit, close_app, make_app, writing
from ltitools_badges import issuers, plugin, rules
from ltitools_badges.models import Badge
from ltitools_badges.rules import Part, Terms
from probe import make_probe
from tool_fixtures import (
    enter,
    every_statement_names_its_institution,
    make_database,
    other_platform,
    platform,
    statements,
)

__all__ = [
    "enter",
    "every_statement_names_its_institution",
    "make_database",
    "other_platform",
    "platform",
    "statements",
]


RSA_KEY = generate_private_key(public_exponent=65537, key_size=3072)


@pytest.fixture(autouse=True)
def one_rsa_key_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making such a key takes longer than most tests."""
    monkeypatch.setattr(issuers, "generate_private_key", lambda **_: RSA_KEY)


@pytest.fixture
def app(make_database: Callable[[], str]) -> Iterator[Flask]:
    """The application with this tool, and with one that records whatever score it is told to."""
    app = make_app(make_database(), plugins=[make_probe(), plugin])
    yield app
    close_app(app)


@pytest.fixture
def campus(app: Flask, platform: Platform, enter: Callable[..., Visit]) -> Campus:
    """The institution ``acme`` with its micro-credential."""
    with writing(app):
        tenant = tenants.by_key("acme")
        quiz_id = activities.create(tenant.id, "probe", "quiz", "Quiz").id
    achievement = publish(app)
    with writing(app):
        rules.save(tenant.id, achievement.id, None, Terms(parts=(Part(quiz_id),)))
    return Campus(app, platform, enter, tenant, achievement.id, quiz_id)


@pytest.fixture
def reader(app: Flask) -> Reader:
    """Somebody outside, who reads public pages."""
    return Reader(app)


@pytest.fixture
def badge(campus: Campus) -> Badge:
    """Ada's badge."""
    return earned(campus, "ada")[0]
