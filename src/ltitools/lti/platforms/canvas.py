"""Canvas: https://canvas.instructure.com/doc/api/score.html and what its source adds to that page."""

from __future__ import annotations

from typing import Any

from ltitools.http import Response
from ltitools.lti.platforms.base import Dialect, Outcome, Score, Verdict, retry_after, words

SUBMISSION = "https://canvas.instructure.com/lti/submission"


class Canvas(Dialect):
    """Every score starts a new attempt of the learner unless told otherwise, and every comment is added anew."""

    def score_document(self, score: Score) -> dict[str, Any]:
        document = super().score_document(score)
        document[SUBMISSION] = {"new_submission": score.first and score.given is not None}
        if not score.first:
            document.pop("comment", None)
        return document

    def outcome(self, answer: Response) -> Outcome:
        body = answer.text.lower()
        if answer.status == 400 and "timestamp" in body:
            return Outcome(Verdict.RENEW_TIMESTAMP, words(answer))
        if answer.status == 403 and "rate limit" in body:
            return Outcome(Verdict.RETRY, words(answer), retry_after(answer))
        if answer.status == 422 and ("unpublished" in body or "maximum" in body or "attempts" in body):
            # An unpublished assignment takes no grade yet; used-up attempts take one that starts no attempt.
            return Outcome(Verdict.RETRY, words(answer))
        return super().outcome(answer)
