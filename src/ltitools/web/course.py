"""The page of a course, ``/tools/-/<launch id>/course``: its activities, and for each person what comes next."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from babel.dates import format_date, format_time
from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ltitools.db import session
from ltitools.i18n import current_locale, host
from ltitools.models import Activity
from ltitools.plugin import INSTRUCTORS, Launch, Link, Placed, Plugin, Progress, Role
from ltitools.plugin.launch import Opened, link_of
from ltitools.refusals import refused
from ltitools.services import courses, visits
from ltitools.web import sessions

log = logging.getLogger(__name__)
_, lazy = host.gettext, host.lazy
pages = Blueprint("host", __name__, url_prefix="/tools/-/<launch_id>/course")
TITLE = lazy("All activities of this course")
UNKNOWN = Progress("")
GROUPS = (
    (lazy("To do now"), ("open",)),
    (lazy("To look at"), ("",)),
    (lazy("Not open now"), ("waiting", "closed")),
    (lazy("Done"), ("done",)),
)
STEPS = {"open": lazy("Begin or continue"), "done": lazy("See it again"), "": lazy("Open")}
LOOK = lazy("Look at it")
LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Entry:
    """A line of the page. `tool` is the name of its tool, None where that is not available."""

    link: Link
    tool: str | None
    progress: Progress = UNKNOWN

    @property
    def step(self) -> str:
        """What the button of a learner says."""
        return str(STEPS.get(self.progress.state, LOOK))


@pages.get("")
def course(launch_id: str) -> ResponseReturnValue:
    """The activities of the course: for learners by what there is to do, for instructors with how far people are.

    Who is neither reads the titles only.
    """
    opened = _enter(launch_id)
    launch = opened.launch
    takes_part = launch.is_instructor or launch.is_learner
    entries = _entries(opened, takes_part)
    available = [entry for entry in entries if entry.tool is not None]
    return render_template(
        "course.html",
        title=TITLE,
        takes_part=takes_part,
        entries=available,
        groups=[(heading, found) for heading, states in GROUPS if (found := _in(states, available))],
        missing=[entry for entry in entries if entry.tool is None],
        when=_when,
    )


@pages.post("/open")
def open_link(launch_id: str) -> ResponseReturnValue:
    """Go to an activity of the course, as if the person had opened it in the LMS."""
    opened = _enter(launch_id)
    opened.launch.require(*INSTRUCTORS, Role.LEARNER)
    number = request.form.get("link", "")
    if not number.isdecimal() or len(number) > 9:
        raise refused("activity-unknown", "the form names no link")
    visit = visits.open_link(opened.row, int(number))
    if visit.plugin not in _available(opened):
        raise refused("tool-unknown", f"plugin {visit.plugin!r}")
    session.commit()
    return redirect(url_for("tool.home", plugin=visit.plugin, launch_id=visit.id), 303)


@pages.post("/place")
def place(launch_id: str) -> ResponseReturnValue:
    """Place this page in the course, for an LMS whose menu has none. A link that has an activity keeps it."""
    opened = sessions.enter(launch_id)
    launch = opened.launch
    launch.require(*INSTRUCTORS)
    if launch.deep_linking is None and opened.row.plugin is not None:
        raise refused("selection-used", "the link opens something already")
    page = courses.page_activity(launch.tenant.id)
    return launch.place([Placed(page, str(TITLE), graded=False)])


def _enter(launch_id: str) -> Opened:
    """Open a launch that has a course page: one that opens it, or one that came from it."""
    opened = sessions.enter(launch_id)
    if opened.row.plugin != courses.HOST and opened.launch.placement != courses.FROM_COURSE_PAGE:
        raise refused("page-unknown", "the launch is of one activity")
    return opened


def _available(opened: Opened) -> Mapping[str, Plugin]:
    """The tools that are installed and switched on in the institution."""
    installed: Mapping[str, Plugin] = current_app.extensions["ltitools.plugins"]
    return {key: plugin for key, plugin in installed.items() if key not in opened.disabled_plugins}


def _entries(opened: Opened, with_progress: bool) -> list[Entry]:
    """The page's lines, each tool asked once."""
    launch = opened.launch
    placed = courses.placed(launch.tenant.id, launch.course.id, launch.roles) if launch.course else ()
    named = [(replace(link_of(row), title=row.title or activity.title), activity) for row, activity in placed]
    available = _available(opened)
    progress: dict[int, Progress] = {}
    if with_progress:
        for key, links in _by_tool(named).items():
            if key in available:
                progress |= _progress(available[key], launch, links)
    return [
        Entry(
            link,
            str(available[activity.plugin].title) if activity.plugin in available else None,
            progress.get(link.id, UNKNOWN),
        )
        for link, activity in named
    ]


def _by_tool(named: Iterable[tuple[Link, Activity]]) -> Mapping[str, Sequence[Link]]:
    links: dict[str, list[Link]] = {}
    for link, activity in named:
        links.setdefault(activity.plugin, []).append(link)
    return links


def _progress(plugin: Plugin, launch: Launch, links: Sequence[Link]) -> Mapping[int, Progress]:
    """What the tool says. One that fails must not take the page of all the others with it."""
    if plugin.progress is None:
        return {}
    try:
        return plugin.progress(launch, links)
    except Exception:
        log.exception("plugin %s failed on the course page", plugin.key)
        session.rollback()
        return {}


def _in(states: Sequence[str], entries: Iterable[Entry]) -> list[Entry]:
    """The entries in these states, what is due first at the beginning."""
    found = [entry for entry in entries if entry.progress.state in states]
    return sorted(found, key=lambda entry: entry.progress.due or LATEST)


def _when(moment: datetime) -> str:
    """Date and time. The LMS says nothing of the person's time zone, so the page names its own."""
    locale = current_locale()
    return _(
        "%(date)s, %(time)s UTC",
        date=format_date(moment, "long", locale=locale),
        time=format_time(moment, "short", locale=locale),
    )
