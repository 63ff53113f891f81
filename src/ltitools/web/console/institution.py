"""The institutions of the server, and of one institution: what there is to do, its settings, tools and audit log."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ltitools.db import session
from ltitools.errors import Conflict
from ltitools.i18n import LOCALES, host
from ltitools.refusals import refused
from ltitools.services import administrators, audit, grades, launch_log, registrations, tenants
from ltitools.web import sessions
from ltitools.web.console.skeleton import COOKIE, only_operators, saved, set_cookie
from ltitools.web.tools import installed

_ = host.gettext
pages = Blueprint("institution", __name__)
RECENT_REFUSALS = 5
ENTRIES = 50


@pages.get("/")
def index() -> ResponseReturnValue:
    """For operators the institutions; others have one."""
    if not g.signed_in.is_operator:
        return redirect(url_for("console.institution.overview", tenant_key=g.signed_in.tenant.key), 303)
    return _institutions()


@pages.post("/")
def add() -> ResponseReturnValue:
    """Add an institution."""
    only_operators()
    key, name = request.form.get("key", "").strip(), request.form.get("name", "").strip()
    try:
        if not name:
            raise Conflict(_("An institution needs a name."))
        tenant, _new = tenants.add(key, name, request.form.get("locale", ""))
    except Conflict as problem:
        session.rollback()
        return _institutions(str(problem)), 422
    return saved("console.institution.overview", _("%(name)s is there.", name=tenant.name), tenant_key=tenant.key)


@pages.post("/-/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session."""
    administrators.end(request.cookies.get(COOKIE, ""))
    session.commit()
    response = redirect(url_for("console.entrance.sign_in"), 303)
    set_cookie(response, "")
    return response


@pages.post("/-/language")
def language() -> ResponseReturnValue:
    """Show the console in another language for the rest of the session."""
    locale = request.form.get("locale", "")
    if locale in LOCALES:
        administrators.choose_locale(request.cookies.get(COOKIE, ""), locale)
        session.commit()
    return redirect(sessions.local_path(request.form.get("back", ""), url_for("console.institution.index")), 303)


@pages.get("/-/log")
def server_log() -> ResponseReturnValue:
    """What was changed on the server, besides its institutions."""
    only_operators()
    return _log(None)


@pages.get("/<tenant_key>/")
def overview() -> ResponseReturnValue:
    """What there is, and what waits for somebody."""
    tenant = g.tenant
    found = registrations.of_tenant(tenant.id)
    deployments = [(each, one) for each in found for one in registrations.deployments(each)]
    undelivered = grades.undelivered(tenant.id)
    return render_template(
        "console/overview.html",
        registrations=found,
        pending=[(each, one) for each, one in deployments if one.state == "pending"],
        parked=sum(grade.state != "waiting" for grade, _link, _person in undelivered),
        waiting=sum(grade.state == "waiting" for grade, _link, _person in undelivered),
        refusals=launch_log.entries(tenant.id, RECENT_REFUSALS, only_refused=True),
        tools=[tool for tool in installed().values() if tool.key not in tenant.disabled_plugins],
    )


@pages.get("/<tenant_key>/settings")
def settings() -> ResponseReturnValue:
    """Name and language, whether the institution is on, and its tools."""
    return _settings()


@pages.post("/<tenant_key>/settings")
def change_settings() -> ResponseReturnValue:
    """Change name, language, and whether administrators of the LMS may come in."""
    form = request.form
    try:
        tenants.change(
            g.tenant,
            form.get("name", ""),
            form.get("locale", ""),
            lms_administrators="lms_administrators" in form,
        )
    except Conflict as problem:
        session.rollback()
        return _settings(str(problem)), 422
    return saved("console.institution.settings", _("Saved."))


@pages.post("/<tenant_key>/settings/enabled")
def switch() -> ResponseReturnValue:
    """Switch the institution on or off: for operators."""
    only_operators()
    enabled = request.form.get("enabled") == "yes"
    tenants.set_enabled(g.tenant.key, enabled)
    text = _("The institution is on.") if enabled else _("The institution is off: nothing of it can be opened.")
    return saved("console.institution.settings", text)


@pages.post("/<tenant_key>/settings/tools")
def switch_tool() -> ResponseReturnValue:
    """Switch a tool on or off."""
    tool = installed().get(request.form.get("tool", ""))
    if tool is None:
        raise refused("page-unknown", "no such tool")
    enabled = request.form.get("enabled") == "yes"
    tenants.set_plugin_enabled(g.tenant.key, tool.key, enabled)
    text = _("%(tool)s is on.", tool=tool.title) if enabled else _("%(tool)s is off.", tool=tool.title)
    return saved("console.institution.settings", text)


@pages.get("/<tenant_key>/log")
def log() -> ResponseReturnValue:
    """Who changed what."""
    return _log(g.tenant.id)


def _institutions(problem: str = "") -> str:
    return render_template(
        "console/institutions.html",
        institutions=tenants.all_tenants(),
        form=request.form,
        problem=problem,
        locale_choices=LOCALES,
    )


def _settings(problem: str = "") -> str:
    return render_template("console/settings.html", tools=installed().values(), form=request.form, problem=problem)


def _log(tenant_id: int | None) -> str:
    before = request.args.get("before", type=int)
    entries = audit.entries(tenant_id, ENTRIES + 1, before)
    return render_template(
        "console/log.html",
        entries=entries[:ENTRIES],
        older=entries[ENTRIES - 1][0].id if len(entries) > ENTRIES else None,
        actions=audit.actions(),
    )
