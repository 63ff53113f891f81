"""Our own addresses as a stranger meets them: through the public URL, the web server in front, and its headers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ltitools.http import HttpClient, HttpError, Response
from ltitools.lti.keys import ToolKey
from ltitools.lti.platforms.setup import setup_of
from ltitools.models import Registration
from ltitools.services.doctor.findings import Finding, ok, problem, warning
from ltitools.services.doctor.network import ask, examine_clock, examine_tls
from ltitools.settings import Settings

OURSELVES = "the operator of this server"
FRONT = "in the web server in front"
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
REFUSAL_CODE = re.compile(r'<code class="error-code">([a-z-]+)</code>')
OUR_POLICY = "default-src 'none'"
LOGIN_COOKIE = re.compile(r"(?:^|,\s*)(__Host-ltitools-login-\w+=.*?)(?=,\s*[^;,\s]+=|$)")
ANY_LOGIN_COOKIE = re.compile(r"ltitools-login-")
COOKIE_ATTRIBUTES = {
    "secure": "Secure",
    "httponly": "HttpOnly",
    "samesite=none": "SameSite=None",
    "partitioned": "Partitioned",
    "path=/": "Path=/",
}


def addresses(settings: Settings, tenant_key: str) -> dict[str, str]:
    """Our three addresses for the institution's platforms."""
    base = f"{settings.public_url}/lti/{tenant_key}"
    return {"login": f"{base}/login", "launch": f"{base}/launch", "keys": f"{base}/jwks.json"}


def name_addresses(settings: Settings, tenant_key: str, registration: Registration) -> Iterator[Finding]:
    """Our addresses as they must stand in this platform, letter by letter, under its names for them."""
    ours, setup = addresses(settings, tenant_key), setup_of(registration.platform)
    yield ok("addresses", f"{setup.login_url} must be {ours['login']}")
    yield ok("addresses", f"{setup.redirect_uri} must be {ours['launch']}")
    yield ok("addresses", f"{setup.jwks_url} must be {ours['keys']}")


def examine_server(settings: Settings, http: HttpClient) -> Iterator[Finding]:
    """Certificate, health and clock. Ends with a problem where nothing else can be asked."""
    trust = examine_tls(http, settings.public_url, OURSELVES)
    if trust:
        yield trust
        if trust.level == "problem":
            return
    try:
        asked = ask(http, "GET", f"{settings.public_url}/healthz")
    except HttpError as error:
        yield problem(
            "own-address-unreachable",
            f"Our own address does not answer from here: {error}.",
            f"Check the name server's entry, the firewall, and the address that is served {FRONT}.",
        )
        return
    if asked.answer.status != 200 or _json(asked.answer) != {"status": "ok"}:
        yield problem(
            "own-address-foreign",
            f"{settings.public_url}/healthz answers {asked.answer.status}, and not as ltitools does.",
            f"Pass all paths of this address on to ltitools {FRONT} (nginx: location / and proxy_pass).",
        )
        return
    yield ok("own-address", f"{settings.public_url} is answered by ltitools.")
    yield examine_clock(asked, "our own public address", settings.clock_tolerance)


def examine_keys(settings: Settings, http: HttpClient, tenant_key: str, key: ToolKey | None) -> Finding:
    """The key set that platforms read."""
    url = addresses(settings, tenant_key)["keys"]
    try:
        answer = ask(http, "GET", url).answer
    except HttpError as error:
        return _keys_wrong(f"Our key set cannot be read: {error}.")
    document = _json(answer)
    keys = document.get("keys") if isinstance(document, dict) else None
    if answer.status != 200 or not isinstance(keys, list) or not all(isinstance(each, dict) for each in keys):
        return _keys_wrong(f"{url} answers {answer.status} without a key set{_refusal(answer)}.")
    if any(PRIVATE_MEMBERS & set(each) for each in keys):
        return problem(
            "own-keys-private",
            f"{url} shows a private key.",
            f"Take what answers there out of service at once, serve ltitools itself {FRONT}, and replace the key.",
        )
    kids = [str(each.get("kid")) for each in keys]
    if key is not None and key.kid not in kids:
        return _keys_wrong(f"{url} lacks our signing key {key.kid}; it has {', '.join(kids) or 'none'}.")
    return ok("own-keys", f"{url} publishes the keys {', '.join(kids)}.")


def _keys_wrong(what: str) -> Finding:
    return problem(
        "own-keys-wrong",
        what,
        f"Pass the address on to ltitools and keep no copy of it {FRONT} for longer than its Cache-Control; all servers"
        " need the same database.",
    )


def examine_launch(settings: Settings, http: HttpClient, tenant_key: str) -> Finding:
    """Whether a form that the platform's page posts gets through to us."""
    url = addresses(settings, tenant_key)["launch"]
    try:
        answer = ask(http, "POST", url, data={"state": ""}).answer
    except HttpError as error:
        return _launch_blocked(f"A form posted to {url} gets no answer: {error}.")
    if _code(answer) != "state-missing":
        return _launch_blocked(f"A form posted to {url} is answered with {answer.status}{_refusal(answer)}.")
    return ok("own-launch", f"A form posted to {url} reaches ltitools.")


def _launch_blocked(what: str) -> Finding:
    return problem(
        "own-launch-blocked",
        what,
        f"Let POST requests from other sites through {FRONT} and in any application firewall, without a redirect.",
    )


def examine_login(
    settings: Settings, http: HttpClient, tenant_key: str, registration: Registration
) -> Iterator[Finding]:
    """A login of this platform as its page sends it, and what arrives of our headers and our cookie."""
    ours = addresses(settings, tenant_key)
    form = {
        "iss": registration.issuer,
        "client_id": registration.client_id,
        "login_hint": "ltitools-doctor",
        "target_link_uri": ours["launch"],
    }
    try:
        answer = ask(http, "POST", ours["login"], data=form).answer
    except HttpError as error:
        yield _login_blocked(f"A login posted to {ours['login']} gets no answer: {error}.")
        return
    if answer.status != 200 or 'data-login="' not in answer.text:
        yield _login_blocked(f"A login posted to {ours['login']} is answered with {answer.status}{_refusal(answer)}.")
        return
    yield from _examine_headers(answer.headers, secure=urlsplit(settings.public_url).scheme == "https")
    if "cookie" in settings.layers:
        yield _examine_cookie(answer.headers.get("set-cookie", ""))


def _login_blocked(what: str) -> Finding:
    return problem(
        "own-login-blocked",
        what,
        f"Let POST requests through {FRONT}. Where a code of ltitools is named, docs/refusals.md explains it.",
    )


def _examine_headers(headers: Mapping[str, str], *, secure: bool) -> Iterator[Finding]:
    found = list(_wrong_headers(headers, secure=secure))
    yield from found
    if not found:
        yield ok("headers", "The headers of a page arrive as they were sent, and let the LMS show it in a frame.")


def _wrong_headers(headers: Mapping[str, str], *, secure: bool) -> Iterator[Finding]:
    if options := headers.get("x-frame-options"):
        yield problem(
            "header-frame-options",
            f"X-Frame-Options: {options} is added on the way, so no LMS can show the pages in a frame.",
            f"Remove it {FRONT} (nginx: add_header X-Frame-Options; Apache: Header set X-Frame-Options).",
        )
    policies = [each.strip() for each in headers.get("content-security-policy", "").split(",") if each.strip()]
    foreign = [each for each in policies if not each.startswith(OUR_POLICY) or "frame-ancestors" in each]
    if foreign:
        yield problem(
            "header-policy-foreign",
            f"A Content-Security-Policy that is not ours arrives: {foreign[0][:120]}.",
            f"Remove it for this address {FRONT}; ltitools says itself who may frame its pages.",
        )
    elif not policies:
        yield warning(
            "header-policy-missing",
            "Our Content-Security-Policy does not arrive, so browsers are not told what the pages may load.",
            f"Do not hide or replace it {FRONT} (nginx: proxy_hide_header; Apache: Header unset).",
        )
    if secure and "strict-transport-security" not in headers:
        yield warning(
            "header-hsts-missing",
            "Strict-Transport-Security does not arrive, so a browser may be led to this address without TLS.",
            f"Do not hide it {FRONT} (nginx: proxy_hide_header), or add it there.",
        )


def _examine_cookie(header: str) -> Finding:
    """The cookie of a login. Several cookies arrive in one text, parted by commas."""
    found = LOGIN_COOKIE.search(header)
    if found is None:
        renamed = "under another name" if ANY_LOGIN_COOKIE.search(header) else "not at all"
        return problem(
            "cookie-missing",
            f"The cookie that a login sets arrives {renamed}, so it cannot tie a launch to its browser.",
            f"Let Set-Cookie through unchanged {FRONT}.",
        )
    there = {each.strip().lower() for each in found[1].split(";")[1:]}
    missing = [name for lower, name in COOKIE_ATTRIBUTES.items() if lower not in there]
    other = sorted(each for each in there if each.startswith("domain="))
    if missing or other:
        changes = [*(f"without {name}" for name in missing), *(f"with {name}" for name in other)]
        return problem(
            "cookie-changed",
            f"The cookie that a login sets arrives {', '.join(changes)}, so browsers do not keep it in a frame.",
            f"Do not rewrite cookies {FRONT} (nginx: proxy_cookie_path, proxy_cookie_flags, proxy_cookie_domain).",
        )
    return ok("cookie", "The cookie of a login arrives with all that it needs to be kept in a frame.")


def _json(answer: Response) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _code(answer: Response) -> str:
    found = REFUSAL_CODE.search(answer.text)
    return found[1] if found else ""


def _refusal(answer: Response) -> str:
    return f" and the code {_code(answer)}" if _code(answer) else ""
