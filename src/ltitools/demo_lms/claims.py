"""The id_token of a launch, as the LMS's personality would write it.

https://www.imsglobal.org/spec/lti/v1p3#required-message-claims and the claims of Deep Linking 2.0, AGS 2.0 and
NRPS 2.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from ltitools.demo_lms.access import role_in
from ltitools.demo_lms.lms import AGS_SCOPES, NRPS_SCOPE, db, lms
from ltitools.demo_lms.models import Activity, Course, Launch, LineItem, Person, Tool

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
DEEP_LINKING = "https://purl.imsglobal.org/spec/lti-dl/claim/"
VERSION = "1.3.0"


def subject(person: Person) -> str:
    """What tools know `person` by."""
    return str(person.id) if lms().personality.numeric_ids else person.subject


def person_of(user_id: object) -> Person | None:
    """The person that a tool means by `user_id`."""
    if lms().personality.numeric_ids:
        return db().get(Person, int(str(user_id))) if str(user_id).isdigit() else None
    return db().scalar(select(Person).where(Person.subject == str(user_id)))


def context_id(course: Course) -> str:
    """What tools know `course` by."""
    return str(course.id) if lms().personality.numeric_ids else course.context_id


def resource_link_id(activity: Activity) -> str:
    """What tools know `activity` by."""
    return str(activity.id) if lms().personality.numeric_ids else activity.resource_link_id


def line_items_url(course: Course, tool: Tool | None) -> str:
    """The address of a course's columns, as `tool` is told it."""
    return lms().url("ags.line_items", course_id=course.id, query=_type_id(tool))


def line_item_url(item: LineItem) -> str:
    """The address of a column. Moodle's has a query, which ``/scores`` has to be put before."""
    return lms().url("ags.line_item", course_id=item.course_id, item_id=item.id, query=_type_id(tool_of_item(item)))


def tool_of_item(item: LineItem) -> Tool | None:
    """The tool that a column belongs to."""
    return item.activity.tool if item.activity else item.tool


def _type_id(tool: Tool | None) -> str:
    return f"type_id={tool.deployments[0].deployment_id}" if tool and lms().personality.line_item_query else ""


def id_token_claims(launch: Launch, tool: Tool, nonce: str) -> dict[str, Any]:
    """The claims of `launch`, signed nowhere yet."""
    habits = lms().personality
    issued_at = int(lms().now().timestamp())
    claims: dict[str, Any] = {
        "nonce": nonce,
        "iat": issued_at,
        "exp": issued_at + habits.id_token_seconds,
        "iss": lms().public_url,
        "aud": tool.client_id,
        "sub": subject(launch.person),
        **told_of(launch.person, tool),
        f"{LTI}deployment_id": tool.deployment_in(launch.course),
        f"{LTI}version": VERSION,
        f"{LTI}target_link_uri": target_link_uri(launch, tool),
        f"{LTI}roles": list(habits.roles[role_in(launch.course, launch.person) or "learner"]),
        f"{LTI}context": {
            "id": context_id(launch.course),
            "label": launch.course.label,
            "title": launch.course.title,
            "type": list(habits.context_type),
        },
        f"{LTI}tool_platform": {
            "guid": "campus-demo",
            "name": "Campus demo",
            "product_family_code": habits.family,
            "version": habits.version,
        },
        f"{LTI}launch_presentation": {
            "locale": habits.locale(launch.locale),
            "document_target": launch.target,
            "return_url": lms().url("pages.returned", course_id=launch.course_id),
        },
        f"{LTI}lis": {
            "person_sourcedid": f"campus-{launch.person.key}",
            "course_section_sourcedid": f"campus-{launch.course.label}",
        },
        **_services(launch, tool),
        **_message(launch),
    }
    return _own_habits(claims, launch, tool)


def told_of(person: Person, tool: Tool) -> dict[str, str]:
    """What `tool` is told of a person besides their id."""
    named = {"name": person.name, "given_name": person.given_name, "family_name": person.family_name}
    return (named if "name" in tool.shares else {}) | ({"email": person.email} if "email" in tool.shares else {})


def _services(launch: Launch, tool: Tool) -> dict[str, Any]:
    """The services that the tool was granted, with their addresses."""
    services: dict[str, Any] = {}
    scopes = [scope for scope in AGS_SCOPES if scope in tool.scopes]
    if scopes:
        services[AGS] = {"scope": scopes, "lineitems": line_items_url(launch.course, tool)}
        if launch.activity and launch.activity.line_item:
            services[AGS]["lineitem"] = line_item_url(launch.activity.line_item)
    if NRPS_SCOPE in tool.scopes:
        services[NRPS] = {
            "context_memberships_url": lms().url("nrps.members", course_id=launch.course_id),
            "service_versions": ["1.0", "2.0"] if lms().personality.name == "moodle" else ["2.0"],
        }
    return services


def _message(launch: Launch) -> dict[str, Any]:
    """What the launch is about: an activity, the choice of one, or the course, whose link has the course's own id."""
    if launch.activity:
        return _link(launch.activity)
    if launch.answer_key:
        return _choosing(launch)
    return {
        f"{LTI}message_type": "LtiResourceLinkRequest",
        f"{LTI}resource_link": {"id": context_id(launch.course), "title": launch.course.title},
    }


def _link(activity: Activity) -> dict[str, Any]:
    return {
        f"{LTI}message_type": "LtiResourceLinkRequest",
        f"{LTI}resource_link": {
            "id": resource_link_id(activity),
            "title": activity.title,
            "description": activity.text,
        },
    }


def _choosing(launch: Launch) -> dict[str, Any]:
    """The request to choose content. How the answer is bound to it differs: by the return URL's query in Moodle
    and Canvas, by ``data`` in the specification's own way."""
    habits = lms().personality
    settings = dict(habits.deep_linking)
    queries = {"moodle": f"sesskey={launch.answer_key}", "canvas": f"data={launch.answer_key}"}
    query = queries.get(habits.name, "")
    settings["deep_link_return_url"] = lms().url("deep_linking.receive", course_id=launch.course_id, query=query)
    if not query:
        settings["data"] = launch.answer_key
    return {
        f"{LTI}message_type": "LtiDeepLinkingRequest",
        f"{DEEP_LINKING}deep_linking_settings": settings,
    }


def _own_habits(claims: dict[str, Any], launch: Launch, tool: Tool) -> dict[str, Any]:
    habits = lms().personality
    if launch.activity or tool.custom:
        claims[f"{LTI}custom"] = custom_values(launch, tool)
    if not launch.activity and habits.name == "moodle":
        claims[f"{LTI}launch_presentation"] = {"locale": habits.locale(launch.locale)}
    if habits.name == "moodle":
        claims[f"{LTI}ext"] = {"user_username": launch.person.key, "lms": "moodle-2"}
    else:
        claims["locale"] = habits.locale(launch.locale)
    if habits.with_azp:
        claims["azp"] = claims["aud"]
    if habits.leftovers:
        for name in ("context", "resource_link", "tool_platform"):
            if f"{LTI}{name}" in claims:
                claims[f"{LTI}{name}"] |= {"validation_context": None, "errors": {"errors": {}}}
        choosing = "link_selection" if launch.answer_key else "course_navigation"
        claims["https://www.instructure.com/placement"] = "assignment_selection" if launch.activity else choosing
    return claims


def target_link_uri(launch: Launch, tool: Tool) -> str:
    """Where the tool is asked to take the person: the link's own address, or the one of the place."""
    if launch.activity:
        return launch.activity.url or tool.launch_url
    if launch.answer_key:
        return tool.deep_linking_url or tool.launch_url
    return str(tool.placements.get("course_navigation", {}).get("target_link_uri") or tool.launch_url)


def custom_values(launch: Launch, tool: Tool) -> dict[str, str]:
    """The custom parameters of the tool and of the link with their ``$Variables`` filled in. An unknown variable
    stays as it is."""
    activity = launch.activity
    known = _variables(launch)
    asked = {**tool.custom, **(activity.custom if activity else {})}
    values = {name: known.get(value, value) for name, value in asked.items()}
    if lms().personality.name != "moodle":
        return values
    # Moodle cuts a value at its first line, adds an address of its own, and says a key that is not plain twice.
    values = {name: value.split("\n")[0].rstrip("\r") for name, value in values.items()}
    plain = {"".join(c if c.isalnum() else "_" for c in name.lower()): v for name, v in values.items()}
    members = lms().url("nrps.members", course_id=launch.course_id)
    return plain | values | {"context_memberships_url": members}


def _variables(launch: Launch) -> Mapping[str, str]:
    person, course, activity = launch.person, launch.course, launch.activity
    known = {
        "$User.id": subject(person),
        "$User.username": person.key,
        "$Person.name.full": person.name,
        "$Person.name.given": person.given_name,
        "$Person.name.family": person.family_name,
        "$Person.email.primary": person.email,
        "$Context.id": context_id(course),
        "$Context.title": course.title,
        "$Context.label": course.label,
        "$Context.id.history": ",".join(_ancestors(course)),
    }
    if activity:
        known |= {
            "$ResourceLink.id": resource_link_id(activity),
            "$ResourceLink.title": activity.title,
            "$ResourceLink.description": activity.text,
        }
    if lms().personality.name != "moodle":
        origin = activity.copied_from if activity else None
        known["$ResourceLink.id.history"] = resource_link_id(origin) if origin else ""
        known["$Message.locale"] = launch.locale
    return known


def _ancestors(course: Course) -> list[str]:
    """The courses that `course` is a copy of, the nearest first."""
    found: list[str] = []
    origin = course.copied_from
    while origin is not None and context_id(origin) not in found:
        found.append(context_id(origin))
        origin = origin.copied_from
    return found
