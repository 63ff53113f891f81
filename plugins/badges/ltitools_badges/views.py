"""What the pages of this tool share: their blueprints, and rendering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, render_template

from ltitools.plugin import INSTRUCTORS, Launch, LazyText, NotFound, current_launch
from ltitools_badges import achievements
from ltitools_badges.models import Achievement, Version

pages = Blueprint("badges", __name__, template_folder="templates", static_folder="static")


@dataclass(frozen=True)
class Mistake:
    """Something missing in a form, for the summary at its top and next to the field."""

    field: str
    text: LazyText | str


def page(template: str, **values: Any) -> str:
    """The page ``badges/<template>.html``."""
    return render_template(f"badges/{template}.html", **values)


def picture_of(version: Version) -> Response:
    """The picture of a version. Drafts change, so nobody keeps it; an SVG opened by itself must not do anything."""
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    if version.image_svg:
        return Response(version.image_svg, mimetype="image/svg+xml", headers=headers)
    return Response(version.image_png, mimetype="image/png", headers=headers)


def instructor_launch() -> Launch:
    """The launch of this page, which only instructors may open."""
    launch = current_launch()
    launch.require(*INSTRUCTORS)
    return launch


def shown_achievement(launch: Launch) -> Achievement:
    """The micro-credential that the launch opens."""
    if launch.activity is None:
        raise NotFound("This launch opens no micro-credential.")
    return achievements.of_activity(launch.tenant.id, launch.activity.id)


def editable_achievement() -> tuple[Launch, Achievement]:
    """The launch and its micro-credential, for an instructor whose course owns it; others are refused."""
    launch = instructor_launch()
    achievement = shown_achievement(launch)
    if not launch.owns_activity:
        raise NotFound("This micro-credential belongs to another course.")
    return launch, achievement
