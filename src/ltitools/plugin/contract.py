"""The contract of a tool: one frozen object, named by one entry point in the group ``ltitools.plugins``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import click
from flask import Blueprint
from flask.typing import ResponseReturnValue

from ltitools.db import Base
from ltitools.i18n import Domain, LazyText
from ltitools.services.events import Delivery, Event
from ltitools.services.jobs import JobRun

if TYPE_CHECKING:
    from ltitools.models import Activity as StoredActivity
    from ltitools.plugin.launch import Activity, Launch, Link

API_VERSION = 1


@dataclass(frozen=True)
class Job:
    """Work that the worker does for a tool: when `jobs.enqueue` asks for it, or `every` so often without being asked.

    `function` is called in a transaction of its own, which is committed after it, and again after a failure; after a
    crash it may be run once more although it was done. It has ten minutes. While it asks another server, no transaction
    should be open: commit before. A job with `every` is run once in that time by all processes together, for no
    tenant in particular; a tool that has work for each of its tenants enqueues other jobs then.
    """

    name: str
    function: Callable[[JobRun], None]
    every: timedelta | None = None


@dataclass(frozen=True)
class Plugin:
    """A tool. All but the first three may be left out.

    `key` is the URL part below ``/tools/``, the prefix of its tables and the name of its command group.
    `on_launch` answers the launch of an activity; `blueprint` holds the other launch pages, served below
    ``/tools/<key>/<launch id>/``. `pick` is the page of deep linking and of a link's first set-up; it ends with
    `Launch.place`. `progress` is asked once for a course page: how far the person is in the activities behind these
    links, or how far everybody is where an instructor asks. `listens` maps event classes to listeners, each called
    in a transaction of its own, again after a failure. `jobs` are what the worker can do for the tool.
    `migrations` names a package with a ``versions`` folder.
    `texts` is the translation domain. `export_person` gives what the tool keeps of a person (tenant id, person id), as
    that person can read it; without it they get the rows of its tables. `erase_person` removes it, or makes it
    anonymous, in the caller's transaction: afterwards no row may name the person any more, which the host checks.
    Without it the rows go in which a column ``person_id`` names the person, with those below them.
    `public` holds pages without a launch, for anybody: a blueprint ``<key>_public`` whose addresses all begin with one
    of `public_paths`, such as ``/verify``. `console` holds pages for the administrators of an institution: a blueprint
    ``<key>_console``, served below ``/console/<tenant>/<key>``, whose view ``index`` is in the menu. `actions` names
    what the tool writes into the audit log, each ``<key>.<action>``, in words.
    """

    key: str
    title: LazyText
    on_launch: Callable[[Launch], ResponseReturnValue]
    blueprint: Blueprint | None = None
    pick: Callable[[Launch], ResponseReturnValue] | None = None
    public: Blueprint | None = None
    public_paths: tuple[str, ...] = ()
    console: Blueprint | None = None
    cli: click.Group | None = None
    progress: Callable[[Launch, Sequence[Link]], Mapping[int, Progress]] | None = None
    models: tuple[type[Base], ...] = ()
    migrations: str | None = None
    listens: Mapping[type[Event], Callable[[Delivery], None]] = field(default_factory=dict)
    jobs: tuple[Job, ...] = ()
    export_person: Callable[[int, int], Mapping[str, Any]] | None = None
    erase_person: Callable[[int, int], None] | None = None
    texts: Domain | None = None
    actions: Mapping[str, LazyText] = field(default_factory=dict)
    api: int = API_VERSION


@dataclass(frozen=True)
class Progress:
    """What the course page says of an activity; an instructor reads the text alone, which says how far people are.

    `state`: ``open`` (there is something to do now), ``waiting`` (there will be), ``done``, ``closed`` (it cannot be
    done any more) or empty, where there is nothing to do. `text` is one short sentence.
    """

    state: Literal["open", "waiting", "done", "closed", ""]
    text: LazyText | str = ""
    due: datetime | None = None


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
