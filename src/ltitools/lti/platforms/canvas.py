"""Canvas: https://canvas.instructure.com/doc/api/score.html and what its source adds to that page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ltitools.http import Response, origin
from ltitools.lti.platforms.base import (
    DEEP_LINKING,
    RESOURCE_LINK,
    Dialect,
    Outcome,
    Score,
    Verdict,
    retry_after,
    words,
)
from ltitools.lti.platforms.offer import Offer, ToolSite

EXTENSION = "https://canvas.instructure.com/lti/"
SUBMISSION = EXTENSION + "submission"
HOSTED = {
    "production": ("https://canvas.instructure.com", "https://sso.canvaslms.com"),
    "beta": ("https://canvas.beta.instructure.com", "https://sso.beta.canvaslms.com"),
    "test": ("https://canvas.test.instructure.com", "https://sso.test.canvaslms.com"),
}
"""Issuer and authorization host of the Canvas that Instructure runs."""
HOSTED_DOMAINS = (".instructure.com", ".canvaslms.com")
COURSE_NAVIGATION = "course_navigation"
ACCOUNT_NAVIGATION = "account_navigation"
CONTENT = ("assignment_selection", "link_selection")
WIDTH, HEIGHT = 1000, 800


class Canvas(Dialect):
    """Every score starts a new attempt of the learner unless told otherwise, and every comment is added anew.

    Registration: https://canvas.instructure.com/doc/api/registration.html
    """

    family = "canvas"
    # Its developer key works in the account that registered it and those below: nobody else can deploy it.
    new_deployments = "auto"
    more_scopes = ("https://purl.imsglobal.org/spec/lti-reg/scope/registration",)

    def may_speak_for(self, issuer: str, configuration_url: str) -> bool:
        """All hosted schools share an issuer, and have hosts of their own."""
        if any(issuer == hosted for hosted, _ in HOSTED.values()):
            return origin(configuration_url)[1].endswith(HOSTED_DOMAINS)
        return super().may_speak_for(issuer, configuration_url)

    def name_of_institution(self, platform: Mapping[str, Any]) -> str:
        name = platform.get(EXTENSION + "account_name")
        return name if isinstance(name, str) else ""

    def messages(
        self, site: ToolSite, offer: Offer, supported: frozenset[str], placements: Mapping[str, frozenset[str]]
    ) -> list[dict[str, Any]]:
        """One message for each place. A place that is not offered is left out with its message, because Canvas would
        show a message without places beside the content of modules.
        """
        found = []
        for kind, places, more in _places(offer):
            offered = placements.get(kind)
            named = [EXTENSION + place for place in places]
            if offered:
                known = {place.removeprefix(EXTENSION) for place in offered}
                named = [EXTENSION + place for place in places if place in known]
            if named:
                message = {"type": kind, "target_link_uri": site.launch_url, "label": site.name, "placements": named}
                size = {EXTENSION + "launch_width": WIDTH, EXTENSION + "launch_height": HEIGHT}
                found.append(message | {EXTENSION + name: value for name, value in more.items()} | size)
        return found

    def tool_extensions(self, site: ToolSite, offer: Offer) -> dict[str, Any]:
        return {
            EXTENSION + "privacy_level": _privacy_level(offer),
            EXTENSION + "tool_id": site.tool_id,
            EXTENSION + "vendor": site.name,
        }

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


def developer_key(site: ToolSite, offer: Offer, scopes: tuple[str, ...]) -> dict[str, Any]:
    """The configuration for a developer key that is made by hand ("Paste JSON", "Enter URL").

    https://canvas.instructure.com/doc/api/file.lti_dev_key_config.html
    """
    placements: list[dict[str, Any]] = []
    for kind, places, more in _places(offer):
        for place in places:
            entry: dict[str, Any] = {"placement": place, "message_type": kind, "target_link_uri": site.launch_url}
            if "visibility" in more:
                entry["visibility"] = more["visibility"]
            if place == COURSE_NAVIGATION:
                entry["default"] = "disabled"
            placements.append(entry | {"text": site.name, "enabled": True})
    return {
        "title": site.name,
        "description": site.description,
        "target_link_uri": site.launch_url,
        "oidc_initiation_url": site.login_url,
        "public_jwk_url": site.jwks_url,
        "redirect_uris": [site.launch_url],
        "scopes": list(scopes),
        "custom_fields": {},
        "extensions": [
            {
                "platform": "canvas.instructure.com",
                "domain": site.domain,
                "tool_id": site.tool_id,
                "privacy_level": _privacy_level(offer),
                "settings": {
                    "text": site.name,
                    "icon_url": site.icon_url,
                    "selection_width": WIDTH,
                    "selection_height": HEIGHT,
                    "placements": placements,
                },
            }
        ],
    }


def _places(offer: Offer) -> list[tuple[str, tuple[str, ...], dict[str, Any]]]:
    """Type of message, places, and what Canvas has to know of the place besides."""
    found: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [(DEEP_LINKING, CONTENT, {})]
    if offer.course_page:
        # An instructor takes it into the menu of a course that uses the tools.
        hidden = {f"{COURSE_NAVIGATION}/default_enabled": False, "visibility": "members"}
        found.append((RESOURCE_LINK, (COURSE_NAVIGATION,), hidden))
    if offer.console:
        found.append((RESOURCE_LINK, (ACCOUNT_NAVIGATION,), {"visibility": "admins"}))
    return found


def _privacy_level(offer: Offer) -> str:
    if offer.names and offer.emails:
        return "public"
    return "name_only" if offer.names else "email_only" if offer.emails else "anonymous"
