"""The application: settings, database, plugins, pages and worker, put together."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from flask import Flask, current_app, g, has_app_context, request
from jinja2 import StrictUndefined
from sqlalchemy import event
from sqlalchemy.orm import Session

from ltitools.context import EXTENSION, Host
from ltitools.db import db, prepare_engine, set_read_only, take_announcement
from ltitools.http import HttpClient
from ltitools.i18n import LOCALE_NAMES, LOCALES, current_locale, set_locale
from ltitools.plugin import Plugin
from ltitools.plugins import actions, arrange, discover, listeners, sealed_columns
from ltitools.secrets import Sealer
from ltitools.services import audit
from ltitools.settings import Settings
from ltitools.web import console, headers, lti, pages, registration, sessions, shell, tools
from ltitools.worker import Worker

DEFAULT_DATABASE = Path("var/ltitools.db")


def create_app(settings: Settings | None = None, plugins: Iterable[Plugin] | None = None) -> Flask:
    """The WSGI application with the installed plugins, or exactly with `plugins` where they are given.

    Raises SettingsError or PluginError.
    """
    settings = settings or Settings.load()
    app = Flask("ltitools")
    app.config.update(
        SQLALCHEMY_DATABASE_URI=database_url(settings),
        # A database error must not carry names or answers into the log.
        SQLALCHEMY_ENGINE_OPTIONS={"hide_parameters": True},
        MAX_CONTENT_LENGTH=settings.max_request_bytes,
        MAX_FORM_MEMORY_SIZE=settings.max_request_bytes,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
    )
    found = discover() if plugins is None else arrange((plugin.key, plugin) for plugin in plugins)
    host = Host(
        settings,
        Sealer(settings.secret_key, settings.former_secret_keys.split()),
        HttpClient(settings),
        listeners(found),
        actions(found),
        sealed_columns(found),
    )
    app.extensions[EXTENSION] = host
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    worker = Worker(app, found)
    host.wake = worker.wake
    app.extensions["ltitools.worker"] = worker
    _install_templates(app)
    app.before_request(_begin)
    app.teardown_request(_end)
    app.register_blueprint(pages.pages)
    app.register_blueprint(lti.pages)
    app.register_blueprint(registration.pages)
    console.install(app, found)
    tools.mount(app, found)
    pages.install_error_pages(app)
    headers.install(app)
    app.after_request(sessions.add_form_fields)
    return app


def set_up_logging(settings: Settings) -> None:
    """Log to standard error, one line each, with time and level. For programs; tests have their own."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    logging.getLogger("ltitools").setLevel(settings.log_level)


def database_url(settings: Settings) -> str:
    """The database's address; by default a file below the current folder."""
    if settings.database_url:
        return settings.database_url
    DEFAULT_DATABASE.parent.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{DEFAULT_DATABASE.resolve()}"


def _begin() -> None:
    """Start a request: only a POST may write, and the language is the browser's until a launch says more."""
    set_read_only(request.method in ("GET", "HEAD", "OPTIONS"))
    set_locale(request.accept_languages.best_match(LOCALES) or LOCALES[0])


def _end(_error: BaseException | None) -> None:
    """Leave no mark of this request on the thread that served it."""
    set_read_only(False)
    set_locale(LOCALES[0])
    audit.set_actor(audit.COMMAND_LINE)


def _install_templates(app: Flask) -> None:
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(current_locale=current_locale, locales=LOCALE_NAMES)
    app.context_processor(_page_values)


def _page_values() -> dict[str, object]:
    """What the layout of every page shows: the launch, its tool, and the tool's name."""
    tool = current_app.extensions["ltitools.plugins"].get(g.get("plugin"))
    return {
        "launch": g.get("launch"),
        "is_administrator": g.opened.may_open_console if "opened" in g else False,
        "plugin_key": g.get("plugin"),
        "page_to_return_to": _page_to_return_to,
        "plugin_title": lambda: str(tool.title) if tool else "ltitools",
    }


def _page_to_return_to() -> str:
    """This page, or where it answers a form that has no page of its own, the beginning of the visit."""
    if current_app.url_map.bind("").test(request.path, "GET"):
        return request.path
    return shell.home_of(g.opened.row)


@event.listens_for(Session, "after_commit")
def _wake_worker(finished: Session) -> None:
    """After a commit that left something to deliver, the worker looks at once."""
    if take_announcement(finished) and has_app_context() and EXTENSION in current_app.extensions:
        current_app.extensions[EXTENSION].wake()
