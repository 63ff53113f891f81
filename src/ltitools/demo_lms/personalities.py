"""The LMS that the demo behaves like: where Moodle, Canvas and a plain reading of the specification differ.

What can be said as a value is a field here; the rules of the gradebooks are in `scoring`, and the shape of hints
and claims is beside the code that writes them. Two liberties, because this is a demo: deep-linked windows and
dates are honoured by all three, and the token endpoint is strict in all three (Moodle's own checks neither
``aud`` nor ``jti``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ltitools.demo_lms.scoring import Rules, canvas_rules, generic_rules, moodle_rules

Name = Literal["moodle", "canvas", "generic"]

VOCABULARY = "http://purl.imsglobal.org/vocab/lis/v2"
MEMBERSHIP = f"{VOCABULARY}/membership"
INSTITUTION = f"{VOCABULARY}/institution/person"
SYSTEM = f"{VOCABULARY}/system/person"
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"
STORAGE_FRAME = "post_message_forwarding"

Roles = Mapping[str, tuple[str, ...]]

MOODLE_ROLES: Roles = {
    "teacher": (f"{MEMBERSHIP}#Instructor",),
    "learner": (f"{MEMBERSHIP}#Learner",),
    "test": (f"{MEMBERSHIP}#Learner",),
    "admin": (f"{INSTITUTION}#Administrator", f"{MEMBERSHIP}#Instructor", f"{SYSTEM}#Administrator"),
}
CANVAS_ROLES: Roles = {
    "teacher": (f"{INSTITUTION}#Instructor", f"{MEMBERSHIP}#Instructor", f"{SYSTEM}#User"),
    "learner": (f"{INSTITUTION}#Student", f"{MEMBERSHIP}#Learner", f"{SYSTEM}#User"),
    "test": (TEST_USER, f"{MEMBERSHIP}#Learner", f"{SYSTEM}#User"),
    "admin": (f"{INSTITUTION}#Administrator", f"{SYSTEM}#User"),
}
GENERIC_ROLES: Roles = {
    "teacher": (f"{MEMBERSHIP}#Instructor",),
    "learner": (f"{MEMBERSHIP}#Learner",),
    "test": (f"{MEMBERSHIP}#Learner", TEST_USER),
    "admin": (f"{INSTITUTION}#Administrator", f"{MEMBERSHIP}#Administrator", f"{SYSTEM}#Administrator"),
}


@dataclass(frozen=True)
class Personality:
    """The habits of one LMS.

    `family` is what ``tool_platform`` says. `numeric_ids` makes people, courses and links small numbers, as
    Moodle's are. `one_shot` hints serve a single authorization request. `hidden_refusals` are parameters of the
    authorization request whose absence is answered by a page of the LMS, so that the tool never hears of it.
    `bad_request` is the OAuth error for the others. `error_words` are its descriptions of some. `json_type` is the
    content type of the token endpoint. With `course_menu` the menu of a course has a link to the tool, which stands
    for the whole course. `storage_target` is the frame that keeps values for tools, ``_parent`` where the page around
    the tool does it itself; empty where nobody does.
    """

    name: Name
    title: str
    family: str
    version: str
    id_token_seconds: int
    roles: Roles
    rules: Rules
    deployment_parameter: str
    context_type: tuple[str, ...]
    numeric_ids: bool = False
    with_azp: bool = False
    leftovers: bool = False
    one_shot: bool = True
    signed_out_page: bool = False
    hidden_refusals: frozenset[str] = frozenset()
    required_parameters: frozenset[str] = frozenset()
    bad_request: str = "invalid_request"
    wrong_person: str = "login_required"
    used_hint: str | None = None
    error_words: Mapping[str, str] = field(default_factory=dict)
    storage_target: str = ""
    redirect_query_ignored: bool = False
    json_type: str = "application/json"
    future_seconds: int = 60
    line_item_query: bool = False
    strict_media_types: bool = False
    short_roles: bool = False
    coupled_items_stay: bool = False
    column_named_by_title: bool = False
    course_menu: bool = False
    deep_linking: Mapping[str, Any] = field(default_factory=dict)

    def locale(self, tag: str) -> str:
        """A language tag as this LMS writes it: Moodle's ``fr_ca`` is everybody else's ``fr-CA``."""
        return tag.replace("-", "_").lower() if self.name == "moodle" else tag


def _settings(**more: Any) -> dict[str, Any]:
    return {
        "accept_types": ["ltiResourceLink"],
        "accept_presentation_document_targets": ["iframe", "window"],
        "accept_multiple": True,
        "auto_create": False,
        **more,
    }


MOODLE = Personality(
    name="moodle",
    title="Moodle",
    family="moodle",
    version="2024100706",
    id_token_seconds=60,
    roles=MOODLE_ROLES,
    rules=moodle_rules,
    deployment_parameter="lti_deployment_id",
    context_type=("CourseSection",),
    numeric_ids=True,
    signed_out_page=True,
    hidden_refusals=frozenset({"nonce", "login_hint", "lti_message_hint", "response_type"}),
    wrong_person="access_denied",
    error_words={"access_denied": "", "unauthorized_client": ""},
    json_type="text/html",
    future_seconds=0,
    line_item_query=True,
    strict_media_types=True,
    short_roles=True,
    column_named_by_title=True,
    deep_linking=_settings(
        accept_presentation_document_targets=["frame", "iframe", "window"],
        accept_copy_advice=False,
        accept_unsigned=False,
        can_confirm=False,
        text="",
    ),
)

CANVAS = Personality(
    name="canvas",
    title="Canvas",
    family="canvas",
    version="cloud",
    id_token_seconds=3600,
    roles=CANVAS_ROLES,
    rules=canvas_rules,
    deployment_parameter="deployment_id",
    context_type=(f"{VOCABULARY}/course#CourseOffering",),
    with_azp=True,
    leftovers=True,
    required_parameters=frozenset({"prompt", "lti_message_hint"}),
    bad_request="invalid_request_object",
    used_hint="launch_no_longer_valid",
    error_words={
        "login_required": "Must have an active user session",
        "launch_no_longer_valid": "The launch has either expired or already been consumed",
        "unauthorized_client": "Client not authorized in requested context",
    },
    storage_target=STORAGE_FRAME,
    redirect_query_ignored=True,
    future_seconds=30,
    coupled_items_stay=True,
    course_menu=True,
    deep_linking=_settings(accept_media_types="application/vnd.ims.lti.v1.ltilink"),
)

GENERIC = Personality(
    name="generic",
    title="LTI 1.3",
    family="demo",
    version="1.0",
    id_token_seconds=600,
    roles=GENERIC_ROLES,
    rules=generic_rules,
    deployment_parameter="lti_deployment_id",
    context_type=(f"{VOCABULARY}/course#CourseOffering",),
    one_shot=False,
    storage_target="_parent",
    course_menu=True,
    deep_linking=_settings(auto_create=True),
)

PERSONALITIES: Mapping[str, Personality] = {each.name: each for each in (MOODLE, CANVAS, GENERIC)}
