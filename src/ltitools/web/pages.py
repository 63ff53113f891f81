"""Pages without a launch: the front page, health, and what a person reads when something is refused."""

from __future__ import annotations

import logging
from datetime import datetime

from flask import Blueprint, Flask, current_app, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from ltitools.db import session, set_read_only, utcnow
from ltitools.errors import NotFound, Refused
from ltitools.migrations import pending
from ltitools.refusals import explain, refused
from ltitools.services import launch_log

log = logging.getLogger(__name__)
pages = Blueprint("page", __name__)
CODE = Markup("<code>{}</code>")
LOGGED = {"lti.login": "login", "lti.kept": "login", "lti.launch": "launch"}
HTTP_CODES = {404: "page-unknown", 405: "method-wrong", 413: "request-too-large", 400: "request-malformed"}


@pages.get("/")
def index() -> ResponseReturnValue:
    """What a person sees who opens the server's address by itself."""
    return render_template("index.html")


@pages.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Whether the process answers."""
    return jsonify(status="ok")


@pages.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Whether the process can serve: the database answers and has every migration."""
    try:
        session.execute(text("SELECT 1"))
        waiting = pending(session.connection())
    except SQLAlchemyError as error:
        log.warning("not ready: %s", type(error).__name__)
        return jsonify(status="database unreachable"), 503
    if waiting:
        return jsonify(status="migrations waiting", migrations=waiting), 503
    return jsonify(status="ok")


def install_error_pages(app: Flask) -> None:
    """Answer refusals and errors with a page that a person can read."""
    app.register_error_handler(Refused, _show)
    app.register_error_handler(NotFound, lambda error: _show(refused("page-unknown", str(error))))
    app.register_error_handler(HTTPException, show_http_error)
    app.register_error_handler(Exception, _crash)


@pages.app_template_filter()
def with_code(text: object) -> Markup:
    """A sentence whose parts between backticks are shown as code."""
    parts = str(text).split("`")
    return Markup("").join(CODE.format(part) if number % 2 else escape(part) for number, part in enumerate(parts))


def _show(error: Refused) -> ResponseReturnValue:
    session.rollback()
    log.info("refused %s %s at %s: %s", error.code, error.status, request.endpoint, error.detail or "-")
    at = utcnow().replace(microsecond=0)
    _note(error, at)
    page = render_template(
        "error.html",
        code=error.code,
        what=error.text,
        advice=explain(error.code),
        at=at,
        platform_error=g.get("platform_error"),
    )
    return page, error.status


def _note(error: Refused, at: datetime) -> None:
    """Put a refused login or launch into the launch log of its institution. A failure must not make things worse."""
    endpoint = LOGGED.get(request.endpoint or "")
    if endpoint is None or (request.method == "POST" and not any(request.form.values())):
        # Nothing was sent, by `ltitools doctor` for example: nobody tried to come in.
        return
    set_read_only(False)
    try:
        launch_log.note(
            (request.view_args or {})["tenant_key"],
            g.get("log_registration_id"),
            at=at,
            endpoint=endpoint,
            code=error.code,
            detail=error.detail,
            message_type=g.get("log_message_type"),
        )
    except SQLAlchemyError as problem:
        session.rollback()
        log.warning("a refusal is missing in the launch log: %s", type(problem).__name__)


def show_http_error(error: HTTPException) -> ResponseReturnValue:
    """The page for what the web framework refuses."""
    if error.code is None or error.code < 400:
        return error
    problem = refused(HTTP_CODES.get(error.code, "request-malformed" if error.code < 500 else "server-error"))
    problem.status = error.code
    return _show(problem)


def _crash(error: Exception) -> ResponseReturnValue:
    if current_app.testing:
        raise error
    log.exception("error in %s %s", request.method, request.endpoint)
    session.rollback()
    return _show(refused("server-error", type(error).__name__))
