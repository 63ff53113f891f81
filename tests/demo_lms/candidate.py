"""A tool that registers itself at the LMS: what it sends, and a rig that then speaks for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from werkzeug.test import TestResponse

from ltitools.demo_lms import ToolRegistration

if TYPE_CHECKING:
    from tests.demo_lms.conftest import Rig

TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"
PLACE = "https://canvas.instructure.com/lti/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
SITE = "http://new.localhost:8300"
PAGE = f"{SITE}/register?invite=abc"


def request_body(config: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A registration request that all three take. A value of None leaves a field out."""
    tool = {
        "domain": "new.localhost:8300",
        "target_link_uri": f"{SITE}/launch",
        "description": "Newcomer",
        "claims": ["iss", "sub", "name", "given_name", "family_name", "email"],
        "custom_parameters": {"who": "$User.username"},
        "messages": [
            {"type": "LtiResourceLinkRequest", "placements": [f"{PLACE}course_navigation"], "label": "Course"},
            {
                "type": "LtiDeepLinkingRequest",
                "target_link_uri": f"{SITE}/pick",
                "placements": ["ContentArea", f"{PLACE}assignment_selection"],
            },
        ],
        **(config or {}),
    }
    body = {
        "application_type": "web",
        "grant_types": ["client_credentials", "implicit"],
        "response_types": ["id_token"],
        "redirect_uris": [f"{SITE}/launch", f"{SITE}/pick"],
        "initiate_login_uri": f"{SITE}/login",
        "client_name": "Newcomer",
        "jwks_uri": f"{SITE}/jwks",
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": f"{AGS}score {AGS}lineitem {NRPS}",
        TOOL: {name: value for name, value in tool.items() if value is not None},
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def begin(rig: Rig, tool: int | None = None) -> dict[str, str]:
    """What the tool's page is opened with."""
    response = rig.service.post("/control/register", json={"url": PAGE, "tool": tool})
    assert response.status_code == 200, response.text
    return dict(response.get_json())


def configuration(rig: Rig, begun: dict[str, str]) -> dict[str, Any]:
    """The LMS, described by itself."""
    parts = urlsplit(begun["openid_configuration"])
    response = rig.service.get(parts.path, query_string=parts.query)
    assert response.status_code == 200, response.text
    return dict(response.get_json())


def send(rig: Rig, begun: dict[str, str], body: Any = None, method: str = "POST") -> TestResponse:
    """Register with the token that was brought."""
    path = urlsplit(configuration(rig, begun)["registration_endpoint"]).path
    headers = {"Authorization": f"Bearer {begun['registration_token']}"}
    return rig.service.open(path, method=method, json=request_body() if body is None else body, headers=headers)


def registered(rig: Rig, **changes: Any) -> dict[str, Any]:
    """The LMS's answer to a registration that goes well."""
    response = send(rig, begin(rig), request_body(**changes))
    assert response.status_code == 200, response.text
    return dict(response.get_json())


def newest(rig: Rig) -> dict[str, Any]:
    """The newest tool, as the LMS knows it."""
    return dict(rig.state()["tools"][-1])


def change(rig: Rig, **values: Any) -> None:
    """Do with the newest tool as an administrator would."""
    assert rig.service.post("/control/tools", json={"tool": newest(rig)["id"], **values}).status_code == 204


def speak_for(rig: Rig) -> ToolRegistration:
    """Activate the newest tool, and let the rig speak for it from now on."""
    change(rig, state="active")
    tool = newest(rig)
    rig.tool = replace(
        rig.tool,
        client_id=tool["client_id"],
        deployment_id=tool["deployments"][0]["id"],
        login_url=tool["login_url"],
        launch_url=tool["launch_url"],
        title=tool["title"],
    )
    return rig.tool


def query_of(url: str) -> dict[str, str]:
    """The query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
