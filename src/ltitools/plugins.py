"""Discovery of the installed plugins and the checks at start-up: all of the magic there is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import InstrumentedAttribute

from ltitools.errors import PluginError
from ltitools.i18n import LazyText
from ltitools.plugin import API_VERSION, Plugin
from ltitools.services.events import Event

GROUP = "ltitools.plugins"
RESERVED = frozenset({"tool", "host", "page", "static", "lti", "ltitools", "visit", "registration", "console"})
PUBLIC, CONSOLE = "_public", "_console"
"""What the names of a plugin's further blueprints end with."""
PUBLIC_PATH = re.compile(r"/[a-z][a-z0-9-]{0,31}")
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


def actions(plugins: Mapping[str, Plugin]) -> Mapping[str, LazyText]:
    """What the plugins write into the audit log."""
    return {action: text for plugin in plugins.values() for action, text in plugin.actions.items()}


def sealed_columns(plugins: Mapping[str, Plugin]) -> tuple[InstrumentedAttribute[Any], ...]:
    """The columns of the plugins that hold sealed texts: those with ``info={"sealed": <purpose>}``."""
    return tuple(
        getattr(model, attribute.key)
        for plugin in plugins.values()
        for model in plugin.models
        for attribute in inspect(model).column_attrs
        if "sealed" in attribute.columns[0].info
    )


def check(name: str, plugin: object) -> Plugin:
    """The plugin, if it keeps the contract. Raises PluginError with one sentence."""
    if not isinstance(plugin, Plugin):
        raise PluginError(f"The entry point {name!r} names something that is no ltitools.plugin.Plugin.")
    if plugin.api != API_VERSION:
        raise PluginError(f"Plugin {name!r} is made for API {plugin.api}; this host has API {API_VERSION}.")
    if plugin.key != name:
        raise PluginError(f"Plugin {name!r} says that its key is {plugin.key!r}: both must be the same.")
    taken = plugin.key in RESERVED or plugin.key.endswith((PUBLIC, CONSOLE))
    if not KEY_FORM.fullmatch(plugin.key) or taken:
        raise PluginError(f"The key {plugin.key!r} cannot be used for a plugin: choose a word of a-z, 0-9 and _.")
    if plugin.blueprint is not None and plugin.blueprint.name != plugin.key:
        raise PluginError(f"The blueprint of plugin {name!r} must have the plugin's name.")
    _check_pages(plugin)
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


def _check_pages(plugin: Plugin) -> None:
    """The pages that belong to no launch. That their addresses are free is checked once all are there."""
    for pages, ending in ((plugin.public, PUBLIC), (plugin.console, CONSOLE)):
        if pages is not None and pages.name != plugin.key + ending:
            raise PluginError(
                f"The blueprint {pages.name!r} of plugin {plugin.key!r} must be named '{plugin.key}{ending}'."
            )
    for path in plugin.public_paths:
        if not PUBLIC_PATH.fullmatch(path):
            raise PluginError(f"The public path {path!r} of plugin {plugin.key!r} must be one part, such as '/verify'.")
    for action in plugin.actions:
        if not action.startswith(f"{plugin.key}."):
            raise PluginError(f"The action {action!r} of plugin {plugin.key!r} must begin with '{plugin.key}.'.")


def check_addresses(plugin: Plugin, rules: Iterable[tuple[str, str]]) -> None:
    """Public pages stay below the plugin's own paths, and nobody else's are there; `rules` are endpoint and path."""

    def below(rule: str) -> bool:
        return any(rule == path or rule.startswith((f"{path}/", f"{path}.")) for path in plugin.public_paths)

    for endpoint, rule in rules:
        own = endpoint.startswith(f"{plugin.key}{PUBLIC}.")
        if own and not below(rule):
            raise PluginError(f"The page {rule!r} of plugin {plugin.key!r} is below none of its public paths.")
        if not own and below(rule):
            raise PluginError(f"The public path of plugin {plugin.key!r} is taken: {rule!r} is there already.")


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
