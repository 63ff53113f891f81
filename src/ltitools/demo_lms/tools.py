"""The tools of this LMS: which of them there are, which one a request is about, and what an administrator does."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from flask import request
from sqlalchemy import select

from ltitools.demo_lms.access import Problem
from ltitools.demo_lms.lms import db, lms, texts
from ltitools.demo_lms.models import Activity, Course, Deployment, Tool
from ltitools.demo_lms.registration_rules import Accepted

lazy = texts.lazy

ACTIVE, PENDING, INACTIVE = STATES = ("active", "pending", "inactive")
COURSE_MENU = "course_navigation"


def all_tools() -> Sequence[Tool]:
    """Every tool, the oldest first."""
    return db().scalars(select(Tool).order_by(Tool.id)).all()


def active_tools() -> Sequence[Tool]:
    """The tools that can be launched."""
    return [tool for tool in all_tools() if tool.state == ACTIVE]


def choosers() -> Sequence[Tool]:
    """The tools that a teacher can choose from."""
    return [tool for tool in active_tools() if tool.deep_linking_url]


def menu_tools() -> Sequence[Tool]:
    """The tools in the menu of every course."""
    if not lms().personality.course_menu:
        return []
    everywhere = lms().personality.name != "canvas"
    return [tool for tool in active_tools() if everywhere or tool.given or COURSE_MENU in tool.placements]


def tool_of_client(client_id: str | None) -> Tool | None:
    """The active tool that calls itself `client_id`."""
    return next((tool for tool in active_tools() if tool.client_id == client_id), None)


def tool_here(number: int | None = None, among: Sequence[Tool] | None = None) -> Tool:
    """The tool that the request asks for by its number (``?tool=``), else the first one that will do; a page that
    says so where there is none."""
    found = active_tools() if among is None else among
    number = number or request.values.get("tool", type=int)
    for tool in found:
        if number in (None, tool.id):
            return tool
    raise Problem(
        lazy("No tool is registered"),
        lazy("An administrator has to register a tool and activate it first."),
        409,
    )


def usable_tool(activity: Activity) -> Tool | None:
    """The tool of an activity, while it can be launched."""
    tool = activity.tool
    return tool if tool and tool.state == ACTIVE else None


def activate(tool: Tool) -> None:
    """Let the tool be launched. Canvas makes the first deployment only now."""
    tool.state = ACTIVE
    if not tool.deployments:
        deploy(tool, None)


def deploy(tool: Tool, course: Course | None) -> Deployment:
    """Make the tool available in one course, or in all, under a deployment id of its own.

    Moodle knows a tool's one deployment by the tool's number; Canvas adds a long key.
    """
    db().flush()
    number = str(tool.id) if course is None else f"{tool.id}-{course.id}"
    deployment_id = f"{tool.id}{len(tool.deployments)}:{secrets.token_hex(20)}"
    if lms().personality.name != "canvas":
        deployment_id = number
    deployment = Deployment(tool=tool, course=course, deployment_id=deployment_id)
    db().add(deployment)
    db().flush()
    return deployment


def take(tool: Tool, accepted: Accepted) -> None:
    """Write to `tool` what its registration says."""
    tool.title, tool.icon_url, tool.domain = accepted.title, accepted.icon_url, accepted.domain
    tool.login_url, tool.launch_url, tool.jwks_url = accepted.login_url, accepted.launch_url, accepted.jwks_url
    tool.redirect_uris, tool.deep_linking_url = list(accepted.redirect_uris), accepted.deep_linking_url
    tool.scopes, tool.shares = list(accepted.scopes), list(accepted.shares)
    tool.placements, tool.custom, tool.asked = dict(accepted.placements), dict(accepted.custom), dict(accepted.asked)
