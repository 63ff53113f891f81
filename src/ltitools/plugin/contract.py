"""The contract of a tool: one frozen object, named by one entry point in the group ``ltitools.plugins``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import click
from flask import Blueprint
from flask.typing import ResponseReturnValue

from ltitools.db import Base
from ltitools.i18n import Domain, LazyText
from ltitools.services.events import Delivery, Event

if TYPE_CHECKING:
    from ltitools.models import Activity as StoredActivity
    from ltitools.plugin.launch import Activity, Launch

API_VERSION = 1


@dataclass(frozen=True)
class Plugin:
    """A tool. All but the first three may be left out.

    `key` is the URL part below ``/tools/``, the prefix of its tables and the name of its command group.
    `on_launch` answers the launch of an activity; `blueprint` holds the other launch pages, served below
    ``/tools/<key>/<launch id>/``. `pick` is the page of deep linking and of a link's first set-up; it ends with
    `Launch.place`. `listens` maps event classes to listeners, each called in a transaction of its own, again
    after a failure. `migrations` names a package with a ``versions`` folder. `texts` is the translation domain.
    """

    key: str
    title: LazyText
    on_launch: Callable[[Launch], ResponseReturnValue]
    blueprint: Blueprint | None = None
    pick: Callable[[Launch], ResponseReturnValue] | None = None
    cli: click.Group | None = None
    models: tuple[type[Base], ...] = ()
    migrations: str | None = None
    listens: Mapping[type[Event], Callable[[Delivery], None]] = field(default_factory=dict)
    texts: Domain | None = None
    api: int = API_VERSION


@dataclass(frozen=True)
class Placed:
    """An activity to be placed in a course. `graded` asks the LMS for a gradebook column; times are aware."""

    activity: Activity | StoredActivity
    title: str
    text: str = ""
    graded: bool = True
    score_maximum: Decimal = Decimal(100)
    target: str = "iframe"
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    due_at: datetime | None = None
