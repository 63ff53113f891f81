"""What becomes of a score that a tool sends: the rules of three gradebooks, as pure functions.

A score is ``{userId, timestamp, activityProgress, gradingProgress, scoreGiven?, scoreMaximum?, comment?}``:
https://www.imsglobal.org/spec/lti-ags/v2p0#score-service
The differences are observed on Moodle 4.5 and read in Canvas's documentation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard

CANVAS_EXTENSION = "https://canvas.instructure.com/lti/submission"
REQUIRED = ("userId", "timestamp", "activityProgress", "gradingProgress")
DECIMALS = 5


@dataclass(frozen=True)
class Cell:
    """What the gradebook holds for one person in one column."""

    score: float | None = None
    comments: tuple[str, ...] = ()
    updated_at: datetime | None = None
    attempts: int = 0
    overridden: bool = False


@dataclass(frozen=True)
class Context:
    """What a rule needs to know besides the score: the column's maximum, the clock, and whether the person is
    a learner of this course."""

    maximum: float
    now: datetime
    gradable: bool


class ScoreRefused(Exception):
    """The score is not taken; the cell stays as it was."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


Rules = Callable[[Cell, Mapping[str, Any], Context], tuple[Cell, str]]


def moodle_rules(cell: Cell, post: Mapping[str, Any], context: Context) -> tuple[Cell, str]:
    """Moodle: strictly newer by the second; anything but a final score erases; the comment always replaces."""
    incorrect = ScoreRefused(400, "Incorrect score received")
    if any(post.get(name) in (None, "") for name in REQUIRED):
        raise incorrect
    sent_at = read_time(post["timestamp"])
    given, maximum = _number_or_text(post.get("scoreGiven")), _number_or_text(post.get("scoreMaximum"))
    if sent_at is None or (given is not None and maximum is None):
        raise incorrect
    if not str(post["userId"]).isdigit():
        raise ScoreRefused(502, "Bad Gateway")
    if not context.gradable:
        raise incorrect
    sent_at = sent_at.replace(microsecond=0)
    if cell.updated_at is not None and sent_at <= cell.updated_at.replace(microsecond=0):
        raise ScoreRefused(409, "Refusing score with an earlier timestamp")
    comment = post.get("comment")
    cell = replace(cell, updated_at=sent_at)
    if cell.overridden:
        return cell, "kept the teacher's grade"
    cell = replace(cell, comments=(str(comment),) if comment else ())
    if given is None or post["gradingProgress"] != "FullyGraded":
        return replace(cell, score=None), "erased"
    score = given / maximum * context.maximum if maximum else given
    return replace(cell, score=round(min(max(score, 0.0), context.maximum), DECIMALS)), "graded"


def canvas_rules(cell: Cell, post: Mapping[str, Any], context: Context) -> tuple[Cell, str]:
    """Canvas: not older; anything but a final score resets; comments add up; each post is a new attempt unless
    it says otherwise."""
    for name in REQUIRED:
        if post.get(name) in (None, ""):
            raise ScoreRefused(400, f"missing parameter: {name}")
    extension = _mapping(post.get(CANVAS_EXTENSION))
    sent_at = read_time(post["timestamp"])
    if sent_at is None:
        raise ScoreRefused(400, "Provided timestamp of is not a valid timestamp")
    if cell.updated_at is not None and sent_at < cell.updated_at:
        raise ScoreRefused(400, "Provided timestamp is before last updated timestamp")
    submitted_at = read_time(_mapping(post.get("submission")).get("submittedAt") or extension.get("submitted_at"))
    if submitted_at is not None and submitted_at > context.now + timedelta(minutes=1):
        raise ScoreRefused(400, "Provided submitted_at timestamp is in the future")
    if not context.gradable:
        raise ScoreRefused(422, "User not found in course or is not a student")
    score = _canvas_score(post, context.maximum)
    cell = replace(cell, updated_at=sent_at)
    if extension.get("new_submission", True) and extension.get("submission_type") != "none":
        cell = replace(cell, attempts=cell.attempts + 1)
    if post.get("comment"):
        cell = replace(cell, comments=(*cell.comments, str(post["comment"])))
    if cell.score is not None and extension.get("prioritize_non_tool_grade"):
        return cell, "kept the grade that was there"
    if score is None or post["gradingProgress"] not in ("FullyGraded", "PendingManual"):
        if extension.get("preserve_score"):
            return cell, "kept the grade that was there"
        return replace(cell, score=None, overridden=False), "reset"
    return replace(cell, score=score, overridden=False), "graded"


def _canvas_score(post: Mapping[str, Any], column_maximum: float) -> float | None:
    given, maximum = post.get("scoreGiven"), post.get("scoreMaximum")
    if given is None:
        return None
    if not _is_number(given) or given < 0:
        raise ScoreRefused(422, "ScoreGiven must be greater than or equal to 0")
    if not _is_number(maximum):
        raise ScoreRefused(422, "ScoreMaximum must be provided")
    if maximum < 0 or (maximum == 0 and column_maximum != 0):
        raise ScoreRefused(422, "ScoreMaximum must be greater than 0")
    return given * column_maximum / maximum if maximum else float(given)


def generic_rules(cell: Cell, post: Mapping[str, Any], context: Context) -> tuple[Cell, str]:
    """A plain reading of the specification: not older; only a final score changes the grade, and a final score
    without a number clears it; a comment replaces the last one."""
    for name in REQUIRED:
        if post.get(name) in (None, ""):
            raise ScoreRefused(400, f"{name} is missing")
    sent_at = read_time(post["timestamp"])
    if sent_at is None:
        raise ScoreRefused(400, "timestamp is not a date and time with a zone")
    score = _generic_score(post, context.maximum)
    if not context.gradable:
        raise ScoreRefused(404, "userId is no learner of this course")
    if cell.updated_at is not None and sent_at < cell.updated_at:
        raise ScoreRefused(409, "a newer score is on record")
    cell = replace(cell, updated_at=sent_at)
    if cell.overridden:
        return cell, "kept the teacher's grade"
    if post.get("comment") is not None:
        cell = replace(cell, comments=(str(post["comment"]),))
    if post["gradingProgress"] != "FullyGraded":
        return cell, "kept the grade that was there"
    return replace(cell, score=score), "cleared" if score is None else "graded"


def _generic_score(post: Mapping[str, Any], column_maximum: float) -> float | None:
    given, maximum = post.get("scoreGiven"), post.get("scoreMaximum")
    if given is None:
        return None
    if not (_is_number(given) and given >= 0 and _is_number(maximum) and maximum > 0):
        raise ScoreRefused(400, "scoreGiven and scoreMaximum do not make a score")
    return given * column_maximum / maximum


def read_time(value: object) -> datetime | None:
    """An ISO 8601 time, in UTC; one without a zone is taken as UTC. None if it is none."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d", value):
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number_or_text(value: object) -> float | None:
    """A number, also where it comes as text: Moodle takes ``"66.6"``. None if it is absent or none."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
