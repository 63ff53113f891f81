"""Signing in with an OpenID Connect provider: the authorization code flow of a confidential client, with PKCE.

https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth, https://www.rfc-editor.org/rfc/rfc7636
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from ltitools.http import HttpClient, HttpError
from ltitools.secrets import new_secret

AUTH_METHOD = "client_secret_basic"
SCOPE = "openid email profile"
ALGORITHMS = ("RS256", "ES256")
LEEWAY = 90
PLACES = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class ProviderProblem(Exception):
    """The provider gave no usable answer; the message names what was wrong, and nobody."""


@dataclass(frozen=True)
class Request:
    """What a browser is sent to the provider with, and has to come back with."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def make(cls) -> Request:
        """A fresh one."""
        return cls(new_secret(), new_secret(), new_secret())

    def as_dict(self) -> dict[str, str]:
        """For the cookie that keeps it."""
        return asdict(self)


@dataclass(frozen=True)
class Account:
    """Who signed in: the provider's id for the person, and an address that it has verified."""

    subject: str
    email: str
    name: str


@dataclass(frozen=True)
class Provider:
    """A provider, and the client that it knows us as."""

    http: HttpClient
    issuer: str
    client_id: str
    client_secret: str
    redirect_uri: str

    def authorization_url(self, asked: Request) -> str:
        """Where to send the browser. Raises ProviderProblem."""
        with self._session() as session:
            url, _state = session.create_authorization_url(
                self._metadata()["authorization_endpoint"],
                state=asked.state,
                code_verifier=asked.verifier,
                nonce=asked.nonce,
            )
        return str(url)

    def account(self, asked: Request, answer: Mapping[str, str]) -> Account:
        """Who came back with the provider's answer to `asked`. Raises ProviderProblem."""
        if answer.get("state") != asked.state:
            raise ProviderProblem("the answer belongs to another request")
        if answer.get("error"):
            raise ProviderProblem(f"the provider says {answer['error'][:80]!r}")
        if answer.get("iss", self.issuer) != self.issuer:
            raise ProviderProblem("the answer names another issuer")
        metadata = self._metadata()
        claims = self._claims(metadata, asked, self._token(metadata, asked, answer.get("code", "")))
        if claims.get("email_verified") is not True or not claims.get("email"):
            raise ProviderProblem("the provider names no verified e-mail address")
        return Account(str(claims["sub"]), str(claims["email"]), str(claims.get("name") or ""))

    def _token(self, metadata: Mapping[str, Any], asked: Request, code: str) -> str:
        try:
            with self._session() as session:
                token = session.fetch_token(metadata["token_endpoint"], code=code, code_verifier=asked.verifier)
        except (AuthlibBaseError, requests.RequestException, ValueError) as error:
            raise ProviderProblem(f"no token: {error}") from error
        if not isinstance(token.get("id_token"), str):
            raise ProviderProblem("the token answer has no id_token")
        return str(token["id_token"])

    def _claims(self, metadata: Mapping[str, Any], asked: Request, token: str) -> CodeIDToken:
        """The claims of the id_token, checked: https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation"""
        wanted = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self.client_id},
            "nonce": {"essential": True, "value": asked.nonce},
        }
        try:
            # The import refuses what is no key set.
            keys = KeySet.import_key_set(cast(KeySetSerialization, self._document(metadata["jwks_uri"])))
            decoded = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
            claims = CodeIDToken(decoded.claims, decoded.header, wanted, {"client_id": self.client_id})
            claims.validate(leeway=LEEWAY)
        except (JoseError, AuthlibBaseError, ValueError, KeyError, TypeError) as error:
            raise ProviderProblem(f"the id_token is not valid: {error}") from error
        return claims

    def _metadata(self) -> Mapping[str, Any]:
        """https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig"""
        document = self._document(self.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if document.get("issuer") != self.issuer:
            raise ProviderProblem("the provider's configuration names another issuer")
        missing = [name for name in PLACES if not isinstance(document.get(name), str)]
        if missing:
            raise ProviderProblem(f"the provider's configuration lacks {', '.join(missing)}")
        return document

    def _document(self, url: str) -> dict[str, Any]:
        try:
            answer = self.http.request("GET", url, headers={"Accept": "application/json"})
            document = json.loads(answer.body)
        except (HttpError, ValueError) as error:
            raise ProviderProblem(f"{url} cannot be read: {error}") from error
        if answer.status != 200 or not isinstance(document, dict):
            raise ProviderProblem(f"{url} answers {answer.status}")
        return document

    def _session(self) -> OAuth2Session:
        session = OAuth2Session(
            self.client_id,
            self.client_secret,
            token_endpoint_auth_method=AUTH_METHOD,
            scope=SCOPE,
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
            default_timeout=10,
        )
        self.http.guard(session)
        return session
