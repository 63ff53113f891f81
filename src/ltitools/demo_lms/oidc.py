"""The platform's half of an LTI launch: login initiation, authorization endpoint, id_token, public keys.

https://www.imsglobal.org/spec/security/v1p0/#openid_connect_launch_flow
"""

from __future__ import annotations

import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from flask import Blueprint, Response, abort, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy import CursorResult, select, update

from ltitools.demo_lms.access import (
    TEACHES,
    Problem,
    locale_tag,
    open_activity,
    open_course,
    person_here,
    session_key,
)
from ltitools.demo_lms.claims import context_id, id_token_claims, subject, target_link_uri
from ltitools.demo_lms.lms import db, lms, signing_keys, texts
from ltitools.demo_lms.models import Activity, Course, Launch, Person, Tool
from ltitools.demo_lms.tools import choosers, menu_tools, tool_here, tool_of_client, usable_tool

lazy = texts.lazy
oidc = Blueprint("oidc", __name__)

HINT_LIFETIME = timedelta(minutes=15)
JWKS_SECONDS = 600


@dataclass(frozen=True)
class FormPost:
    """A form that the person's browser has to send: where to, and what."""

    action: str
    fields: Mapping[str, str]


class RefusedToTool(Exception):
    """An authorization request that is refused in the protocol's way: posted to the tool."""

    def __init__(self, error: str, description: str = "") -> None:
        """`description` is for an LMS that has no words of its own for `error`."""
        super().__init__(error)
        self.error = error
        self.description = lms().personality.error_words.get(error, description)


# Login initiation -------------------------------------------------------------------------------------------


@oidc.get("/activities/<int:activity_id>/launch")
def launch_activity(activity_id: int) -> ResponseReturnValue:
    """The page in the frame, or in the new window, that sends the browser to the tool."""
    activity, person, role = open_activity(activity_id)
    if role not in TEACHES and not is_open(activity):
        raise Problem(lazy("This activity is not open"), lazy("Its page in the course says when it is open."), 403)
    tool = usable_tool(activity)
    if tool is None:
        raise Problem(lazy("The tool is not here"), lazy("The tool of this activity was removed or switched off."), 409)
    target = "window" if request.args.get("target") == "window" else "iframe"
    return _send(begin_launch(tool, person, activity.course, activity, target=target))


@oidc.get("/courses/<int:course_id>/launch")
def launch_course(course_id: int) -> ResponseReturnValue:
    """The page in the frame that opens the tool from the menu of the course."""
    if not lms().personality.course_menu:
        abort(404)
    course, person, _role = open_course(course_id)
    return _send(begin_launch(tool_here(among=menu_tools()), person, course, None, choosing=False))


@oidc.get("/courses/<int:course_id>/choose")
def choose_content(course_id: int) -> ResponseReturnValue:
    """The page in the frame that asks the tool what it has to offer (deep linking)."""
    course, person, _role = open_course(course_id, teaching=True)
    return _send(begin_launch(tool_here(among=choosers()), person, course, None))


def _send(form: FormPost) -> ResponseReturnValue:
    db().commit()
    return render_template("lms/post.html", form=form, purpose="launch")


def is_open(activity: Activity) -> bool:
    """Whether learners may open it now."""
    now = lms().now()
    opened = activity.opens_at is None or activity.opens_at <= now
    return opened and (activity.closes_at is None or now < activity.closes_at)


def begin_launch(
    tool: Tool,
    person: Person,
    course: Course,
    activity: Activity | None,
    *,
    target: str = "iframe",
    choosing: bool = True,
    tampering: Mapping[str, Any] | None = None,
) -> FormPost:
    """Note a launch of `tool` in this browser session, and return the login initiation. Without an activity it is the
    choosing of content, or else the launch of the whole course. `tampering` is for tests; see `control`."""
    habits = lms().personality
    answer_key = secrets.token_urlsafe(24) if activity is None and choosing else None
    launch = Launch(
        hint=_new_hint(course, activity),
        session_key=session_key(),
        person=person,
        course=course,
        activity=activity,
        tool=tool,
        target=target,
        locale=locale_tag(),
        answer_key=answer_key,
        created_at=lms().now(),
        tampering=dict(tampering or {}),
    )
    db().add(launch)
    db().flush()
    fields = {
        "iss": lms().public_url,
        "target_link_uri": target_link_uri(launch, tool),
        "login_hint": subject(person),
        "lti_message_hint": launch.hint,
        "client_id": tool.client_id,
        habits.deployment_parameter: tool.deployment_in(course),
    }
    fields |= _about_storage()
    if habits.name == "canvas":
        fields |= {"canvas_environment": "prod", "canvas_region": "not_configured"}
    return FormPost(tool.login_url, fields)


def _about_storage() -> dict[str, str]:
    """What the login initiation and the launch say of the storage for tools.

    https://www.imsglobal.org/spec/lti-pm-s/v0p1
    """
    target = lms().storage_target
    return {"lti_storage_target": target} if target else {}


def _new_hint(course: Course, activity: Activity | None) -> str:
    """A fresh ``lti_message_hint``. Tools give it back as it is, so it is looked up by its whole text."""
    name, key = lms().personality.name, secrets.token_hex(16)
    if name == "moodle" and activity:
        return json.dumps({"cmid": activity.id, "launchid": f"ltilaunch{activity.id}_{key}"})
    if name == "moodle":
        return json.dumps({"launchid": f"ltilaunch_ContentItemSelectionRequest{key}"})
    if name == "canvas":
        expires_at = int((lms().now() + HINT_LIFETIME).timestamp())
        hint = {
            "verifier": key,
            "canvas_domain": "campus.example",
            "context_type": "Course",
            "context_id": context_id(course),
            "canvas_locale": locale_tag(),
            "include_storage_target": bool(lms().storage_target),
            "exp": expires_at,
        }
        return jwt.encode({"alg": "HS256"}, hint, OctKey.import_key(secrets.token_bytes(32)))
    return key


# The authorization endpoint ---------------------------------------------------------------------------------


@oidc.route("/lti/authorize", methods=["GET", "POST"])
def authorize() -> ResponseReturnValue:
    """The tool's authentication request, in the person's browser, answered by a form post to the tool.

    In a frame the tool sends the browser here from its own site, so the LMS's cookie (SameSite=Lax) stays away.
    The request is then repeated by a page of ours: from there it is same-site, and the cookie comes along.
    """
    asked = {name: value for name, value in request.values.items() if name != "repost"}
    tool = _tool_asking(asked)
    if not session_key() and "repost" not in request.values:
        form = FormPost(lms().url("oidc.authorize"), asked | {"repost": "true"})
        return render_template("lms/post.html", form=form, purpose="launch")
    redirect_uri = _checked_redirect_uri(asked, tool)
    try:
        launch = _checked_launch(asked, tool)
    except RefusedToTool as refusal:
        db().rollback()
        answer = {"error": refusal.error, "error_description": refusal.description}
        return _post_to_tool(redirect_uri, {k: v for k, v in answer.items() if v}, asked)
    claims = id_token_claims(launch, tool, asked["nonce"])
    token = {"id_token": signed(claims, launch.tampering)}
    answer = token | _about_storage() | launch.tampering.get("form", {})
    db().commit()
    return _post_to_tool(redirect_uri, answer, asked)


def _tool_asking(asked: Mapping[str, str]) -> Tool:
    """The tool that asks: by its client id, else, to tell it so, the one whose launch it is or the only one."""
    tool = tool_of_client(asked.get("client_id"))
    if tool is not None:
        return tool
    launch = db().scalar(select(Launch).where(Launch.hint == asked.get("lti_message_hint", "")))
    return launch.tool if launch and launch.tool else tool_here()


def _checked_redirect_uri(asked: Mapping[str, str], tool: Tool) -> str:
    """The redirect URI of the request, which has to be a registered one: an answer is posted nowhere else."""
    redirect_uri = asked.get("redirect_uri", "")
    compared = redirect_uri.split("?")[0] if lms().personality.redirect_query_ignored else redirect_uri
    if compared not in tool.redirect_uris:
        raise _not_found(lazy("The tool asks for an answer to an address that is not registered."))
    hidden = lms().personality.hidden_refusals
    if hidden and (asked.get("scope") != "openid" or not all(asked.get(name) for name in hidden)):
        raise _not_found(lazy("The tool’s request is incomplete or malformed."))
    return redirect_uri


def _checked_launch(asked: Mapping[str, str], tool: Tool) -> Launch:
    """The launch that the request belongs to, marked as used; raises where it is not this person's to have.

    https://openid.net/specs/openid-connect-core-1_0.html#ImplicitAuthRequest and
    https://www.imsglobal.org/spec/security/v1p0/#step-2-authentication-request
    """
    habits = lms().personality
    if refuse := lms().levers.refuse:
        raise RefusedToTool(refuse)
    if tool_of_client(asked.get("client_id")) is not tool:
        raise RefusedToTool("unauthorized_client", "Unknown client_id")
    _check_fixed_values(asked)
    person = person_here()
    if person is None:
        if habits.signed_out_page:
            raise _not_found(lazy("You are not signed in at the LMS. Choose a person on its home page."))
        raise RefusedToTool("login_required", "Must have an active user session")
    if asked["login_hint"] != subject(person):
        raise RefusedToTool(habits.wrong_person, "The login_hint is not the person who is signed in")
    launch = db().scalar(select(Launch).where(Launch.hint == asked.get("lti_message_hint", "")))
    if launch is None or not _use(launch, person):
        if habits.used_hint:
            raise RefusedToTool(habits.used_hint, "The launch was used already, or is not known")
        if habits.one_shot:
            raise _not_found(lazy("This launch was used already, or belongs to somebody else."))
        raise RefusedToTool("invalid_request", "The lti_message_hint is not known")
    if launch.tool is not tool:
        raise RefusedToTool("unauthorized_client", "The launch is another tool's")
    return launch


def _check_fixed_values(asked: Mapping[str, str]) -> None:
    """The parameters that have one right value, and those that must be there."""
    habits = lms().personality
    if asked.get("response_type") != "id_token":
        raise RefusedToTool(_or_bad("unsupported_response_type"), "Invalid response_type")
    if asked.get("scope") != "openid":
        raise RefusedToTool(_or_bad("invalid_scope"), "Invalid scope")
    if asked.get("response_mode") != "form_post":
        raise RefusedToTool(habits.bad_request, "Invalid response_mode")
    if asked.get("prompt", "none") != "none":
        raise RefusedToTool(habits.bad_request, "Invalid prompt")
    for name in sorted({"nonce", "login_hint"} | habits.required_parameters):
        if not asked.get(name):
            raise RefusedToTool(habits.bad_request, f"Missing {name}")


def _or_bad(error: str) -> str:
    """The specification's own error, unless the LMS knows but one."""
    return lms().personality.bad_request if lms().personality.bad_request != "invalid_request" else error


def _use(launch: Launch, person: Person) -> bool:
    """Mark `launch` as used. False if it is another's, too old, or used already where that counts."""
    if launch.session_key != session_key() or launch.person_id != person.id:
        return False
    if lms().now() > launch.created_at + HINT_LIFETIME:
        return False
    if not lms().personality.one_shot:
        return True
    used = db().execute(
        update(Launch)
        .where(Launch.id == launch.id, Launch.used_at.is_(None))
        .values(used_at=lms().now())
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", used).rowcount == 1


def _not_found(text: Any) -> Problem:
    return Problem(lazy("This launch cannot go on"), text, 404)


def _post_to_tool(redirect_uri: str, answer: Mapping[str, str], asked: Mapping[str, str]) -> ResponseReturnValue:
    fields = dict(answer)
    if "state" in asked or lms().personality.name == "moodle":
        fields.setdefault("state", asked.get("state", ""))
    return render_template("lms/post.html", form=FormPost(redirect_uri, fields), purpose="launch")


# Tokens and keys --------------------------------------------------------------------------------------------


def signed(claims: dict[str, Any], tampering: Mapping[str, Any]) -> str:
    """The claims as a JWT of this LMS, spoiled as a test asks for."""
    key = next(iter(signing_keys(db())))
    assert isinstance(key, RSAKey)
    claims = claims | tampering.get("claims", {})
    for name in tampering.get("remove", []):
        claims.pop(name, None)
    header: dict[str, Any] = {"alg": "RS256", "kid": key.kid} | tampering.get("header", {})
    header = {name: value for name, value in header.items() if value is not None}
    if tampering.get("key") == "other":
        key = RSAKey.generate_key(2048)
    if header["alg"] in ("none", "HS256"):
        return _forged(header, claims, key)
    token = jwt.encode(header, claims, key, algorithms=[str(header["alg"])])
    return token[:-8] + "AAAAAAAA" if tampering.get("signature") == "broken" else token


def _forged(header: Mapping[str, Any], claims: Mapping[str, Any], key: RSAKey) -> str:
    """Two classic forgeries, which the library rightly will not make: no signature, and an HMAC whose secret is
    the public key."""
    parts = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    unsigned = b".".join(parts)
    signature = b""
    if header["alg"] == "HS256":
        signature = hmac.digest(key.as_pem(private=False), unsigned, "sha256")
    return (unsigned + b"." + urlsafe_b64encode(signature).rstrip(b"=")).decode()


@oidc.get("/lti/jwks")
def jwks() -> Response:
    """The public keys that id_tokens are signed with."""
    response = jsonify(signing_keys(db()).as_dict(private=False))
    response.headers["Cache-Control"] = f"public, max-age={JWKS_SECONDS}"
    return response
