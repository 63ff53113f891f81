"""Makes the demo LMS: one Flask application, one database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from flask import Flask, Response, render_template, request
from flask.typing import ResponseReturnValue
from jinja2 import StrictUndefined
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from ltitools.demo_lms import access, faults, oauth, presentation, sign_in
from ltitools.demo_lms.administration import administration
from ltitools.demo_lms.ags import ags
from ltitools.demo_lms.control import control as control_routes
from ltitools.demo_lms.deep_linking import deep_linking
from ltitools.demo_lms.faults import Faults
from ltitools.demo_lms.lms import (
    FetchKeys,
    Lms,
    SignInClient,
    ToolRegistration,
    close_db,
    close_with,
    lms,
    open_database,
    register_tool,
    remembered_tool,
    session_secret,
    texts,
)
from ltitools.demo_lms.loopback import fetch_json
from ltitools.demo_lms.nrps import nrps
from ltitools.demo_lms.oidc import oidc
from ltitools.demo_lms.pages import pages
from ltitools.demo_lms.personalities import PERSONALITIES, Name
from ltitools.demo_lms.registration import registration
from ltitools.demo_lms.seed import forget_old, seed
from ltitools.demo_lms.storage import storage
from ltitools.demo_lms.teaching import teaching
from ltitools.i18n import install_jinja

_ = texts.gettext
lazy = texts.lazy


def _utcnow() -> datetime:
    return datetime.now(UTC)


def create_lms(
    database: str = "sqlite://",
    public_url: str = "http://lms.localhost:8100",
    tool: ToolRegistration | None = None,
    personality: Name = "moodle",
    control: bool = False,
    *,
    now: Callable[[], datetime] = _utcnow,
    fetch_keys: FetchKeys = fetch_json,
    faults: Faults | None = None,
    sign_in_clients: Iterable[SignInClient] = (),
) -> Flask:
    """The LMS at `public_url`, which is also its issuer.

    `database` is an SQLAlchemy URL of SQLite; ``sqlite://`` is in memory. A file keeps keys, activities and
    grades. `tool` is remembered; later it can be left out, or changed by `register_tool`. Others register themselves.
    People of `sign_in_clients` sign in here. `control` adds the routes for tests. `now`, `fetch_keys` (a JWKS URL to
    its JSON) and `faults` are for tests in the same process.
    """
    app = Flask(__name__, static_url_path="/static")
    engine = open_database(database)
    close_with(app, engine)
    habits = PERSONALITIES[personality]
    state = Lms(
        public_url=public_url.rstrip("/"),
        personality=habits,
        now=now,
        fetch_keys=fetch_keys,
        faults=faults or Faults(),
        engine=engine,
        lock=threading.RLock(),
        sign_in_clients={each.client_id: each for each in sign_in_clients},
    )
    app.extensions["demo_lms"] = state
    with Session(engine) as session:
        seed(session, state.public_url)
        forget_old(session, now())
        secret = session_secret(session)
        tool = tool or remembered_tool(session)
        session.commit()
    app.config.update(
        SECRET_KEY=secret,
        SESSION_COOKIE_NAME="campus_demo",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=state.public_url.startswith("https:"),
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(hours=1),
        MAX_CONTENT_LENGTH=2 * 1024 * 1024,
    )
    _install(app, with_control=control)
    if tool is not None:
        register_tool(app, tool)
    return app


def _install(app: Flask, with_control: bool) -> None:
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    install_jinja(app.jinja_env, default=texts, prefixes={"lms": texts})
    presentation.install(app)
    oauth.init_app(app)
    sign_in.init_app(app)
    blueprints = (pages, teaching, administration, oidc, storage, deep_linking, ags, nrps, registration)
    for blueprint in (*blueprints, oauth.oauth, sign_in.sign_in):
        app.register_blueprint(blueprint)
    if with_control:
        app.register_blueprint(control_routes)
    app.before_request(lambda: faults.before(lms().faults))
    app.before_request(access.choose_locale)
    app.after_request(_finish)
    app.teardown_appcontext(close_db)
    app.register_error_handler(access.Problem, _problem)
    app.register_error_handler(NotFound, _not_found)


def _finish(response: Response) -> Response:
    """Let go of the database, then misbehave if a test asked for it, then add the headers of every answer."""
    close_db()
    policy = response.headers.get("Content-Security-Policy") or presentation.content_security_policy()
    close_db()
    response = faults.after(response)
    headers = response.headers
    headers.setdefault("Content-Security-Policy", policy)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    if response.mimetype == "text/html":
        headers.setdefault("Cache-Control", "no-store")
    return response


def _problem(problem: access.Problem) -> ResponseReturnValue:
    page = render_template("lms/problem.html", title=str(problem.title), text=str(problem.text))
    return page, problem.status


def _not_found(error: NotFound) -> ResponseReturnValue:
    if request.path.startswith(("/lti/", "/api/")):
        return error
    title, text = _("There is no such page"), _("The address may be wrong, or the activity was deleted.")
    return render_template("lms/problem.html", title=title, text=text), 404
