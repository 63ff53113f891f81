"""The OAuth 2 token endpoint: client credentials, the client authenticated by a JWT that it signs itself.

Authlib does the work; what is ours is the client (a registered tool), its keys, and the clock. It is strict on
purpose: a tool that passes here passes elsewhere.
https://www.imsglobal.org/spec/security/v1p0/#using-json-web-tokens-with-oauth-2-0-client-credentials-grant
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any, cast

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.flask_oauth2.requests import FlaskOAuth2Payload, FlaskOAuth2Request
from authlib.oauth2.rfc6749 import ClientMixin, InvalidClientError, OAuth2Request
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from flask import Blueprint, Flask, Request, Response, current_app, request
from flask.typing import ResponseReturnValue
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization
from joserfc.jwt import Claims, JWTClaimsRegistry
from sqlalchemy.exc import IntegrityError

from ltitools.demo_lms.lms import db, lms
from ltitools.demo_lms.models import AccessToken, Tool, UsedOnce
from ltitools.demo_lms.registration_rules import REGISTRATION_READ_SCOPE, REGISTRATION_SCOPE
from ltitools.demo_lms.tools import ACTIVE, tool_of_client

oauth = Blueprint("oauth", __name__)

OF_REGISTRATION = frozenset({REGISTRATION_SCOPE, REGISTRATION_READ_SCOPE})
AUTH_METHOD = "private_key_jwt"
GRANT_TYPE = "client_credentials"
TOKEN_SECONDS = 3600
ASSERTION_SECONDS = 300


@oauth.post("/lti/token")
def token() -> ResponseReturnValue:
    """An access token for the services, or the OAuth error."""
    response: Response = current_app.extensions["demo_lms_oauth"].create_token_response()
    response.mimetype = lms().personality.json_type
    db().commit()
    return response


def init_app(app: Flask) -> None:
    """Make the application's authorization server."""
    app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {GRANT_TYPE: TOKEN_SECONDS}
    server = AuthorizationServer(app, _client, _save_token)
    server.create_oauth2_request = lambda _request: AnyTransport(request)
    server.register_client_auth_method(AUTH_METHOD, _Assertion(leeway=0))
    server.register_grant(_ClientCredentials)
    app.extensions["demo_lms_oauth"] = server


def digest(access_token: str) -> str:
    """How an access token is kept: as a hash, since it is a password."""
    return hashlib.sha256(access_token.encode()).hexdigest()


def tool_of_token(access_token: str) -> tuple[Tool | None, frozenset[str]]:
    """Whose `access_token` is, and what it is good for now: nothing when it is unknown or has expired, or when its
    tool is not active any more."""
    row = db().get(AccessToken, digest(access_token))
    if row is None or row.expires_at <= lms().now() or row.tool is None or row.tool.state != ACTIVE:
        return None, frozenset()
    return row.tool, frozenset(row.scope.split())


def use_once(kind: str, value: str) -> bool:
    """Remember `value`; False if it was there before. Called ahead of other writes: a repetition undoes them."""
    db().add(UsedOnce(kind=kind, value=value, seen_at=lms().now()))
    try:
        db().flush()
    except IntegrityError:
        db().rollback()
        return False
    return True


class AnyTransport(FlaskOAuth2Request):
    """Authlib takes plain HTTP for ``localhost`` itself only, and not for the names below it, where a demo
    lives. Which address the LMS is served at is for whoever starts it to decide."""

    def __init__(self, sent: Request) -> None:
        OAuth2Request.__init__(self, sent.method, "https://localhost" + sent.full_path, headers=sent.headers)
        self._request = sent
        self.payload = FlaskOAuth2Payload(sent)


class _Client(ClientMixin):
    """A registered tool as Authlib sees it."""

    def __init__(self, tool: Tool) -> None:
        self.tool = tool

    def get_client_id(self) -> str:
        return self.tool.client_id

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """The scopes among those asked for that the tool may have; None, which is an error, if there are none."""
        asked, levers = set((scope or "").split()), lms().levers
        known = set(self.tool.scopes) - (set() if levers.registration_updates else OF_REGISTRATION)
        granted = {each for each in known & asked if each.rsplit("/", 1)[-1] not in levers.scopes_withheld}
        if granted != asked and levers.all_scopes_or_none:
            return None
        return " ".join(sorted(granted)) or None

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == AUTH_METHOD

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == GRANT_TYPE


class _Assertion(JWTBearerClientAssertion):
    """``private_key_jwt``: https://www.rfc-editor.org/rfc/rfc7523#section-3, on the LMS's own clock."""

    CLIENT_AUTH_METHOD = AUTH_METHOD

    def extract_assertion(self, assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Header and claims, unverified. Only the one algorithm and a named key are taken any further."""
        header, claims = super().extract_assertion(assertion)
        if header.get("alg") != "RS256" or not header.get("kid"):
            raise InvalidClientError(description="The assertion needs alg RS256 and a kid")
        return header, claims

    def resolve_client_public_key(self, client: _Client) -> KeySet:
        """The tool's keys, fetched now: a key that was rotated in is there at once."""
        try:
            return tool_keys(client.tool)
        except KeysUnavailable as error:
            raise InvalidClientError(description=str(error)) from error

    def verify_claims(self, claims: Claims) -> None:
        """All of iss, sub, aud, exp, iat and jti are there and right, and the jti is new."""
        # The key that has verified the signature is that of the client named in ``sub``.
        client_id = claims["sub"]
        now = int(lms().now().timestamp())
        issued_at = claims.get("iat")
        if isinstance(issued_at, bool) or not isinstance(issued_at, int | float):
            raise InvalidClientError(description="Missing or invalid claim: 'iat'")
        if not now - ASSERTION_SECONDS <= issued_at <= now + lms().personality.future_seconds:
            raise InvalidClientError(description="The assertion's iat is in the future, or too old")
        registry = JWTClaimsRegistry(
            now,
            iss={"essential": True, "value": client_id},
            sub={"essential": True, "value": client_id},
            aud={"essential": True, "value": lms().url("oauth.token")},
            exp={"essential": True},
            jti={"essential": True},
        )
        try:
            # The registry allows the same leeway for iat and for exp; iat was judged above.
            registry.validate({name: value for name, value in claims.items() if name != "iat"})
        except JoseError as error:
            raise InvalidClientError(description=error.description or str(error)) from error
        if not use_once("jti", claims["jti"]):
            raise InvalidClientError(description="JWT ID is used before.")


class _ClientCredentials(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = (AUTH_METHOD,)


class KeysUnavailable(Exception):
    """The tool's public keys cannot be had."""


def tool_keys(tool: Tool) -> KeySet:
    """The public keys of `tool`, fetched from its JWKS URL."""
    try:
        # The import refuses what is no key set.
        return KeySet.import_key_set(cast(KeySetSerialization, dict(lms().fetch_keys(tool.jwks_url))))
    except (OSError, ValueError, KeyError, TypeError, JoseError) as error:
        raise KeysUnavailable(f"no usable keys at {tool.jwks_url}: {error}") from error


def _client(client_id: str) -> _Client | None:
    tool = tool_of_client(client_id)
    return _Client(tool) if tool else None


def _save_token(issued: dict[str, Any], sent: OAuth2Request) -> None:
    """Keep the token that Authlib has made, as a hash."""
    db().add(
        AccessToken(
            digest=digest(issued["access_token"]),
            tool=sent.client.tool,
            scope=issued["scope"],
            expires_at=lms().now() + timedelta(seconds=issued["expires_in"]),
        )
    )
