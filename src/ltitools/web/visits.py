"""What a person can do with a visit as such: go on in a window of its own, and end it."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from ltitools.context import current_host
from ltitools.db import session
from ltitools.i18n import current_locale, match_locale, set_locale
from ltitools.plugin.launch import open_launch
from ltitools.refusals import refused
from ltitools.secrets import new_secret
from ltitools.services import administrators, visits
from ltitools.services.launches import Layer
from ltitools.web import sessions, shell
from ltitools.web.headers import VISIT

pages = Blueprint("visit", __name__, url_prefix="/tools/-")


@pages.post("/<launch_id>/window")
def window(launch_id: str) -> ResponseReturnValue:
    """A page with a button that opens the same launch in a window of its own, for a minute."""
    opened = sessions.enter(launch_id)
    code = visits.one_time_code(opened.row)
    session.commit()
    stay = sessions.local_path(request.form.get("back", ""), shell.home_of(opened.row))
    response = make_response(render_template("window.html", code=code, stay=stay))
    response.headers["Referrer-Policy"] = shell.REFERRER
    return response


@pages.get("/<launch_id>/console")
def console(launch_id: str) -> ResponseReturnValue:
    """Where a launch from the menu of an account arrives: a button to the console, for administrators."""
    opened = sessions.enter(launch_id)
    if not opened.row.is_administrator:
        raise refused("console-forbidden", "no administrator role")
    return render_template("console/from_launch.html", code="")


@pages.post("/<launch_id>/console")
def console_code(launch_id: str) -> ResponseReturnValue:
    """A page with a button that opens the console in a window of its own, for two minutes.

    The console is no page of an LMS: its sign-in is a cookie that only its own site's windows have.
    """
    opened = sessions.enter(launch_id)
    administrator = administrators.from_launch(opened.row, opened.launch.tenant.id)
    code = administrators.link_code(administrator, administrators.STEP_LIFETIME)
    session.commit()
    response = make_response(render_template("console/from_launch.html", code=code))
    response.headers["Referrer-Policy"] = shell.REFERRER
    return response


@pages.post("/arrive")
def arrive() -> ResponseReturnValue:
    """The new window: takes the launch over by its one-time code."""
    set_locale(match_locale(request.form.get("locale"), current_locale()))
    if not sessions.is_from_own_page(request):
        raise refused("window-code", "not from a page of ours")
    known = sessions.browser_id(request)
    secret = known or new_secret()
    row = visits.move(request.form.get("code", ""), secret)
    session.commit()
    if known:
        return redirect(shell.home_of(row), 303)
    with_cookie = Layer.COOKIE in current_host().settings.layers
    response = shell.begin(row, open_launch(row.id).launch.frame_origins, secret, try_cookie=with_cookie)
    if with_cookie:
        sessions.set_cookie(response, sessions.COOKIE, secret)
    return response


@pages.post("/<launch_id>/end")
def end(launch_id: str) -> ResponseReturnValue:
    """End the visit, for whoever leaves a computer that others use."""
    opened = sessions.enter(launch_id)
    visits.end(opened.row)
    session.commit()
    response = make_response(render_template("ended.html"))
    response.headers[VISIT] = "ended"
    if not sessions.token(request):
        sessions.set_cookie(response, sessions.COOKIE, "", max_age=0)
    return response
