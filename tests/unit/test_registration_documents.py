"""What platforms say of themselves and answer, and what they are asked for: documents of a dynamic registration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as some

from ltitools.lti.platforms import Offer, ToolSite
from ltitools.lti.registration import (
    MEMBERS,
    PLATFORM_CONFIGURATION,
    SCOPES,
    SCORE,
    TOOL_CONFIGURATION,
    PlatformConfiguration,
    RegistrationProblem,
    missing_scopes,
    read_configuration,
    read_registered,
    tool_document,
    wanted_scopes,
)
from ltitools.testing import PUBLIC_URL, Platform

RECORDED = Path(__file__).parents[1] / "fixtures" / "moodle"
CANVAS = "https://canvas.instructure.com/lti/"
LMS = "https://lms.example.edu"
URL = f"{LMS}/.well-known/openid-configuration"
CHOOSE, OPEN, REVIEW = "LtiDeepLinkingRequest", "LtiResourceLinkRequest", "LtiSubmissionReviewRequest"
SITE = ToolSite(
    name="ltitools",
    description="Tools",
    url="https://tool.example.test:8443",
    login_url="https://tool.example.test:8443/login",
    launch_url="https://tool.example.test:8443/launch",
    jwks_url="https://tool.example.test:8443/jwks.json",
    icon_url="https://tool.example.test:8443/icon.svg",
    privacy_url="https://tool.example.test:8443/privacy",
    tool_id="ltitools-acme",
    names={"fr": "ltitools"},
)
# What other products say of themselves: the code, and what stands in messages_supported, after their documentation.
PRODUCTS: Mapping[str, list[dict[str, Any]]] = {
    "blackboard": [{"type": OPEN}, {"type": CHOOSE}],
    "desire2learn": [
        {"type": OPEN, "placements": []},
        {"type": CHOOSE, "placements": ["ContentArea", "RichTextEditor"]},
    ],
    "sakai": [{"type": OPEN}, {"type": CHOOSE, "placements": ["ContentArea", "LessonBuilder"]}, {"type": REVIEW}],
    "open edx": [],
}


def recorded(name: str) -> Any:
    return json.loads((RECORDED / name).read_text("utf-8"))


def configuration(product: str = "", messages: object = None, **changes: Any) -> dict[str, Any]:
    """A configuration of the platform; a value of None leaves a field out."""
    own = {"product_family_code": product, "version": "1", "messages_supported": messages}
    document = {
        "issuer": LMS,
        "authorization_endpoint": f"{LMS}/authorize",
        "token_endpoint": f"{LMS}/token",
        "jwks_uri": f"{LMS}/jwks",
        "registration_endpoint": f"{LMS}/register",
        PLATFORM_CONFIGURATION: own,
        **changes,
    }
    return {name: value for name, value in document.items() if value is not None}


def asked(platform: PlatformConfiguration, offer: Offer | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a platform is asked for, and the tool configuration in it."""
    document = tool_document(platform, SITE, offer or Offer())
    assert json.loads(json.dumps(document)) == document
    return document, document[TOOL_CONFIGURATION]


def test_moodles_own_configuration_is_understood() -> None:
    file = recorded("openid-configuration.json")["body"]
    platform = read_configuration(file, "http://moodle.localhost:8100/mod/lti/openid-configuration.php")
    assert (platform.family, platform.version) == ("moodle", "4.5.6 (Build: 20250811)")
    assert platform.token_url == "http://moodle.localhost:8100/mod/lti/token.php"
    assert platform.origins == ("http://moodle.localhost:8100",)
    assert set(wanted_scopes(platform)) == set(SCOPES)


def test_moodles_own_answer_is_understood() -> None:
    answer = read_registered(recorded("dynreg-registration.json")["response"]["body"])
    assert (answer.client_id, answer.deployment_id, answer.update_url) == ("HReRzFoPbnAACFD", "1", "")
    assert missing_scopes(answer.scopes) == ()


def test_what_moodle_was_once_asked_for_has_the_shape_of_what_we_ask_for() -> None:
    """The recorded request was taken by a real Moodle, so ours must not lack or twist what it had."""
    taken = recorded("dynreg-registration.json")["request"]["body"]
    file = recorded("openid-configuration.json")["body"]
    ours, config = asked(read_configuration(file, f"{file['issuer']}/x"))
    optional = {"contacts", "tos_uri", "client_name#de"}
    assert set(taken) - optional <= set(ours)
    for name in ("application_type", "response_types", "grant_types", "token_endpoint_auth_method"):
        assert ours[name] == taken[name]
    assert set(config) >= set(taken[TOOL_CONFIGURATION])
    assert config["domain"] == "tool.example.test:8443"
    assert config["target_link_uri"] in ours["redirect_uris"]


@pytest.fixture
def canvas() -> dict[str, Any]:
    """What hosted Canvas says of itself."""
    school, sign_on = "https://school.instructure.com", "https://sso.canvaslms.com"
    places = ["course_navigation", "account_navigation", "assignment_selection", "link_selection"]
    return {
        "issuer": "https://canvas.instructure.com",
        "authorization_endpoint": f"{sign_on}/api/lti/authorize_redirect",
        "registration_endpoint": f"{school}/api/lti/registrations",
        "jwks_uri": f"{sign_on}/api/lti/security/jwks",
        "token_endpoint": f"{sign_on}/login/oauth2/token",
        "scopes_supported": [*SCOPES, "https://purl.imsglobal.org/spec/lti-reg/scope/registration"],
        "claims_supported": ["sub", "picture", "email", "name", "given_name", "family_name", "locale"],
        "authorization_server": "sso.canvaslms.com",
        PLATFORM_CONFIGURATION: {
            "product_family_code": "canvas",
            "version": "OpenSource",
            "messages_supported": [
                {"type": OPEN, "placements": [CANVAS + place for place in places]},
                {"type": CHOOSE, "placements": [*(CANVAS + place for place in places), "ContentArea"]},
            ],
            "variables": [],
            f"{CANVAS}account_name": "Test University",
            f"{CANVAS}account_lti_guid": "pNu5F9Eo:canvas-lms",
        },
    }


@pytest.mark.parametrize("host", ["sso.canvaslms.com", "school.instructure.com"])
def test_hosted_canvas_speaks_for_its_common_issuer_from_the_hosts_of_its_schools(
    canvas: dict[str, Any], host: str
) -> None:
    platform = read_configuration(canvas, f"https://{host}/api/lti/security/openid-configuration?registration_token=x")
    assert (platform.family, platform.title) == ("canvas", "Test University")
    assert platform.token_url == "https://sso.canvaslms.com/login/oauth2/token"
    framed_by = {"https://canvas.instructure.com", "https://sso.canvaslms.com", "https://school.instructure.com"}
    assert set(platform.origins) == framed_by, "the page is shown in a frame at the school's own host"


@pytest.mark.parametrize("host", ["canvaslms.com.evil.example", "evilcanvaslms.com", "school.example.edu"])
def test_nobody_else_speaks_for_it(canvas: dict[str, Any], host: str) -> None:
    with pytest.raises(RegistrationProblem, match="registration-issuer"):
        read_configuration(canvas, f"https://{host}/configuration")


def test_canvas_is_asked_for_all_that_its_schema_requires(canvas: dict[str, Any]) -> None:
    ours, config = asked(read_configuration(canvas, "https://sso.canvaslms.com/x"))
    required = {
        "application_type",
        "grant_types",
        "response_types",
        "redirect_uris",
        "initiate_login_uri",
        "client_name",
        "jwks_uri",
        "token_endpoint_auth_method",
    }
    assert required <= set(ours)
    assert {"domain", "messages", "claims"} <= set(config)
    assert all(isinstance(value, str) for value in config["custom_parameters"].values())
    assert "//" not in config["domain"]
    assert [each for each in config["messages"] if not each["placements"]] == [], "it would be put beside modules"
    menu = next(each for each in config["messages"] if each["placements"] == [f"{CANVAS}course_navigation"])
    assert menu[f"{CANVAS}course_navigation/default_enabled"] is False


@pytest.mark.parametrize(
    ("offer", "level"),
    [
        (Offer(), "name_only"),
        (Offer(emails=True), "public"),
        (Offer(names=False, emails=True), "email_only"),
        (Offer(names=False), "anonymous"),
    ],
)
def test_canvas_is_asked_for_the_privacy_level_that_the_claims_amount_to(
    canvas: dict[str, Any], offer: Offer, level: str
) -> None:
    _, config = asked(read_configuration(canvas, "https://sso.canvaslms.com/x"), offer)
    assert config[f"{CANVAS}privacy_level"] == level
    assert ("name" in config["claims"], "email" in config["claims"]) == (offer.names, offer.emails)


def test_canvas_answers_beside_the_tool_configuration(canvas: dict[str, Any]) -> None:
    school = "https://school.instructure.com"
    answer = {
        "client_id": "10000000000001",
        "scope": f"{SCORE} openid",
        "registration_client_uri": f"{school}/api/lti/registrations/7",
        TOOL_CONFIGURATION: {f"{CANVAS}registration_config_url": f"{school}/accounts/1/apps/7"},
    }
    without = read_registered(answer)
    assert (without.client_id, without.deployment_id) == ("10000000000001", "")
    assert without.update_url == f"{school}/api/lti/registrations/7"
    assert MEMBERS in missing_scopes(without.scopes)
    assert read_registered({**answer, "deployment_id": "7:abc"}).deployment_id == "7:abc"


@pytest.mark.parametrize("product", PRODUCTS)
def test_other_products_are_asked_for_one_place_where_content_is_chosen(product: str) -> None:
    platform = read_configuration(configuration(product, PRODUCTS[product]), URL)
    assert platform.family == "generic"
    ours, config = asked(platform)
    assert ours["scope"].split() == list(SCOPES), "it does not say which it has"
    choosing = [each for each in config["messages"] if each["type"] == CHOOSE]
    assert [each["placements"] for each in choosing] == [["ContentArea"]]
    assert config["messages"][0] is choosing[0], "Sakai takes the first"
    reviews = [each for each in config["messages"] if each["type"] == REVIEW]
    assert bool(reviews) == any(each["type"] == REVIEW for each in PRODUCTS[product])
    assert not any(name.startswith(CANVAS) for name in config)


def test_a_place_that_a_platform_does_not_have_is_not_asked_for() -> None:
    platform = read_configuration(configuration("sakai", [{"type": CHOOSE, "placements": ["LessonBuilder"]}]), URL)
    assert "placements" not in asked(platform)[1]["messages"][0]


@pytest.mark.parametrize(
    "name", ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint"]
)
@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        7,
        ["https://lms.example.edu/x"],
        "lms.example.edu",
        "javascript:alert(1)",
        "http://lms.example.edu/x",
        "https://lms.example.edu:99999/x",
        "https://[::::::]/x",
        "https://lms.example.edu/x\r\nX: y",
        f"https://lms.example.edu/{'x' * 1024}",
    ],
)
def test_a_configuration_without_secure_addresses_is_refused(name: str, value: Any) -> None:
    with pytest.raises(RegistrationProblem, match="registration-incomplete") as problem:
        read_configuration(configuration(**{name: value}), URL)
    assert problem.value.detail.endswith(f"no usable {name}")


ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=9),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("scopes_supported", "claims_supported", PLATFORM_CONFIGURATION)
INNER = ("product_family_code", "version", "messages_supported", f"{CANVAS}account_name")


@given(
    outer=some.dictionaries(some.sampled_from(NAMES), ANYTHING),
    inner=some.dictionaries(some.sampled_from(INNER), ANYTHING),
)
def test_whatever_else_stands_in_a_configuration_what_is_asked_for_is_well_formed(
    outer: dict[str, Any], inner: dict[str, Any]
) -> None:
    platform = read_configuration(configuration(**{PLATFORM_CONFIGURATION: inner, **outer}), URL)
    ours, config = asked(platform)
    assert set(ours["scope"].split()) <= set(SCOPES)
    assert config["messages"]
    assert len(platform.version) <= 64
    assert len(platform.title) <= 255


@given(ANYTHING, ANYTHING, ANYTHING)
def test_whatever_a_platform_answers_is_understood_or_refused(client_id: Any, deployment: Any, inner: Any) -> None:
    document = {"client_id": client_id, "deployment_id": deployment, "scope": inner, TOOL_CONFIGURATION: inner}
    try:
        answer = read_registered(document)
    except RegistrationProblem:
        return
    assert 0 < len(answer.client_id) <= 255
    assert "\0" not in answer.client_id + answer.deployment_id


@pytest.mark.parametrize("values", [{"client_id": "x" * 256}, {"client_id": "1", "deployment_id": "x" * 256}, {}])
def test_an_answer_that_cannot_be_kept_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(RegistrationProblem, match="registration-unclear"):
        read_registered(values)


def test_the_configuration_for_a_key_made_by_hand_in_canvas_is_complete(
    platform: Platform, client: FlaskClient
) -> None:
    answer = client.get("/lti/acme/canvas.json", base_url=PUBLIC_URL)
    key = answer.get_json()
    for name in ("title", "description", "target_link_uri", "oidc_initiation_url", "public_jwk_url"):
        assert isinstance(key[name], str)
        assert key[name]
    assert key["oidc_initiation_url"] == f"{PUBLIC_URL}/lti/acme/login"
    assert key["public_jwk_url"] == f"{PUBLIC_URL}/lti/acme/jwks.json"
    assert set(key["scopes"]) == set(SCOPES)
    (extension,) = key["extensions"]
    assert extension["platform"] == "canvas.instructure.com"
    assert extension["privacy_level"] == "name_only"
    assert "//" not in extension["domain"]
    found = {place["placement"]: place for place in extension["settings"]["placements"]}
    assert {name: place["message_type"] for name, place in found.items()} == {
        "assignment_selection": CHOOSE,
        "link_selection": CHOOSE,
        "course_navigation": OPEN,
        "account_navigation": OPEN,
    }
    assert {place["target_link_uri"] for place in found.values()} == {f"{PUBLIC_URL}/lti/acme/launch"}
    assert (found["course_navigation"]["default"], found["course_navigation"]["visibility"]) == ("disabled", "members")
    assert found["account_navigation"]["visibility"] == "admins"
