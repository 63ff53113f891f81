"""The browser's side of a launch: what it shows on every page of a visit, and the check of every request.

The launch id in a URL selects; the credential is a cookie, or where none is kept a token that the host's own script
sends with each request (``Authorization: Bearer``, see `ltitools.web.shell`). The cookie is partitioned, so that it
also works in a frame of another site where third-party cookies are blocked (CHIPS). Flask's own session is not used.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import Request, Response, abort, g, request
from werkzeug.wrappers import Response as BaseResponse

from ltitools.context import current_host
from ltitools.i18n import set_locale
from ltitools.plugin.launch import Opened, open_launch
from ltitools.refusals import refused
from ltitools.secrets import hash_token
from ltitools.services.launches import Layer
from ltitools.web import shell

COOKIE = "__Host-ltitools"
LOGIN_COOKIE = "__Host-ltitools-login-"
FORM_FIELD = "_form"
FORM_PURPOSE = "form"
POST_FORM = re.compile(rb"<form\b[^>]*\bmethod=\"post\"[^>]*>", re.IGNORECASE)
ELSEWHERE = re.compile(rb"\baction=\"[a-z]+:", re.IGNORECASE)


def browser_id(request: Request) -> str:
    """The browser id in the request's cookie, empty where it carries none or cookies are switched off."""
    return request.cookies.get(COOKIE, "") if Layer.COOKIE in current_host().settings.layers else ""


def token(request: Request) -> str:
    """The token that the host's script sends where no cookie is kept, empty where there is none."""
    sent = request.authorization
    return sent.token or "" if sent is not None and sent.type == "bearer" else ""


def login_cookie(state: str) -> str:
    """The name of the short-lived cookie of one login.

    A browser's very first two logins may start at once, each with an answer of its own; so each has its own cookie,
    which is gone with its launch.
    """
    return LOGIN_COOKIE + hash_token(state)[:16]


def set_cookie(response: BaseResponse, name: str, value: str, max_age: int | None = None) -> None:
    """Set a cookie of ours; Path=/ because a ``__Host-`` cookie with another path is dropped."""
    response.set_cookie(
        name, value, max_age=max_age, path="/", secure=True, httponly=True, samesite="None", partitioned=True
    )


def is_from_own_page(request: Request) -> bool:
    """Whether a form was sent from a page of this server; the browser says so, and no page can say it for it.

    Such a page must not be sent with ``Referrer-Policy: no-referrer``, which makes the browser say ``null``.
    """
    return (
        request.headers.get("Origin") == current_host().settings.public_url
        or request.headers.get("Sec-Fetch-Site") == "same-origin"
    )


def enter(launch_id: str) -> Opened:
    """Open the launch of this request: it must belong to this browser, and a form must come from its own pages.

    A page that a browser without cookies asks for by its address is answered with one whose script looks for the
    launch's token and then asks again.
    """
    opened = open_launch(launch_id)
    own = browser_id(request)
    shown = token(request)
    if hash_token(shown or own) != opened.row.browser_hash:
        if request.method == "GET" and not shown and opened.row.binding not in (None, Layer.COOKIE):
            abort(shell.find(opened))
        raise refused("launch-other-browser", "a token" if shown else "a cookie" if own else "neither cookie nor token")
    if not shown and request.method not in ("GET", "HEAD", "OPTIONS"):
        sent = request.form.get(FORM_FIELD, "")
        if not current_host().sealer.signature_fits(FORM_PURPOSE, f"{launch_id}:{own}", sent):
            raise refused("form-stale")
    g.form_scope = f"{launch_id}:{shown or own}"
    g.launch = opened.launch
    g.frame_origins = opened.launch.frame_origins
    g.opened = opened
    set_locale(opened.launch.locale)
    return opened


def add_form_fields(response: Response) -> Response:
    """Put the proof that a form comes from the own pages of this launch, or sign-in, into each that is sent to us.

    Also where a token makes it needless: a tool's script may look for it.
    """
    scope: str | None = g.get("form_scope")
    if scope is None or response.mimetype != "text/html" or response.is_streamed:
        return response
    proof = current_host().sealer.sign(FORM_PURPOSE, scope)
    field = f'<input type="hidden" name="{FORM_FIELD}" value="{proof}">'.encode()

    def with_field(form: re.Match[bytes]) -> bytes:
        return form[0] if ELSEWHERE.search(form[0]) else form[0] + field

    response.set_data(POST_FORM.sub(with_field, response.get_data()))
    return response


def local_path(url: str, fallback: str) -> str:
    """`url` if it is a path on this server, else `fallback`: a form must not send people elsewhere."""
    parts = urlsplit(url)
    safe = url.startswith("/") and not url.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return url if safe else fallback
