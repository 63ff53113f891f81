"""Deep linking: the tool's answer to "what would you like to add?". https://www.imsglobal.org/spec/lti-dl/v2p0

Nothing is created unless the whole answer verifies; the page then says which rule was broken.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, flash, render_template, request
from flask.typing import ResponseReturnValue
from joserfc import jws, jwt
from joserfc.errors import JoseError
from sqlalchemy import select

from ltitools.demo_lms.access import TEACHES, Problem, open_course, role_in, session_key
from ltitools.demo_lms.addresses import origin_of
from ltitools.demo_lms.claims import DEEP_LINKING, LTI, VERSION
from ltitools.demo_lms.lms import db, lms, texts
from ltitools.demo_lms.models import Activity, Course, Launch, LineItem, Tool
from ltitools.demo_lms.oauth import KeysUnavailable, tool_keys, use_once
from ltitools.demo_lms.oidc import FormPost
from ltitools.demo_lms.scoring import read_time
from ltitools.demo_lms.tools import tool_here, tool_of_client

_ = texts.gettext
lazy = texts.lazy
deep_linking = Blueprint("deep_linking", __name__)

OLDEST_SECONDS = 300
FUTURE_SECONDS = 30
MOST_ITEMS = 50
MOST_NAMED = 5


class ResponseRefused(Exception):
    """The deep linking response breaks a rule, named in plain English for whoever develops the tool."""


@dataclass
class Added:
    """What came of a response: the activities that were made, and what could not be."""

    activities: list[Activity] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


@deep_linking.post("/lti/courses/<int:course_id>/deep-linking")
def receive(course_id: int) -> ResponseReturnValue:
    """The tool's answer, in the teacher's browser. As at the authorization endpoint, a post from the tool's site
    comes without our cookie, and is repeated by a page of ours."""
    if not session_key() and "repost" not in request.form:
        fields = {**request.form.to_dict(), "repost": "true"}
        form = FormPost(lms().public_url + request.full_path.rstrip("?"), fields)
        return render_template("lms/post.html", form=form, purpose="return")
    tool = _tool_answering(request.form.get("JWT", "")) or tool_here()
    try:
        claims = verified(request.form.get("JWT", ""), tool)
        course, _person, _role = open_course(course_id, teaching=True)
        launch = _asked_for(claims, course, tool)
        added = _add(claims, course, tool)
    except ResponseRefused as refusal:
        db().rollback()
        raise Problem(
            lazy("The tool’s answer cannot be accepted"),
            _("Nothing was added to the course. The reason: %(reason)s.", reason=str(refusal)),
        ) from refusal
    launch.answered_at = lms().now()
    db().commit()
    _tell(claims, added)
    form = FormPost(lms().url("pages.course", course_id=course.id), {})
    return render_template("lms/post.html", form=form, purpose="return", leave_frame=True)


def _tool_answering(token: str) -> Tool | None:
    """The tool that the response says it is from, unverified: that tool's keys then have to agree."""
    try:
        claims = json.loads(jws.extract_compact(token.encode()).payload or b"{}")
        return tool_of_client(claims.get("iss"))
    except (JoseError, ValueError, AttributeError):
        return None


def verified(token: str, tool: Tool) -> dict[str, Any]:
    """The claims of a deep linking response, all of them checked but the binding to the request.

    https://www.imsglobal.org/spec/lti-dl/v2p0#deep-linking-response-message and
    https://www.imsglobal.org/spec/security/v1p0/#tool-jwt
    """
    try:
        header = jws.extract_compact(token.encode()).headers()
        if not header.get("kid"):
            raise ResponseRefused("the JWT's header has no kid")
        claims = jwt.decode(token, tool_keys(tool), algorithms=["RS256"]).claims
    except KeysUnavailable as error:
        raise ResponseRefused(str(error)) from error
    except (JoseError, ValueError) as error:
        raise ResponseRefused(f"the JWT cannot be verified ({error})") from error
    audience = claims.get("aud")
    deployments = [each.deployment_id for each in tool.deployments]
    expected: Mapping[str, bool] = {
        "iss is not the client id": claims.get("iss") == tool.client_id,
        "aud is not this LMS": lms().public_url in (audience if isinstance(audience, list) else [audience]),
        "the deployment id is another": claims.get(f"{LTI}deployment_id") in deployments,
        "the message type is not LtiDeepLinkingResponse": claims.get(f"{LTI}message_type") == "LtiDeepLinkingResponse",
        "the version is not 1.3.0": claims.get(f"{LTI}version") == VERSION,
        "there is no nonce": isinstance(claims.get("nonce"), str) and bool(claims["nonce"]),
    }
    for problem, fine in expected.items():
        if not fine:
            raise ResponseRefused(problem)
    _check_times(claims)
    return claims


def _check_times(claims: Mapping[str, Any]) -> None:
    now = lms().now().timestamp()
    issued_at, expires_at = claims.get("iat"), claims.get("exp")
    if not isinstance(issued_at, int | float) or not isinstance(expires_at, int | float):
        raise ResponseRefused("iat or exp is missing")
    if not expires_at > now:
        raise ResponseRefused("the JWT has expired")
    if not now - OLDEST_SECONDS <= issued_at <= now + FUTURE_SECONDS:
        raise ResponseRefused("iat is more than five minutes ago, or in the future")


def _asked_for(claims: Mapping[str, Any], course: Course, tool: Tool) -> Launch:
    """The request that this answers: of this browser session and course, and not answered yet."""
    if not use_once("nonce", str(claims["nonce"])):
        raise ResponseRefused("the nonce was used before")
    habits = lms().personality.name
    answer_key = {
        "moodle": request.args.get("sesskey", ""),
        "canvas": request.args.get("data", ""),
        "generic": str(claims.get(f"{DEEP_LINKING}data", "")),
    }[habits]
    launch = db().scalar(select(Launch).where(Launch.answer_key == answer_key))
    if launch is None or launch.course_id != course.id or launch.tool is not tool:
        what = "data is not what was sent" if habits == "generic" else "the return address was changed"
        raise ResponseRefused(what)
    if launch.session_key != session_key():
        raise ResponseRefused("the request was made in another browser session")
    if claims[f"{LTI}deployment_id"] != tool.deployment_in(course):
        raise ResponseRefused("the deployment id is that of another course")
    if launch.answered_at is not None:
        raise ResponseRefused("the request was answered before")
    assert role_in(course, launch.person) in TEACHES
    return launch


# What the items become --------------------------------------------------------------------------------------


def _add(claims: Mapping[str, Any], course: Course, tool: Tool) -> Added:
    items = claims.get(f"{DEEP_LINKING}content_items", [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ResponseRefused("content_items is not a list of objects")
    if len(items) > 1 and not lms().personality.deep_linking["accept_multiple"]:
        raise ResponseRefused("more than one item was returned")
    added = Added()
    for item in items[:MOST_ITEMS]:
        problem = _why_not(item, tool)
        title = str(item.get("title") or tool.title)
        if problem:
            added.left_out.append(_("“%(title)s” was not added: %(problem)s", title=title, problem=problem))
        else:
            added.activities.append(_activity(item, title, course, tool))
    db().add_all(added.activities)
    return added


def _why_not(item: Mapping[str, Any], tool: Tool) -> str:
    if item.get("type") != "ltiResourceLink":
        return _("this LMS only adds activities of the tool.")
    url = item.get("url")
    if url is not None and origin_of(str(url)) != tool.origin:
        return _("its address is not the tool’s.")
    custom = item.get("custom", {})
    if not isinstance(custom, dict) or not all(isinstance(value, str) for value in custom.values()):
        return _("a custom parameter is not a text.")
    return ""


def _activity(item: Mapping[str, Any], title: str, course: Course, tool: Tool) -> Activity:
    """The activity that a content item asks for: https://www.imsglobal.org/spec/lti-dl/v2p0#lti-resource-link"""
    available, submission = _part(item, "available"), _part(item, "submission")
    in_window = "window" in item and "iframe" not in item
    activity = Activity(
        course=course,
        tool=tool,
        title=title,
        text=str(item.get("text") or ""),
        url=str(item["url"]) if item.get("url") else None,
        custom=dict(item.get("custom", {})),
        target="window" if in_window else "iframe",
        icon_url=_part(item, "icon").get("url"),
        opens_at=read_time(available.get("startDateTime")),
        closes_at=read_time(available.get("endDateTime")),
        due_at=read_time(submission.get("endDateTime")),
    )
    column = item.get("lineItem")
    if isinstance(column, dict):
        maximum = column.get("scoreMaximum")
        if isinstance(maximum, bool) or not isinstance(maximum, int | float) or maximum <= 0:
            raise ResponseRefused("lineItem.scoreMaximum is not a positive number")
        label = title if lms().personality.column_named_by_title else str(column.get("label") or title)
        activity.line_items.append(
            LineItem(
                course=course,
                label=label,
                score_maximum=float(maximum),
                tag=str(column.get("tag") or ""),
                resource_id=str(column.get("resourceId") or ""),
            )
        )
    return activity


def _part(item: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = item.get(name)
    return value if isinstance(value, dict) else {}


def _tell(claims: Mapping[str, Any], added: Added) -> None:
    """Say on the next page what became of the answer, with what the tool itself has to say."""
    titles = ", ".join(activity.title for activity in added.activities[:MOST_NAMED])
    count = len(added.activities)
    if count > MOST_NAMED:
        flash(_("Added to the course: %(titles)s and others, %(n)s in all.", titles=titles, n=count), "success")
    elif count:
        flash(_("Added to the course: %(titles)s.", titles=titles), "success")
    for sentence in added.left_out[:MOST_NAMED]:
        flash(sentence, "warning")
    said_by_tool = claims.get(f"{DEEP_LINKING}errormsg") or claims.get(f"{DEEP_LINKING}msg")
    if said_by_tool:
        flash(_("The tool says: %(message)s", message=str(said_by_tool)), "info")
    elif not added.activities and not added.left_out:
        flash(_("Nothing was chosen, and nothing was added."), "info")
