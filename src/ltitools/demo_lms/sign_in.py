"""Signing in to another site with this LMS: OpenID Connect, the authorization code flow with PKCE.

https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth and https://www.rfc-editor.org/rfc/rfc7636
It has nothing to do with LTI, as where an institution's own sign-in service opens a tool's console. The issuer is
``<the LMS>/idp``. Authlib does the work; what is ours is who is signed in, the clients, the codes and the clock.
"""

# Its classes extend those of Authlib, which has no types.

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidRequestError, OAuth2Error
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from authlib.oidc.core.models import AuthorizationCodeMixin
from flask import Blueprint, Flask, Response, current_app, jsonify, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from joserfc.jwk import Key

from ltitools.demo_lms.access import person_here
from ltitools.demo_lms.lms import SignInClient, db, lms, signing_keys
from ltitools.demo_lms.models import AccessToken, Person, SignInCode
from ltitools.demo_lms.oauth import AnyTransport, digest

sign_in = Blueprint("sign_in", __name__, url_prefix="/idp")

AUTH_METHOD = "client_secret_basic"
GRANT_TYPE = "authorization_code"
SCOPES = ("openid", "email", "profile")
CODE_LIFETIME = timedelta(minutes=1)
TOKEN_SECONDS = 3600


@sign_in.get("/.well-known/openid-configuration")
def configuration() -> ResponseReturnValue:
    """https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata"""
    return jsonify(
        {
            "issuer": issuer(),
            "authorization_endpoint": lms().url("sign_in.authorize"),
            "token_endpoint": lms().url("sign_in.token"),
            "userinfo_endpoint": lms().url("sign_in.userinfo"),
            "jwks_uri": lms().url("sign_in.jwks"),
            "response_types_supported": ["code"],
            "grant_types_supported": [GRANT_TYPE],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": list(SCOPES),
            "token_endpoint_auth_methods_supported": [AUTH_METHOD],
            "claims_supported": ["sub", "name", "given_name", "family_name", "email", "email_verified", "locale"],
            "code_challenge_methods_supported": ["S256"],
        }
    )


def issuer() -> str:
    """Who signs, which the configuration's address follows from."""
    return f"{lms().public_url}/idp"


@sign_in.get("/authorize")
def authorize() -> ResponseReturnValue:
    """A code for the site that asks, once somebody is signed in here. They are not asked whether they agree."""
    server: AuthorizationServer = current_app.extensions["demo_lms_sign_in"]
    person = person_here()
    try:
        grant = server.get_consent_grant(end_user=person)
    except OAuth2Error as error:
        return cast(ResponseReturnValue, server.handle_error_response(None, error))
    here = request.full_path
    has_just_signed_in = session.pop("came_for", None) == here
    if person is None or (request.args.get("prompt") == "login" and not has_just_signed_in):
        session["on_the_way"] = here
        return redirect(url_for("pages.home"), 303)
    granting = None if lms().levers.sign_in == "denied" else person
    response: Response = server.create_authorization_response(grant=grant, grant_user=granting)
    db().commit()
    return response


@sign_in.post("/token")
def token() -> ResponseReturnValue:
    """The id_token for a code, or the OAuth error."""
    response: Response = current_app.extensions["demo_lms_sign_in"].create_token_response()
    db().commit()
    return response


@sign_in.get("/userinfo")
def userinfo() -> ResponseReturnValue:
    """https://openid.net/specs/openid-connect-core-1_0.html#UserInfo"""
    kind, _space, access_token = request.headers.get("Authorization", "").partition(" ")
    row = db().get(AccessToken, digest(access_token)) if kind.lower() == "bearer" else None
    if row is None or row.person is None or row.expires_at <= lms().now():
        return "", 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return jsonify(described(row.person, row.scope))


@sign_in.get("/jwks")
def jwks() -> ResponseReturnValue:
    """The public keys that sign."""
    return jsonify(signing_keys(db()).as_dict(private=False))


def described(person: Person, scope: str) -> dict[str, Any]:
    """What a site of `scope` learns of a person."""
    claims = UserInfo(
        sub=person.subject,
        name=person.name,
        given_name=person.given_name,
        family_name=person.family_name,
        email=person.email,
        email_verified=lms().levers.sign_in != "unverified",
        locale=person.locale,
    )
    return dict(claims.filter(scope))


def init_app(app: Flask) -> None:
    """Make the application's second authorization server, beside the one for services."""
    server = AuthorizationServer(app, _client, _save_token)
    server.create_oauth2_request = lambda _request: AnyTransport(request)
    server.register_grant(_CodeGrant, [_Challenge(), _Identity(require_nonce=True)])
    app.extensions["demo_lms_sign_in"] = server


class _Client(ClientMixin):
    """A site as Authlib sees it."""

    def __init__(self, client: SignInClient) -> None:
        self.client = client

    def get_client_id(self) -> str:
        return self.client.client_id

    def get_default_redirect_uri(self) -> str | None:
        return None

    def get_allowed_scope(self, scope: str | None) -> str:
        return " ".join(each for each in SCOPES if each in (scope or "").split())

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.client.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == self.client.client_secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == AUTH_METHOD

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == GRANT_TYPE


class _Code(AuthorizationCodeMixin):
    """A code as Authlib sees it."""

    def __init__(self, row: SignInCode) -> None:
        self.row = row
        self.code_challenge = row.challenge
        self.code_challenge_method = "S256"

    def get_redirect_uri(self) -> str:
        return self.row.redirect_uri

    def get_scope(self) -> str:
        return self.row.scope

    def get_nonce(self) -> str:
        return "another-nonce" if lms().levers.sign_in == "nonce" else self.row.nonce

    def get_auth_time(self) -> int:
        return int(self.row.issued_at.timestamp())


class _CodeGrant(AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = (AUTH_METHOD,)

    def save_authorization_code(self, code: str, sent: OAuth2Request) -> None:
        """Keep what the code stands for."""
        asked = sent.payload.data
        row = SignInCode(
            digest=digest(code),
            client_id=sent.client.get_client_id(),
            person=sent.user,
            redirect_uri=sent.payload.redirect_uri,
            scope=sent.client.get_allowed_scope(sent.payload.scope),
            nonce=asked["nonce"],
            challenge=asked.get("code_challenge", ""),
            issued_at=lms().now(),
        )
        db().add(row)

    def query_authorization_code(self, code: str, client: _Client) -> _Code | None:
        """What the code stands for, while it is fresh and for the site that it was given to."""
        row = db().get(SignInCode, digest(code))
        if row is None or row.client_id != client.get_client_id() or row.issued_at + CODE_LIFETIME < lms().now():
            return None
        return _Code(row)

    def delete_authorization_code(self, authorization_code: _Code) -> None:
        """A code is good once."""
        db().delete(authorization_code.row)

    def authenticate_user(self, authorization_code: _Code) -> Person:
        """Whose the code is."""
        return authorization_code.row.person


class _Challenge(CodeChallenge):
    """PKCE, which Authlib asks of public clients only."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: _CodeGrant, redirect_uri: str) -> None:
        """There has to be one, and not in plain."""
        if grant.request.payload.data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("code_challenge_method is not S256")
        super().validate_code_challenge(grant, redirect_uri)


class _Identity(OpenIDCode):
    """The id_token."""

    def exists_nonce(self, nonce: str, sent: OAuth2Request) -> bool:
        """Nonces are for the site to check; repeating one harms nobody here."""
        return False

    def resolve_client_private_key(self, client: _Client) -> Key:
        """The key that signs id_tokens of launches, too."""
        return next(iter(signing_keys(db())))

    def get_encode_header(self, client: _Client) -> dict[str, Any]:
        """RS256, and which key it is."""
        return {"alg": "RS256", "kid": self.resolve_client_private_key(client).kid}

    def get_client_claims(self, client: _Client) -> dict[str, Any]:
        """The claims that are not of the person, on the LMS's own clock."""
        now = int(lms().now().timestamp())
        other = "http://another-issuer.localhost" if lms().levers.sign_in == "issuer" else issuer()
        return {"iss": other, "aud": client.get_client_id(), "iat": now, "exp": now + TOKEN_SECONDS}

    def generate_user_info(self, user: Person, scope: str) -> dict[str, Any]:
        """Who it is."""
        return described(user, scope)


def _client(client_id: str) -> _Client | None:
    client = lms().sign_in_clients.get(client_id)
    return _Client(client) if client else None


def _save_token(issued: dict[str, Any], sent: OAuth2Request) -> None:
    """Keep the token that Authlib has made, as a hash."""
    db().add(
        AccessToken(
            digest=digest(issued["access_token"]),
            person=sent.user,
            scope=issued["scope"],
            expires_at=lms().now() + timedelta(seconds=TOKEN_SECONDS),
        )
    )
