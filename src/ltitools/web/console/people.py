"""Who may administer: an institution, or the server."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ltitools.context import current_host
from ltitools.db import session
from ltitools.errors import Conflict
from ltitools.i18n import host
from ltitools.models import Administrator
from ltitools.services import administrators
from ltitools.web.console.skeleton import only_operators, saved

_ = host.gettext
pages = Blueprint("people", __name__)


@pages.get("/-/people")
@pages.get("/<tenant_key>/people")
def index() -> ResponseReturnValue:
    """Who may come in."""
    _check()
    return _index()


@pages.post("/-/people")
@pages.post("/<tenant_key>/people")
def add() -> ResponseReturnValue:
    """Let somebody in: by e-mail address with the institution's account, or by a link."""
    _check()
    try:
        found, _new = administrators.add(g.tenant, request.form.get("name", ""), request.form.get("email", ""))
    except Conflict as problem:
        session.rollback()
        return _index(problem=str(problem)), 422
    return saved("console.people.index", _("%(name)s may come in.", name=found.name))


@pages.post("/-/people/<int:number>/link")
@pages.post("/<tenant_key>/people/<int:number>/link")
def link(number: int) -> ResponseReturnValue:
    """Make a sign-in link, which is shown once."""
    _check()
    found = administrators.get(g.tenant, number)
    if not found.enabled:
        return _index(problem=_("%(name)s may not come in.", name=found.name)), 422
    code = administrators.link_code(found)
    session.commit()
    return _index(link=sign_in_link(code), link_for=found)


@pages.post("/-/people/<int:number>/enabled")
@pages.post("/<tenant_key>/people/<int:number>/enabled")
def switch(number: int) -> ResponseReturnValue:
    """Let somebody in again, or shut them out at once."""
    _check()
    found = administrators.get(g.tenant, number)
    enabled = request.form.get("enabled") == "yes"
    if not enabled and found.id == g.signed_in.administrator.id:
        return _index(problem=_("Nobody can shut themselves out.")), 422
    administrators.set_enabled(found, enabled)
    text = _("%(name)s may come in.", name=found.name) if enabled else _("%(name)s is shut out.", name=found.name)
    return saved("console.people.index", text)


def sign_in_link(code: str) -> str:
    """The address of a sign-in link."""
    return current_host().settings.public_url + url_for("console.entrance.enter_page", code=code)


def _check() -> None:
    if g.tenant is None:
        only_operators()


def _index(problem: str = "", link: str = "", link_for: Administrator | None = None) -> str:
    return render_template(
        "console/people.html",
        people=administrators.of_tenant(g.tenant),
        problem=problem,
        link=link,
        link_for=link_for,
        with_account=bool(current_host().settings.oidc_issuer),
        form=request.form if problem else {},
    )
