"""The endpoints that a platform calls: login initiation, launch, key set."""

from __future__ import annotations

import logging
import re
import time
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, g, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ltitools.context import current_host
from ltitools.db import reading, session, set_read_only, utcnow
from ltitools.i18n import LOCALES, host, match_locale, set_locale
from ltitools.lti import login as logins
from ltitools.lti.claims import Message, read_message
from ltitools.lti.launch import MAX_TOKEN_BYTES, verify
from ltitools.lti.platform_errors import code_of
from ltitools.models import PendingLogin, Registration
from ltitools.refusals import explain, refused
from ltitools.secrets import hash_token, new_secret
from ltitools.services import launches, platform_keys, tenants
from ltitools.services.launches import Layer, PendingWith
from ltitools.web import sessions, shell

_ = host.gettext
log = logging.getLogger(__name__)
pages = Blueprint("lti", __name__, url_prefix="/lti/<tenant_key>")
IN_WINDOW = "ltitools_window"
ARRIVAL = "arrival"
ERROR_NAME = re.compile(r"[a-z_]{1,40}")
IN_PAGE = (Layer.STORAGE, Layer.PLATFORM, Layer.NAME)
"""The layers that a page's script looks after."""


@pages.before_request
def check_tenant_key() -> None:
    """Refuse an address that no institution can have before it is looked up."""
    if not tenants.KEY_FORM.fullmatch((request.view_args or {})["tenant_key"]):
        raise refused("tenant-unknown")


@pages.route("/login", methods=["GET", "POST"])
def login(tenant_key: str) -> ResponseReturnValue:
    """Third-party login initiation: remember it, and send the browser to the platform's authorization endpoint.

    A browser whose cookie we see is sent there at once. Any other gets a small page that first finds out what this
    browser keeps, in this place, because the platform's hint can be used once only.
    """
    set_read_only(False)
    settings = current_host().settings
    asked = logins.read_login(request.values)
    tenant = launches.enabled_tenant(tenant_key)
    set_locale(request.accept_languages.best_match(LOCALES) or tenant.locale)
    registration = launches.find_registration(tenant, asked.issuer, asked.client_id)
    g.log_registration_id = registration.id
    logins.check_target(asked.target_link_uri, settings.public_url)
    state, nonce = logins.new_state()
    in_window = request.form.get(IN_WINDOW) == "1"
    # The form that opened the window may not be redirected to another site: its page says where forms go.
    known = "" if in_window else sessions.browser_id(request)
    secret = known or new_secret()
    launches.remember_login(registration, asked, state, nonce, secret, window=in_window)
    session.commit()
    redirect_uri = settings.public_url + url_for("lti.launch", tenant_key=tenant_key)
    platform = logins.authorization_url(registration, asked, redirect_uri, state, nonce)
    if known:
        return redirect(platform, 302)
    response = make_response(
        render_template(
            "login.html",
            tenant_key=tenant_key,
            platform=platform,
            state=state,
            secret=secret,
            storage_target=asked.storage_target or "",
            in_window=in_window,
            again={**request.values.to_dict(), IN_WINDOW: "1"},
            **_if_nothing_is_kept(),
            **_layers_of(registration),
        )
    )
    if Layer.COOKIE in settings.layers:
        sessions.set_cookie(response, sessions.login_cookie(state), secret, settings.login_lifetime)
    return response


@pages.post("/login/kept")
def kept(tenant_key: str) -> ResponseReturnValue:
    """Whether the cookie of a login came back.

    A page that found nothing that this browser keeps says so here, so that the launch log knows.
    """
    state = request.form.get("state", "")
    if request.form.get("nothing"):
        g.log_registration_id = launches.find_login(tenant_key, state).registration.id
        raise refused("browser-other", "this browser keeps nothing for us: no cookie, storage or name")
    return jsonify(kept=sessions.login_cookie(state) in request.cookies)


@pages.post("/launch")
def launch(tenant_key: str) -> ResponseReturnValue:
    """The one redirect URI: check the platform's answer, record the launch, and go to its tool."""
    settings = current_host().settings
    state = request.form.get("state", "")
    token = request.form.get("id_token", "")
    if len(token) > MAX_TOKEN_BYTES:
        raise refused("token-too-large", f"id_token has {len(token)} characters")
    with reading():
        pending = launches.find_login(tenant_key, state)
        # Detached, so that the end of this transaction does not make them be read again: keys may have to be
        # fetched now, and nobody waits for a lock of ours meanwhile.
        session.expunge_all()
        session.rollback()
    g.log_registration_id = pending.registration.id
    set_locale(request.accept_languages.best_match(LOCALES) or pending.tenant.locale)
    if not token:
        return _platform_error(pending)
    binding = _binding(pending.login, state)
    if binding is None:
        return _look_for_secret(pending, token, state)
    claims = verify(
        token,
        pending.registration,
        pending.login,
        lambda kid: platform_keys.key_named(pending.registration, kid),
        now=int(time.time()),
        tolerance=settings.clock_tolerance,
        public_url=settings.public_url,
    )
    message = read_message(claims)
    g.log_message_type = message.message_type
    origins = _origins(pending.registration, message)
    if binding is Layer.NAME:
        _check_arrival(state, origins)
    locale = match_locale(message.locale, pending.tenant.locale)
    set_locale(locale)
    known = sessions.browser_id(request) if binding is Layer.COOKIE else ""
    secret = known or new_secret()
    launches.use_up(pending.login)
    record = launches.record(pending.registration, message, secret, locale, binding, window=pending.login.in_window)
    session.commit()
    log.info("launch %s tenant=%s %s by %s", record.id, tenant_key, message.message_type, binding)
    if binding is not Layer.COOKIE:
        return shell.begin(record, origins, secret)
    response = redirect(shell.home_of(record), 303)
    if not known:
        sessions.set_cookie(response, sessions.COOKIE, secret)
    login_cookie = sessions.login_cookie(state)
    if login_cookie in request.cookies:
        sessions.set_cookie(response, login_cookie, "", max_age=0)
    return response


@pages.get("/jwks.json")
def jwks(tenant_key: str) -> Response:
    """The public keys of the institution's tools. Platforms may keep them for an hour."""
    tenant = launches.enabled_tenant(tenant_key)
    response = jsonify(keys=tenants.public_keys(tenant.id))
    response.cache_control.public = True
    response.cache_control.max_age = int(tenants.KEYS_MAX_AGE.total_seconds())
    return response


def _if_nothing_is_kept() -> dict[str, Any]:
    """What is said where the page of a login finds nothing that works."""
    site = urlsplit(current_host().settings.public_url).netloc
    advice = explain("browser-other")
    step = _("Allow cookies for %(site)s, or use another browser. Then open the activity again.", site=site)
    return {
        "code": "browser-other",
        "what": _(
            "To open the activity, your browser has to remember for a moment that it was you who asked for it. It"
            " refuses everything that this site could use for that."
        ),
        "advice": {"next_step": step, "instructor": advice.instructor, "administrator": advice.administrator},
        "at": utcnow().replace(microsecond=0),
        "platform_error": None,
    }


def _layers_of(registration: Registration) -> dict[str, str]:
    """What a page that looks after the binding needs to know: the layers it may use, and the platform's origin.

    Messages to the platform's storage go to the origin of its authorization endpoint.
    https://www.imsglobal.org/spec/lti-cs-oidc/v0p1/#target-origin
    """
    parts = logins.split_url(registration.auth_url)
    return {
        "layers": " ".join(sorted(current_host().settings.layers)),
        "platform_origin": f"{parts.scheme}://{parts.netloc}",
    }


def _binding(login: PendingLogin, state: str) -> Layer | None:
    """The layer that ties this answer to the browser in which its login began, None where a page has to look for it.

    https://www.imsglobal.org/spec/security/v1p0/#prevent-cross-site-request-forgery-csrf
    """
    if Layer.COOKIE in current_host().settings.layers:
        names = (sessions.COOKIE, sessions.login_cookie(state))
        if any(hash_token(request.cookies.get(name, "")) == login.browser_hash for name in names):
            return Layer.COOKIE
    if "layer" not in request.form:
        return None
    # Whoever began a login of their own knows its secret, and could have others send it along.
    if not sessions.is_from_own_page(request):
        raise refused("browser-other", "the secret of the login was not sent from a page of ours")
    layer = request.form["layer"]
    if layer not in IN_PAGE or layer not in current_host().settings.layers:
        raise refused("browser-other", "this browser keeps nothing of the login")
    if hash_token(request.form.get("secret", "")) != login.browser_hash:
        raise refused("browser-other", f"{layer} holds the secret of another login")
    return Layer(layer)


def _look_for_secret(pending: PendingWith, token: str, state: str) -> Response:
    """The page that finds what the browser kept, and sends the same answer again with it.

    Where the answer came from is kept with it, sealed: only the first request knows.
    """
    origin = request.headers.get("Origin", "")
    page = render_template(
        "arrival.html",
        tenant_key=pending.tenant.key,
        token=token,
        state=state,
        storage_target=request.form.get("lti_storage_target") or pending.login.storage_target or "",
        origin=origin,
        arrival=current_host().sealer.sign(ARRIVAL, f"{state} {origin}"),
        **_layers_of(pending.registration),
    )
    response = make_response(page)
    response.headers["Referrer-Policy"] = shell.REFERRER
    return response


def _check_arrival(state: str, origins: tuple[str, ...]) -> None:
    """Refuse an answer that did not come from a page of the platform.

    The name of a frame can be given by the page around it, so the name alone would not tell an answer that somebody
    else had made for themselves and sent through this browser. Where it came from, the browser itself says.
    """
    origin = request.form.get("origin", "")
    sealed = current_host().sealer.signature_fits(ARRIVAL, f"{state} {origin}", request.form.get("arrival", ""))
    if not sealed or origin not in origins:
        raise refused("binding-origin", f"Origin {origin[:120]!r}" if sealed else "the origin is not sealed")


def _origins(registration: Registration, message: Message) -> tuple[str, ...]:
    answer = message.deep_linking.return_url if message.deep_linking else None
    return launches.platform_origins(registration, message.return_url, message.line_items_url, answer)


def _platform_error(pending: PendingWith) -> ResponseReturnValue:
    """The platform answers with an error instead of a token; the login is used up, and the person is helped.

    https://openid.net/specs/openid-connect-core-1_0.html#AuthError
    """
    error = request.form.get("error", "")
    description = request.form.get("error_description", "")
    launches.use_up(pending.login)
    session.commit()
    if not error:
        raise refused("token-missing", "neither id_token nor error")
    g.platform_error = {"error": error[:80], "description": description[:300]}
    known = error if ERROR_NAME.fullmatch(error) else "of an unusual form"
    raise refused(code_of(error, description), f"error {known}")
