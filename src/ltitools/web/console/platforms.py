"""Platforms of an institution: registration links, registrations, deployments, and the test of a connection."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ltitools.context import current_host
from ltitools.db import session
from ltitools.errors import Conflict
from ltitools.i18n import host
from ltitools.lti.platforms import FAMILIES
from ltitools.lti.registration import RegistrationProblem
from ltitools.models import Registration
from ltitools.refusals import refused
from ltitools.services import doctor, invitations, registering, registrations
from ltitools.web import by_hand
from ltitools.web.console.skeleton import saved
from ltitools.web.registration import site_of

_ = host.gettext
pages = Blueprint("platforms", __name__, url_prefix="/<tenant_key>/platforms")
CHANGEABLE = ("title", "auth_url", "token_url", "jwks_url", "platform", "deployments_policy")


@pages.get("/")
def index() -> ResponseReturnValue:
    """The registrations, and the links that wait for a platform."""
    return _index()


@pages.post("/links")
def invite() -> ResponseReturnValue:
    """Make a registration link. It is shown once: its code is kept hashed."""
    try:
        days = request.form.get("days", type=int) or 0
        invitation, code = invitations.add(g.tenant, request.form.get("note", ""), days)
    except Conflict as problem:
        session.rollback()
        return _index(problem=str(problem)), 422
    session.commit()
    return _index(link=link_of(g.tenant.key, code), link_until=invitation.expires_at)


@pages.post("/links/<int:number>/revoke")
def revoke(number: int) -> ResponseReturnValue:
    """Let an unused link lead nowhere any more."""
    try:
        invitations.revoke(g.tenant.id, number)
    except Conflict as problem:
        session.rollback()
        return _index(problem=str(problem)), 422
    return saved("console.platforms.index", _("The link is revoked."))


@pages.get("/by-hand")
def hand() -> ResponseReturnValue:
    """The addresses to paste into a platform, and a form for its own."""
    return _by_hand(by_hand.Form())


@pages.post("/by-hand")
def register_by_hand() -> ResponseReturnValue:
    """Register a platform with the values that were typed in."""
    form = by_hand.Form.read(request.form)
    try:
        found, is_new = registrations.add(g.tenant, form.registration(), title=form.title[:255])
    except Conflict as problem:
        session.rollback()
        return _by_hand(form, str(problem)), 422
    text = _("The platform is registered.") if is_new else _("The platform was registered already, with these values.")
    return saved("console.platforms.show", text, number=found.id)


@pages.get("/<int:number>")
def show(number: int) -> ResponseReturnValue:
    """A registration and its deployments."""
    return _show(registrations.get(g.tenant.id, number))


@pages.post("/<int:number>")
def change(number: int) -> ResponseReturnValue:
    """Change what is known of the platform."""
    found = registrations.get(g.tenant.id, number)
    values = {name: request.form.get(name, "").strip() for name in CHANGEABLE}
    try:
        registrations.change(found, **values)
    except Conflict as problem:
        session.rollback()
        return _show(registrations.get(g.tenant.id, number), problem=str(problem)), 422
    return saved("console.platforms.show", _("Saved."), number=number)


@pages.post("/<int:number>/enabled")
def switch(number: int) -> ResponseReturnValue:
    """Switch a registration on or off."""
    enabled = request.form.get("enabled") == "yes"
    registrations.set_enabled(registrations.get(g.tenant.id, number), enabled)
    text = _("The platform is on.") if enabled else _("The platform is off: nothing can be opened from it.")
    return saved("console.platforms.show", text, number=number)


@pages.post("/<int:number>/deployments")
def list_deployment(number: int) -> ResponseReturnValue:
    """List a deployment before it launches, approved."""
    found = registrations.get(g.tenant.id, number)
    deployment_id = request.form.get("deployment_id", "").strip()[:255]
    if not deployment_id:
        return _show(found, problem=_("The deployment ID is missing.")), 422
    known = [one for one in registrations.deployments(found) if one.deployment_id == deployment_id]
    if known:
        registrations.set_deployment_state(g.tenant.id, known[0].id, "approved")
    else:
        registrations.add_deployment(found, deployment_id, "approved")
    return saved("console.platforms.show", _("The deployment may launch."), number=number)


@pages.post("/<int:number>/deployments/<int:deployment>/<any(approved, rejected):state>")
def decide(number: int, deployment: int, state: str) -> ResponseReturnValue:
    """Approve a deployment, or refuse its launches."""
    registrations.set_deployment_state(g.tenant.id, deployment, state)
    text = _("The deployment may launch.") if state == "approved" else _("Launches of the deployment are refused.")
    return saved("console.platforms.show", text, number=number)


@pages.post("/<int:number>/test")
def test(number: int) -> ResponseReturnValue:
    """Fetch the platform's keys, log in and ask for a token, as launches and grades do."""
    found = registrations.get(g.tenant.id, number)
    findings = doctor.examine(g.tenant.key, number)
    return _show(found, findings=findings)


@pages.post("/<int:number>/settings")
def send_settings(number: int) -> ResponseReturnValue:
    """Send the platform our addresses again, where it takes them."""
    found = registrations.get(g.tenant.id, number)
    if not registering.takes_updates(found):
        raise refused("page-unknown", "the platform takes no updates")
    try:
        registering.update(found, site_of(g.tenant))
    except RegistrationProblem as problem:
        session.rollback()
        text = _("The platform did not take them: %(words)s", words=problem.words)
        return _show(registrations.get(g.tenant.id, number), problem=text), 502
    return saved("console.platforms.show", _("The platform has our settings."), number=number)


def link_of(tenant_key: str, code: str) -> str:
    """The address of a registration link."""
    return current_host().settings.public_url + url_for("registration.look", tenant_key=tenant_key, invite=code)


def _index(problem: str = "", **made: object) -> str:
    return render_template(
        "console/platforms.html",
        registrations=registrations.of_tenant(g.tenant.id),
        links=[(one, found, invitations.state(one)) for one, found in invitations.of_tenant(g.tenant.id)],
        days=invitations.DAYS,
        longest_days=invitations.LONGEST_DAYS,
        problem=problem,
        **{"link": "", "link_until": None, **made},
    )


def _by_hand(form: by_hand.Form, problem: str = "") -> str:
    action = url_for("console.platforms.register_by_hand")
    return render_template("console/by_hand.html", action=action, **by_hand.values(g.tenant, form, problem))


def _show(found: Registration, problem: str = "", findings: object = None) -> str:
    return render_template(
        "console/platform.html",
        registration=found,
        deployments=registrations.deployments(found),
        takes_updates=registering.takes_updates(found),
        families=FAMILIES,
        policies={
            "auto": _("may launch at once"),
            "pending": _("wait until somebody here approves them"),
            "listed": _("are refused unless they are listed"),
        },
        states={"approved": _("may launch"), "pending": _("waits"), "rejected": _("is refused")},
        form=request.form if problem else {},
        problem=problem,
        findings=findings,
    )
