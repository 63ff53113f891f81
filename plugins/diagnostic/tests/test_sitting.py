"""What the database keeps of a sitting, also when two browsers act at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

from flask import Flask
from sqlalchemy import select

from ltitools.plugin import session
from ltitools.testing import Visit, ags_claim
from ltitools_diagnostic.forms import Candidate, draw, shuffled_options
from ltitools_diagnostic.items import from_json
from ltitools_diagnostic.models import Attempt, VersionItem

COLUMN = ags_claim("https://lms.example.test/lineitems/1", "https://lms.example.test/lineitems")
Enter = Callable[..., Visit]
Publish = Callable[..., str]
Rows = Callable[..., list[Any]]


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """Do everything in threads that set off together; returns what each returned."""
    results: list[Any] = [None] * len(actions)
    barrier = Barrier(len(actions))

    def run(place: int) -> None:
        barrier.wait()
        results[place] = actions[place]()

    threads = [Thread(target=run, args=(place,)) for place in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_browsers_that_begin_at_once_end_in_one_attempt(enter: Enter, publish: Publish, rows: Rows) -> None:
    activity = publish()
    visits = [enter(activity) for _ in range(4)]
    answers = at_once(*(lambda visit=visit: visit.post("start") for visit in visits))
    assert [answer.status_code for answer in answers] == [303] * 4
    assert len(rows("SELECT id FROM diagnostic_attempt")) == 1


def test_two_browsers_that_submit_at_once_are_scored_once(enter: Enter, publish: Publish, rows: Rows) -> None:
    activity = publish()
    visits = [enter(activity, endpoint=COLUMN) for _ in range(3)]
    visits[0].post("start")
    answers = at_once(*(lambda visit=visit: visit.post("submit") for visit in visits))
    assert [answer.status_code for answer in answers] == [303] * 3
    assert [row["version"] for row in rows("SELECT version FROM grade")] == [1]
    assert len(rows("SELECT id FROM evidence")) == 12
    assert len(rows("SELECT id FROM diagnostic_result")) == 2


def test_two_browsers_that_answer_at_once_leave_one_answer(enter: Enter, publish: Publish, rows: Rows) -> None:
    activity = publish()
    visits = [enter(activity) for _ in range(3)]
    visits[0].post("start")
    at_once(*(lambda visit=visit: visit.post("q/1", {"answer-1": "0"}) for visit in visits))
    assert len(rows("SELECT id FROM diagnostic_answer")) == 1


def test_the_form_can_be_drawn_again_from_the_stored_seed(app: Flask, enter: Enter, publish: Publish) -> None:
    enter(publish(per="4")).post("start")
    with app.app_context():
        attempt = session.scalars(select(Attempt)).one()
        items = session.scalars(select(VersionItem).order_by(VersionItem.position)).all()
        candidates = [
            Candidate(item.id, item.competency_row_id, shuffled_options(from_json(item.content))) for item in items
        ]
        again = [list(drawn) for drawn in draw(candidates, 4, attempt.seed)]
        assert attempt.form == json.loads(json.dumps(again))
        assert len(again) == 8
