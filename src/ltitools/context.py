"""What one process of the host has at hand: settings, secrets, the way out, and what plugins listen to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flask import current_app

from ltitools.http import HttpClient
from ltitools.secrets import Sealer
from ltitools.settings import Settings

EXTENSION = "ltitools"


@dataclass
class Host:
    """The process's own objects. `listeners` maps the name of an event to the plugins that listen to it."""

    settings: Settings
    sealer: Sealer
    http: HttpClient
    listeners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wake: Callable[[], None] = lambda: None


def current_host() -> Host:
    """The host of the current application context."""
    host: Host = current_app.extensions[EXTENSION]
    return host
