"""What the LTI services (AGS, NRPS) have in common: bearer tokens, media types, paging and how they say no."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, g, jsonify, request
from flask.typing import ResponseReturnValue

from ltitools.demo_lms.lms import db, lms
from ltitools.demo_lms.models import Course
from ltitools.demo_lms.oauth import tool_of_token

P = ParamSpec("P")


class ServiceRefused(Exception):
    """A service call that is refused, with its HTTP status and the LMS's own words."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def install(blueprint: Blueprint) -> None:
    """Answer refusals of the blueprint's views in the words of the LMS."""
    blueprint.register_error_handler(ServiceRefused, refusal)


def refusal(error: ServiceRefused) -> Response:
    """The body that this LMS gives a refused service call; a tool had better not depend on it."""
    name = lms().personality.name
    if error.status == 502:
        return current_app.response_class("<html><h1>502 Bad Gateway</h1></html>", 502, mimetype="text/html")
    if name == "moodle":
        asked = {
            "method": request.method,
            "url": request.full_path.rstrip("?"),
            "accept": request.headers.get("Accept", ""),
            "contentType": request.headers.get("Content-Type", ""),
        }
        response = jsonify(status=error.status, reason=error.reason, request=asked)
    elif name == "canvas" and error.status == 422:
        response = jsonify(errors={"type": "unprocessable_entity", "message": error.reason})
    elif name == "canvas":
        response = jsonify(errors=[{"message": error.reason}])
    else:
        response = jsonify(error=error.reason)
    response.status = f"{error.status} {error.reason}"
    return response


def needs_scope(
    *scopes: str,
) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Let a view in only with an access token that has one of `scopes`. Whose it is, is then ``g.tool``."""

    def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            kind, _space, access_token = request.headers.get("Authorization", "").partition(" ")
            g.tool, granted = tool_of_token(access_token if kind.lower() == "bearer" else "")
            if not granted:
                raise ServiceRefused(401, "Unauthorized")
            if granted.isdisjoint(scopes):
                raise ServiceRefused(401 if lms().personality.name == "moodle" else 403, "Unauthorized")
            return view(*args, **kwargs)

        return checked

    return decorate


def course_or_refused(course_id: int) -> Course:
    """The course, or the service's 404."""
    course = db().get(Course, course_id)
    if course is None:
        raise ServiceRefused(404, f"Not Found: Course {course_id} doesn't exist")
    return course


def check_accept(media_type: str, *, any_will_do: bool = True) -> None:
    """Refuse a request that wants another media type than `media_type`.

    Moodle knows neither wildcards for some of its services (`any_will_do` is false there) nor plain JSON.
    """
    accept = request.headers.get("Accept", "")
    if lms().personality.strict_media_types:
        wanted = {part.split(";")[0].strip() for part in accept.split(",")} - {""}
        if wanted and media_type not in wanted and not (any_will_do and "*/*" in wanted):
            raise ServiceRefused(400, f"No handler found for {request.path} {accept}")
    elif accept and request.accept_mimetypes.quality(media_type) <= 0:
        raise ServiceRefused(406, f"Only {media_type} is served here")


def json_body(media_type: str) -> dict[str, Any]:
    """The JSON object that was sent as `media_type`; parameters such as a charset are fine."""
    if request.mimetype != media_type:
        status = 400 if lms().personality.strict_media_types else 415
        raise ServiceRefused(status, f"No handler found for {request.path} {request.mimetype}")
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise ServiceRefused(400, "Incorrect JSON received")
    return body


def typed(body: object, media_type: str, status: int = 200) -> Response:
    """`body` as JSON of `media_type`; an empty answer for None."""
    content = "" if body is None else current_app.json.dumps(body)
    return current_app.response_class(content, status=status, content_type=f"{media_type}; charset=utf-8")


def page_of(rows: Sequence[Any], *, largest: int = 0) -> tuple[Sequence[Any], str | None]:
    """The part of `rows` that ``limit`` and ``from`` ask for, and the address of the next part.

    `largest` is how many this LMS gives at most; 0 is all of them.
    """
    levers = lms().levers
    start = request.args.get("from", 0, type=int)
    limits = [request.args.get("limit", 0, type=int), largest, levers.page_size]
    limit = min((each for each in limits if each > 0), default=0)
    part = rows[start : start + limit] if limit else rows[start:]
    here = f"{lms().public_url}{request.path}"
    if levers.next_page == "elsewhere":
        return part, f"http://elsewhere.localhost{request.path}"
    if levers.next_page == "circle":
        return part, f"{here}?{urlencode(request.args.to_dict())}"
    if not limit or start + limit >= len(rows):
        return part, None
    query = {**request.args.to_dict(), "limit": str(limit), "from": str(start + limit)}
    return part, f"{here}?{urlencode(query)}"
