"""Signs of life, and the times without any."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Flask
from sqlalchemy import select

from ltitools.db import session
from ltitools.models import Heartbeat, Outage
from ltitools.services.uptime import AWAY_FROM, BEAT_EVERY, beat, outages
from ltitools.testing import writing

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def seen(app: Flask) -> list[tuple[float, float]]:
    """The outages, in seconds after the start."""
    with app.app_context():
        found = [((o.began_at - START) / SECOND, (o.ended_at - START) / SECOND) for o in outages(START - AWAY_FROM)]
        session.rollback()
    return found


def test_a_server_that_beats_is_not_away(app: Flask) -> None:
    with writing(app):
        for number in range(5):
            beat(START + number * BEAT_EVERY)
    assert seen(app) == []


def test_a_gap_between_two_beats_is_an_outage(app: Flask) -> None:
    with writing(app):
        beat(START)
        beat(START + 300 * SECOND)
        beat(START + 310 * SECOND)
        beat(START + 500 * SECOND)
    assert seen(app) == [(0, 300), (310, 500)]


def test_two_processes_keep_one_row_and_the_later_beat(app: Flask) -> None:
    with writing(app):
        beat(START + 30 * SECOND)
        beat(START)
        rows = session.scalars(select(Heartbeat.beaten_at)).all()
        assert list(rows) == [START + 30 * SECOND]
        assert session.scalars(select(Outage)).all() == []


def test_outages_of_before_are_left_out(app: Flask) -> None:
    with writing(app):
        beat(START)
        beat(START + 300 * SECOND)
    with app.app_context():
        assert outages(START + 300 * SECOND) == []
        assert len(outages(START + 299 * SECOND)) == 1


def test_a_server_process_beats_as_soon_as_it_starts_and_stops_when_told(app: Flask) -> None:
    worker = app.extensions["ltitools.worker"]
    before = datetime.now(UTC)
    worker.start()
    worker.stop()
    with app.app_context():
        assert session.scalars(select(Heartbeat.beaten_at)).one() >= before
