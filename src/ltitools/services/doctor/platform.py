"""What a platform answers: its keys, its authorization endpoint, and tokens for its services."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from ltitools.http import HttpClient, HttpError, shown
from ltitools.lti.ags import LINE_ITEM, LINE_ITEM_READ, RESULT_READ, SCORE
from ltitools.lti.keys import ToolKey, platform_keys
from ltitools.lti.nrps import MEMBERSHIP_READ
from ltitools.lti.platforms.setup import setup_of
from ltitools.lti.services import ServiceRefused, fetch_token
from ltitools.models import Registration
from ltitools.services.doctor.findings import Finding, Level, ok, problem, warning
from ltitools.services.doctor.network import ask, examine_clock, examine_tls

ADMINISTRATOR = "the administrator of the LMS"
COSTS = {
    SCORE: "grades cannot be sent to the gradebook",
    LINE_ITEM: "an activity without a gradebook column cannot be given one",
    LINE_ITEM_READ: "a column that is there already cannot be found",
    RESULT_READ: "nobody can check whether the gradebook shows a grade, and a comment of a teacher may be replaced",
    MEMBERSHIP_READ: "people who have not opened the tool yet are not known",
}
"""All that the tools ask for, and what cannot be done without it."""


def examine_addresses(http: HttpClient, registration: Registration) -> tuple[list[Finding], frozenset[str]]:
    """The certificates of the platform's hosts, and the origins that are not to be asked because of them."""
    findings, bad = [], set()
    urls = (registration.jwks_url, registration.auth_url, registration.token_url)
    for place in dict.fromkeys(_place(url) for url in urls):
        found = examine_tls(http, place, ADMINISTRATOR)
        if found:
            findings.append(found)
            if found.level is Level.PROBLEM:
                bad.add(place)
    return findings, frozenset(bad)


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def examine_platform(
    http: HttpClient, registration: Registration, key: ToolKey | None, tolerance: int
) -> Iterator[Finding]:
    """Everything that the platform answers by itself."""
    findings, bad = examine_addresses(http, registration)
    yield from findings
    if _place(registration.jwks_url) not in bad:
        yield from _examine_keys(http, registration, tolerance)
    if _place(registration.auth_url) not in bad:
        yield _examine_login(http, registration)
    if key is not None and _place(registration.token_url) not in bad:
        yield from _examine_token(http, registration, key)


def _examine_keys(http: HttpClient, registration: Registration, tolerance: int) -> Iterator[Finding]:
    url = registration.jwks_url
    try:
        asked = ask(http, "GET", url, headers={"Accept": "application/json"})
    except HttpError as error:
        yield problem(
            "platform-keys-unreachable",
            f"The keys of the platform cannot be read: {error}.",
            "Compare the key set URL with the one that the LMS shows, and let this server call that address; one in"
            " your own network needs LTITOOLS_ALLOW_PRIVATE_NETWORK=1.",
        )
        return
    yield examine_clock(asked, "the platform", tolerance)
    try:
        keys = platform_keys(json.loads(asked.answer.body) if asked.answer.status == 200 else None)
    except (ValueError, RecursionError):
        yield problem(
            "platform-keys-wrong",
            f"{shown(url)} answers {asked.answer.status} and holds no key set.",
            "Register the platform with the key set URL that the LMS shows.",
        )
        return
    if keys:
        yield ok("platform-keys", f"The platform signs with {', '.join(keys)}.")
    else:
        yield problem(
            "platform-keys-unusable",
            f"{shown(url)} has no RSA key of at least 2048 bits with a kid for RS256.",
            f"Let {ADMINISTRATOR} make a new key, or compare the key set URL with the one that the LMS shows.",
        )


def _examine_login(http: HttpClient, registration: Registration) -> Finding:
    """The authorization endpoint, asked for nothing: it can only refuse, but it has to be there."""
    url = shown(registration.auth_url)
    advice = "Compare the authorization URL with the one that the LMS shows."
    try:
        answer = ask(http, "GET", registration.auth_url).answer
    except HttpError as error:
        return problem("platform-login-unreachable", f"The authorization endpoint does not answer: {error}.", advice)
    if answer.status >= 500:
        return problem("platform-login-unreachable", f"{url} answers {answer.status}.", advice)
    if answer.status == 404:
        return warning("platform-login-missing", f"{url} answers 404, so there may be nothing.", advice)
    return ok("platform-login", f"{url} answers.")


def _examine_token(http: HttpClient, registration: Registration, key: ToolKey) -> Iterator[Finding]:
    """A token for all that the tools do; where it is refused, one for each scope alone."""
    try:
        granted, words = _granted(http, registration, key, tuple(COSTS))
        if words:
            alone = [_granted(http, registration, key, (scope,)) for scope in COSTS]
            granted = frozenset(scope for scopes, _ in alone for scope in scopes)
    except HttpError as error:
        yield problem(
            "token-unreachable",
            f"{shown(registration.token_url)} gives no token: {error}.",
            "Compare the token URL with the one that the LMS shows, and let this server call it.",
        )
        return
    setup = setup_of(registration.platform)
    # Who may have none of the scopes was recognised all the same: RFC 6749 section 5.2.
    if not granted and "invalid_scope" not in words:
        yield problem("token-refused", f"The platform refuses every token: {words}.", f"{setup.why_refused(words)}.")
        return
    if granted:
        yield ok("token", f"The platform gives tokens for {', '.join(sorted(_short(each) for each in granted))}.")
    for scope, cost in COSTS.items():
        if scope in granted or (scope == LINE_ITEM_READ and LINE_ITEM in granted):
            continue
        found = problem if scope == SCORE else warning
        service = setup.member_service if scope == MEMBERSHIP_READ else setup.grade_service
        said = f" ({words})" if words else ""
        yield found(
            "scope-refused", f"The platform does not grant {_short(scope)}{said}: {cost}.", f"Switch it on: {service}."
        )


def _granted(
    http: HttpClient, registration: Registration, key: ToolKey, scopes: Sequence[str]
) -> tuple[frozenset[str], str]:
    """Which of the scopes a token of the platform has, and its words where it gives none."""
    try:
        token = fetch_token(http, registration, key, scopes, now=int(time.time()), token_url=registration.token_url)
    except ServiceRefused as refusal:
        return frozenset(), str(refusal)
    return token.scopes & frozenset(scopes), ""


def _short(scope: str) -> str:
    return scope.rsplit("/", 1)[-1]
