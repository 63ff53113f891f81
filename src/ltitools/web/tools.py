"""Pages of tools: ``/tools/<plugin>/<launch id>/…``, and the page on which an instructor chooses one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakSet

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    g,
    redirect,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from flask.typing import ResponseReturnValue

from ltitools.db import session
from ltitools.i18n import LOCALES, Domain, host, install_jinja, set_locale
from ltitools.models import Tenant
from ltitools.plugin import INSTRUCTORS, Plugin
from ltitools.plugins import CONSOLE, PUBLIC, check_addresses
from ltitools.refusals import refused
from ltitools.services import courses, files, people
from ltitools.web import course, sessions, visits

pages = Blueprint("tool", __name__, url_prefix="/tools")
# A plugin's blueprint outlives an application where a process has several, as tests do.
_guarded: WeakSet[Blueprint] = WeakSet()
STATIC_MAX_AGE = 3600
# At least as long as an id of ours, so that the rules of a plugin leave /tools/<plugin>/-/… to the host.
LAUNCH_ID = "<string(minlength=16):launch_id>"


def mount(app: Flask, plugins: Mapping[str, Plugin]) -> None:
    """Register the pages of the host and of every plugin with `app`."""
    app.extensions["ltitools.plugins"] = plugins
    app.register_blueprint(pages)
    app.register_blueprint(course.pages)
    app.register_blueprint(visits.pages)
    domains: dict[str, Domain] = {}
    for plugin in plugins.values():
        if plugin.texts is not None:
            domains[plugin.key] = plugin.texts
        if plugin.blueprint is not None:
            _guard(plugin.blueprint)
            app.register_blueprint(plugin.blueprint, url_prefix=f"/tools/{plugin.key}/{LAUNCH_ID}")
        if plugin.public is not None:
            _open_to_all(plugin.public)
            app.register_blueprint(plugin.public)
    for plugin in plugins.values():
        check_addresses(plugin, [(rule.endpoint, rule.rule) for rule in app.url_map.iter_rules()])
    install_jinja(app.jinja_env, host, domains)
    app.jinja_env.globals["plugin_static"] = _plugin_static
    app.url_defaults(_same_launch)


def _guard(blueprint: Blueprint) -> None:
    """Every page of the blueprint belongs to a launch: open it first, and take its id out of the arguments."""
    if blueprint in _guarded:
        return
    _guarded.add(blueprint)

    @blueprint.url_value_preprocessor
    def take_launch_id(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.launch_id = (values or {}).pop("launch_id", "")

    @blueprint.before_request
    def open_the_launch() -> None:
        _enter(blueprint.name, g.launch_id)


def _open_to_all(blueprint: Blueprint) -> None:
    """The pages belong to no launch; an address may say their language, as there is nothing that remembers it."""
    if blueprint in _guarded:
        return
    _guarded.add(blueprint)

    @blueprint.before_request
    def choose_language() -> None:
        g.plugin = blueprint.name.removesuffix(PUBLIC)
        wanted = request.args.get("lang")
        if wanted in LOCALES:
            g.lang_asked = wanted
            set_locale(wanted)


def _enter(plugin: str, launch_id: str) -> None:
    """Open the launch for a page of `plugin`; an activity is opened by its own tool only."""
    opened = sessions.enter(launch_id)
    if plugin in opened.disabled_plugins or opened.row.plugin not in (None, plugin):
        raise refused("tool-unknown", f"plugin {plugin!r}")
    g.plugin = plugin


def _same_launch(endpoint: str, values: dict[str, Any]) -> None:
    """Links of a launch page stay in its launch, so that plugins write plain ones; those of a page that belongs to none
    stay in the language that its address says.
    """
    launch = g.get("launch")
    if launch is None and endpoint.partition(".")[0].endswith(PUBLIC) and "lang_asked" in g:
        values.setdefault("lang", g.lang_asked)
    if (
        launch is None
        or endpoint.startswith(("static", "lti.", "page.", "registration.", "console."))
        or endpoint.partition(".")[0].endswith((PUBLIC, CONSOLE))
        or endpoint in ("tool.static", "visit.arrive")
    ):
        return
    values.setdefault("launch_id", launch.id)
    if endpoint == "tool.home":
        values.setdefault("plugin", g.get("plugin"))


def _plugin_static(filename: str) -> str:
    return url_for("tool.static", plugin=g.plugin, filename=filename)


def installed() -> Mapping[str, Plugin]:
    """The tools of this server, by key."""
    found: Mapping[str, Plugin] = current_app.extensions["ltitools.plugins"]
    return found


def titles_of_tools(tenant: Tenant) -> list[str]:
    """What the tools that an institution has are called."""
    return [str(tool.title) for tool in installed().values() if tool.key not in tenant.disabled_plugins]


@pages.get("/<plugin>/-/static/<path:filename>")
def static(plugin: str, filename: str) -> ResponseReturnValue:
    """A file of a plugin's own; it belongs to no launch."""
    found = installed().get(plugin)
    if found is None or found.blueprint is None or not found.blueprint.static_folder:
        abort(404)
    return send_from_directory(found.blueprint.static_folder, filename, max_age=STATIC_MAX_AGE)


@pages.get("/<plugin>/<launch_id>/")
def home(plugin: str, launch_id: str) -> ResponseReturnValue:
    """Where a launch arrives: the activity, the course page, or for an instructor the choice of an activity."""
    if plugin == courses.HOST:
        return redirect(url_for("host.course", launch_id=launch_id), 303)
    _enter(plugin, launch_id)
    tool = installed().get(plugin)
    if tool is None:
        raise refused("tool-unknown", f"plugin {plugin!r}")
    launch = g.launch
    if launch.activity is not None and launch.deep_linking is None:
        return tool.on_launch(launch)
    if not launch.is_instructor:
        raise refused("activity-not-set-up" if launch.deep_linking is None else "role-forbidden")
    if tool.pick is None:
        raise refused("tool-unknown", f"plugin {plugin!r} offers nothing to choose")
    return tool.pick(launch)


@pages.get("/-/<launch_id>/choose")
def choose(launch_id: str) -> ResponseReturnValue:
    """The choice of a tool, for an instructor who is placing an activity or whose link has none yet.

    Where there is only one it is chosen; with ``?all=1``, to which its page links, the page is shown nevertheless.
    """
    opened = sessions.enter(launch_id)
    launch = opened.launch
    if not launch.is_instructor:
        raise refused("activity-not-set-up" if launch.deep_linking is None else "role-forbidden")
    launch.require(*INSTRUCTORS)
    offered = [tool for tool in installed().values() if tool.pick and tool.key not in opened.disabled_plugins]
    if len(offered) == 1 and "all" not in request.args:
        return redirect(url_for("tool.home", plugin=offered[0].key, launch_id=launch_id), 303)
    return render_template("choose.html", tools=offered)


@pages.post("/-/<launch_id>/language")
def language(launch_id: str) -> ResponseReturnValue:
    """Show the tools in another language, in this visit and the next, and return to the same page."""
    opened = sessions.enter(launch_id)
    people.choose_locale(opened.row, request.form.get("locale", ""))
    session.commit()
    fallback = url_for("tool.choose", launch_id=launch_id)
    return redirect(sessions.local_path(request.form.get("back", ""), fallback), 303)


@pages.get("/-/<launch_id>/files/<file_id>")
def file(launch_id: str, file_id: str) -> ResponseReturnValue:
    """A picture that a tool keeps, for whoever has a launch of its institution; other kinds of file are not shown."""
    found = files.get(sessions.enter(launch_id).launch.tenant.id, file_id)
    if found is None or found.media_type not in files.SHOWN:
        abort(404)
    headers = {
        "Content-Disposition": "inline",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": f"private, max-age={STATIC_MAX_AGE}, immutable",
    }
    return Response(found.content, mimetype=found.media_type, headers=headers)
