"""Calls to a platform's services: access tokens, and requests that are made with one.

https://www.imsglobal.org/spec/security/v1p0/#securing_web_services
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from ltitools.http import HttpClient, HttpError, Response
from ltitools.lti.keys import ToolKey
from ltitools.lti.login import Platform
from ltitools.lti.platforms.base import words

ASSERTION_LIFETIME = 240
CLOCK_MARGIN = 5

T = TypeVar("T")


class ServiceRefused(Exception):
    """The platform refused a call, in its own words. `status` is its HTTP status, 0 where it gave none."""

    def __init__(self, problem: str, status: int = 0) -> None:
        super().__init__(problem)
        self.status = status


@dataclass(frozen=True)
class AccessToken:
    """A bearer token, the seconds it lives, and what it is good for."""

    value: str
    expires_in: int
    scopes: frozenset[str]


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
    document = json_of(answer)
    token = document.get("access_token") if isinstance(document, dict) else None
    if answer.status >= 500:
        raise HttpError(words(answer))
    if answer.status != 200 or not isinstance(token, str):
        raise ServiceRefused(words(answer), answer.status)
    lifetime = document.get("expires_in")
    # An answer that names no scopes grants those that were asked for: RFC 6749 section 5.1.
    granted = document.get("scope") or form["scope"]
    return AccessToken(
        token, int(lifetime) if isinstance(lifetime, int | float) else 3600, frozenset(str(granted).split())
    )


def below(url: str, name: str) -> str:
    """The address one step below `url`, before its query: Moodle's line items have one."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}"))


def with_query(url: str, **values: str) -> str:
    """`url` with `values` added to its query, whatever that already holds."""
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *values.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))


def call(
    http: HttpClient, token: str, method: str, url: str, headers: Mapping[str, str], data: bytes | None = None
) -> Response:
    """One request with the token. Raises HttpError where there is no answer."""
    return _without(
        http.request(method, url, headers={"Authorization": f"Bearer {token}", **headers}, data=data), token
    )


def call_json(http: HttpClient, token: str, url: str, media_type: str, kind: type[T]) -> tuple[Response, T]:
    """Read the document of `media_type` at `url`, which is a JSON object (dict) or array (list).

    Raises HttpError where the platform does not answer or is out of order, ServiceRefused where it refuses.
    """
    answer = call(http, token, "GET", url, {"Accept": media_type})
    return answer, document_of(answer, kind, (200,))


def document_of(answer: Response, kind: type[T], statuses: Sequence[int]) -> T:
    """The JSON document of an answer with one of `statuses`. Raises as `check` does."""
    check(answer, statuses)
    document = json_of(answer)
    if not isinstance(document, kind):
        raise ServiceRefused(words(answer), answer.status)
    return document


def check(answer: Response, statuses: Sequence[int]) -> None:
    """Raise HttpError where the server failed, ServiceRefused where it said something else than `statuses`."""
    if answer.status >= 500:
        raise HttpError(words(answer))
    if answer.status not in statuses:
        raise ServiceRefused(words(answer), answer.status)


def _without(answer: Response, secret: str) -> Response:
    """`answer` without what we sent in confidence: its words are logged and shown, and some platforms repeat ours."""
    return replace(answer, body=answer.body.replace(secret.encode(), "…".encode()))


def json_of(answer: Response) -> Any:
    """The document of an answer, None where it is none. Moodle calls JSON text/html, so the type is not asked."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
