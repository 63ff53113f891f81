"""Rules of the record: timestamps of scores, evidence that is never changed, one institution's rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import OperationalError

from ltitools.db import reading, session, utcnow
from ltitools.errors import NotFound
from ltitools.models import Competency, Grade, Link, Person
from ltitools.models import Evidence as EvidenceRow
from ltitools.plugin import Evidence, Plugin, Score
from ltitools.services import activities, competencies, grades, people
from ltitools.testing import Platform, ags_claim, writing
from probe import make_probe


@pytest.fixture
def plugins() -> list[Plugin]:
    return [make_probe()]


@pytest.fixture
def placed(app: Flask, platform: Platform) -> Iterator[tuple[Link, Person]]:
    """A link with a column, and a learner who has opened it."""
    platform.launch(app.test_client(), endpoint=ags_claim("https://lms.example.test/items/1"))
    with writing(app):
        yield session.scalars(select(Link)).one(), session.scalars(select(Person)).one()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["record", "post", "deliver"]), min_size=1, max_size=14))
def test_timestamps_only_grow_and_are_never_posted_ahead_of_the_clock(
    placed: tuple[Link, Person], steps: list[str]
) -> None:
    """Whatever the order of scores and posts: one second apart from any that was posted, at most 2 s ahead."""
    link, person = placed
    session.execute(delete(Grade))
    posted: list[datetime] = []
    for step in steps:
        if step == "record":
            grades.record(link.tenant_id, link.id, person.id, Score(Decimal(1), Decimal(2), utcnow()))
        grade = session.scalar(select(Grade))
        if grade is None:
            continue
        if step != "record" and grade.due_at <= utcnow() and grade.version > grade.sent_version:
            assert grade.timestamp - utcnow() <= timedelta(seconds=2)
            if not posted or grade.timestamp != posted[-1]:
                assert not posted or grade.timestamp - posted[-1] >= timedelta(seconds=1)
                posted.append(grade.timestamp)
            grade.posts += 1
            if step == "deliver":
                grade.sent_version = grade.version
            session.flush()


def test_a_score_is_kept_exactly_to_five_places(placed: tuple[Link, Person]) -> None:
    link, person = placed
    given_score = Decimal(200) / Decimal(3)
    status = grades.record(link.tenant_id, link.id, person.id, Score(given_score, Decimal(100), utcnow()))
    assert status.given == Decimal("66.66667")
    assert grades.statuses(link.tenant_id, link.id)[person.id].state == "waiting"


@pytest.mark.parametrize(("points", "maximum"), [(-1, 100), (1, 0), (1, -5)])
def test_what_is_no_score_is_refused(placed: tuple[Link, Person], points: int, maximum: int) -> None:
    link, person = placed
    with pytest.raises(ValueError, match="a score has"):
        grades.record(link.tenant_id, link.id, person.id, Score(Decimal(points), Decimal(maximum), utcnow()))


def test_another_institution_can_neither_record_nor_read(placed: tuple[Link, Person]) -> None:
    link, person = placed
    grades.record(link.tenant_id, link.id, person.id, Score(Decimal(1), Decimal(2), utcnow()))
    stranger = link.tenant_id + 1
    with pytest.raises(NotFound):
        grades.record(stranger, link.id, person.id, Score(Decimal(1), Decimal(2), utcnow()))
    assert grades.status(stranger, link.id, person.id).state == "none"
    assert grades.statuses(stranger, link.id) == {}
    assert people.named(stranger, [person.id]) == {}
    activity = activities.create(link.tenant_id, "probe", "quiz", "Quiz")
    with pytest.raises(NotFound):
        activities.get(stranger, activity.id)
    found = competencies.ensure(link.tenant_id, "framework", "c1", {"en": "One"})
    assert competencies.named(stranger, [found.id]) == {}


def test_evidence_is_added_once_and_never_changed(placed: tuple[Link, Person]) -> None:
    link, person = placed
    competency = competencies.ensure(link.tenant_id, "framework", "c1", {"en": "One", "fr": "Un"})

    def observe(fraction: float) -> None:
        evidence = Evidence(
            person.id, link.course_id, link.id, None, competency.id, fraction, "test:source:1", utcnow()
        )
        competencies.append_evidence(link.tenant_id, [evidence])

    observe(0.5)
    observe(1.0)
    assert session.scalars(select(EvidenceRow.fraction)).all() == [0.5]
    with pytest.raises(ValueError, match="between 0 and 1"):
        observe(1.5)


def test_a_competency_keeps_its_wording_and_learns_another_language(placed: tuple[Link, Person]) -> None:
    tenant_id = placed[0].tenant_id
    first = competencies.ensure(tenant_id, "framework", "c1", {"en": "One"})
    again = competencies.ensure(tenant_id, "framework", "c1", {"en": "Other", "fr": "Un"})
    elsewhere = competencies.ensure(tenant_id, "another", "c1", {"en": "One"})
    assert first.id == again.id != elsewhere.id
    assert (again.title("en"), again.title("fr"), again.title("de")) == ("One", "Un", "One")
    assert session.scalar(select(func.count()).select_from(Competency)) == 2


def test_slugs_are_words_and_never_taken_twice(placed: tuple[Link, Person]) -> None:
    tenant_id = placed[0].tenant_id
    slugs = []
    for _ in range(3):
        slugs.append(activities.free_slug(tenant_id, "probe", "Pré-évaluation : l’IA !"))
        activities.create(tenant_id, "probe", slugs[-1], "x")
    assert slugs == ["pre-evaluation-lia", "pre-evaluation-lia-2", "pre-evaluation-lia-3"]
    assert activities.free_slug(tenant_id, "probe", "日本") == "activity"


def test_a_page_that_is_only_read_cannot_write(app: Flask, platform: Platform) -> None:
    """On SQLite a write in a GET fails at once; PostgreSQL would let it pass, so the same code never gets there."""
    platform.launch(app.test_client())
    with app.app_context(), reading():
        if session.get_bind().dialect.name == "sqlite":
            with pytest.raises(OperationalError, match="readonly"):
                session.execute(update(Person).values(name="changed"))
        session.rollback()
    with writing(app):
        session.execute(update(Person).values(name="changed"))
