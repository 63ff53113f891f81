"""Signing in to a console with the LMS: OpenID Connect's code flow, driven by a console of the tests' own."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from werkzeug.test import TestResponse

from demo_lms.conftest import ISSUER, MakeRig, Rig
from ltitools.demo_lms import SignInClient

IDP = f"{ISSUER}/idp"
CALLBACK = "http://tool.localhost:8200/console/callback"
CLIENT = SignInClient("console", "a long secret", (CALLBACK,))
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def rig(make_rig: MakeRig) -> Rig:
    return make_rig("moodle", sign_in_clients=[CLIENT])


def ask(rig: Rig, **changes: str | None) -> TestResponse:
    query: dict[str, str | None] = {
        "response_type": "code",
        "client_id": CLIENT.client_id,
        "redirect_uri": CALLBACK,
        "scope": "openid email profile",
        "state": "s",
        "nonce": "n",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    return rig.browser.get("/idp/authorize", query_string={k: v for k, v in query.items() if v is not None})


def answered(response: TestResponse) -> dict[str, str]:
    assert response.status_code == 302, response.text
    assert response.location.startswith(CALLBACK + "?")
    return {name: values[0] for name, values in parse_qs(urlsplit(response.location).query).items()}


def exchange(rig: Rig, code: str, secret: str = CLIENT.client_secret, **changes: str) -> TestResponse:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        **changes,
    }
    return rig.service.post("/idp/token", data=form, auth=(CLIENT.client_id, secret))


def identity(rig: Rig, tokens: dict[str, Any]) -> dict[str, Any]:
    keys = KeySet.import_key_set(rig.service.get("/idp/jwks").get_json())
    return jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims


def signed_in(rig: Rig, **changes: str) -> dict[str, Any]:
    rig.sign_in("noor")
    response = exchange(rig, answered(ask(rig, **changes))["code"])
    assert response.status_code == 200, response.text
    return dict(response.get_json())


def test_the_configuration_is_at_the_issuer(rig: Rig) -> None:
    found = rig.service.get("/idp/.well-known/openid-configuration").get_json()
    assert found["issuer"] == IDP
    assert found["authorization_endpoint"] == f"{IDP}/authorize"
    assert found["token_endpoint_auth_methods_supported"] == ["client_secret_basic"]
    assert found["code_challenge_methods_supported"] == ["S256"]


def test_whoever_is_signed_in_is_told_to_the_console(rig: Rig) -> None:
    tokens = signed_in(rig)
    claims = identity(rig, tokens)
    now = rig.clock.seconds
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (IDP, "console", "n")
    assert (claims["iat"], claims["exp"], claims["auth_time"]) == (now, now + 3600, now)
    assert (claims["email"], claims["email_verified"], claims["name"]) == ("noor@campus.example", True, "Noor Haddad")
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    told = rig.service.get("/idp/userinfo", headers=bearer).get_json()
    assert (told["sub"], told["email"]) == (claims["sub"], "noor@campus.example")


def test_only_what_the_scope_covers_is_told(rig: Rig) -> None:
    claims = identity(rig, signed_in(rig, scope="openid"))
    assert "email" not in claims
    assert "name" not in claims


def test_somebody_who_is_not_signed_in_signs_in_on_the_way(rig: Rig) -> None:
    asked = ask(rig)
    assert (asked.status_code, asked.location) == (303, "/")
    assert "Another site asks who you are" in rig.page("/")
    on = rig.post("/sign-in", person="noor")
    assert on.location.startswith("/idp/authorize?")
    assert answered(rig.browser.get(on.location))["state"] == "s"
    assert "Another site asks who you are" not in rig.page("/")
    assert rig.post("/sign-in", person="noor").location == "/admin/tools/"


def test_a_console_can_ask_for_a_fresh_sign_in_or_for_none(rig: Rig) -> None:
    refused = answered(ask(rig, prompt="none"))
    assert (refused["error"], refused["state"]) == ("login_required", "s")
    rig.sign_in("noor")
    assert ask(rig, prompt="login").status_code == 303
    on = rig.post("/sign-in", person="arun")
    assert "code" in answered(rig.browser.get(on.location))
    assert "code" in answered(ask(rig, prompt="none"))


def test_a_code_is_good_once_and_for_a_minute(rig: Rig) -> None:
    rig.sign_in("noor")
    first, second = answered(ask(rig))["code"], answered(ask(rig))["code"]
    assert exchange(rig, first).status_code == 200
    assert exchange(rig, first).get_json()["error"] == "invalid_grant"
    rig.clock.forward(seconds=61)
    assert exchange(rig, second).get_json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "w" * 64}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"redirect_uri": f"{CALLBACK}/other"}, "invalid_grant"),
        ({"secret": "wrong"}, "invalid_client"),
    ],
)
def test_a_code_is_exchanged_by_the_console_that_asked_alone(rig: Rig, changes: dict[str, str], error: str) -> None:
    rig.sign_in("noor")
    response = exchange(rig, answered(ask(rig))["code"], **changes)
    assert response.get_json()["error"] == error


@pytest.mark.parametrize("changes", [{"redirect_uri": "http://evil.localhost/"}, {"client_id": "nobody"}])
def test_nobody_is_sent_to_an_address_that_is_not_registered(rig: Rig, changes: dict[str, str]) -> None:
    rig.sign_in("noor")
    response = ask(rig, **changes)
    assert response.status_code in (400, 401)
    assert "Location" not in response.headers


@pytest.mark.parametrize("changes", [{"nonce": None}, {"code_challenge": None}, {"code_challenge_method": "plain"}])
def test_a_request_without_nonce_or_pkce_gets_no_code(rig: Rig, changes: dict[str, str | None]) -> None:
    rig.sign_in("noor")
    assert "invalid_request" in ask(rig, **changes).text + ask(rig, **changes).headers.get("Location", "")


def test_no_token_of_a_tool_opens_the_userinfo(rig: Rig) -> None:
    response = rig.service.get("/idp/userinfo", headers={"Authorization": f"Bearer {rig.token()}"})
    assert response.status_code == 401
    console = signed_in(rig)["access_token"]
    assert rig.call("GET", "/lti/services/1/memberships", token=console).status_code == 401


@pytest.mark.parametrize(
    ("lever", "claim", "value"),
    [
        ("unverified", "email_verified", False),
        ("nonce", "nonce", "another-nonce"),
        ("issuer", "iss", "http://another-issuer.localhost"),
    ],
)
def test_what_can_be_wrong_with_a_token(rig: Rig, lever: str, claim: str, value: object) -> None:
    rig.service.post("/control/levers", json={"sign_in": lever})
    assert identity(rig, signed_in(rig))[claim] == value


def test_a_person_can_say_no(rig: Rig) -> None:
    rig.service.post("/control/levers", json={"sign_in": "denied"})
    rig.sign_in("noor")
    assert answered(ask(rig))["error"] == "access_denied"


def test_a_console_is_added_by_the_control(make_rig: MakeRig) -> None:
    rig = make_rig()
    values = {"client_id": "console", "client_secret": CLIENT.client_secret, "redirect_uris": [CALLBACK]}
    assert rig.service.post("/control/sign-in-clients", json=values).status_code == 204
    assert "id_token" in signed_in(rig)
    assert rig.service.post("/control/levers", json={"sign_in": "moon"}).status_code == 400


def test_the_form_that_signs_in_may_lead_on_to_the_console(make_rig: MakeRig) -> None:
    elsewhere = SignInClient("console", "secret", ("http://console.localhost:9000/callback",))
    policy = make_rig(sign_in_clients=[elsewhere]).browser.get("/").headers["Content-Security-Policy"]
    form_action = next(part for part in policy.split("; ") if part.startswith("form-action"))
    assert "http://console.localhost:9000" in form_action
