"""What one process of the host has at hand: settings, secrets, the way out, and what plugins listen to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import current_app
from sqlalchemy.orm import InstrumentedAttribute

from ltitools.http import HttpClient
from ltitools.i18n import LazyText
from ltitools.secrets import Sealer
from ltitools.settings import Settings

EXTENSION = "ltitools"


@dataclass
class Host:
    """The process's own objects. `listeners` maps the name of an event to the plugins that listen to it.

    `actions` is what plugins write into the audit log, in words. `sealed` are their columns of sealed texts.
    """

    settings: Settings
    sealer: Sealer
    http: HttpClient
    listeners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    actions: Mapping[str, LazyText] = field(default_factory=dict)
    sealed: tuple[InstrumentedAttribute[Any], ...] = ()
    wake: Callable[[], None] = lambda: None


def current_host() -> Host:
    """The host of the current application context."""
    host: Host = current_app.extensions[EXTENSION]
    return host
