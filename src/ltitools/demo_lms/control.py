"""Levers for tests in another process. The routes exist only in an LMS made with ``control=True``.

``POST /control/faults``      a list of faults: ``[{"on": "scores", "status": 503, "times": 2}]``; see `faults.Fault`
``GET  /control/state``       gradebook cells with every score that was sent, activities, people, request counts
``POST /control/reset``       back to the seeded state, without faults
``POST /control/activities``  an activity without the tool's help: ``{"course", "title", "custom", "url", "graded",
                              "score_maximum", "target", "text", "opens_at", "closes_at", "due_at", "tool"}``, all
                              optional
``POST /control/levers``      how the services answer from now on; see `levers.Levers`. ``{}`` is as usual
``POST /control/register``     begin a registration as the administrator does: ``{"url": <the tool's registration URL>,
                              "tool": <number of one to renew, or nothing>}``. The answer has ``url`` to open, and its
                              ``openid_configuration`` and ``registration_token``
``POST /control/tools``        ``{"tool": <number>, "state": "active" or "inactive" or "deleted", "scopes": [those that
                              it keeps], "placements": [the same], "update": "accept" or "discard"}``, all but the
                              first optional; the tools are in ``/control/state``
``POST /control/deployments``  ``{"tool", "course"}``: the same client once more, for a course
``POST /control/sign-in-clients``  ``{"client_id", "client_secret", "redirect_uris"}``: a console to sign in to
``POST /control/rotate-key``  sign with a new key; ``{"forget": true}`` no longer publishes the old ones
``POST /control/launch``      begin a launch; the answer is the login initiation

A whole launch without a browser takes two requests to the LMS and two to the tool:

1. ``POST /control/launch`` with ``{"person": "ben", "activity": 1}``, or ``{"person": "therese", "course": 1,
   "message": "deep_linking", "tool": 2}``; a click on Ben's grade is ``{"person": "therese", "activity": 1,
   "review": "ben"}``.
   The answer is ``{"action": <the tool's login URL>, "fields": {…}}`` and a session cookie for the person.
   `tampering` may spoil the token: ``{"claims": {…}, "remove": [names], "header": {…}, "key": "other", "signature":
   "broken", "form": {more fields of the POST}}``; a header value of null leaves it out.
2. Post ``fields`` to ``action``; the tool answers with a redirect to ``/lti/authorize?…``.
3. ``GET`` that with the LMS's session cookie; the page holds one form with ``id_token`` and ``state``.
4. Post the form to its ``action``, the tool's launch URL.

`visitor.Visitor` does 1 and 3.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import delete, select

from ltitools.demo_lms.access import sign_in
from ltitools.demo_lms.administration import keep
from ltitools.demo_lms.ags import described_item
from ltitools.demo_lms.claims import LTI, context_id, resource_link_id, subject
from ltitools.demo_lms.faults import Fault
from ltitools.demo_lms.levers import Levers
from ltitools.demo_lms.lms import SignInClient, db, lms, new_signing_key
from ltitools.demo_lms.models import Activity, Course, Grade, LineItem, Person, ScorePost, SigningKey, Tool
from ltitools.demo_lms.oidc import begin_launch
from ltitools.demo_lms.registration import begin_registration
from ltitools.demo_lms.registration_rules import RULES
from ltitools.demo_lms.scoring import read_time
from ltitools.demo_lms.seed import reset
from ltitools.demo_lms.tools import INACTIVE, activate, active_tools, all_tools, choosers, deploy, take, tool_here

control = Blueprint("control", __name__, url_prefix="/control")


@control.post("/faults")
def add_faults() -> ResponseReturnValue:
    """Let the next matching requests go wrong."""
    try:
        faults = [Fault.from_json(each) for each in request.get_json()]
    except (TypeError, ValueError) as error:
        return jsonify(error=str(error)), 400
    lms().faults.add(*faults)
    return "", 204


@control.post("/levers")
def pull_levers() -> ResponseReturnValue:
    """Let the services answer otherwise from now on."""
    try:
        lms().levers = Levers.from_json(_body())
    except (TypeError, ValueError) as error:
        return jsonify(error=str(error)), 400
    return "", 204


@control.post("/reset")
def start_over() -> ResponseReturnValue:
    """Back to the seeded state."""
    lms().faults.clear()
    lms().levers = Levers()
    reset(db(), lms().public_url)
    db().commit()
    return "", 204


@control.post("/rotate-key")
def rotate_key() -> ResponseReturnValue:
    """Sign with a new key from now on."""
    if _body().get("forget"):
        db().execute(delete(SigningKey))
    new_signing_key(db())
    db().commit()
    return "", 204


@control.post("/register")
def begin_to_register() -> ResponseReturnValue:
    """What the administrator's browser would open the tool's registration page with."""
    asked = _body()
    begun = begin_registration(asked["url"], db().get_one(Tool, asked["tool"]) if asked.get("tool") else None)
    db().commit()
    return jsonify(begun)


@control.post("/tools")
def change_tool() -> ResponseReturnValue:
    """What the administrator would do with a tool."""
    asked = _body()
    tool = db().get_one(Tool, asked["tool"])
    if asked.get("update") == "accept" and tool.update is not None:
        take(tool, RULES[lms().personality.name](tool.update))
    if "update" in asked:
        tool.update = None
    keep(tool, asked.get("scopes", tool.scopes), asked.get("placements", list(tool.placements)))
    if asked.get("state") == "active":
        activate(tool)
    elif asked.get("state") == "inactive":
        tool.state = INACTIVE
    elif asked.get("state") == "deleted":
        db().delete(tool)
    db().commit()
    return "", 204


@control.post("/deployments")
def add_deployment() -> ResponseReturnValue:
    """A tool, made available once more."""
    asked = _body()
    made = deploy(db().get_one(Tool, asked["tool"]), db().get_one(Course, asked["course"]))
    db().commit()
    return jsonify(deployment_id=made.deployment_id), 201


@control.post("/sign-in-clients")
def add_sign_in_client() -> ResponseReturnValue:
    """A site whose people sign in here."""
    asked = _body()
    client = SignInClient(asked["client_id"], asked["client_secret"], tuple(asked["redirect_uris"]))
    lms().sign_in_clients[client.client_id] = client
    return "", 204


@control.post("/activities")
def add_activity() -> ResponseReturnValue:
    """An activity, placed without asking the tool."""
    asked = _body()
    course = db().get_one(Course, asked.get("course", 1))
    activity = Activity(
        course=course,
        tool=_tool_asked(asked),
        title=asked.get("title", "Activity"),
        text=asked.get("text", ""),
        url=asked.get("url"),
        custom=asked.get("custom", {}),
        target=asked.get("target", "iframe"),
        opens_at=read_time(asked.get("opens_at")),
        closes_at=read_time(asked.get("closes_at")),
        due_at=read_time(asked.get("due_at")),
    )
    if asked.get("graded", True):
        maximum = float(asked.get("score_maximum", 100))
        activity.line_items.append(LineItem(course=course, label=activity.title, score_maximum=maximum))
    db().add(activity)
    db().commit()
    return jsonify(_described_activity(activity)), 201


@control.post("/launch")
def launch() -> ResponseReturnValue:
    """Sign this client in as a person and begin a launch."""
    asked = _body()
    person = db().scalars(select(Person).where(Person.key == asked["person"])).one()
    sign_in(person)
    activity = None
    if asked.get("message", "resource_link") == "resource_link":
        activity = db().get_one(Activity, asked["activity"])
    tool = activity.tool if activity else None
    course = activity.course if activity else db().get_one(Course, asked.get("course", 1))
    form = begin_launch(
        tool or tool_here(asked.get("tool"), None if activity else choosers()),
        person,
        course,
        activity,
        target=asked.get("target", "iframe"),
        tampering=_review_of(asked["review"]) if "review" in asked else asked.get("tampering"),
    )
    db().commit()
    return jsonify(action=form.action, fields=dict(form.fields))


@control.get("/state")
def state() -> ResponseReturnValue:
    """All that a test may want to know, as JSON."""
    return jsonify(
        issuer=lms().public_url,
        personality=lms().personality.name,
        requests=dict(lms().faults.requests),
        people=[
            {"key": each.key, "sub": subject(each), "name": each.name, "kind": each.kind}
            for each in db().scalars(select(Person).order_by(Person.id))
        ],
        courses=[
            {"id": each.id, "context_id": context_id(each), "title": each.title}
            for each in db().scalars(select(Course).order_by(Course.id))
        ],
        tools=[_described_tool(each) for each in all_tools()],
        activities=[_described_activity(each) for each in db().scalars(select(Activity).order_by(Activity.id))],
        gradebook=[
            {**described_item(each), "course": each.course_id, "cells": _described_cells(each)}
            for each in db().scalars(select(LineItem).order_by(LineItem.id))
        ],
    )


def _review_of(key: str) -> dict[str, Any]:
    """What makes a launch the review of a person's work: the claims that it has besides those of an activity."""
    person = db().scalars(select(Person).where(Person.key == key)).one()
    message = {f"{LTI}message_type": "LtiSubmissionReviewRequest", f"{LTI}for_user": {"user_id": subject(person)}}
    return {"claims": message}


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}


def _tool_asked(asked: dict[str, Any]) -> Tool | None:
    """The tool that is asked for, or the first that is active, if any."""
    return db().get_one(Tool, asked["tool"]) if "tool" in asked else next(iter(active_tools()), None)


def _described_tool(tool: Tool) -> dict[str, Any]:
    return {
        "id": tool.id,
        "client_id": tool.client_id,
        "title": tool.title,
        "state": tool.state,
        "given": tool.given,
        "deployments": [{"id": each.deployment_id, "course": each.course_id} for each in tool.deployments],
        "login_url": tool.login_url,
        "launch_url": tool.launch_url,
        "deep_linking_url": tool.deep_linking_url,
        "redirect_uris": tool.redirect_uris,
        "jwks_url": tool.jwks_url,
        "scopes": tool.scopes,
        "shares": tool.shares,
        "placements": tool.placements,
        "custom": tool.custom,
        "asked": tool.asked,
        "update": tool.update,
    }


def _described_activity(activity: Activity) -> dict[str, Any]:
    item = activity.line_item
    return {
        "id": activity.id,
        "course": activity.course_id,
        "tool": activity.tool_id,
        "resource_link_id": resource_link_id(activity),
        "title": activity.title,
        "text": activity.text,
        "url": activity.url,
        "custom": activity.custom,
        "target": activity.target,
        "icon_url": activity.icon_url,
        "opens_at": activity.opens_at.isoformat() if activity.opens_at else None,
        "closes_at": activity.closes_at.isoformat() if activity.closes_at else None,
        "due_at": activity.due_at.isoformat() if activity.due_at else None,
        "line_item": described_item(item)["id"] if item else None,
    }


def _described_cells(item: LineItem) -> list[dict[str, Any]]:
    """The cells of a column that anything was ever sent for, with all that was sent."""
    posts = list(db().scalars(select(ScorePost).where(ScorePost.line_item_id == item.id).order_by(ScorePost.id)))
    grades = {grade.person_id: grade for grade in item.grades}
    people = {post.person_id for post in posts} | set(grades)
    return [_described_cell(number, grades.get(number or 0), posts) for number in sorted(people, key=str)]


def _described_cell(number: int | None, grade: Grade | None, posts: list[ScorePost]) -> dict[str, Any]:
    person = db().get(Person, number) if number else None
    return {
        "person": person.key if person else None,
        "user_id": subject(person) if person else None,
        "score": grade.score if grade else None,
        "comments": grade.comments if grade else [],
        "updated_at": grade.updated_at.isoformat() if grade and grade.updated_at else None,
        "attempts": grade.attempts if grade else 0,
        "overridden": grade.overridden if grade else False,
        "posts": [
            {
                "received_at": post.received_at.isoformat(),
                "body": post.body,
                "status": post.status,
                "outcome": post.outcome,
            }
            for post in posts
            if post.person_id == number
        ],
    }
