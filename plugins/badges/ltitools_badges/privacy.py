"""What this tool keeps of a person: given to them, or erased.

An erased badge leaves its place in the status list, which names nobody and is given to nobody else. Whoever has a copy
of it can go on proving what they earned: the keys and the list stay.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select, update

from ltitools.plugin import session
from ltitools_badges import awarding
from ltitools_badges.models import Badge, Foreign, Holder, Score, Task, Version

OF_BADGE = (
    *("public_id", "visibility", "score", "threshold", "basis", "by_hand", "reason", "awarded_at", "valid_from"),
    *("valid_until", "revoked_at", "revoked_reason", "jwt"),
)
OF_TASK = ("badge_id", "cause", "score", "raised_at", "settled_at", "decision")
OF_FOREIGN = (
    *("name", "recipient", "issuer", "issuer_name", "credential_id", "state", "detail", "valid_until", "checked_at"),
    *("handed_in_at", "decided_at", "document"),
)
OF_SCORE = ("course_id", "link_id", "given", "maximum", "recorded_at")


def export_person(tenant_id: int, person_id: int) -> Mapping[str, Any]:
    """Badges whole, what the person chose about them, whether they may stay, the scores that were counted, and
    badges of other issuers that they handed in.
    """
    badges = awarding.of_person(tenant_id, person_id)
    versions = {
        row.id: row
        for row in session.scalars(
            select(Version).where(Version.tenant_id == tenant_id, Version.id.in_({one.version_id for one in badges}))
        )
    }
    holder = session.scalar(select(Holder).where(Holder.tenant_id == tenant_id, Holder.person_id == person_id))
    asked = select(Task).where(Task.tenant_id == tenant_id, Task.badge_id.in_([one.id for one in badges]))
    scores = select(Score).where(Score.tenant_id == tenant_id, Score.person_id == person_id).order_by(Score.id)
    handed_in = select(Foreign).where(Foreign.tenant_id == tenant_id, Foreign.person_id == person_id)
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
        "questions": [{name: getattr(task, name) for name in OF_TASK} for task in session.scalars(asked)],
        "scores": [{name: getattr(score, name) for name in OF_SCORE} for score in session.scalars(scores)],
        "badges_of_other_issuers": [
            {name: getattr(one, name) for name in OF_FOREIGN} for one in session.scalars(handed_in.order_by(Foreign.id))
        ],
    }


def erase_person(tenant_id: int, person_id: int) -> None:
    """Remove everything that says who it was for, and the person's name from decisions about others."""
    own = select(Badge.id).where(Badge.tenant_id == tenant_id, Badge.person_id == person_id)
    session.execute(delete(Task).where(Task.tenant_id == tenant_id, Task.badge_id.in_(own)))
    for table in (Badge, Holder, Score, Foreign):
        session.execute(delete(table).where(table.tenant_id == tenant_id, table.person_id == person_id))
    for decider in (Badge.awarded_by, Badge.revoked_by, Task.settled_by, Foreign.decided_by):
        decided = update(decider.class_).where(decider.class_.tenant_id == tenant_id, decider == person_id)
        session.execute(decided.values({decider: None}))
