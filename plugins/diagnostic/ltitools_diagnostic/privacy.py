"""What this tool keeps of a person: given to them in words, or erased.

A sitting is erased as a whole, with its answers: without a name it would still tell, in a small course, whose it was.
Item statistics are made of the sittings that are there, so they go on with those of the others.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import delete, select, update

from ltitools.plugin import activities, session
from ltitools_diagnostic import richtext
from ltitools_diagnostic.answers import answer_text
from ltitools_diagnostic.items import from_json
from ltitools_diagnostic.models import (
    Allowance,
    Answer,
    Attempt,
    Result,
    SelfRating,
    Upload,
    VersionCompetency,
    VersionItem,
)
from ltitools_diagnostic.texts import say

OF_SITTING = (
    *("link_id", "course_id", "preview", "number", "role", "started_at", "submitted_at", "ended_by"),
    *("score", "standing", "voided_at", "voided_reason"),
)
OF_RESULT = ("points", "items", "probability", "level", "weight")
OF_ALLOWANCE = ("link_id", "factor", "extra_attempts", "asked_at", "asked_reason", "decided_at")
OF_UPLOAD = ("title", "filename", "language", "created_at")


def export_person(tenant_id: int, person_id: int) -> Mapping[str, Any]:
    """Sittings with questions, answers and results; allowances; and a file whose import was not finished."""
    own = select(Attempt).where(Attempt.tenant_id == tenant_id, Attempt.person_id == person_id).order_by(Attempt.id)
    allowed = select(Allowance).where(Allowance.tenant_id == tenant_id, Allowance.person_id == person_id)
    uploaded = select(Upload).where(Upload.tenant_id == tenant_id, Upload.person_id == person_id)
    return {
        "sittings": [_sitting(attempt) for attempt in session.scalars(own).all()],
        "allowances": [
            {"activity": _title(tenant_id, row.activity_id)} | _values(row, OF_ALLOWANCE)
            for row in session.scalars(allowed.order_by(Allowance.id)).all()
        ],
        "uploads": [
            _values(row, OF_UPLOAD) | {"content": base64.b64encode(row.content).decode()}
            for row in session.scalars(uploaded).all()
        ],
    }


def erase_person(tenant_id: int, person_id: int) -> None:
    """Remove the person's sittings and what belongs to them, and their name from decisions about others."""
    own = select(Attempt.id).where(Attempt.tenant_id == tenant_id, Attempt.person_id == person_id)
    for part in (Answer, Result, SelfRating):
        session.execute(delete(part).where(part.tenant_id == tenant_id, part.attempt_id.in_(own)))
    for table in (Attempt, Allowance, Upload):
        session.execute(delete(table).where(table.tenant_id == tenant_id, table.person_id == person_id))
    for decider in (Attempt.voided_by, Allowance.decided_by):
        decided = update(decider.class_).where(decider.class_.tenant_id == tenant_id, decider == person_id)
        session.execute(decided.values({decider: None}))


def _sitting(attempt: Attempt) -> dict[str, Any]:
    answers = session.execute(
        select(Answer, VersionItem.content)
        .join(VersionItem, VersionItem.id == Answer.item_id)
        .where(Answer.tenant_id == attempt.tenant_id, Answer.attempt_id == attempt.id)
        .order_by(VersionItem.position)
    ).all()
    return {
        "activity": _title(attempt.tenant_id, attempt.activity_id),
        **_values(attempt, OF_SITTING),
        "answers": [_answer(answer, content) for answer, content in answers],
        "results": [
            {"competency": titles} | _values(row, OF_RESULT) for row, titles in _by_competency(Result, attempt)
        ],
        "self_ratings": [
            {"competency": titles, "rating": row.rating} for row, titles in _by_competency(SelfRating, attempt)
        ],
    }


def _answer(answer: Answer, content: Mapping[str, Any]) -> dict[str, Any]:
    item = from_json(content)
    return {
        "question_id": item.code,
        "question": richtext.plain(say(item.question)),
        "answer": answer_text(item, answer.response),
        "fraction": answer.fraction,
        "saved_at": answer.saved_at,
    }


def _by_competency(part: type[Result] | type[SelfRating], attempt: Attempt) -> Iterable[tuple[Any, Mapping[str, str]]]:
    rows = session.execute(
        select(part, VersionCompetency.titles)
        .join(VersionCompetency, VersionCompetency.id == part.competency_row_id)
        .where(part.tenant_id == attempt.tenant_id, part.attempt_id == attempt.id)
        .order_by(VersionCompetency.position)
    )
    return [(row, titles) for row, titles in rows]


def _title(tenant_id: int, activity_id: int) -> str:
    return activities.get(tenant_id, activity_id).title


def _values(row: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}
