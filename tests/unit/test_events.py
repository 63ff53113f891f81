"""Events reach their listeners at least once, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from ltitools.db import session, utcnow
from ltitools.models import EventDelivery, EventRow, Evidence, Link, Person
from ltitools.plugin import Delivery, Plugin, Score, ScoreRecorded
from ltitools.services import events, grades
from ltitools.testing import Platform, ags_claim, deliver, writing
from ltitools.worker import events as delivery
from probe import make_probe, on_score

StartApp = Callable[..., Flask]


def listening(listener: Callable[[Delivery], None]) -> list[Plugin]:
    return [make_probe(listens={ScoreRecorded: listener})]


def record_a_score(app: Flask, given: int = 50) -> None:
    """A learner came in, and a tool records a score for them."""
    platform = Platform()
    platform.register(app)
    platform.launch(app.test_client(), endpoint=ags_claim(None, "https://lms.example.test/items"))
    platform.close()
    with writing(app):
        link = session.scalars(select(Link)).one()
        person = session.scalars(select(Person)).one()
        grades.record(link.tenant_id, link.id, person.id, Score(Decimal(given), Decimal(100), utcnow()))


def deliveries(app: Flask) -> list[tuple[str, int, str]]:
    with app.app_context():
        rows = session.scalars(select(EventDelivery).order_by(EventDelivery.id))
        return [(row.state, row.failures, row.problem) for row in rows]


def test_a_listener_hears_what_happened(start_app: StartApp) -> None:
    heard: list[Delivery] = []
    app = start_app(listening(heard.append))
    record_a_score(app, given=83)
    assert heard == [], "nothing is delivered inside the request"
    deliver(app)
    assert [(one.event.given, one.event.maximum) for one in heard if isinstance(one.event, ScoreRecorded)] == [
        ("83", "100")
    ]
    assert deliveries(app) == [("done", 0, "")]
    deliver(app)
    assert len(heard) == 1


def test_a_listener_that_fails_is_called_again_and_what_it_wrote_is_taken_back(start_app: StartApp) -> None:
    calls: list[int] = []

    def fails_once(one: Delivery) -> None:
        on_score(one)
        calls.append(one.event_id)
        if len(calls) == 1:
            raise RuntimeError("the listener's own trouble")

    app = start_app(listening(fails_once))
    record_a_score(app)
    deliver(app)
    assert deliveries(app) == [("waiting", 1, "RuntimeError: the listener's own trouble")]
    with app.app_context():
        assert session.scalar(select(func.count()).select_from(Evidence)) == 0
    deliver(app)
    assert len(calls) == 1, "it waits before it tries again"
    with writing(app):
        session.execute(update(EventDelivery).values(due_at=utcnow() - timedelta(seconds=1)))
    deliver(app)
    assert deliveries(app) == [("done", 1, "")]
    assert calls[0] == calls[1]
    with app.app_context():
        assert session.scalar(select(func.count()).select_from(Evidence)) == 1


def test_a_listener_that_always_fails_is_parked_and_holds_nobody_else_up(
    start_app: StartApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MAX_FAILURES", 2)
    heard: list[int] = []

    def broken(_one: Delivery) -> None:
        raise RuntimeError("never works")

    other = make_probe(key="other", blueprint=None, listens={ScoreRecorded: lambda one: heard.append(one.event_id)})
    app = start_app([*listening(broken), other])
    record_a_score(app)
    for _ in range(3):
        deliver(app)
        with writing(app):
            session.execute(update(EventDelivery).values(due_at=utcnow() - timedelta(seconds=1)))
    assert sorted(deliveries(app)) == [("done", 0, ""), ("parked", 2, "RuntimeError: never works")]
    assert len(heard) == 1


def test_what_a_removed_plugin_has_not_heard_waits_for_its_return(start_app: StartApp) -> None:
    heard: list[int] = []
    app = start_app(listening(lambda one: heard.append(one.event_id)))
    record_a_score(app)
    without = start_app([make_probe(key="other", blueprint=None, listens={})])
    deliver(without)
    assert deliveries(app) == [("waiting", 0, "")]
    deliver(app)
    assert len(heard) == 1


def test_nobody_listens_nothing_is_written(start_app: StartApp) -> None:
    app = start_app([make_probe(listens={})])
    record_a_score(app)
    with app.app_context():
        assert session.scalar(select(func.count()).select_from(EventRow)) == 0


def test_an_event_of_an_older_version_is_still_understood() -> None:
    values = {
        "tenant_id": 1,
        "person_id": 2,
        "course_id": None,
        "link_id": 3,
        "activity_id": None,
        "given": "1",
        "maximum": "2",
        "dropped_since": True,
    }
    event = events.restore("ScoreRecorded", values)
    assert isinstance(event, ScoreRecorded)
    assert event.link_id == 3


def test_a_rolled_back_transaction_leaves_no_event(start_app: StartApp) -> None:
    app = start_app(listening(lambda _one: None))
    record_a_score(app)
    with app.app_context():
        link, person = session.scalars(select(Link)).one(), session.scalars(select(Person)).one()
        grades.record(link.tenant_id, link.id, person.id, Score(Decimal(90), Decimal(100), utcnow()))
        session.rollback()
        assert session.scalar(select(func.count()).select_from(EventRow)) == 1
        assert grades.status(link.tenant_id, link.id, person.id).given == 50
