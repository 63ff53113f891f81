"""Login initiation, the authorization endpoint and the id_token."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jws
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError, UnsupportedAlgorithmError

if TYPE_CHECKING:
    from tests.demo_lms.conftest import MakeRig, Rig

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
AGS_CLAIM = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
LAUNCH_URL = "http://tool.localhost:8200/lti/launch"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"


def test_a_learner_is_launched_into_the_activity_with_everything_a_tool_needs(rig: Rig) -> None:
    activity = rig.add_activity(title="Pre-assessment", custom={"activity": "diagnostic:pre"})
    claims = rig.claims(rig.begin("ben", activity["id"]))
    assert claims["iss"] == "http://lms.localhost:8100"
    assert claims["aud"] == "client-1"
    assert claims["sub"] == rig.user("ben")
    assert claims["name"] == "Ben Carter"
    assert claims[f"{LTI}message_type"] == "LtiResourceLinkRequest"
    assert claims[f"{LTI}target_link_uri"] == LAUNCH_URL
    assert claims[f"{LTI}resource_link"]["id"] == activity["resource_link_id"]
    assert claims[f"{LTI}custom"]["activity"] == "diagnostic:pre"
    assert f"{MEMBERSHIP}#Learner" in claims[f"{LTI}roles"]
    assert claims[AGS_CLAIM]["lineitem"] == activity["line_item"]
    assert claims["iat"] == rig.clock.seconds


def test_state_and_nonce_come_back_as_they_were_sent(rig: Rig) -> None:
    login = rig.begin("ben", rig.add_activity()["id"])
    form = rig.form(rig.authorize(login, state="a+b/c=&\"'", nonce="n" * 4000))
    assert form.action == LAUNCH_URL
    assert form.fields["state"] == "a+b/c=&\"'"
    assert rig.decode(form.fields["id_token"])["nonce"] == "n" * 4000


def test_the_authorization_request_may_be_a_post(rig: Rig) -> None:
    login = rig.begin("ben", rig.add_activity()["id"])
    response = rig.browser.post("/lti/authorize", data=rig.request_of(login))
    assert "id_token" in rig.form(response).fields


def test_login_initiation_and_token_look_like_moodles(make_rig: MakeRig) -> None:
    rig = make_rig("moodle")
    activity = rig.add_activity(custom={"mixedCase": "a", "two": "first\nsecond", "who": "$User.id", "x": "$No.no"})
    login = rig.begin("amelie", activity["id"])
    assert set(json.loads(login.fields["lti_message_hint"])) == {"cmid", "launchid"}
    assert login.fields["lti_deployment_id"] == "1"
    claims = rig.claims(login)
    assert claims["exp"] - claims["iat"] == 60
    assert "azp" not in claims
    assert claims["sub"] == "5"
    assert claims[f"{LTI}context"]["type"] == ["CourseSection"]
    assert claims[f"{LTI}launch_presentation"]["locale"] == "fr_ca"
    assert claims[f"{LTI}ext"] == {"user_username": "amelie", "lms": "moodle-2"}
    custom = claims[f"{LTI}custom"]
    assert custom["mixedCase"] == custom["mixedcase"] == "a"
    assert (custom["two"], custom["who"], custom["x"]) == ("first", "5", "$No.no")
    assert "context_memberships_url" in custom
    assert claims[AGS_CLAIM]["lineitem"].endswith("/lineitem?type_id=1")
    assert claims[f"{LTI}tool_platform"]["product_family_code"] == "moodle"


def test_login_initiation_and_token_look_like_canvass(make_rig: MakeRig) -> None:
    rig = make_rig("canvas")
    login = rig.begin("test", rig.add_activity()["id"])
    hint = jws.extract_compact(login.fields["lti_message_hint"].encode())
    assert json.loads(hint.payload)["context_type"] == "Course"
    assert login.fields["deployment_id"] == "1"
    assert "lti_deployment_id" not in login.fields
    claims = rig.claims(login)
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["azp"] == "client-1"
    assert "http://purl.imsglobal.org/vocab/lti/system/person#TestUser" in claims[f"{LTI}roles"]
    assert claims[f"{LTI}context"]["validation_context"] is None
    assert claims[f"{LTI}context"]["type"] == ["http://purl.imsglobal.org/vocab/lis/v2/course#CourseOffering"]


@pytest.mark.parametrize(
    ("personality", "roles"),
    [
        ("moodle", {f"{MEMBERSHIP}#Instructor"}),
        (
            "canvas",
            {
                f"{MEMBERSHIP}#Instructor",
                "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Instructor",
                "http://purl.imsglobal.org/vocab/lis/v2/system/person#User",
            },
        ),
        ("generic", {f"{MEMBERSHIP}#Instructor"}),
    ],
)
def test_a_teacher_has_the_roles_that_the_lms_gives(make_rig: MakeRig, personality: str, roles: set[str]) -> None:
    rig = make_rig(personality)
    claims = rig.claims(rig.begin("therese", rig.add_activity()["id"]))
    assert set(claims[f"{LTI}roles"]) == roles


def test_an_ungraded_activity_has_no_column_in_its_launch(rig: Rig) -> None:
    claims = rig.claims(rig.begin("ben", rig.add_activity(graded=False)["id"]))
    assert "lineitem" not in claims[AGS_CLAIM]
    assert claims[AGS_CLAIM]["lineitems"]


def test_choosing_content_is_a_deep_linking_request(rig: Rig) -> None:
    claims = rig.claims(rig.begin("therese"))
    settings = claims["https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"]
    assert claims[f"{LTI}message_type"] == "LtiDeepLinkingRequest"
    assert settings["accept_types"] == ["ltiResourceLink"]
    assert settings["deep_link_return_url"].startswith("http://lms.localhost:8100/lti/courses/1/deep-linking")
    assert f"{LTI}resource_link" not in claims


@pytest.mark.parametrize("personality", ["moodle", "canvas"])
def test_a_launch_is_used_once(make_rig: MakeRig, personality: str) -> None:
    rig = make_rig(personality)
    login = rig.begin("ben", rig.add_activity()["id"])
    assert "id_token" in rig.form(rig.authorize(login)).fields
    again = rig.authorize(login)
    if personality == "moodle":
        assert again.status_code == 404
        assert "was used already" in again.text
    else:
        assert rig.form(again).fields["error"] == "launch_no_longer_valid"


def test_the_generic_lms_lets_a_launch_be_used_again(make_rig: MakeRig) -> None:
    rig = make_rig("generic")
    login = rig.begin("ben", rig.add_activity()["id"])
    assert rig.claims(login)["sub"] == rig.claims(login)["sub"]


def test_a_launch_belongs_to_the_browser_session_that_began_it(rig: Rig) -> None:
    login = rig.begin("ben", rig.add_activity()["id"])
    rig.sign_in("ben")
    assert "id_token" not in rig.authorize(login).text


def test_an_old_launch_no_longer_counts(rig: Rig) -> None:
    login = rig.begin("ben", rig.add_activity()["id"])
    rig.clock.forward(minutes=16)
    assert "id_token" not in rig.authorize(login).text


def test_an_unknown_redirect_uri_gets_a_page_and_no_post(rig: Rig) -> None:
    login = rig.begin("ben", rig.add_activity()["id"])
    for wrong in (LAUNCH_URL + "/", "http://evil.localhost/launch", None):
        response = rig.authorize(login, redirect_uri=wrong)
        assert response.status_code == 404
        assert "address that is not registered" in response.text
    assert "id_token" in rig.authorize(login).text


def test_only_canvas_ignores_a_query_of_the_redirect_uri(rig: Rig) -> None:
    login = rig.begin("ben", rig.add_activity()["id"])
    response = rig.authorize(login, redirect_uri=LAUNCH_URL + "?item=42")
    is_canvas = rig.state()["personality"] == "canvas"
    assert ("id_token" in response.text) == is_canvas


PAGE = None
REFUSALS: list[tuple[str, dict[str, str | None], str | None]] = [
    ("moodle", {"client_id": "other"}, "unauthorized_client"),
    ("moodle", {"login_hint": "7"}, "access_denied"),
    ("moodle", {"response_mode": None}, "invalid_request"),
    ("moodle", {"prompt": "login"}, "invalid_request"),
    ("moodle", {"nonce": None}, PAGE),
    ("moodle", {"scope": "openid profile"}, PAGE),
    ("moodle", {"lti_message_hint": "changed"}, PAGE),
    ("moodle", {"response_type": None}, PAGE),
    ("canvas", {"client_id": "other"}, "unauthorized_client"),
    ("canvas", {"login_hint": "7"}, "login_required"),
    ("canvas", {"prompt": None}, "invalid_request_object"),
    ("canvas", {"nonce": None}, "invalid_request_object"),
    ("canvas", {"scope": "openid email"}, "invalid_request_object"),
    ("canvas", {"lti_message_hint": "changed"}, "launch_no_longer_valid"),
    ("generic", {"client_id": "other"}, "unauthorized_client"),
    ("generic", {"login_hint": "7"}, "login_required"),
    ("generic", {"response_type": "code"}, "unsupported_response_type"),
    ("generic", {"scope": "profile"}, "invalid_scope"),
    ("generic", {"response_mode": "query"}, "invalid_request"),
    ("generic", {"nonce": None}, "invalid_request"),
    ("generic", {"lti_message_hint": None}, "invalid_request"),
]


@pytest.mark.parametrize(("personality", "changes", "error"), REFUSALS)
def test_a_wrong_authorization_request_is_refused_as_the_lms_does(
    make_rig: MakeRig, personality: str, changes: dict[str, str | None], error: str | None
) -> None:
    rig = make_rig(personality)
    response = rig.authorize(rig.begin("ben", rig.add_activity()["id"]), **changes)
    if error is None:
        assert response.status_code == 404
        assert "data-submit" not in response.text
    else:
        form = rig.form(response)
        assert form.action == LAUNCH_URL
        assert form.fields["error"] == error
        assert form.fields["state"] == "state-1"
        assert "id_token" not in form.fields


def test_without_the_cookie_the_request_is_repeated_from_a_page_of_the_lms(rig: Rig) -> None:
    login = rig.begin("ben", rig.add_activity()["id"])
    request = rig.request_of(login)
    without_cookie = rig.service.get("/lti/authorize", query_string=request)
    form = rig.form(without_cookie)
    assert form.action == "http://lms.localhost:8100/lti/authorize"
    assert form.fields == {**request, "repost": "true"}
    assert "id_token" in rig.form(rig.browser.post("/lti/authorize", data=form.fields)).fields


def test_nobody_signed_in_is_told_so_after_the_repetition(rig: Rig) -> None:
    login = rig.begin("ben", rig.add_activity()["id"])
    request = {**rig.request_of(login), "repost": "true"}
    response = rig.service.post("/lti/authorize", data=request)
    if rig.state()["personality"] == "moodle":
        assert response.status_code == 404
        assert "not signed in" in response.text
    else:
        assert rig.form(response).fields["error"] == "login_required"


def test_the_launch_page_is_a_form_for_the_tool_with_a_button(rig: Rig) -> None:
    activity = rig.add_activity(url=LAUNCH_URL + "?item=42")
    rig.sign_in("ben")
    response = rig.browser.get(f"/activities/{activity['id']}/launch")
    form = rig.form(response)
    assert form.action == "http://tool.localhost:8200/lti/login"
    assert form.fields["target_link_uri"] == LAUNCH_URL + "?item=42"
    assert '<button class="button">' in response.text
    assert "form-action 'self' http://tool.localhost:8200" in response.headers["Content-Security-Policy"]


def test_public_keys_may_be_cached_and_hold_nothing_private(rig: Rig) -> None:
    response = rig.service.get("/lti/jwks")
    (key,) = response.get_json()["keys"]
    assert response.headers["Cache-Control"] == "public, max-age=600"
    assert set(key) == {"kty", "kid", "use", "alg", "n", "e"}


TAMPERINGS: list[tuple[dict[str, Any], type[JoseError]]] = [
    ({"key": "other"}, BadSignatureError),
    ({"signature": "broken"}, BadSignatureError),
    ({"header": {"kid": "nobody"}}, InvalidKeyIdError),
    ({"header": {"alg": "none"}}, UnsupportedAlgorithmError),
    ({"header": {"alg": "HS256"}}, UnsupportedAlgorithmError),
]


@pytest.mark.parametrize(("tampering", "error"), TAMPERINGS)
def test_a_test_can_have_the_token_spoiled(
    make_rig: MakeRig, tampering: dict[str, Any], error: type[JoseError]
) -> None:
    rig = make_rig()
    login = rig.begin("ben", rig.add_activity()["id"], tampering=tampering)
    token = rig.form(rig.authorize(login)).fields["id_token"]
    with pytest.raises(error):
        rig.decode(token)


def test_a_test_can_change_and_remove_claims(make_rig: MakeRig) -> None:
    rig = make_rig()
    tampering = {"claims": {"aud": ["client-1", "x"], "iat": 1}, "remove": ["exp"], "form": {"state": "other"}}
    login = rig.begin("ben", rig.add_activity()["id"], tampering=tampering)
    form = rig.form(rig.authorize(login))
    claims = rig.decode(form.fields["id_token"])
    assert (claims["aud"], claims["iat"], "exp" in claims) == (["client-1", "x"], 1, False)
    assert form.fields["state"] == "other"


def test_a_rotated_key_signs_at_once_and_the_old_one_is_still_published(make_rig: MakeRig) -> None:
    rig = make_rig()
    (old,) = rig.service.get("/lti/jwks").get_json()["keys"]
    rig.service.post("/control/rotate-key", json={})
    keys = [key["kid"] for key in rig.service.get("/lti/jwks").get_json()["keys"]]
    assert len(keys) == 2
    assert old["kid"] == keys[1]
    login = rig.begin("ben", rig.add_activity()["id"])
    token = rig.form(rig.authorize(login)).fields["id_token"]
    assert jws.extract_compact(token.encode()).headers()["kid"] == keys[0]
    rig.service.post("/control/rotate-key", json={"forget": True})
    assert len(rig.service.get("/lti/jwks").get_json()["keys"]) == 1
