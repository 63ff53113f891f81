"""The administrator's pages: the tools of this LMS, and their dynamic registration in a frame."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ltitools.demo_lms.access import administrator, check_csrf
from ltitools.demo_lms.addresses import domain_of, origin_of
from ltitools.demo_lms.lms import db, lms, texts
from ltitools.demo_lms.models import Course, Tool
from ltitools.demo_lms.presentation import content_security_policy
from ltitools.demo_lms.registration import begin_registration
from ltitools.demo_lms.registration_rules import RULES, TOOL
from ltitools.demo_lms.tools import ACTIVE, INACTIVE, activate, all_tools, choosers, deploy, take

_ = texts.gettext
administration = Blueprint("administration", __name__, url_prefix="/admin/tools")


@administration.before_request
def _only_administrators() -> None:
    administrator()
    if request.method == "POST":
        check_csrf()


@administration.get("/")
def tools() -> ResponseReturnValue:
    """The tools that there are, and where to register another."""
    return _list_page()


def _list_page(url: str = "", problem: str = "") -> ResponseReturnValue:
    page = render_template("lms/tools.html", habits=lms().personality, tools=all_tools(), url=url, problem=problem)
    return page, 422 if problem else 200


@administration.post("/register")
def register() -> ResponseReturnValue:
    """The tool's own registration page in a frame, with a token for it.

    Where the address's domain is that of a tool here, Moodle asks first whether that is the one.
    """
    url = request.form.get("url", "").strip()
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        return _list_page(url, _("Enter the whole address, with https:// at its beginning."))
    which = request.form.get("which", "")
    known = [tool for tool in all_tools() if tool.domain and domain_of(tool.domain) == domain_of(url)]
    if known and not which and lms().personality.name == "moodle":
        return render_template("lms/register_which.html", url=url, known=known)
    return _frame_page(url, _tool(int(which)) if which.isdigit() else None)


@administration.post("/<int:tool_id>/update")
def update(tool_id: int) -> ResponseReturnValue:
    """The same, to register a tool again that is there."""
    tool = _tool(tool_id)
    if not tool.registration_url:
        abort(404)
    return _frame_page(tool.registration_url, tool)


def _frame_page(url: str, tool: Tool | None) -> ResponseReturnValue:
    begun = begin_registration(url, tool)
    db().commit()
    page = render_template("lms/register.html", frame_url=begun["url"], tool=tool, domain=domain_of(url))
    return page, 200, {"Content-Security-Policy": content_security_policy(origin_of(url))}


@administration.get("/<int:tool_id>")
def tool(tool_id: int) -> ResponseReturnValue:
    """All that is known of a tool, and what can be done with it."""
    found = _tool(tool_id)
    config = found.asked.get(TOOL, {})
    return render_template(
        "lms/tool.html",
        tool=found,
        habits=lms().personality,
        asked_scopes=str(found.asked.get("scope") or "").split() or found.scopes,
        messages=config.get("messages", []),
        courses=db().scalars(select(Course).order_by(Course.id)).all(),
        choosable=found in choosers(),
    )


@administration.post("/<int:tool_id>/activate")
def turn_on(tool_id: int) -> ResponseReturnValue:
    """Let a tool be used. In Canvas the administrator may keep back some of what it asks for."""
    found = _tool(tool_id)
    if "reviewed" in request.form:
        keep(found, request.form.getlist("scope"), request.form.getlist("placement"))
    activate(found)
    return _done(found, _("Active: %(tool)s.", tool=found.title))


def keep(tool: Tool, scopes: list[str], placements: list[str]) -> None:
    """Grant only these scopes and placements, of those that the tool has asked for. Only Canvas has placements."""
    tool.scopes = [scope for scope in tool.scopes if scope in scopes]
    if not tool.placements:
        return
    tool.placements = {name: place for name, place in tool.placements.items() if name in placements}
    choosing = [place for place in tool.placements.values() if place["type"] == "LtiDeepLinkingRequest"]
    tool.deep_linking_url = choosing[0]["target_link_uri"] if choosing else None


@administration.post("/<int:tool_id>/deactivate")
def turn_off(tool_id: int) -> ResponseReturnValue:
    """Let a tool not be used for now."""
    found = _tool(tool_id)
    found.state = INACTIVE
    return _done(found, _("Switched off: %(tool)s.", tool=found.title))


@administration.route("/<int:tool_id>/delete", methods=["GET", "POST"])
def delete(tool_id: int) -> ResponseReturnValue:
    """Forget a tool, after a question. Its activities stay in their courses and lead nowhere."""
    found = _tool(tool_id)
    if request.method == "GET":
        return render_template("lms/tool_delete.html", tool=found)
    title = found.title
    db().delete(found)
    db().commit()
    flash(_("Deleted: %(title)s.", title=title), "success")
    return redirect(url_for("administration.tools"), 303)


@administration.post("/<int:tool_id>/deployments")
def add_deployment(tool_id: int) -> ResponseReturnValue:
    """The same client once more, for one course, under a deployment id of its own."""
    found = _tool(tool_id)
    course = db().get(Course, request.form.get("course", 0, type=int))
    if course is None or found.state != ACTIVE or any(each.course_id == course.id for each in found.deployments):
        abort(404)
    made = deploy(found, course)
    return _done(found, _("Added with the deployment ID %(deployment)s.", deployment=made.deployment_id))


@administration.post("/<int:tool_id>/waiting")
def decide(tool_id: int) -> ResponseReturnValue:
    """Take over the update that a tool has asked for, or not."""
    found = _tool(tool_id)
    waiting: dict[str, Any] | None = found.update
    found.update = None
    if waiting is None or request.form.get("decision") != "accept":
        return _done(found, _("The update was discarded."))
    take(found, RULES[lms().personality.name](waiting))
    return _done(found, _("The update was accepted."))


def _done(tool: Tool, sentence: str) -> ResponseReturnValue:
    db().commit()
    flash(sentence, "success")
    return redirect(url_for("administration.tool", tool_id=tool.id), 303)


def _tool(tool_id: int) -> Tool:
    found = db().get(Tool, tool_id)
    if found is None:
        abort(404)
    return found
