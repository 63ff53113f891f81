"""The endpoints that a platform calls: login initiation, launch, key set."""

from __future__ import annotations

import logging
import time

from flask import Blueprint, Response, g, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ltitools.context import current_host
from ltitools.db import reading, session, set_read_only
from ltitools.i18n import match_locale, set_locale
from ltitools.lti import login as logins
from ltitools.lti.claims import read_message
from ltitools.lti.launch import MAX_TOKEN_BYTES, verify
from ltitools.refusals import refused
from ltitools.services import launches, platform_keys, tenants
from ltitools.web import sessions

log = logging.getLogger(__name__)
pages = Blueprint("lti", __name__, url_prefix="/lti/<tenant_key>")
KEYS_MAX_AGE = 3600


@pages.before_request
def check_tenant_key() -> None:
    """Refuse an address that no institution can have before it is looked up."""
    if not tenants.KEY_FORM.fullmatch((request.view_args or {})["tenant_key"]):
        raise refused("tenant-unknown")


@pages.route("/login", methods=["GET", "POST"])
def login(tenant_key: str) -> ResponseReturnValue:
    """Third-party login initiation: remember it, and send the browser to the platform's authorization endpoint."""
    set_read_only(False)
    host = current_host()
    asked = logins.read_login(request.values)
    tenant = launches.enabled_tenant(tenant_key)
    set_locale(request.accept_languages.best_match(["en", "fr"]) or tenant.locale)
    registration = launches.find_registration(tenant, asked.issuer, asked.client_id)
    logins.check_target(asked.target_link_uri, host.settings.public_url)
    state, nonce = logins.new_state()
    browser_id = sessions.browser_id(request)
    known_browser = bool(browser_id)
    browser_id = browser_id or sessions.new_browser_id()
    launches.remember_login(registration, state, nonce, browser_id, asked.target_link_uri)
    session.commit()
    redirect_uri = host.settings.public_url + url_for("lti.launch", tenant_key=tenant_key)
    response = redirect(logins.authorization_url(registration, asked, redirect_uri, state, nonce), 302)
    if not known_browser:
        sessions.set_cookie(response, sessions.COOKIE, browser_id)
        sessions.set_cookie(response, sessions.login_cookie(state), browser_id, host.settings.login_lifetime)
    return response


@pages.post("/launch")
def launch(tenant_key: str) -> ResponseReturnValue:
    """The one redirect URI: check the platform's answer, record the launch, and go to its tool."""
    host = current_host()
    state = request.form.get("state", "")
    token = request.form.get("id_token", "")
    login_cookie = sessions.login_cookie(state)
    browser_ids = [request.cookies.get(name, "") for name in (sessions.COOKIE, login_cookie)]
    if len(token) > MAX_TOKEN_BYTES:
        raise refused("token-too-large", f"id_token has {len(token)} characters")
    with reading():
        pending = launches.find_login(tenant_key, state, [known for known in browser_ids if known])
        # Detached, so that the end of this transaction does not make them be read again: keys may have to be
        # fetched now, and nobody waits for a lock of ours meanwhile.
        session.expunge_all()
        session.rollback()
    set_locale(request.accept_languages.best_match(["en", "fr"]) or pending.tenant.locale)
    if not token:
        return _platform_error(pending)
    claims = verify(
        token,
        pending.registration,
        pending.login,
        lambda kid: platform_keys.key_named(pending.registration, kid),
        now=int(time.time()),
        tolerance=host.settings.clock_tolerance,
        public_url=host.settings.public_url,
    )
    message = read_message(claims)
    locale = match_locale(message.locale, pending.tenant.locale)
    set_locale(locale)
    browser_id = sessions.browser_id(request) or sessions.new_browser_id()
    launches.use_up(pending.login)
    record = launches.record(pending.registration, message, browser_id, locale)
    session.commit()
    log.info("launch %s tenant=%s %s", record.id, tenant_key, message.message_type)
    if record.plugin:
        page = url_for("tool.home", plugin=record.plugin, launch_id=record.id)
    else:
        page = url_for("tool.choose", launch_id=record.id)
    response = redirect(page, 303)
    if not sessions.browser_id(request):
        sessions.set_cookie(response, sessions.COOKIE, browser_id)
    if login_cookie in request.cookies:
        sessions.set_cookie(response, login_cookie, "", max_age=0)
    return response


@pages.get("/jwks.json")
def jwks(tenant_key: str) -> Response:
    """The public keys of the institution's tools. Platforms may keep them for an hour."""
    tenant = launches.enabled_tenant(tenant_key)
    response = jsonify(keys=tenants.public_keys(tenant.id))
    response.cache_control.public = True
    response.cache_control.max_age = KEYS_MAX_AGE
    return response


def _platform_error(pending: launches.PendingWith) -> ResponseReturnValue:
    """The platform answers with an error instead of a token; the login is used up, and the person is helped.

    https://openid.net/specs/openid-connect-core-1_0.html#AuthError
    """
    error = request.form.get("error", "")
    launches.use_up(pending.login)
    session.commit()
    if not error:
        raise refused("token-missing", "neither id_token nor error")
    log.info("platform refused a login: %s", error[:80])
    g.platform_error = {"error": error[:80], "description": request.form.get("error_description", "")[:300]}
    raise refused("platform-refused", f"error {error[:80]!r}")
