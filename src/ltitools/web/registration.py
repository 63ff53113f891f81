"""A platform registers: the page that it opens in a frame, the page for doing it by hand, and what it may read of us.

The page keeps no cookie: whoever has the link of the institution is let in by the link, and the platform's token is
the proof for the platform. Both are in the address that the platform made, and go along in the page's own form.
"""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from flask import Blueprint, g, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ltitools.context import current_host
from ltitools.db import reading, session, utcnow
from ltitools.errors import Conflict, Refused
from ltitools.i18n import LOCALES, host, set_locale, use_locale
from ltitools.lti import registration as protocol
from ltitools.lti.platforms import Offer, ToolSite
from ltitools.lti.platforms.canvas import developer_key
from ltitools.lti.registration import PlatformConfiguration, RegistrationProblem
from ltitools.models import Registration, Tenant
from ltitools.refusals import explain, refused
from ltitools.services import audit, invitations, launches, registering, registrations, tenants
from ltitools.web import by_hand
from ltitools.web.tools import titles_of_tools

_ = host.gettext
log = logging.getLogger(__name__)
pages = Blueprint("registration", __name__, url_prefix="/lti/<tenant_key>")
FIELDS = ("invite", "openid_configuration", "registration_token")
LONGEST_ADDRESS = 2048


@pages.before_request
def check_tenant_key() -> None:
    """Refuse an address that no institution can have before it is looked up."""
    if not tenants.KEY_FORM.fullmatch((request.view_args or {})["tenant_key"]):
        raise refused("tenant-unknown")


@pages.get("/register")
def look(tenant_key: str) -> ResponseReturnValue:
    """What a registration would set up. The link without what a platform adds to it shows how to use it."""
    asked = _asked()
    tenant, done = _let_in(tenant_key, asked)
    if done is not None:
        return _done_page(tenant, done)
    if not asked["openid_configuration"]:
        return by_hand.page(tenant, asked["invite"], by_hand.Form())
    try:
        platform = registering.look_at(asked["openid_configuration"], asked["registration_token"])
    except RegistrationProblem as problem:
        return _problem_page(asked, problem)
    return _offer_page(tenant, asked, platform)


@pages.post("/register")
def register(tenant_key: str) -> ResponseReturnValue:
    """Register the platform."""
    asked = _asked()
    tenant, _done = _let_in(tenant_key, asked)
    offer = Offer(**{name: name in request.form for name in ("course_page", "console", "names", "emails")})
    url, token = asked["openid_configuration"], asked["registration_token"]
    try:
        outcome = registering.register(tenant, asked["invite"], url, token, site_of(tenant), offer)
    except RegistrationProblem as problem:
        return _problem_page(asked, problem)
    except Refused as problem:
        if problem.code != "invitation-busy":
            raise
        return _problem_page(asked, RegistrationProblem(problem.code, ""))
    log.info("registration %s tenant=%s", outcome.registration.id, tenant_key)
    return _done_page(tenant, outcome)


@pages.post("/register/by-hand")
def register_by_hand(tenant_key: str) -> ResponseReturnValue:
    """Register a platform with the values that somebody typed in."""
    asked = _asked()
    tenant, _done = _let_in(tenant_key, asked)
    form = by_hand.Form.read(request.form)
    try:
        new = form.registration()
        invitation = invitations.find(tenant, asked["invite"])
        if not invitations.claim(invitation, ""):
            raise refused("invitation-busy")
        with audit.acting(audit.Actor("link")):
            found, _new = registrations.add(tenant, new, title=form.title[:255])
            invitations.settle(invitation, found)
        session.commit()
    except Conflict as problem:
        session.rollback()
        return by_hand.page(tenant, asked["invite"], form, str(problem)), 422
    return _done_page(tenant, registering.Outcome(found, False, ()))


@pages.get("/canvas.json")
def canvas_configuration(tenant_key: str) -> ResponseReturnValue:
    """What Canvas reads for a developer key that is made by hand ("Enter URL")."""
    return jsonify(developer_key(site_of(launches.enabled_tenant(tenant_key)), Offer(), protocol.SCOPES))


@pages.get("/privacy")
def privacy(tenant_key: str) -> ResponseReturnValue:
    """What is kept of people and why, for anybody."""
    tenant = launches.enabled_tenant(tenant_key)
    set_locale(request.accept_languages.best_match(LOCALES) or tenant.locale)
    own = current_host().settings
    return render_template(
        "privacy.html",
        tenant=tenant,
        hours=own.launch_hours,
        log_days=own.launch_log_days,
        login_minutes=max(1, own.login_lifetime // 60),
        console_hours=own.console_hours,
    )


def site_of(tenant: Tenant) -> ToolSite:
    """The tools of an institution, as a platform is told of them, in the institution's language."""
    base = current_host().settings.public_url

    def address(endpoint: str) -> str:
        return base + url_for(endpoint, tenant_key=tenant.key)

    with use_locale(tenant.locale):
        description = _("Pre-assessments, competency grades, portfolios and badges for short programmes.")
    return ToolSite(
        name="ltitools",
        description=description,
        url=base,
        login_url=address("lti.login"),
        launch_url=address("lti.launch"),
        jwks_url=address("lti.jwks"),
        icon_url=base + url_for("static", filename="icon.svg"),
        privacy_url=address("registration.privacy"),
        tool_id=f"ltitools-{tenant.key}",
        names={locale: "ltitools" for locale in LOCALES if locale != tenant.locale},
    )


def _asked() -> dict[str, str]:
    asked = {name: request.values.get(name, "").strip() for name in FIELDS}
    if len(asked["openid_configuration"]) > LONGEST_ADDRESS:
        raise refused("request-malformed", "openid_configuration is too long")
    return asked


def _let_in(tenant_key: str, asked: dict[str, str]) -> tuple[Tenant, registering.Outcome | None]:
    """The institution, for whoever has a link of it, and what came of the link with this token before."""
    with reading():
        tenant = launches.enabled_tenant(tenant_key)
        set_locale(request.accept_languages.best_match(LOCALES) or tenant.locale)
        invitation = invitations.find(tenant, asked["invite"], asked["registration_token"])
        done = registering.finished(tenant, invitation, asked["registration_token"])
        # The platform is asked next, and nobody waits for a lock of ours meanwhile.
        session.expunge_all()
        session.rollback()
    return tenant, done


def _name_of(platform: PlatformConfiguration | Registration) -> str:
    """What a platform is called in a sentence: where nobody gave it a name, its host."""
    return platform.title or urlsplit(platform.issuer).netloc


def _offer_page(tenant: Tenant, asked: dict[str, str], platform: PlatformConfiguration) -> str:
    g.frame_origins = platform.origins
    wanted = protocol.wanted_scopes(platform)
    known = registering.known_as(tenant, platform, asked["registration_token"])
    return render_template(
        "registration/offer.html",
        tenant=tenant,
        known=known,
        chosen=Offer(**(known.offer or {})) if known else Offer(),
        asked=asked,
        platform=platform,
        name=_name_of(platform),
        tools=titles_of_tools(tenant),
        services=service_texts(wanted),
        missing=service_texts(protocol.missing_scopes(wanted)),
        tells_names=platform.claims is None or "name" in platform.claims,
        tells_emails=platform.claims is None or "email" in platform.claims,
    )


def _done_page(tenant: Tenant, outcome: registering.Outcome) -> str:
    """What came of it. Anybody may show it in a frame: hosted Canvas does so at the school's own host, which is none of
    the registration's addresses, and there is nothing on the page to press but its end.
    """
    found = outcome.registration
    return render_template(
        "registration/done.html",
        tenant=tenant,
        registration=found,
        name=_name_of(found),
        is_update=outcome.is_update,
        deployments=registrations.deployments(found),
        missing=service_texts(outcome.missing),
    )


def _problem_page(asked: dict[str, str], problem: RegistrationProblem) -> ResponseReturnValue:
    """What went wrong, in the platform's own words if it said any, with a button to try the same again."""
    advice = explain(problem.code)
    log.warning("registration failed: %s", problem)
    page = render_template(
        "registration/problem.html",
        asked=asked,
        form=request.form if request.method == "POST" else {},
        code=problem.code,
        what=advice.what,
        advice=advice,
        words=problem.words,
        at=utcnow().replace(microsecond=0),
        platform_error=None,
    )
    return page, advice.status


def service_texts(scopes: tuple[str, ...]) -> list[str]:
    """What the platform's services are for, in the reader's language; scopes that mean the same are one."""
    texts = {
        protocol.SCORE: _("send grades to the gradebook"),
        protocol.LINE_ITEM: _("add a column to the gradebook"),
        protocol.LINE_ITEM_READ: _("find columns of the gradebook"),
        protocol.RESULT: _("read the grades that they sent"),
        protocol.MEMBERS: _("know who is in a course"),
    }
    return [texts[scope] for scope in scopes if scope in texts]
