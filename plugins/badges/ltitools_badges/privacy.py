"""What this tool keeps of a person: given to them, or erased.

An erased badge leaves its place in the status list, which names nobody. Whoever has a copy of it can go on proving what
they earned: the keys and the list stay.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select, update

from ltitools.plugin import session
from ltitools_badges import awarding
from ltitools_badges.models import Badge, Holder, Score, Task, Version

OF_BADGE = (
    *("public_id", "visibility", "score", "threshold", "basis", "by_hand", "reason", "awarded_at", "valid_from"),
    *("valid_until", "revoked_at", "revoked_reason", "jwt"),
)
OF_SCORE = ("course_id", "link_id", "given", "maximum", "recorded_at")


def export_person(tenant_id: int, person_id: int) -> Mapping[str, Any]:
    """Badges whole, what the person chose about them, and the scores that were counted."""
    badges = awarding.of_person(tenant_id, person_id)
    versions = {
        row.id: row
        for row in session.scalars(
            select(Version).where(Version.tenant_id == tenant_id, Version.id.in_({one.version_id for one in badges}))
        )
    }
    holder = session.scalar(select(Holder).where(Holder.tenant_id == tenant_id, Holder.person_id == person_id))
    scores = select(Score).where(Score.tenant_id == tenant_id, Score.person_id == person_id).order_by(Score.id)
    return {
        "holder": {"subject": holder.subject, "name": holder.name, "email": holder.email} if holder else None,
        "badges": [
            {
                "name": versions[badge.version_id].content["name"],
                **{name: getattr(badge, name) for name in OF_BADGE},
                "credential": json.loads(badge.document) if badge.document else None,
            }
            for badge in badges
        ],
        "scores": [{name: getattr(score, name) for name in OF_SCORE} for score in session.scalars(scores)],
    }


def erase_person(tenant_id: int, person_id: int) -> None:
    """Remove everything that says who it was for, and the person's name from decisions about others."""
    own = select(Badge.id).where(Badge.tenant_id == tenant_id, Badge.person_id == person_id)
    session.execute(delete(Task).where(Task.tenant_id == tenant_id, Task.badge_id.in_(own)))
    session.execute(
        update(Badge)
        .where(Badge.tenant_id == tenant_id, Badge.person_id == person_id)
        .values(
            person_id=None,
            claims=None,
            document=None,
            jwt=None,
            score=None,
            basis={},
            reason="",
            revoked_reason="",
            visibility="private",
        )
    )
    for table in (Holder, Score):
        session.execute(delete(table).where(table.tenant_id == tenant_id, table.person_id == person_id))
    for decider in (Badge.awarded_by, Badge.revoked_by, Task.settled_by):
        decided = update(decider.class_).where(decider.class_.tenant_id == tenant_id, decider == person_id)
        session.execute(decided.values({decider: None}))
