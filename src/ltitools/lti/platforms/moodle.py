"""Moodle 4.5: an earlier timestamp within the same second is refused, an omitted comment clears feedback."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

from ltitools.lti.platforms.base import Dialect, Score

MARKUP = re.compile(r"</[a-z][a-z0-9]*>|<br\s*/?>", re.IGNORECASE)
LINE_END = re.compile(r"\s*(?:<br\s*/?>|</(?:p|div|li|h[1-6]|tr|blockquote|pre|ul|ol)>)\s*", re.IGNORECASE)
ENTRY = re.compile(r"\s*<li[^<>]*>\s*", re.IGNORECASE)
TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)


class Moodle(Dialect):
    """Moodle compares timestamps by whole seconds and replaces the teacher's feedback with our comment."""

    family = "moodle"
    reads_comment_first = True

    def is_course_link(self, resource_link_id: str, context_id: str) -> bool:
        """Never: courses and activities are counted apart, so link 2 of course 2 is a coincidence."""
        return False

    def kept_comment(self, comment: str) -> str:
        """Moodle gives out a teacher's feedback as HTML but takes every comment for plain text, so its tags would
        become visible. Text that only happens to hold a ``<`` is left as it is.
        """
        if not MARKUP.search(comment):
            return comment
        lines = ENTRY.sub("\n- ", LINE_END.sub("\n", comment))
        return re.sub(r"\n{2,}", "\n", html.unescape(TAG.sub("", lines))).strip()

    def score_document(self, score: Score) -> dict[str, Any]:
        document = super().score_document(score)
        # Rounded up, so that the second we name is never earlier than the one in which it was recorded.
        rounded = score.timestamp
        if rounded.microsecond:
            rounded = rounded.replace(microsecond=0) + timedelta(seconds=1)
        document["timestamp"] = rounded.isoformat(timespec="milliseconds")
        return document
