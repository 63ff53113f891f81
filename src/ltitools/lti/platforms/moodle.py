"""Moodle 4.5: an earlier timestamp within the same second is refused, an omitted comment clears feedback."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ltitools.lti.platforms.base import Dialect, Score


class Moodle(Dialect):
    """Moodle compares timestamps by whole seconds and replaces the teacher's feedback with our comment."""

    reads_comment_first = True

    def is_course_link(self, resource_link_id: str, context_id: str) -> bool:
        """Never: courses and activities are counted apart, so link 2 of course 2 is a coincidence."""
        return False

    def score_document(self, score: Score) -> dict[str, Any]:
        document = super().score_document(score)
        # Rounded up, so that the second we name is never earlier than the one in which it was recorded.
        rounded = score.timestamp
        if rounded.microsecond:
            rounded = rounded.replace(microsecond=0) + timedelta(seconds=1)
        document["timestamp"] = rounded.isoformat(timespec="milliseconds")
        return document
