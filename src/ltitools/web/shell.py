"""Visits without a cookie: a page around the tool's pages whose script shows the token of the launch.

Where a browser keeps no cookie for us, nothing in a plain request says whose it is. Then each page's address is
answered with the shell, which holds nothing of the visit. Its script (``static/visit.js``) finds the token in the
storage of the frame, or in its name where even that is denied, asks for the same address with the token in a header,
and shows the answer in a frame of its own. Links and forms in there go the same way. So the token is in no address.
"""

from __future__ import annotations

from flask import Response, g, make_response, render_template, url_for

from ltitools.db import utcnow
from ltitools.lti.platforms.canvas import ACCOUNT_NAVIGATION
from ltitools.models import Launch
from ltitools.plugin.launch import Opened
from ltitools.refusals import explain
from ltitools.web.headers import VISIT

REFUSAL = "launch-other-browser"
"""What is shown where the script finds no token."""
REFERRER = "same-origin"
"""Of pages whose forms must be recognised as our own: a browser that may not name the page names no origin either."""


def home_of(row: Launch) -> str:
    """Where a launch arrives: its tool, the choice of one, or from the menu of an account the console."""
    if row.placement == ACCOUNT_NAVIGATION:
        return url_for("visit.console", launch_id=row.id)
    if row.plugin:
        return url_for("tool.home", plugin=row.plugin, launch_id=row.id)
    return url_for("tool.choose", launch_id=row.id)


def begin(row: Launch, origins: tuple[str, ...], token: str, *, try_cookie: bool = False) -> Response:
    """The shell of a launch that begins now; with `try_cookie` it first looks whether the cookie does as well."""
    g.frame_origins = origins
    return _shell(row, token=token, home=home_of(row), try_cookie=try_cookie)


def find(opened: Opened) -> Response:
    """The shell for the address of a page: its script finds the token, or shows that the browser has none.

    For whoever has no token it is a refusal. Its status is that of a page all the same: what stands in front of this
    server might put a page of its own in the place of an error, and no visit could be reloaded then.
    """
    g.frame_origins = opened.launch.frame_origins
    return _shell(opened.row, token="", home="", try_cookie=False)


def _shell(row: Launch, *, token: str, home: str, try_cookie: bool) -> Response:
    g.is_shell = True
    if row.deep_linking:
        # The answer to the LMS is sent from this page, because a page inside it cannot take its place.
        g.form_targets = ("", row.deep_linking["return_url"])
    page = render_template(
        "visit.html",
        visit=row.id,
        token=token,
        home=home,
        try_cookie=try_cookie,
        code=REFUSAL,
        what=explain(REFUSAL).what,
        advice=explain(REFUSAL),
        at=utcnow().replace(microsecond=0),
        platform_error=None,
    )
    response = make_response(page)
    response.headers["Referrer-Policy"] = REFERRER
    response.headers[VISIT] = "shell"
    return response
