"""A tool made for tests: it shows its launch as JSON, and records whatever score it is told to."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from ltitools.plugin import (
    CompetencyResult,
    Delivery,
    Domain,
    Evidence,
    Launch,
    Placed,
    Plugin,
    Score,
    ScoreRecorded,
    activities,
    competencies,
    current_launch,
    grades,
    session,
)

pages = Blueprint("probe", __name__)


def show(launch: Launch) -> ResponseReturnValue:
    """The launch as the tool sees it."""
    status = grades.status(launch.tenant.id, launch.link.id, launch.person.id) if launch.link else None
    return jsonify(
        person=launch.person.id,
        is_test=launch.person.is_test,
        roles=sorted(launch.roles),
        is_instructor=launch.is_instructor,
        is_learner=launch.is_learner,
        course=launch.course.id if launch.course else None,
        activity=launch.activity.slug if launch.activity else None,
        link=launch.link.id if launch.link else None,
        can_grade=launch.can_grade,
        owns_activity=launch.owns_activity,
        grade=status.state if status else None,
        review_of=launch.review_of.id if launch.review_of else None,
    )


@pages.post("/score")
def score() -> ResponseReturnValue:
    """Record the score that the form names."""
    launch = current_launch()
    given = Decimal(request.form["given"])
    status = launch.grade(Score(given, Decimal(100), datetime.now(UTC), request.form.get("comment")))
    session.commit()
    return jsonify(state=status.state)


@pages.post("/column")
def column() -> ResponseReturnValue:
    """Ask for a gradebook column."""
    current_launch().add_column()
    return jsonify(state="added")


@pages.get("/form")
def form() -> ResponseReturnValue:
    """Forms as a plugin writes them: one to itself, one to elsewhere."""
    return '<form method="post" action="score"></form><form method="post" action="https://lms.example.test/"></form>'


def pick(launch: Launch) -> ResponseReturnValue:
    """Offer what there is, as JSON."""
    return jsonify(picking=[activity.slug for activity in activities.all_of(launch.tenant.id, "probe")])


@pages.post("/place")
def place() -> ResponseReturnValue:
    """Place the activities that the form names, made where they are not there."""
    launch = current_launch()
    placed = []
    for slug in request.form.getlist("slug"):
        found = activities.find(launch.tenant.id, "probe", slug)
        owner = launch.course.id if launch.course else None
        found = found or activities.create(launch.tenant.id, "probe", slug, slug.title(), owner)
        target = request.form.get("target", "iframe")
        placed.append(Placed(found, found.title, graded=request.form.get("graded", "1") == "1", target=target))
    return launch.place(placed)


@pages.post("/cancel")
def cancel() -> ResponseReturnValue:
    """Choose nothing."""
    return current_launch().cancel()


def on_score(delivery: Delivery) -> None:
    """Write down that the event came, once for each event, as evidence."""
    event = delivery.event
    assert isinstance(event, ScoreRecorded)
    heard = competencies.ensure(event.tenant_id, "probe", "heard", {"en": "Heard"})
    fraction = float(Decimal(event.given) / Decimal(event.maximum))
    common: dict[str, Any] = {
        "person_id": event.person_id,
        "course_id": event.course_id,
        "link_id": event.link_id,
        "activity_id": event.activity_id,
        "competency_id": heard.id,
        "source": f"probe:event:{delivery.event_id}",
        "observed_at": delivery.happened_at,
    }
    competencies.append_evidence(event.tenant_id, [Evidence(fraction=fraction, **common)])
    competencies.record_results(
        event.tenant_id,
        [CompetencyResult(level="shown", probability=0.95, **common)],
    )


def make_probe(**changes: object) -> Plugin:
    """The tool; `changes` replace parts of the contract."""
    texts = Domain("probe", Path(__file__).parent / "translations")
    values: dict[str, Any] = {
        "key": "probe",
        "title": texts.lazy("Probe"),
        "on_launch": show,
        "blueprint": pages,
        "pick": pick,
        "listens": {ScoreRecorded: on_score},
        **changes,
    }
    return Plugin(**values)
