"""What three LMSs make of a registration request: the checks, the refusals, what is kept, and what is answered.

https://www.imsglobal.org/spec/lti-dr/v1p0#client-registration-request
Moodle's rules are observed on 4.5 and read in its source, Canvas's are read in its source and documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ltitools.demo_lms.addresses import domain_of
from ltitools.demo_lms.lms import AGS_SCOPES, NRPS_SCOPE

TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"
CANVAS = "https://canvas.instructure.com/lti/"
DEEP_LINKING, RESOURCE_LINK = "LtiDeepLinkingRequest", "LtiResourceLinkRequest"
LINE_ITEM, LINE_ITEM_READ, RESULT_READ, SCORE = AGS_SCOPES
REGISTRATION_SCOPE = "https://purl.imsglobal.org/spec/lti-reg/scope/registration"
REGISTRATION_READ_SCOPE = f"{REGISTRATION_SCOPE}.readonly"
LONGEST_NAME = 255
NAME_CLAIMS = frozenset({"name", "given_name", "family_name"})
PLACEMENTS = (
    "account_navigation",
    "assignment_edit",
    "assignment_menu",
    "assignment_selection",
    "collaboration",
    "course_home_sub_navigation",
    "course_navigation",
    "course_settings_sub_navigation",
    "editor_button",
    "file_menu",
    "homework_submission",
    "link_selection",
    "migration_selection",
    "module_menu_modal",
    "resource_selection",
    "user_navigation",
)
OTHER_NAMES = {"ContentArea": "link_selection", "RichTextEditor": "editor_button"}
CHOOSING = ("link_selection", "assignment_selection", "resource_selection", "editor_button")


class RegistrationRefused(Exception):
    """A registration that is refused: the status, and the body as this LMS writes it (a text or JSON)."""

    def __init__(self, status: int, body: str | Mapping[str, Any]) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


@dataclass(frozen=True)
class Accepted:
    """What an LMS keeps of a request; see `models.Tool`."""

    title: str
    login_url: str
    launch_url: str
    jwks_url: str
    redirect_uris: tuple[str, ...]
    domain: str
    scopes: tuple[str, ...]
    shares: tuple[str, ...]
    asked: Mapping[str, Any]
    icon_url: str | None = None
    deep_linking_url: str | None = None
    placements: Mapping[str, Any] = field(default_factory=dict)
    custom: Mapping[str, str] = field(default_factory=dict)


# Moodle -----------------------------------------------------------------------------------------------------


def moodle_page() -> RegistrationRefused:
    """What Moodle says where it did not expect the request: a page for people."""
    page = (
        "<!DOCTYPE html>\n<html lang='en'><head><title>Error | Campus</title></head><body><h1>Error</h1></body></html>"
    )
    return RegistrationRefused(404, page)


def moodle_rules(body: object) -> Accepted:
    """Every refusal is one word or sentence of plain text that calls itself HTML."""
    if not isinstance(body, dict):
        raise moodle_page()
    response_types = _moodle_value(body, "response_types")
    login_url = _moodle_value(body, "initiate_login_uri")
    redirect_uris = _moodle_value(body, "redirect_uris")
    title = _moodle_value(body, "client_name")
    jwks_url = _moodle_value(body, "jwks_uri")
    auth_method = _moodle_value(body, "token_endpoint_auth_method")
    config = _moodle_value(body, TOOL)
    if not isinstance(config, dict):
        raise moodle_page()
    if not config.get("domain"):
        raise RegistrationRefused(400, "missing_domain")
    launch_url = config.get("target_link_uri") or f"https://{config['domain']}"
    problems = {
        "domain_targetlinkuri_mismatch": domain_of(config["domain"]) != domain_of(launch_url),
        "invalid_response_types": "id_token" not in response_types,
        "invalid_redirect_uris": not isinstance(redirect_uris, list),
        "invalid_token_endpoint_auth_method": auth_method != "private_key_jwt",
        "invalid_application_type": body.get("application_type", "web") != "web",
    }
    for problem, is_so in problems.items():
        if is_so:
            raise RegistrationRefused(400, problem)
    if len(title) > LONGEST_NAME:
        raise moodle_page()
    # Of several messages to choose content the last one counts.
    choosing = [each for each in config.get("messages") or [] if each.get("type") == DEEP_LINKING]
    return Accepted(
        title=title,
        login_url=login_url,
        launch_url=launch_url,
        jwks_url=jwks_url,
        icon_url=body.get("logo_uri") or None,
        redirect_uris=tuple(redirect_uris),
        deep_linking_url=(choosing[-1].get("target_link_uri") or launch_url) if choosing else None,
        domain=domain_of(config["domain"]),
        scopes=_moodle_scopes(str(body.get("scope") or "").split()),
        shares=_shares(config.get("claims") or []),
        custom={name: _php_text(value) for name, value in (config.get("custom_parameters") or {}).items()},
        asked=body,
    )


def _moodle_value(body: Mapping[str, Any], name: str) -> Any:
    if not body.get(name):
        raise RegistrationRefused(400, f"missing required attribute {name}")
    return body[name]


def _moodle_scopes(asked: list[str]) -> tuple[str, ...]:
    """Whoever asks for one scope of the gradebook is given them all."""
    grades = (SCORE, RESULT_READ, LINE_ITEM_READ, LINE_ITEM) if set(AGS_SCOPES) & set(asked) else ()
    return (*grades, NRPS_SCOPE) if NRPS_SCOPE in asked else grades


def _php_text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    return str(value)


def _shares(claims: object) -> tuple[str, ...]:
    asked = set(claims) if isinstance(claims, list) else set()
    return tuple(name for name, wanted in (("name", asked & NAME_CLAIMS), ("email", asked & {"email"})) if wanted)


# Canvas -----------------------------------------------------------------------------------------------------


def canvas_rules(body: object) -> Accepted:
    """All that breaks the schema is listed at once; placements that Canvas does not know are left out silently."""
    errors = list(_canvas_errors(body)) if isinstance(body, dict) else ["the root value is not an object"]
    if errors:
        raise RegistrationRefused(422, {"errors": errors})
    assert isinstance(body, dict)
    config = body[TOOL]
    launch_url = config.get("target_link_uri") or body["redirect_uris"][0]
    placements = _canvas_placements(config["messages"], launch_url)
    choosing = [placements[name] for name in CHOOSING if placements.get(name, {}).get("type") == DEEP_LINKING]
    return Accepted(
        title=body["client_name"],
        login_url=body["initiate_login_uri"],
        launch_url=launch_url,
        jwks_url=body["jwks_uri"],
        icon_url=body.get("logo_uri") or None,
        redirect_uris=tuple(body["redirect_uris"]),
        deep_linking_url=choosing[0]["target_link_uri"] if choosing else None,
        domain=config["domain"],
        scopes=tuple(str(body.get("scope") or "").split()),
        shares=_canvas_shares(config),
        placements=placements,
        custom=config.get("custom_parameters") or {},
        asked=body,
    )


def _canvas_errors(body: Mapping[str, Any]) -> list[str]:
    texts = ("initiate_login_uri", "client_name", "jwks_uri")
    fixed = {"application_type": "web", "token_endpoint_auth_method": "private_key_jwt"}
    errors = [f"'{name}' is not a string" for name in texts if not isinstance(body.get(name), str)]
    errors += [f"'{name}' is not '{value}'" for name, value in fixed.items() if body.get(name) != value]
    for name, values in (("grant_types", {"client_credentials", "implicit"}), ("response_types", {"id_token"})):
        given = body.get(name)
        if not isinstance(given, list) or not values <= set(given):
            errors.append(f"'{name}' does not contain {', '.join(sorted(values))}")
    redirect_uris = body.get("redirect_uris")
    if not isinstance(redirect_uris, list) or not redirect_uris:
        errors.append("'redirect_uris' is not a list with an address")
    config = body.get(TOOL)
    return errors + (_canvas_config_errors(config) if isinstance(config, dict) else [f"'{TOOL}' is not an object"])


def _canvas_config_errors(config: Mapping[str, Any]) -> list[str]:
    errors = [] if isinstance(config.get("domain"), str) else ["'domain' is not a string"]
    errors += [f"'{name}' is not a list" for name in ("messages", "claims") if not isinstance(config.get(name), list)]
    messages = config["messages"] if isinstance(config.get("messages"), list) else []
    if not all(isinstance(each, dict) and each.get("type") for each in messages):
        errors.append("a message has no 'type'")
    for part in (config, *(each for each in messages if isinstance(each, dict))):
        custom = part.get("custom_parameters", {})
        if not isinstance(custom, dict) or not all(isinstance(value, str) for value in custom.values()):
            errors.append("a value of 'custom_parameters' is not a string")
    return errors


def _canvas_placements(messages: list[dict[str, Any]], launch_url: str) -> dict[str, Any]:
    """Each place with its message. A message without a place is put where links are chosen."""
    placements: dict[str, Any] = {}
    for message in messages:
        for written in message.get("placements") or ["link_selection"]:
            name = OTHER_NAMES.get(written, str(written).removeprefix(CANVAS))
            if name in PLACEMENTS and message["type"] in (DEEP_LINKING, RESOURCE_LINK):
                placements[name] = {
                    "type": message["type"],
                    "target_link_uri": message.get("target_link_uri") or launch_url,
                    "label": message.get("label") or "",
                }
    return placements


def _canvas_shares(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The privacy level that was asked for, or what the claims amount to."""
    levels = {"public": ("name", "email"), "name_only": ("name",), "email_only": ("email",), "anonymous": ()}
    level = config.get(f"{CANVAS}privacy_level")
    if level in levels:
        return levels[level]
    claims = set(config["claims"])
    if "picture" in claims or {"name", "email"} <= claims:
        return levels["public"]
    return levels["name_only" if "name" in claims else "email_only" if "email" in claims else "anonymous"]


# The specification's own way --------------------------------------------------------------------------------


def generic_rules(body: object) -> Accepted:
    """https://www.rfc-editor.org/rfc/rfc7591#section-3.2.2 for what is refused, and only what is supported granted."""
    if not isinstance(body, dict) or not isinstance(config := body.get(TOOL), dict):
        raise _invalid("the request or its tool configuration is not an object")
    for name in ("client_name", "initiate_login_uri", "jwks_uri", "response_types", "grant_types"):
        if not body.get(name):
            raise _invalid(f"{name} is missing")
    if body.get("token_endpoint_auth_method") != "private_key_jwt":
        raise _invalid("token_endpoint_auth_method is not private_key_jwt")
    redirect_uris = body.get("redirect_uris")
    if not isinstance(redirect_uris, list) or not redirect_uris:
        raise _invalid("redirect_uris is missing", "invalid_redirect_uri")
    for name in ("domain", "target_link_uri", "messages", "claims"):
        if not config.get(name):
            raise _invalid(f"{name} is missing in the tool configuration")
    choosing = [each for each in config["messages"] if each.get("type") == DEEP_LINKING]
    launch_url = config["target_link_uri"]
    return Accepted(
        title=body["client_name"],
        login_url=body["initiate_login_uri"],
        launch_url=launch_url,
        jwks_url=body["jwks_uri"],
        icon_url=body.get("logo_uri") or None,
        redirect_uris=tuple(redirect_uris),
        deep_linking_url=(choosing[0].get("target_link_uri") or launch_url) if choosing else None,
        domain=config["domain"],
        scopes=tuple(scope for scope in str(body.get("scope") or "").split() if scope in (*AGS_SCOPES, NRPS_SCOPE)),
        shares=_shares(config["claims"]),
        custom=config.get("custom_parameters") or {},
        asked=body,
    )


def _invalid(description: str, error: str = "invalid_client_metadata") -> RegistrationRefused:
    return RegistrationRefused(400, {"error": error, "error_description": description})


RULES = {"moodle": moodle_rules, "canvas": canvas_rules, "generic": generic_rules}
