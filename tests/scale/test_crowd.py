"""Fifty learners at once, on the server as it is run in production: nobody meets an error, nothing is lost."""

from __future__ import annotations

from sqlalchemy import text

from ltitools.plugin import session
from scale.crowd import attend, served

LEARNERS = 50


def test_fifty_learners_at_once_meet_no_error_and_lose_no_answer(database_url: str) -> None:
    with served(database_url) as (observer, platform, tool_url):
        crowd = attend(platform, tool_url, LEARNERS)
        assert crowd.errors == []
        with observer.app_context():
            [counts] = session.execute(
                text(
                    "SELECT (SELECT COUNT(*) FROM diagnostic_attempt WHERE submitted_at IS NOT NULL) AS attempts,"
                    " (SELECT COUNT(*) FROM diagnostic_answer WHERE fraction IS NOT NULL) AS answers,"
                    " (SELECT COUNT(*) FROM grade) AS grades, (SELECT COUNT(*) FROM evidence) AS evidence"
                )
            ).mappings()
    assert dict(counts) == {
        "attempts": LEARNERS,
        "answers": 12 * LEARNERS,
        "grades": LEARNERS,
        "evidence": 12 * LEARNERS,
    }
