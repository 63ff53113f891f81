"""The keys with which an institution's tools sign."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue

from ltitools.db import utcnow
from ltitools.i18n import host
from ltitools.services import tenants
from ltitools.web.console.skeleton import saved

_ = host.gettext
pages = Blueprint("keys", __name__, url_prefix="/<tenant_key>/keys")


@pages.get("/")
def index() -> ResponseReturnValue:
    """The keys, and what each is good for now."""
    now = utcnow()
    rows = [
        (
            key,
            "past" if key.retired_at and key.retired_at <= now else "next" if (key.signs_from or now) > now else "here",
        )
        for key in tenants.keys(g.tenant.id)
    ]
    return render_template("console/keys.html", rows=rows)


@pages.post("/")
def rotate() -> ResponseReturnValue:
    """Put a new key in the place of the others."""
    at_once = request.form.get("at_once") == "yes"
    signs_from = tenants.rotate_key(g.tenant, at_once=at_once)
    text = _("A new key signs from %(time)s UTC on.", time=signs_from.strftime("%Y-%m-%d %H:%M"))
    return saved("console.keys.index", text)
