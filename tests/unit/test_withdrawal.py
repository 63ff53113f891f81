"""Evidence and conclusions that turned out to be wrong are withdrawn, once, and stay on record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from ltitools.db import session
from ltitools.models import CompetencyResult as ResultRow
from ltitools.models import Course, Person
from ltitools.models import Evidence as EvidenceRow
from ltitools.plugin import CompetencyResult, Evidence, Plugin, competencies
from ltitools.services import tenants
from ltitools.testing import Platform, writing
from probe import make_probe

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def plugins() -> list[Plugin]:
    return [make_probe(listens={})]


@pytest.fixture
def recorded(app: Flask, platform: Platform) -> Flask:
    """Of one learner: evidence and conclusions from ``quiz:1`` to ``quiz:3`` and ``quiz%:4``, an hour apart."""
    platform.launch(app.test_client())
    with writing(app):
        person, course = session.scalars(select(Person)).one(), session.scalars(select(Course)).one()
        found = competencies.ensure(person.tenant_id, "ictc", "verify", {"en": "Verify"})
        for number, source in enumerate(("quiz:1", "quiz:2", "quiz:3", "quiz%:4")):
            common: dict[str, Any] = {
                "person_id": person.id,
                "course_id": course.id if number else None,
                "link_id": None,
                "activity_id": None,
                "competency_id": found.id,
                "source": source,
                "observed_at": NOON + timedelta(hours=number),
            }
            competencies.append_evidence(person.tenant_id, [Evidence(fraction=0.5, **common)])
            result = CompetencyResult(level="shown", probability=0.97, **common)
            competencies.record_results(person.tenant_id, [result])
    return app


def withdraw(app: Flask, sources: Any, reason: str = "A question was wrong.") -> int:
    with writing(app):
        return competencies.withdraw(tenants.by_key("acme").id, sources, reason)


def current(app: Flask, course_id: int | None = None) -> list[str]:
    with app.app_context():
        person = session.scalars(select(Person)).one()
        return [one.source for one in competencies.results_of(person.tenant_id, person.id, course_id)]


def test_what_is_withdrawn_counts_no_more_and_stays_on_record_with_the_reason(recorded: Flask) -> None:
    assert current(recorded) == ["quiz%:4", "quiz:3", "quiz:2", "quiz:1"]
    assert withdraw(recorded, ["quiz:2", "quiz:3", "quiz:99"]) == 4
    assert current(recorded) == ["quiz%:4", "quiz:1"]
    with recorded.app_context():
        for table in (EvidenceRow, ResultRow):
            rows = {row.source: row for row in session.scalars(select(table))}
            assert len(rows) == 4
            assert rows["quiz:2"].withdrawn_at is not None
            assert rows["quiz:2"].withdrawn_reason == "A question was wrong."
            assert (rows["quiz:1"].withdrawn_at, rows["quiz:1"].withdrawn_reason) == (None, "")


def test_it_is_withdrawn_once_and_the_first_reason_stays(recorded: Flask) -> None:
    assert withdraw(recorded, ["quiz:1"], "first") == 2
    assert withdraw(recorded, ["quiz:1"], "second") == 0
    with recorded.app_context():
        assert set(session.scalars(select(EvidenceRow.withdrawn_reason))) == {"", "first"}


def test_all_with_a_beginning_are_withdrawn_and_a_percent_sign_is_one(recorded: Flask) -> None:
    assert withdraw(recorded, "quiz%") == 2
    assert current(recorded) == ["quiz:3", "quiz:2", "quiz:1"]
    assert withdraw(recorded, "quiz:") == 6
    assert current(recorded) == []


def test_nothing_named_withdraws_nothing(recorded: Flask) -> None:
    assert withdraw(recorded, "") == withdraw(recorded, []) == withdraw(recorded, "other") == 0
    assert len(current(recorded)) == 4


def test_another_institution_withdraws_nothing_of_ours(recorded: Flask) -> None:
    with writing(recorded):
        other, _ = tenants.add("beta", "Beta College")
        assert competencies.withdraw(other.id, "quiz", "not theirs") == 0
    assert len(current(recorded)) == 4


def test_conclusions_are_read_of_one_course_where_that_is_asked_for(recorded: Flask) -> None:
    with recorded.app_context():
        course = session.scalars(select(Course.id)).one()
    assert current(recorded, course) == ["quiz%:4", "quiz:3", "quiz:2"]


def test_what_was_withdrawn_is_not_recorded_again(recorded: Flask) -> None:
    withdraw(recorded, ["quiz:2"])
    with writing(recorded):
        row = session.scalars(select(ResultRow).where(ResultRow.source == "quiz:2")).one()
        names = ("person_id", "course_id", "link_id", "activity_id", "competency_id", "source", "observed_at")
        again = {name: getattr(row, name) for name in names}
        competencies.record_results(row.tenant_id, [CompetencyResult(level="gap", probability=0.1, **again)])
    assert "quiz:2" not in current(recorded)
