"""The claims of a launch: their names, and a typed view of those that a tool uses.

https://www.imsglobal.org/spec/lti/v1p3/#required-message-claims
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NewType

from pylti1p3.roles import AbstractRole, DesignerRole, ObserverRole, RoleType

SignedClaims = NewType("SignedClaims", dict[str, Any])
"""Claims whose signature was checked. Only `ltitools.lti.launch.verify` makes them."""

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
MESSAGE_TYPE = LTI + "message_type"
VERSION = LTI + "version"
DEPLOYMENT_ID = LTI + "deployment_id"
TARGET_LINK_URI = LTI + "target_link_uri"
RESOURCE_LINK = LTI + "resource_link"
ROLES = LTI + "roles"
CONTEXT = LTI + "context"
CUSTOM = LTI + "custom"
PRESENTATION = LTI + "launch_presentation"
PLATFORM = LTI + "tool_platform"
FOR_USER = LTI + "for_user"
DEEP_LINKING_SETTINGS = DL + "deep_linking_settings"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
CANVAS_PLACEMENT = "https://www.instructure.com/placement"
CONTEXT_ROLE = re.compile(r"http://purl\.imsglobal\.org/vocab/lis/v2/membership(?:/([A-Za-z]+))?#([A-Za-z]+)")
WEB_ADDRESS = re.compile(
    r"https?://(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?(?:[/?#][^\x00-\x1f\ud800-\udfff]*)?", re.ASCII | re.IGNORECASE
)
ADMINISTRATOR_ROLES = frozenset(
    f"http://purl.imsglobal.org/vocab/lis/v2/{where}/person#Administrator" for where in ("institution", "system")
)
"""Of the whole institution, or of the platform: https://www.imsglobal.org/spec/lti/v1p3/#lis-vocabulary-for-system-roles"""
TEST_USER_ROLE = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"

RESOURCE_LINK_REQUEST = "LtiResourceLinkRequest"
DEEP_LINKING_REQUEST = "LtiDeepLinkingRequest"
SUBMISSION_REVIEW_REQUEST = "LtiSubmissionReviewRequest"


class Role(StrEnum):
    """What a person is in the course of the launch. A launch without any of these grants the least."""

    INSTRUCTOR = "instructor"
    ASSISTANT = "assistant"
    DESIGNER = "designer"
    LEARNER = "learner"
    MENTOR = "mentor"
    ADMINISTRATOR = "administrator"


INSTRUCTORS = (Role.INSTRUCTOR, Role.ASSISTANT, Role.DESIGNER, Role.ADMINISTRATOR)


class _ContextRole(AbstractRole):
    """Roles in the context, by URI, or by the short names that LTI allows for them.

    The library takes whatever stands behind the last ``#`` for a role in the context unless the vocabulary has
    a sub-path, and so would make an instructor of everyone who teaches somewhere in the institution
    (``…/lis/v2/person#Instructor``). A sub-role is named with its principal role, because ``Learner#Instructor``
    is a kind of learner.
    """

    def parse_role_str(self, role_str: str) -> tuple[str, str | None]:
        found = CONTEXT_ROLE.fullmatch(role_str)
        if found is None:
            return role_str, None
        principal, name = found.groups()
        return name if principal in (None, name) else f"{principal}/{name}", RoleType.CONTEXT


class _Assistant(_ContextRole):
    """Teaching assistants: Canvas and the vocabulary use a sub-role of Instructor.

    https://www.imsglobal.org/spec/lti/v1p3/#context-sub-roles
    """

    _common_roles = ("TeachingAssistant",)
    _context_roles = ("TeachingAssistant", "Instructor/TeachingAssistant")


class _Administrator(_ContextRole):
    _common_roles = ("Administrator",)
    _context_roles = ("Administrator",)


class _Learner(_ContextRole):
    _common_roles = ("Learner", "Student")
    _context_roles = ("Learner", "Member")


class _Instructor(_ContextRole):
    _common_roles = ("Instructor",)
    _context_roles = ("Instructor",)


class _Designer(_ContextRole, DesignerRole):
    pass


class _Mentor(_ContextRole, ObserverRole):
    pass


_ROLES: Mapping[Role, type[_ContextRole]] = {
    Role.INSTRUCTOR: _Instructor,
    Role.ASSISTANT: _Assistant,
    Role.DESIGNER: _Designer,
    Role.LEARNER: _Learner,
    Role.MENTOR: _Mentor,
    Role.ADMINISTRATOR: _Administrator,
}


def roles_of(claims: Mapping[str, Any]) -> frozenset[Role]:
    """The roles in the context. Institution and system roles give none: a teacher of the institution who is
    enrolled here as a learner is a learner here.
    """
    named = {ROLES: [role for role in claims.get(ROLES) or () if isinstance(role, str)]}
    return frozenset(role for role, check in _ROLES.items() if check(named).check())


@dataclass(frozen=True)
class DeepLinkingSettings:
    """What the platform accepts as an answer to a deep linking request.

    https://www.imsglobal.org/spec/lti-dl/v2p0/#deep-linking-settings
    """

    return_url: str
    accept_types: frozenset[str]
    targets: frozenset[str]
    accept_multiple: bool
    accept_line_item: bool
    data: Any = None
    has_data: bool = False


@dataclass(frozen=True)
class Message:
    """A launch message, as far as the tool uses it. Absent texts are empty strings."""

    message_type: str
    deployment_id: str
    sub: str
    name: str
    email: str
    is_test: bool
    roles: frozenset[Role]
    is_administrator: bool
    context_id: str
    context_title: str
    context_label: str
    resource_link_id: str
    resource_link_title: str
    custom: Mapping[str, str]
    locale: str
    placement: str
    return_url: str
    line_item_url: str
    line_items_url: str
    service_scopes: tuple[str, ...]
    memberships_url: str
    for_user_id: str
    for_user_name: str
    deep_linking: DeepLinkingSettings | None

    @property
    def is_review(self) -> bool:
        """Whether somebody's work is to be reviewed (https://www.imsglobal.org/spec/lti-sr/v1p0)."""
        return self.message_type == SUBMISSION_REVIEW_REQUEST


def read_message(claims: SignedClaims) -> Message:
    """The typed view of signed claims. Unknown claims, nulls and values of a wrong type are passed over."""
    context = _mapping(claims.get(CONTEXT))
    link = _mapping(claims.get(RESOURCE_LINK))
    presentation = _mapping(claims.get(PRESENTATION))
    ags = _mapping(claims.get(AGS))
    for_user = _mapping(claims.get(FOR_USER))
    roles = claims.get(ROLES)
    return Message(
        message_type=text_of(claims.get(MESSAGE_TYPE)),
        deployment_id=text_of(claims.get(DEPLOYMENT_ID)),
        sub=text_of(claims.get("sub")),
        name=name_of(claims),
        email=text_of(claims.get("email"))[:255],
        is_test=isinstance(roles, list) and TEST_USER_ROLE in roles,
        roles=roles_of(claims),
        is_administrator=isinstance(roles, list) and not ADMINISTRATOR_ROLES.isdisjoint(_texts(roles)),
        context_id=text_of(context.get("id")),
        context_title=text_of(context.get("title"))[:500],
        context_label=text_of(context.get("label"))[:255],
        resource_link_id=text_of(link.get("id")),
        resource_link_title=text_of(link.get("title"))[:500],
        custom={text_of(key): text_of(value) for key, value in _mapping(claims.get(CUSTOM)).items()},
        locale=text_of(presentation.get("locale")) or text_of(claims.get("locale")),
        placement=text_of(claims.get(CANVAS_PLACEMENT))[:64],
        return_url=web_address(presentation.get("return_url")),
        line_item_url=web_address(ags.get("lineitem")),
        line_items_url=web_address(ags.get("lineitems")),
        service_scopes=tuple(_texts(ags.get("scope"))),
        memberships_url=web_address(_mapping(claims.get(NRPS)).get("context_memberships_url")),
        for_user_id=text_of(for_user.get("user_id")),
        for_user_name=name_of(for_user),
        deep_linking=_deep_linking(claims),
    )


def _deep_linking(claims: SignedClaims) -> DeepLinkingSettings | None:
    if claims.get(MESSAGE_TYPE) != DEEP_LINKING_REQUEST:
        return None
    settings = _mapping(claims.get(DEEP_LINKING_SETTINGS))
    return DeepLinkingSettings(
        return_url=text_of(settings.get("deep_link_return_url")),
        accept_types=frozenset(_texts(settings.get("accept_types"))),
        targets=frozenset(_texts(settings.get("accept_presentation_document_targets"))),
        accept_multiple=_flag(settings.get("accept_multiple"), default=True),
        accept_line_item=_flag(settings.get("accept_lineitem"), default=True),
        data=settings.get("data"),
        has_data="data" in settings,
    )


def name_of(claims: Mapping[str, Any]) -> str:
    """A person's name, put together where only its parts are told."""
    parts = (text_of(claims.get("given_name")), text_of(claims.get("family_name")))
    return (text_of(claims.get("name")) or " ".join(part for part in parts if part))[:255]


def web_address(value: Any) -> str:
    """`value` if it is a web address, else nothing. Its origin goes into headers, so the host must be a plain one."""
    return value if isinstance(value, str) and WEB_ADDRESS.fullmatch(value) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def text_of(value: Any) -> str:
    """`value` as a text that every database can keep: without NUL, and without halves of characters."""
    if isinstance(value, str):
        return value.replace("\0", "").encode(errors="replace").decode()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _texts(value: Any) -> Sequence[str]:
    return [text_of(entry) for entry in value if isinstance(entry, str)] if isinstance(value, list) else []


def _flag(value: Any, *, default: bool) -> bool:
    """A flag that some platforms send as the text ``"false"``."""
    if isinstance(value, str):
        return value.strip().lower() == "true"
    return value if isinstance(value, bool) else default
