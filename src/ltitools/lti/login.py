"""Third-party login initiation and the authentication request that answers it.

https://www.imsglobal.org/spec/security/v1p0/#openid_connect_launch_flow
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from ltitools.refusals import refused
from ltitools.secrets import new_secret


class Platform(Protocol):
    """What the protocol needs to know of a registration."""

    @property
    def issuer(self) -> str: ...
    @property
    def client_id(self) -> str: ...
    @property
    def auth_url(self) -> str: ...
    @property
    def token_url(self) -> str: ...


@dataclass(frozen=True)
class LoginRequest:
    """A login initiation as a platform sends it. The two hints are opaque and go back unaltered."""

    issuer: str
    login_hint: str
    target_link_uri: str
    lti_message_hint: str | None
    client_id: str | None
    deployment_id: str | None
    storage_target: str | None


def read_login(parameters: Mapping[str, str]) -> LoginRequest:
    """The login initiation in `parameters` (query or form). Refuses one without iss, login_hint or target."""
    for name in ("iss", "login_hint", "target_link_uri"):
        if not parameters.get(name):
            raise refused("login-incomplete", f"{name} is missing")
        if "\0" in parameters[name]:
            # PostgreSQL has no such text, so it can be neither looked up nor kept.
            raise refused("login-incomplete", f"{name} holds a NUL")
    return LoginRequest(
        issuer=parameters["iss"],
        login_hint=parameters["login_hint"],
        target_link_uri=parameters["target_link_uri"],
        lti_message_hint=parameters.get("lti_message_hint"),
        client_id=parameters.get("client_id") or None,
        # Canvas's documentation and Canvas itself disagree about the name; neither is required.
        deployment_id=parameters.get("lti_deployment_id") or parameters.get("deployment_id") or None,
        storage_target=parameters.get("lti_storage_target", "")[:255] or None,
    )


def check_target(target_link_uri: str, public_url: str) -> None:
    """Refuse a target outside this server, so that a login cannot be used to send people elsewhere."""
    target, own = split_url(target_link_uri), urlsplit(public_url)
    if (target.scheme, target.netloc) != (own.scheme, own.netloc) or "\\" in target_link_uri:
        raise refused("target-foreign", f"target_link_uri is on {target.netloc[:80]!r}, not on this server")


def split_url(url: str) -> SplitResult:
    """`url` in its parts, all of them empty where it cannot be read as an address."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def new_state() -> tuple[str, str]:
    """A fresh state and a fresh nonce, 256 bits each."""
    return new_secret(), new_secret()


def authorization_url(platform: Platform, login: LoginRequest, redirect_uri: str, state: str, nonce: str) -> str:
    """The address of the authentication request: the platform's, its own query kept, with exactly our parameters.

    https://www.imsglobal.org/spec/security/v1p0/#step-2-authentication-request
    """
    request = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": platform.client_id,
        "redirect_uri": redirect_uri,
        "login_hint": login.login_hint,
        "state": state,
        "nonce": nonce,
    }
    if login.lti_message_hint is not None:
        request["lti_message_hint"] = login.lti_message_hint
    parts = urlsplit(platform.auth_url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *request.items()])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
