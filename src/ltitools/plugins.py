"""Discovery of the installed plugins and the checks at start-up: all of the magic there is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from importlib.metadata import EntryPoint, entry_points

from ltitools.errors import PluginError
from ltitools.plugin import API_VERSION, Plugin
from ltitools.services.events import Event

GROUP = "ltitools.plugins"
RESERVED = frozenset({"tool", "host", "page", "static", "lti", "ltitools", "visit", "registration", "console"})
KEY_FORM = re.compile(r"[a-z][a-z0-9_]{0,31}")


def discover() -> Mapping[str, Plugin]:
    """The installed plugins by key, checked. Raises PluginError with one sentence."""
    return arrange((entry.name, _load(entry)) for entry in sorted(entry_points(group=GROUP)))


def arrange(named: Iterable[tuple[str, object]]) -> Mapping[str, Plugin]:
    """Plugins by key, checked each and against each other."""
    found: dict[str, Plugin] = {}
    for name, candidate in named:
        plugin = check(name, candidate)
        if plugin.key in found:
            raise PluginError(f"Two plugins have the key {plugin.key!r}: uninstall one of them.")
        found[plugin.key] = plugin
    _check_tables(found.values())
    return found


def listeners(plugins: Mapping[str, Plugin]) -> Mapping[str, tuple[str, ...]]:
    """Which plugins listen to which event, by the event's name."""
    heard = {event for plugin in plugins.values() for event in plugin.listens}
    return {event.__name__: tuple(p.key for p in plugins.values() if event in p.listens) for event in heard}


def check(name: str, plugin: object) -> Plugin:
    """The plugin, if it keeps the contract. Raises PluginError with one sentence."""
    if not isinstance(plugin, Plugin):
        raise PluginError(f"The entry point {name!r} names something that is no ltitools.plugin.Plugin.")
    if plugin.api != API_VERSION:
        raise PluginError(f"Plugin {name!r} is made for API {plugin.api}; this host has API {API_VERSION}.")
    if plugin.key != name:
        raise PluginError(f"Plugin {name!r} says that its key is {plugin.key!r}: both must be the same.")
    if not KEY_FORM.fullmatch(plugin.key) or plugin.key in RESERVED:
        raise PluginError(f"The key {plugin.key!r} cannot be used for a plugin: choose a word of a-z, 0-9 and _.")
    if plugin.blueprint is not None and plugin.blueprint.name != plugin.key:
        raise PluginError(f"The blueprint of plugin {name!r} must have the plugin's name.")
    for model in plugin.models:
        table = str(model.__tablename__)
        if not table.startswith(f"{plugin.key}_"):
            raise PluginError(f"Plugin {name!r} has a table {table!r}, which does not begin with '{plugin.key}_'.")
        if "tenant_id" not in model.__table__.columns:
            raise PluginError(f"The table {table!r} of plugin {name!r} has no tenant_id.")
    if plugin.models and plugin.migrations is None:
        raise PluginError(f"Plugin {name!r} has tables but no migrations.")
    names = [job.name for job in plugin.jobs]
    for job in plugin.jobs:
        if names.count(job.name) > 1:
            raise PluginError(f"Plugin {name!r} has two jobs named {job.name!r}: rename one of them.")
        if job.every is not None and job.every <= timedelta():
            raise PluginError(f"The job {job.name!r} of plugin {name!r} must come at an interval longer than nothing.")
    for event in plugin.listens:
        if Event.kinds.get(event.__name__) is not event:
            raise PluginError(f"Plugin {name!r} listens to {event.__name__!r}, which is no event.")
    return plugin


def _check_tables(plugins: Iterable[Plugin]) -> None:
    keys = [plugin.key for plugin in plugins]
    for key in keys:
        for other in keys:
            if key != other and other.startswith(f"{key}_"):
                raise PluginError(f"The keys {key!r} and {other!r} would share table names: rename one of them.")


def _load(entry: EntryPoint) -> object:
    try:
        return entry.load()
    except Exception as error:
        raise PluginError(f"Plugin {entry.name!r} cannot be loaded: {type(error).__name__}: {error}") from error
