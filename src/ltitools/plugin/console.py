"""Your pages in the console: they are for whoever administers the institution of the address."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, url_for
from werkzeug.wrappers import Response

from ltitools.context import current_host
from ltitools.db import session
from ltitools.plugin.launch import Tenant

NOTE = "__Host-ltitools-console-note"
NOTE_PURPOSE = "console-note"


def tenant() -> Tenant:
    """The institution that the page is about."""
    return Tenant(g.tenant.id, g.tenant.key, g.tenant.name, g.tenant.locale)


def saved(endpoint: str, text: str, **values: Any) -> Response:
    """Commit, and show the page again, with a text that says what was done."""
    session.commit()
    response = redirect(url_for(endpoint, **values), 303)
    sealed = current_host().sealer.seal(NOTE_PURPOSE, text)
    response.set_cookie(NOTE, sealed, max_age=60, path="/", secure=True, httponly=True, samesite="Lax")
    return response


__all__ = ["saved", "tenant"]
