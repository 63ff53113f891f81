"""Sittings whose time is over and whose person has not come back: they are submitted with what was saved."""

from __future__ import annotations

from sqlalchemy import select

from ltitools.plugin import JobRun, activities, people, session, uptime, utcnow
from ltitools_diagnostic import delivery, sitting
from ltitools_diagnostic.models import Attempt


def submit_overdue(_run: JobRun) -> None:
    """The worker calls this once a minute, for all institutions together."""
    now = utcnow()
    for tenant_id, link_id, course_id, activity_id in _places():
        activity = activities.get(tenant_id, activity_id)
        rules = delivery.rules_of(delivery.Place(tenant_id, link_id, course_id, activity_id, activity.settings))
        if rules.time_limit is None and rules.closes_at is None:
            continue
        extras = delivery.extras(tenant_id, link_id, activity_id)
        open_ones = session.scalars(
            select(Attempt).where(
                Attempt.tenant_id == tenant_id,
                Attempt.link_id == link_id,
                Attempt.activity_id == activity_id,
                *_OPEN,
            )
        ).all()
        known = people.names(tenant_id, [attempt.person_id for attempt in open_ones])
        away = uptime.outages(min((attempt.started_at for attempt in open_ones), default=now))
        for attempt in open_ones:
            extra = extras.get(attempt.person_id, delivery.NOTHING_EXTRA)
            end = delivery.deadline(rules, extra, attempt.started_at, away)
            if end is not None and now > end + delivery.GRACE:
                counts = not known[attempt.person_id].is_test
                sitting.submit(attempt, counts=counts, ended_by=sitting.BY_TIME, at=end)


_OPEN = (~Attempt.preview, Attempt.submitted_at.is_(None), Attempt.voided_at.is_(None))


def _places() -> list[tuple[int, int, int | None, int]]:
    """Where sittings are open, by tenant, link, course and activity."""
    rows = session.execute(
        select(Attempt.tenant_id, Attempt.link_id, Attempt.course_id, Attempt.activity_id)
        .where(*_OPEN, Attempt.link_id.is_not(None))
        .distinct()
    )
    return [(tenant, link, course, activity) for tenant, link, course, activity in rows if link is not None]
