"""What happens elsewhere and may earn a badge, and the work that follows, done by the worker."""

from __future__ import annotations

from ltitools.plugin import CompetencyRecorded, Delivery, JobRun, ScoreCleared, ScoreRecorded, tenants
from ltitools_badges import considering, foreign
from ltitools_badges.views_verify import fetch


def on_score(delivery: Delivery) -> None:
    """A score was recorded: keep it, and see what it earns. The same event again changes nothing."""
    event = delivery.event
    assert isinstance(event, ScoreRecorded)
    if event.course_id is None:
        return
    considering.note_score(
        event.tenant_id,
        event.person_id,
        event.course_id,
        event.link_id,
        event.given,
        event.maximum,
        delivery.event_id,
    )
    considering.consider(tenants.by_id(event.tenant_id), event.course_id, event.person_id)


def on_cleared(delivery: Delivery) -> None:
    """A score counts no more. A badge that was given for it stays until a person decides."""
    event = delivery.event
    assert isinstance(event, ScoreCleared)
    if event.course_id is None:
        return
    considering.forget_score(event.tenant_id, event.person_id, event.link_id, delivery.event_id)
    considering.consider(tenants.by_id(event.tenant_id), event.course_id, event.person_id)


def on_competency(delivery: Delivery) -> None:
    """A competency was shown, or was not: see what that earns."""
    event = delivery.event
    assert isinstance(event, CompetencyRecorded)
    if event.course_id is not None:
        considering.consider(tenants.by_id(event.tenant_id), event.course_id, event.person_id)


def consider_course(run: JobRun) -> None:
    """A rule has changed, or somebody asks: look at everybody in the course."""
    assert run.tenant_id is not None
    considering.consider_all(tenants.by_id(run.tenant_id), int(run.args["course_id"]), int(run.args["achievement_id"]))


def consider_stacks(run: JobRun) -> None:
    """Somebody has a new badge: see whether it completes a larger award."""
    assert run.tenant_id is not None
    considering.consider_stacks(tenants.by_id(run.tenant_id), int(run.args["person_id"]))


def check_outside(run: JobRun) -> None:
    """Somebody has all that a larger award takes, badges of other issuers included: check those again, then give it."""
    assert run.tenant_id is not None
    person_id, course_id = int(run.args["person_id"]), int(run.args["course_id"])
    foreign.check_again(run.tenant_id, person_id, int(run.args["achievement_id"]), fetch)
    considering.consider(tenants.by_id(run.tenant_id), course_id, person_id)
