"""Calls to a platform's services: access tokens, line items, scores, results.

https://www.imsglobal.org/spec/security/v1p0/#securing_web_services and
https://www.imsglobal.org/spec/lti-ags/v2p0/
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pylti1p3.lineitem import LineItem

from ltitools.http import HttpClient, HttpError, Response
from ltitools.lti.keys import ToolKey
from ltitools.lti.login import Platform
from ltitools.lti.platforms import Dialect, Score
from ltitools.lti.platforms.base import words

AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
SCORE = AGS + "score"
LINE_ITEM = AGS + "lineitem"
LINE_ITEM_READ = AGS + "lineitem.readonly"
RESULT_READ = AGS + "result.readonly"
MEMBERSHIP_READ = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
LINE_ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
LINE_ITEMS_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"
ASSERTION_LIFETIME = 240
CLOCK_MARGIN = 5


class ServiceRefused(Exception):
    """The platform refused a call, in its own words. `status` is its HTTP status, 0 where it gave none."""

    def __init__(self, problem: str, status: int = 0) -> None:
        super().__init__(problem)
        self.status = status


@dataclass(frozen=True)
class AccessToken:
    """A bearer token and the seconds it lives."""

    value: str
    expires_in: int


@dataclass(frozen=True)
class PlacedLineItem:
    """A gradebook column as the platform describes it."""

    url: str
    label: str
    score_maximum: float
    resource_id: str
    resource_link_id: str
    tag: str


def fetch_token(
    http: HttpClient, platform: Platform, key: ToolKey, scopes: Sequence[str], *, now: int, token_url: str
) -> AccessToken:
    """Ask the platform for a token. Raises HttpError without an answer, ServiceRefused on a refusal.

    The assertion follows Security Framework 4.1.1. It is dated a few seconds back because Moodle accepts no
    ``iat`` in its future, be it one second.
    """
    assertion = {
        "iss": platform.client_id,
        "sub": platform.client_id,
        "aud": token_url,
        "iat": now - CLOCK_MARGIN,
        "exp": now + ASSERTION_LIFETIME,
        "jti": secrets.token_urlsafe(24),
    }
    signed = key.sign(assertion)
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed,
        "scope": " ".join(sorted(scopes)),
    }
    answer = _without(http.request("POST", token_url, data=form, headers={"Accept": "application/json"}), signed)
    document = _json(answer)
    token = document.get("access_token") if isinstance(document, dict) else None
    if answer.status >= 500:
        raise HttpError(words(answer))
    if answer.status != 200 or not isinstance(token, str):
        raise ServiceRefused(words(answer), answer.status)
    lifetime = document.get("expires_in")
    return AccessToken(token, int(lifetime) if isinstance(lifetime, int | float) else 3600)


def post_score(http: HttpClient, token: str, line_item_url: str, score: Score, dialect: Dialect) -> Response:
    """Send a score; the answer is the dialect's to judge. Raises HttpError where there is none."""
    body = json.dumps(dialect.score_document(score)).encode()
    return _call(http, token, "POST", below(line_item_url, "scores"), {"Content-Type": SCORE_TYPE}, body)


def read_comment(http: HttpClient, token: str, line_item_url: str, user_id: str) -> str | None:
    """The comment that the gradebook holds for a person, None where there is none."""
    url = with_query(below(line_item_url, "results"), user_id=user_id)
    answer = _call(http, token, "GET", url, {"Accept": RESULTS_TYPE})
    if answer.status >= 500:
        raise HttpError(words(answer))
    results = _json(answer)
    if answer.status != 200 or not isinstance(results, list):
        raise ServiceRefused(words(answer), answer.status)
    for result in results:
        if isinstance(result, dict) and str(result.get("userId")) == user_id:
            comment = result.get("comment")
            return comment if isinstance(comment, str) and comment else None
    return None


def list_line_items(http: HttpClient, token: str, line_items_url: str, **filters: str) -> list[PlacedLineItem]:
    """The line items of a course that match `filters` (tag, resource_id, resource_link_id), first page."""
    url = with_query(line_items_url, **filters)
    answer = _call(http, token, "GET", url, {"Accept": LINE_ITEMS_TYPE})
    document = _json(answer)
    if answer.status != 200 or not isinstance(document, list):
        raise ServiceRefused(words(answer), answer.status)
    return [_placed(entry) for entry in document if isinstance(entry, dict)]


def create_line_item(
    http: HttpClient,
    token: str,
    line_items_url: str,
    *,
    label: str,
    score_maximum: float,
    resource_link_id: str,
    resource_id: str,
    tag: str,
) -> PlacedLineItem:
    """Make a gradebook column for a resource link. Raises ServiceRefused in the platform's words."""
    item = (
        LineItem()
        .set_label(label[:255])
        .set_score_maximum(score_maximum)
        .set_resource_link_id(resource_link_id)
        .set_resource_id(resource_id)
        .set_tag(tag)
    )
    types = {"Content-Type": LINE_ITEM_TYPE, "Accept": LINE_ITEM_TYPE}
    answer = _call(http, token, "POST", line_items_url, types, item.get_value().encode())
    document = _json(answer)
    if answer.status not in (200, 201) or not isinstance(document, dict):
        raise ServiceRefused(words(answer), answer.status)
    return _placed(document)


def below(url: str, name: str) -> str:
    """The address one step below `url`, before its query: Moodle's line items have one."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}"))


def with_query(url: str, **values: str) -> str:
    """`url` with `values` added to its query, whatever that already holds."""
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *values.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))


def _call(
    http: HttpClient, token: str, method: str, url: str, headers: Mapping[str, str], data: bytes | None = None
) -> Response:
    """One request with the token. Raises HttpError where there is no answer."""
    return _without(
        http.request(method, url, headers={"Authorization": f"Bearer {token}", **headers}, data=data), token
    )


def _without(answer: Response, secret: str) -> Response:
    """`answer` without what we sent in confidence: its words are logged and shown, and some platforms repeat ours."""
    return replace(answer, body=answer.body.replace(secret.encode(), "…".encode()))


def _placed(document: dict[str, Any]) -> PlacedLineItem:
    item = LineItem(document)  # type: ignore[arg-type]  # a TypedDict of what any platform may send
    maximum = item.get_score_maximum()
    return PlacedLineItem(
        url=str(item.get_id() or ""),
        label=str(item.get_label() or ""),
        score_maximum=float(maximum) if isinstance(maximum, int | float) else 0.0,
        resource_id=str(item.get_resource_id() or ""),
        resource_link_id=str(item.get_resource_link_id() or ""),
        tag=str(item.get_tag() or ""),
    )


def _json(answer: Response) -> Any:
    """The document of an answer, None where it is none. Moodle calls JSON text/html, so the type is not asked."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
