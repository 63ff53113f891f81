"""An application with this tool on a database of the test's own, and people who come in from an LMS."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from editor_forms import fields_of
from flask import Flask
from sqlalchemy import text

from ltitools.plugin import session
from ltitools.testing import Platform, Visit, close_app, make_app
from ltitools_diagnostic import plugin, versions
from ltitools_diagnostic.items import Bank
from ltitools_diagnostic.models import Version
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
EXAMPLE = Path(__file__).parents[1] / "ltitools_diagnostic" / "static" / "example.csv"


@pytest.fixture
def app(make_database: Callable[[], str]) -> Iterator[Flask]:
    """The application with this tool alone."""
    app = make_app(make_database(), [plugin])
    yield app
    close_app(app)


@pytest.fixture
def choose(app: Flask, platform: Platform) -> Callable[..., Visit]:
    """Opens the choice of a pre-assessment for an instructor who adds one to a course."""

    def choose(course: str = "course-1", through: Platform = platform, **claims: Any) -> Visit:
        values = through.deep_linking_claims(
            sub=f"grace@{through.issuer}", context={"id": course, "title": f"Title of {course}"}, **claims
        )
        visit = through.visit(app.test_client(), values)
        visit.path = urlsplit(visit.get().headers["Location"]).path
        return visit

    return choose


@pytest.fixture
def publish(choose: Callable[..., Visit]) -> Callable[..., str]:
    """Makes a pre-assessment of a file, as an instructor does; returns the value that its links carry."""

    def publish(content: bytes | None = None, *, title: str = "Before you begin", per: str = "", **where: Any) -> str:
        visit = choose(**where)
        data = EXAMPLE.read_bytes() if content is None else content
        report = visit.post("new", {"title": title, "language": "en", "file": (io.BytesIO(data), "bank.csv")})
        draft = visit.post(report.headers["Location"], {"rows": "all"})
        settings = {"title": title, "per_competency": per, "go": "publish"}
        page = visit.post(draft.headers["Location"], settings).get_data(as_text=True)
        assert 'name="JWT"' in page
        return "diagnostic:" + re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")

    return publish


@pytest.fixture
def bank() -> Callable[..., bytes]:
    """Makes a CSV file of rows that are mappings by column."""

    def bank(*rows: Mapping[str, str]) -> bytes:
        columns = list(dict.fromkeys(name for row in rows for name in row))
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, columns)
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue().encode()

    return bank


@pytest.fixture
def sit() -> Callable[..., list[str]]:
    """Answers every question of a sitting by `answer(question page)` and returns all pages it has seen."""

    def sit(visit: Visit, answer: Callable[[str], Any], start: str = "start") -> list[str]:
        pages = [visit.get().get_data(as_text=True)]
        where = visit.post(start).headers["Location"]
        while "/q/" in where:
            page = visit.get(where).get_data(as_text=True)
            pages.append(page)
            number = where.rpartition("/")[2]
            where = visit.post(where, {f"answer-{number}": answer(page)}).headers["Location"]
        pages.append(visit.get(where).get_data(as_text=True))
        return pages

    return sit


@pytest.fixture
def rows(app: Flask) -> Callable[..., list[Any]]:
    """Reads the database by SQL, also the tables of the host."""

    def rows(query: str, **values: Any) -> list[Any]:
        with app.app_context():
            return list(session.execute(text(query), values).mappings())

    return rows


@pytest.fixture
def bank_of(app: Flask) -> Callable[[int], Bank]:
    """Reads the questions of a version."""

    def bank_of(version_id: int) -> Bank:
        with app.app_context():
            version = session.get(Version, version_id)
            assert version is not None
            return versions.bank(version)

    return bank_of


@pytest.fixture
def new(rows: Callable[..., list[Any]]) -> Callable[..., Any]:
    """Writes a new question and saves it."""

    def new(visit: Visit, version_id: int, kind: str, fields: Mapping[str, Any], go: str = "save") -> Any:
        [row, *_more] = rows(
            "SELECT id FROM diagnostic_competency WHERE version_id = :v ORDER BY position", v=version_id
        )
        page = visit.get(f"editor/{version_id}/new/{row['id']}/{kind}").get_data(as_text=True)
        return visit.post(f"editor/{version_id}/new/{row['id']}/{kind}", {**fields_of(page), **fields, "go": go})

    return new
