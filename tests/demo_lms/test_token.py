"""The token endpoint: a client that proves itself with its key, and every way of not doing so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

if TYPE_CHECKING:
    from tests.demo_lms.conftest import MakeRig, Rig

SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"


def test_a_signed_assertion_buys_an_hour(rig: Rig) -> None:
    response = rig.ask_token(rig.assertion(), scope=SCORE)
    body = json.loads(response.text)
    assert response.status_code == 200
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 3600, SCORE)


def test_moodle_serves_its_json_as_html(make_rig: MakeRig) -> None:
    assert make_rig("moodle").ask_token("nonsense").mimetype == "text/html"
    rig = make_rig("moodle")
    assert rig.ask_token(rig.assertion()).mimetype == "text/html"
    assert make_rig("canvas").ask_token("nonsense").mimetype == "application/json"


def test_unknown_scopes_are_dropped_and_nothing_but_unknown_ones_is_an_error(rig: Rig) -> None:
    response = rig.ask_token(rig.assertion(), scope=f"{SCORE} https://example.com/more")
    assert json.loads(response.text)["scope"] == SCORE
    response = rig.ask_token(rig.assertion(), scope="https://example.com/more")
    assert response.status_code == 400
    assert json.loads(response.text)["error"] == "invalid_scope"


WRONG_ASSERTIONS: list[tuple[str, dict[str, Any]]] = [
    ("another issuer", {"iss": "client-2"}),
    ("an unknown client", {"sub": "client-2"}),
    ("no subject", {"sub": None}),
    ("another audience", {"aud": "http://other.localhost/token"}),
    ("the issuer as audience", {"aud": "http://lms.localhost:8100"}),
    ("no expiry", {"exp": None}),
    ("no time of issue", {"iat": None}),
    ("no jti", {"jti": None}),
    ("a number as jti", {"jti": 5}),
]


@pytest.mark.parametrize("changes", [changes for _, changes in WRONG_ASSERTIONS], ids=[n for n, _ in WRONG_ASSERTIONS])
def test_an_assertion_with_a_wrong_claim_is_refused(rig: Rig, changes: dict[str, Any]) -> None:
    response = rig.ask_token(rig.assertion(**changes))
    assert response.status_code in (400, 401)
    assert json.loads(response.text)["error"] == "invalid_client"


def test_an_assertion_that_has_expired_is_refused_without_leeway(rig: Rig) -> None:
    assert rig.ask_token(rig.assertion(exp=rig.clock.seconds)).status_code == 400
    assert rig.ask_token(rig.assertion(exp=rig.clock.seconds + 1)).status_code == 200


def test_an_old_assertion_is_refused(rig: Rig) -> None:
    assert rig.ask_token(rig.assertion(iat=rig.clock.seconds - 301)).status_code == 400
    assert rig.ask_token(rig.assertion(iat=rig.clock.seconds - 300)).status_code == 200


@pytest.mark.parametrize(("personality", "ahead"), [("moodle", 0), ("canvas", 30), ("generic", 60)])
def test_how_far_ahead_the_tools_clock_may_be(make_rig: MakeRig, personality: str, ahead: int) -> None:
    rig = make_rig(personality)
    now = rig.clock.seconds
    assert rig.ask_token(rig.assertion(iat=now + ahead, exp=now + 300)).status_code == 200
    assert rig.ask_token(rig.assertion(iat=now + ahead + 1, exp=now + 300)).status_code == 400


def test_a_jti_is_good_for_one_token(rig: Rig) -> None:
    assert rig.ask_token(rig.assertion(jti="once")).status_code == 200
    assert rig.ask_token(rig.assertion(jti="once")).status_code == 400
    assert rig.ask_token(rig.assertion(jti="twice")).status_code == 200


def test_a_signature_of_another_key_is_refused(make_rig: MakeRig) -> None:
    rig = make_rig()
    kid = rig.key.kid
    rig.key = RSAKey.generate_key(2048)
    assert rig.ask_token(rig.assertion(header={"kid": kid})).status_code == 400


def test_only_rs256_with_a_kid_is_taken(make_rig: MakeRig) -> None:
    rig = make_rig()
    claims = jwt.decode(rig.assertion(), rig.key).claims
    secret = jwt.encode({"alg": "HS256", "kid": rig.key.kid}, claims, OctKey.generate_key(256))
    nameless = jwt.encode({"alg": "RS256"}, claims, rig.key)
    for assertion in (secret, nameless, "not.a.jwt", ""):
        assert rig.ask_token(assertion).status_code == 400


def test_another_grant_is_refused(rig: Rig) -> None:
    response = rig.ask_token(rig.assertion(), grant_type="password")
    assert json.loads(response.text)["error"] == "unsupported_grant_type"


def test_a_tool_whose_keys_cannot_be_fetched_gets_no_token(make_rig: MakeRig) -> None:
    def unreachable(_url: str) -> Mapping[str, Any]:
        raise OSError("connection refused")

    rig = make_rig(fetch_keys=unreachable)
    response = rig.ask_token(rig.assertion())
    assert response.status_code == 400
    assert "connection refused" in response.text


def test_a_token_ends_with_its_hour(rig: Rig) -> None:
    token = rig.token()
    url = rig.add_activity()["line_item"]
    assert rig.call("GET", url, token=token).status_code == 200
    rig.clock.forward(seconds=3600)
    assert rig.call("GET", url, token=token).status_code == 401


def test_a_token_opens_only_what_it_was_made_for(rig: Rig) -> None:
    url = rig.add_activity()["line_item"]
    refused = rig.call("GET", url, token=rig.token(SCORE))
    assert refused.status_code == (401 if rig.state()["personality"] == "moodle" else 403)


def test_a_made_up_token_opens_nothing(rig: Rig) -> None:
    url = rig.add_activity()["line_item"]
    assert rig.call("GET", url, token="made-up").status_code == 401
