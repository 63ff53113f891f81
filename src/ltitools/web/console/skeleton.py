"""The console: what an institution's administrators, and the operator of the server, see and change in a browser.

A sign-in lasts some hours and is one cookie of this site, which no other site's page can use: ``SameSite=Lax``, no
frame, and a proof in each form. An administrator of an institution finds nothing outside it: another institution's
address is one that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakSet

from flask import Blueprint, Flask, Response, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.wrappers import Response as BaseResponse

from ltitools.context import current_host
from ltitools.db import session
from ltitools.errors import SettingsError
from ltitools.i18n import LOCALES, set_locale
from ltitools.models import Tenant
from ltitools.plugin import Plugin
from ltitools.plugin.console import NOTE, NOTE_PURPOSE, saved
from ltitools.plugins import CONSOLE
from ltitools.refusals import refused
from ltitools.services import administrators, audit, tenants
from ltitools.services.administrators import SignedIn
from ltitools.web import sessions
from ltitools.web.pages import show_http_error

COOKIE = "__Host-ltitools-console"
console = Blueprint("console", __name__, url_prefix="/console")
# A plugin's blueprint outlives an application where a process has several, as tests do.
_guarded: WeakSet[Blueprint] = WeakSet()
OPEN = "console.entrance."
"""What the endpoints of pages begin with that are for those who are not signed in."""


@console.url_value_preprocessor
def take_tenant_key(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Pages are about `g.tenant`, and have no argument for it."""
    g.tenant_key = (values or {}).pop("tenant_key", None)


@console.before_request
def let_in() -> ResponseReturnValue | None:
    """Let those in who are signed in and may see the institution; send others to the sign-in."""
    g.frame_origins = ()
    if (request.endpoint or "").startswith(OPEN):
        return None
    own = request.cookies.get(COOKIE, "")
    found = administrators.signed_in(own) if own else None
    if found is None:
        if request.method != "GET":
            raise refused("form-stale")
        return redirect(url_for("console.entrance.sign_in"), 303)
    scope = f"console:{own}"
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        sent = request.form.get(sessions.FORM_FIELD, "")
        if not current_host().sealer.signature_fits(sessions.FORM_PURPOSE, scope, sent):
            raise refused("form-stale")
    g.form_scope = scope
    g.signed_in = found
    g.tenant = _institution(found, g.tenant_key)
    set_locale(found.locale or request.accept_languages.best_match(LOCALES) or LOCALES[0])
    audit.set_actor(audit.Actor("administrator", found.administrator.id))
    return None


def _institution(found: SignedIn, key: str | None) -> Tenant | None:
    """The institution of the address; for somebody of another it is not there."""
    if key is None:
        return None
    if found.tenant is not None:
        if found.tenant.key != key:
            raise refused("page-unknown", "another institution")
        return found.tenant
    tenant = session.scalar(select(Tenant).where(Tenant.key == key)) if tenants.KEY_FORM.fullmatch(key) else None
    if tenant is None:
        raise refused("page-unknown", f"institution {key[:80]!r}")
    return tenant


def install(app: Flask, plugins: Mapping[str, Plugin]) -> None:
    """Add the console to `app`, with the pages that plugins have in it."""
    app.register_blueprint(console)
    for plugin in plugins.values():
        if plugin.console is not None:
            _guard(plugin.console)
            app.register_blueprint(plugin.console, url_prefix=f"{console.url_prefix}/<tenant_key>/{plugin.key}")
    app.url_defaults(_keep_institution)
    app.register_error_handler(MethodNotAllowed, _page_above)


def _guard(pages: Blueprint) -> None:
    """Pages of a tool are pages of the console: for the same people, of one institution, where the tool is on."""
    if pages in _guarded:
        return
    _guarded.add(pages)
    key = pages.name.removesuffix(CONSOLE)

    @pages.before_request
    def enter() -> ResponseReturnValue | None:
        g.plugin = key
        answer = let_in()
        if answer is None and key in g.tenant.disabled_plugins:
            raise refused("page-unknown", f"{key} is off")
        return answer

    pages.url_value_preprocessor(take_tenant_key)
    pages.after_request(_drop_note)


def _page_above(error: MethodNotAllowed) -> ResponseReturnValue:
    """What answers a form has an address without a page: whoever reloads or keeps it gets the page of the form."""
    pages = current_app.url_map.bind("")
    path = request.path if request.method == "GET" and request.path.startswith(f"{console.url_prefix}/") else "/"
    while (path := path.rstrip("/").rpartition("/")[0]) not in ("", console.url_prefix, f"{console.url_prefix}/-"):
        for above in (f"{path}/", path):
            if pages.test(above, "GET"):
                return redirect(above, 303)
    return show_http_error(error)


def _keep_institution(endpoint: str, values: dict[str, Any]) -> None:
    """Links of a page that is about an institution stay with it."""
    tenant: Tenant | None = g.get("tenant")
    if tenant is not None and endpoint.partition(".")[0].endswith("console"):
        values.setdefault("tenant_key", tenant.key)


def only_operators() -> None:
    """Refuse a page that concerns the whole server."""
    if not g.signed_in.is_operator:
        raise refused("page-unknown", "for operators")


def set_cookie(response: BaseResponse, secret: str) -> None:
    """Set the cookie of a sign-in, or with an empty secret remove it."""
    age = current_host().settings.console_hours * 3600 if secret else 0
    response.set_cookie(COOKIE, secret, max_age=age, path="/", secure=True, httponly=True, samesite="Lax")


@console.app_context_processor
def _console_values() -> dict[str, object]:
    return {"signed_in": g.get("signed_in"), "tenant": g.get("tenant"), "note": _note, "tool_pages": _tool_pages}


def _tool_pages() -> list[tuple[str, str]]:
    """The pages of tools that are on in the institution, for the menu: endpoint and title."""
    plugins: Mapping[str, Plugin] = current_app.extensions["ltitools.plugins"]
    return [
        (f"{plugin.key}{CONSOLE}.", str(plugin.title))
        for plugin in plugins.values()
        if plugin.console is not None and plugin.key not in g.tenant.disabled_plugins
    ]


def _note() -> str:
    """What was done on the page before, once."""
    sealed = request.cookies.get(NOTE, "")
    if not sealed or "signed_in" not in g:
        return ""
    g.drop_note = True
    try:
        return current_host().sealer.open(NOTE_PURPOSE, sealed)
    except SettingsError:
        return ""


@console.after_request
def _drop_note(response: Response) -> Response:
    if g.get("drop_note"):
        response.delete_cookie(NOTE, path="/", secure=True, httponly=True, samesite="Lax")
    return response


__all__ = ["console", "install", "only_operators", "saved", "set_cookie"]
