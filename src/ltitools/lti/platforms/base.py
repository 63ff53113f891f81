"""A platform as the specifications have it: its registration, the score message, and what the answers to it mean.

https://www.imsglobal.org/spec/lti-dr/v1p0, https://www.imsglobal.org/spec/lti-ags/v2p0/#score-publish-service
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pylti1p3.grade import Grade

from ltitools.http import Response, origin
from ltitools.lti.platforms.offer import Offer, ToolSite

DEEP_LINKING = "LtiDeepLinkingRequest"
RESOURCE_LINK = "LtiResourceLinkRequest"
SUBMISSION_REVIEW = "LtiSubmissionReviewRequest"
CONTENT_AREA = "ContentArea"
"""Where content of a course is chosen (section 3.5.4 of dynamic registration)."""


@dataclass(frozen=True)
class Score:
    """A final score of a person for a line item, or with no `given` the wish that there be none any more.

    `timestamp` grows with every score of the pair. `first` is true while the platform has certainly seen no
    score of ours for the pair. Times are aware and in UTC.
    """

    user_id: str
    given: Decimal | None
    maximum: Decimal
    timestamp: datetime
    submitted_at: datetime
    comment: str | None = None
    first: bool = True


class Verdict(StrEnum):
    """What to do after an answer."""

    DELIVERED = "delivered"
    RETRY = "retry"
    RENEW_ACCESS = "renew-access"
    RENEW_TIMESTAMP = "renew-timestamp"
    PARK = "park"


@dataclass(frozen=True)
class Outcome:
    """A verdict, the platform's own words, and the seconds it asked us to wait."""

    verdict: Verdict
    problem: str = ""
    wait: float | None = None


class Dialect:
    """A platform that keeps to the specification. Others override what they do differently."""

    family = "generic"
    new_deployments = "pending"
    """What happens to deployments that the answer to a registration did not name."""
    more_scopes: tuple[str, ...] = ()
    """Scopes to ask for besides those of the services."""
    reads_comment_first = False
    """Whether a score without a comment clears the feedback that a teacher wrote, so it must be sent along."""

    def may_speak_for(self, issuer: str, configuration_url: str) -> bool:
        """Whether a configuration at this address may be that of the issuer: both have the same host.

        https://www.imsglobal.org/spec/lti-dr/v1p0#issuer-and-openid-configuration-url-match
        """
        return origin(issuer)[1] == origin(configuration_url)[1] != ""

    def name_of_institution(self, platform: Mapping[str, Any]) -> str:
        """What the platform's configuration says whose platform it is; empty where it does not."""
        return ""

    def messages(
        self, site: ToolSite, offer: Offer, supported: frozenset[str], placements: Mapping[str, frozenset[str]]
    ) -> list[dict[str, Any]]:
        """The messages to be sent to us: one for the choice of content, because Moodle takes the last of several and
        Sakai the first, one for what was chosen, and one from the gradebook where the platform has it.
        """
        offered = placements.get(DEEP_LINKING)
        choose: dict[str, Any] = {
            "type": DEEP_LINKING,
            "target_link_uri": site.launch_url,
            "label": site.name,
            "supported_types": ["ltiResourceLink"],
        }
        if not offered or CONTENT_AREA in offered:
            choose["placements"] = [CONTENT_AREA]
        found = [choose, {"type": RESOURCE_LINK, "target_link_uri": site.launch_url, "label": site.name}]
        if SUBMISSION_REVIEW in supported:
            found.append({"type": SUBMISSION_REVIEW, "target_link_uri": site.launch_url})
        return found

    def tool_extensions(self, site: ToolSite, offer: Offer) -> dict[str, Any]:
        """More for the tool configuration."""
        return {}

    def is_course_link(self, resource_link_id: str, context_id: str) -> bool:
        """Whether a link stands for the whole course, as Canvas's navigation does: it has the course's own id."""
        return resource_link_id == context_id

    def kept_comment(self, comment: str) -> str:
        """The feedback that the platform holds, in the form in which it has to be sent back to stay the same."""
        return comment

    def score_document(self, score: Score) -> dict[str, Any]:
        """The body of the score request.

        Always Completed and FullyGraded with a score: on Canvas and Moodle anything less erases the grade. What is to
        be erased has no score (3.4.6 of the specification), and is FullyGraded all the same: a platform may pass over
        anything else. The activity is as it was in the beginning then.
        """
        grade = (
            Grade()
            .set_user_id(score.user_id)
            .set_activity_progress("Completed" if score.given is not None else "Initialized")
            .set_grading_progress("FullyGraded")
            .set_timestamp(score.timestamp.isoformat(timespec="milliseconds"))
        )
        if score.given is not None:
            grade.set_score_given(float(score.given)).set_score_maximum(float(score.maximum))
        if score.comment is not None:
            grade.set_comment(score.comment)
        document: dict[str, Any] = json.loads(grade.get_value())
        if score.given is None:
            return document
        document["submission"] = {"submittedAt": score.submitted_at.isoformat(timespec="milliseconds")}
        return document

    def outcome(self, answer: Response) -> Outcome:
        """What the answer to a score means. Codes and bodies are read, never reason phrases."""
        problem = words(answer)
        if 200 <= answer.status < 300:
            return Outcome(Verdict.DELIVERED)
        if answer.status == 401:
            return Outcome(Verdict.RENEW_ACCESS, problem)
        if answer.status == 409:
            return Outcome(Verdict.RENEW_TIMESTAMP, problem)
        if answer.status in (408, 425, 429) or answer.status >= 500:
            return Outcome(Verdict.RETRY, problem, retry_after(answer))
        return Outcome(Verdict.PARK, problem)


def words(answer: Response) -> str:
    """What the platform said, for a person: its status and the beginning of its text, without markup."""
    text = answer.text.strip()
    if text[:1] == "<":
        text = re.sub(r"(?s)<(script|style).*?</\1>|<[^>]*>", " ", text)
    return f"{answer.status} {' '.join(text.split())[:400]}".strip()


def retry_after(answer: Response) -> float | None:
    """The seconds of a ``Retry-After`` header, at most an hour."""
    value = answer.headers.get("retry-after", "")
    return min(float(value), 3600.0) if value.isdigit() else None
