"""The page on which an instructor gives or revokes badges with a file."""

from __future__ import annotations

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ltitools.plugin import NotFound, session
from ltitools_badges import achievements, bulk
from ltitools_badges.bulk import GIVE, REVOKE
from ltitools_badges.texts import lazy
from ltitools_badges.views import Mistake, instructor_launch, page, pages, shown_achievement

ACTIONS = {GIVE: lazy("Give the badge"), REVOKE: lazy("Revoke the badge")}


@pages.get("/file", endpoint="bulk")
def show() -> ResponseReturnValue:
    """Ask for a file."""
    instructor_launch()
    return _page(GIVE)


@pages.post("/file")
def look() -> ResponseReturnValue:
    """Show what the file would do; or, where somebody has seen that, do it."""
    launch = instructor_launch()
    if launch.course is None:
        raise NotFound("This launch is of no course.")
    achievement = shown_achievement(launch)
    action = request.form.get("action", GIVE)
    if action not in ACTIONS:
        raise NotFound("There is no such action.")
    if action == GIVE and achievements.latest(launch.tenant.id, achievement.id) is None:
        return _page(action, mistake=Mistake("file", lazy("It can be given once it is published."))), 422
    file = request.files.get("file")
    text = bulk.text_of(file.read(bulk.MAX_BYTES + 1)) if file and file.filename else request.form.get("text", "")
    report = bulk.read(launch.tenant, achievement, launch.course.id, action, text)
    if report.problem is not None:
        return _page(action, text=text, mistake=Mistake("file", report.problem)), 422
    if request.form.get("go") == "do" and report.good:
        count = bulk.carry_out(launch.tenant, achievement, launch.course.id, action, report, launch.person.id)
        session.commit()
        return redirect(url_for("badges.bulk", done=count, action=action), 303)
    return _page(action, text=text, report=report)


def _page(action: str, *, text: str = "", report: bulk.Report | None = None, mistake: Mistake | None = None) -> str:
    return page(
        "bulk",
        action=action,
        actions=ACTIONS,
        text=text,
        report=report,
        mistakes=[mistake] if mistake else [],
        done=request.args.get("done", type=int),
        done_action=request.args.get("action", ""),
    )
