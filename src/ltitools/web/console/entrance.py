"""Signing in to the console, and out: by a one-time link, from a launch, or with OpenID Connect."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ltitools.context import current_host
from ltitools.db import reading, session, set_read_only
from ltitools.errors import SettingsError
from ltitools.i18n import host
from ltitools.models import Administrator
from ltitools.oidc import Account, Provider, ProviderProblem, Request
from ltitools.refusals import refused
from ltitools.services import administrators, attempts, tenants
from ltitools.web import sessions
from ltitools.web.console.skeleton import set_cookie

_ = host.gettext
log = logging.getLogger(__name__)
pages = Blueprint("entrance", __name__, url_prefix="/-")
ATTEMPTS = 30
"""Sign-ins from one address in ten minutes."""
ASKED = "__Host-ltitools-account"
ASKED_PURPOSE = "console-account"
ASKED_SECONDS = 600


@pages.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    """How to get in."""
    return render_template("console/sign_in.html", with_account=bool(current_host().settings.oidc_issuer))


@pages.get("/enter/<code>")
def enter_page(code: str) -> ResponseReturnValue:
    """The page of a one-time link. Its button uses the link up, so that whoever previews links does not."""
    with reading():
        administrator = administrators.waits(code)
    if administrator is None:
        raise refused("console-code", "unknown, used or too old")
    return render_template("console/enter.html", code=code, administrator=administrator)


@pages.get("/enter")
def enter_without_code() -> ResponseReturnValue:
    """Whoever reloads the answer to the form, or keeps its address."""
    return redirect(url_for("console.entrance.sign_in"), 303)


@pages.post("/enter")
def enter() -> ResponseReturnValue:
    """Sign in with a code."""
    attempts.count("sign-in", request.remote_addr or "", ATTEMPTS)
    if not sessions.is_from_own_page(request):
        raise refused("console-code", "not from a page of ours")
    administrator, secret = administrators.sign_in(request.form.get("code", ""))
    session.commit()
    return begin(administrator, secret)


@pages.get("/account")
def account() -> ResponseReturnValue:
    """Go to the provider with which administrators sign in.

    https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth
    """
    try:
        provider = _provider()
        asked = Request.make()
        response = redirect(provider.authorization_url(asked), 303)
    except ProviderProblem as problem:
        raise refused("console-provider", str(problem)) from problem
    until = int(time.time()) + ASKED_SECONDS
    sealed = current_host().sealer.seal(ASKED_PURPOSE, json.dumps({"until": until, **asked.as_dict()}))
    response.set_cookie(ASKED, sealed, max_age=ASKED_SECONDS, path="/", secure=True, httponly=True, samesite="Lax")
    return response


@pages.get("/oidc")
def come_back() -> ResponseReturnValue:
    """The provider sends the browser back: sign in whom it names, if they may come in."""
    set_read_only(False)
    attempts.count("sign-in", request.remote_addr or "", ATTEMPTS)
    try:
        found = _provider().account(_asked(), request.args)
    except ProviderProblem as problem:
        raise refused("console-provider", str(problem)) from problem
    people = administrators.with_email(found.email, found.subject)
    if not people:
        raise refused("console-unknown-person")
    response = _choose(people, found)
    response.delete_cookie(ASKED, path="/", secure=True, httponly=True, samesite="Lax")
    return response


def _choose(people: Sequence[Administrator], found: Account) -> Response:
    """Into the console, or where somebody administers several institutions, first the choice of one."""
    for administrator in people:
        administrators.remember_subject(administrator, found.subject)
    if len(people) == 1:
        secret = administrators.begin(people[0])
        session.commit()
        return begin(people[0], secret)
    names = {each.id: each.name for each in tenants.all_tenants()}
    choices = [
        (names.get(each.tenant_id or 0, ""), administrators.link_code(each, administrators.STEP_LIFETIME))
        for each in people
    ]
    session.commit()
    return make_response(render_template("console/choose.html", choices=choices))


def _provider() -> Provider:
    """The provider of the settings. Refuses the page where there is none."""
    own = current_host()
    settings = own.settings
    if not settings.oidc_issuer:
        raise refused("page-unknown", "oidc_issuer is not set")
    return Provider(
        http=own.http,
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        redirect_uri=settings.public_url + url_for("console.entrance.come_back"),
    )


def _asked() -> Request:
    """What this browser was sent to the provider with. Raises ProviderProblem."""
    try:
        kept = json.loads(current_host().sealer.open(ASKED_PURPOSE, request.cookies.get(ASKED, "")))
    except (SettingsError, ValueError) as error:
        raise ProviderProblem("this browser was not sent to the provider, or keeps no cookie") from error
    if kept.pop("until") < time.time():
        raise ProviderProblem("the browser came back too late")
    return Request(**kept)


def begin(administrator: Administrator, secret: str) -> Response:
    """The first page of a session."""
    log.info("administrator %s signed in", administrator.id)
    response = make_response(redirect(url_for("console.institution.index"), 303))
    set_cookie(response, secret)
    return response
