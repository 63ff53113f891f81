"""What the pages of this tool share: the blueprint, rendering, and who may see a version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, render_template

from ltitools.plugin import INSTRUCTORS, Launch, LazyText, Refused, current_launch
from ltitools_diagnostic import richtext, versions
from ltitools_diagnostic.models import DRAFT, Version
from ltitools_diagnostic.texts import lazy, said, say

pages = Blueprint("diagnostic", __name__, template_folder="templates", static_folder="static")


@dataclass(frozen=True)
class Mistake:
    """Something missing in a form, for the summary at its top and next to the field."""

    field: str
    text: LazyText | str


def page(template: str, **values: Any) -> str:
    """The page ``diagnostic/<template>.html``."""
    return render_template(f"diagnostic/{template}.html", said=said, say=say, brief=richtext.said_plain, **values)


def download(content: bytes, filename: str) -> Response:
    """A CSV file to be saved."""
    headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
    return Response(content, mimetype="text/csv", headers=headers)


def instructor_launch() -> Launch:
    """The launch of this page, which only instructors may open."""
    launch = current_launch()
    launch.require(*INSTRUCTORS)
    return launch


def visible_version(launch: Launch, version_id: int) -> Version:
    """A version that this instructor may look at: any published one, and drafts of the own course."""
    version = versions.get(launch.tenant.id, version_id)
    if version is None or (version.state == DRAFT and not versions.may_edit(launch, version.activity_id)):
        raise Refused("diagnostic-version-gone", lazy("This version was published or replaced in the meantime."), 404)
    return version
