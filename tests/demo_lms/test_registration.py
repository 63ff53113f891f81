"""Tools that register themselves: Moodle's way, Canvas's, and the specification's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws

from demo_lms.candidate import (
    AGS,
    NRPS,
    PAGE,
    PLACE,
    SITE,
    TOOL,
    begin,
    change,
    configuration,
    newest,
    query_of,
    registered,
    request_body,
    send,
    speak_for,
)
from demo_lms.conftest import ISSUER, LTI, REGISTRATION, TYPES, MakeRig, Rig
from ltitools.demo_lms import register_tool


def pull(rig: Rig, **levers: Any) -> None:
    assert rig.service.post("/control/levers", json=levers).status_code == 204


def fail(rig: Rig, **fault: Any) -> None:
    assert rig.service.post("/control/faults", json=[fault]).status_code == 204


def named(rig: Rig) -> str:
    return str(rig.state()["personality"])


def claims_of(token: str) -> dict[str, Any]:
    return dict(json.loads(jws.extract_compact(token.encode()).payload or b""))


# All three --------------------------------------------------------------------------------------------------


def test_the_tools_page_is_opened_with_its_own_query_the_configuration_and_a_token_of_one_hour(rig: Rig) -> None:
    begun = begin(rig)
    assert begun["url"].startswith(PAGE + "&")
    assert query_of(begun["url"]) == {
        "invite": "abc",
        "openid_configuration": begun["openid_configuration"],
        "registration_token": begun["registration_token"],
    }
    assert claims_of(begun["registration_token"])["exp"] == rig.clock.seconds + 3600


def test_the_configuration_names_the_endpoints_of_the_issuer(rig: Rig) -> None:
    found = configuration(rig, begin(rig))
    assert found["issuer"] == ISSUER
    assert found["token_endpoint"] == f"{ISSUER}/lti/token"
    assert found["jwks_uri"] == f"{ISSUER}/lti/jwks"
    assert {f"{AGS}score", f"{AGS}lineitem", NRPS} <= set(found["scopes_supported"])
    platform = found["https://purl.imsglobal.org/spec/lti-platform-configuration"]
    assert platform["product_family_code"] == {"generic": "demo"}.get(named(rig), named(rig))
    assert {each["type"] for each in platform["messages_supported"]} == {
        "LtiResourceLinkRequest",
        "LtiDeepLinkingRequest",
    }


def test_a_registered_tool_waits_until_it_is_activated_and_then_everything_works(rig: Rig) -> None:
    answer = registered(rig)
    assert (newest(rig)["state"], newest(rig)["client_id"]) == ("pending", answer["client_id"])
    begun = rig.browser.post("/control/launch", json={"person": "therese", "message": "deep_linking", "tool": 2})
    assert begun.status_code == 409
    tool = speak_for(rig)
    choosing = rig.begin("therese", tool=2)
    assert choosing.action == f"{SITE}/login"
    assert choosing.fields["target_link_uri"] == f"{SITE}/pick"
    settings = rig.settings(choosing)
    response = rig.answer(
        settings, rig.response_jwt(settings, [{"type": "ltiResourceLink", "lineItem": {"scoreMaximum": 5}}])
    )
    assert response.status_code == 200, response.text
    activity = rig.state()["activities"][-1]
    claims = rig.claims(rig.begin("ben", activity["id"]))
    assert (claims["aud"], claims[f"{LTI}deployment_id"]) == (tool.client_id, tool.deployment_id)
    assert claims[f"{LTI}custom"]["who"] == "ben"
    assert rig.send_score(activity["line_item"], scoreGiven=4, scoreMaximum=5).status_code == 200
    assert rig.cell()["score"] == 4
    assert rig.call("GET", "/lti/services/1/memberships", accept=TYPES["members"]).status_code == 200


def test_an_inactive_or_deleted_tool_is_nobody(rig: Rig) -> None:
    registered(rig)
    speak_for(rig)
    activity = rig.add_activity(tool=2)
    token = rig.token()
    change(rig, state="inactive")
    assert rig.browser.get(f"/activities/{activity['id']}/launch").status_code == 403
    rig.sign_in("ben")
    assert "is not here" in rig.page(f"/activities/{activity['id']}")
    assert rig.browser.get(f"/activities/{activity['id']}/launch").status_code == 409
    assert rig.call("GET", "/lti/services/1/memberships", token=token).status_code == 401
    assert json.loads(rig.ask_token(rig.assertion()).text)["error"] == "invalid_client"
    change(rig, state="deleted")
    assert "is not here" in rig.page(f"/activities/{activity['id']}")
    assert len(rig.state()["tools"]) == 1


def test_what_a_deleted_tool_leaves_behind_is_not_given_to_another(rig: Rig) -> None:
    registered(rig)
    speak_for(rig)
    rig.add_activity(tool=2)
    change(rig, state="deleted")
    register_tool(rig.app, REGISTRATION)
    assert rig.state()["activities"][0]["tool"] is None


def test_no_tool_reads_or_writes_the_columns_of_another(rig: Rig) -> None:
    theirs = rig.add_activity()["line_item"]
    registered(rig)
    speak_for(rig)
    ours = rig.add_activity(tool=2)["line_item"]
    listed = rig.call("GET", "/lti/services/1/lineitems", accept=TYPES["items"]).get_json()
    assert [each["id"] for each in listed] == [ours]
    refused = 412 if named(rig) == "canvas" else 403
    assert rig.call("GET", theirs, accept=TYPES["item"]).status_code == refused
    assert rig.send_score(theirs).status_code == refused
    assert rig.send_score(ours).status_code == 200


def test_a_launch_of_one_tool_is_not_given_to_another(rig: Rig) -> None:
    activity = rig.add_activity()["id"]
    registered(rig)
    speak_for(rig)
    refused = rig.form(rig.authorize(rig.begin("ben", activity)))
    assert refused.fields["error"] == "unauthorized_client"


def test_what_was_not_asked_for_is_not_told(rig: Rig) -> None:
    registered(rig, scope=NRPS, config={"claims": ["iss", "sub", "name"]})
    speak_for(rig)
    claims = rig.claims(rig.begin("ben", rig.add_activity(tool=2)["id"]))
    assert claims["name"] == "Ben Carter"
    assert "email" not in claims
    assert "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint" not in claims
    members = rig.call("GET", "/lti/services/1/memberships", accept=TYPES["members"], token=rig.token(NRPS)).get_json()
    assert "email" not in members["members"][0]
    assert rig.ask_token(rig.assertion(), scope=f"{AGS}score").status_code == 400


def test_misbehaviour_of_the_configuration_and_of_the_answer(rig: Rig) -> None:
    pull(rig, issuer="http://other.localhost", scopes_unsupported=["score"], padding=300_000, client_id_withheld=True)
    begun = begin(rig)
    found = configuration(rig, begun)
    assert (found["issuer"], len(found["padding"])) == ("http://other.localhost", 300_000)
    assert f"{AGS}score" not in found["scopes_supported"]
    answer = send(rig, begun).get_json()
    assert "client_id" not in answer
    assert len(answer["padding"]) == 300_000


def test_an_answer_that_is_lost_leaves_a_tool_behind(rig: Rig) -> None:
    fail(rig, on="registration", cut=True, after_storing=True)
    response = send(rig, begin(rig))
    assert response.headers["Content-Length"] == "4096"
    assert newest(rig)["title"] == "Newcomer"


def test_a_refusal_on_demand_stores_nothing(rig: Rig) -> None:
    page = "<h1>No</h1><script>alert(1)</script>"
    fail(rig, on="registration", status=400, body=page, headers={"Content-Type": "text/html"})
    begun = begin(rig)
    response = send(rig, begun)
    assert (response.status_code, response.text, response.mimetype) == (400, page, "text/html")
    assert len(rig.state()["tools"]) == 1
    assert send(rig, begun).status_code == 200


def test_a_token_that_is_old_or_not_ours_registers_nothing(rig: Rig) -> None:
    begun = begin(rig)
    refused = 404 if named(rig) == "moodle" else 401
    for token in ("", "nonsense", begin(rig)["registration_token"][:-4] + "AAAA"):
        response = rig.service.post(
            "/lti/registrations", json=request_body(), headers={"Authorization": f"Bearer {token}"}
        )
        assert response.status_code == (401 if not token else refused), token
    rig.clock.forward(hours=1, seconds=1)
    if named(rig) == "canvas":
        parts = begun["openid_configuration"].removeprefix(ISSUER)
        assert rig.service.get(parts).get_json() == {"errorMessage": "Invalid registration token"}
    else:
        assert send(rig, begun).status_code == refused
    assert len(rig.state()["tools"]) == 1


def test_tools_that_registered_are_kept_over_a_restart_and_go_with_a_reset(make_rig: MakeRig, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'campus.db'}"
    first = make_rig("moodle", database=database)
    registered(first)
    second = make_rig("moodle", database=database)
    assert second.state()["tools"] == first.state()["tools"]
    second.service.post("/control/reset")
    assert [tool["given"] for tool in second.state()["tools"]] == [True]


# Moodle -----------------------------------------------------------------------------------------------------


@pytest.fixture
def moodle(make_rig: MakeRig) -> Rig:
    return make_rig("moodle")


def test_moodles_token_names_the_client_to_be_and_serves_once(moodle: Rig) -> None:
    begun = begin(moodle)
    claims = claims_of(begun["registration_token"])
    assert set(claims) == {"sub", "scope", "iat", "exp"}
    assert claims["scope"] == "reg"
    assert send(moodle, begun).get_json()["client_id"] == claims["sub"]
    again = send(moodle, begun)
    assert (again.status_code, again.text, again.mimetype) == (401, "token_already_used", "text/html")


def test_moodles_answer_has_the_deployment_in_the_tool_configuration(moodle: Rig) -> None:
    answer = registered(moodle, scope=f"{AGS}result.readonly")
    assert "deployment_id" not in answer
    assert answer[TOOL]["deployment_id"] == "2"
    assert answer[TOOL]["messages"] == [{"type": "LtiDeepLinkingRequest", "target_link_uri": f"{SITE}/pick"}]
    assert answer[TOOL]["claims"] == ["sub", "iss", "name", "family_name", "given_name", "email"]
    granted = [f"{AGS}score", f"{AGS}result.readonly", f"{AGS}lineitem.readonly", f"{AGS}lineitem"]
    assert answer["scope"].split() == granted


def test_of_moodles_deep_linking_messages_the_last_one_counts(moodle: Rig) -> None:
    messages = [
        {"type": "LtiDeepLinkingRequest", "target_link_uri": f"{SITE}/one"},
        {"type": "LtiDeepLinkingRequest", "target_link_uri": f"{SITE}/two"},
        {"type": "LtiSubmissionReviewRequest", "target_link_uri": f"{SITE}/review"},
    ]
    answer = registered(moodle, config={"messages": messages})
    assert answer[TOOL]["messages"] == [{"type": "LtiDeepLinkingRequest", "target_link_uri": f"{SITE}/two"}]


def test_a_tool_without_a_deep_linking_message_is_not_offered_to_teachers(moodle: Rig) -> None:
    assert "messages" not in registered(moodle, config={"messages": []})[TOOL]
    change(moodle, state="active")
    moodle.sign_in("therese")
    assert "Newcomer" not in moodle.page("/courses/1/add")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"initiate_login_uri": None}, "missing required attribute initiate_login_uri"),
        ({"redirect_uris": []}, "missing required attribute redirect_uris"),
        ({"client_name": ""}, "missing required attribute client_name"),
        ({TOOL: None}, f"missing required attribute {TOOL}"),
        ({"token_endpoint_auth_method": "none"}, "invalid_token_endpoint_auth_method"),
        ({"response_types": ["code"]}, "invalid_response_types"),
        ({"application_type": "native"}, "invalid_application_type"),
        ({"config": {"domain": None}}, "missing_domain"),
        ({"config": {"domain": "elsewhere.example"}}, "domain_targetlinkuri_mismatch"),
    ],
)
def test_moodle_refuses_in_a_word_of_text_that_calls_itself_html(
    moodle: Rig, changes: dict[str, Any], words: str
) -> None:
    response = send(moodle, begin(moodle), request_body(**changes))
    assert (response.status_code, response.text, response.mimetype) == (400, words, "text/html")


@pytest.mark.parametrize("body", ["no object", request_body(client_name="x" * 256)])
def test_moodle_answers_what_it_did_not_expect_with_a_page(moodle: Rig, body: Any) -> None:
    response = send(moodle, begin(moodle), body)
    assert response.status_code == 404
    assert response.text.startswith("<!DOCTYPE html>")


def test_moodles_custom_values_are_texts_whatever_was_sent(moodle: Rig) -> None:
    answer = registered(moodle, config={"custom_parameters": {"n": 5, "b": True, "pair": "a=b"}})
    assert answer[TOOL]["custom_parameters"] == {"n": "5", "b": "1", "pair": "a"}


def test_an_update_in_moodle_keeps_the_client_the_deployment_and_the_state(moodle: Rig) -> None:
    answer = registered(moodle)
    speak_for(moodle)
    begun = begin(moodle, tool=2)
    claims = claims_of(begun["registration_token"])
    assert (claims["sub"], claims["scope"]) == ("2", "reg-update")
    shown = send(moodle, begun, method="GET").get_json()
    assert shown == answer
    renewed = send(moodle, begun, request_body(client_name="Renamed"))
    assert (renewed.get_json()["client_id"], renewed.get_json()["client_name"]) == (answer["client_id"], "Renamed")
    assert (newest(moodle)["id"], newest(moodle)["state"], newest(moodle)["title"]) == (2, "active", "Renamed")
    assert send(moodle, begun, method="PUT").text == "Unsupported operation"
    assert send(moodle, begun).status_code == 200


# The specification's own way --------------------------------------------------------------------------------


@pytest.fixture
def generic(make_rig: MakeRig) -> Rig:
    return make_rig("generic")


def test_the_plain_answer_has_the_deployment_at_its_top(generic: Rig) -> None:
    answer = registered(generic, scope=f"{AGS}score {AGS}unknown")
    assert answer["deployment_id"] == "2"
    assert answer["scope"] == f"{AGS}score"
    assert answer[TOOL] == request_body()[TOOL]


def test_the_plain_refusal_is_that_of_client_registration(generic: Rig) -> None:
    for changes, error in (
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"client_name": None}, "invalid_client_metadata"),
        ({"config": {"messages": None}}, "invalid_client_metadata"),
    ):
        response = send(generic, begin(generic), request_body(**changes))
        assert (response.status_code, response.get_json()["error"]) == (400, error)


def test_the_plain_update_is_a_post_or_a_put(generic: Rig) -> None:
    registered(generic)
    begun = begin(generic, tool=2)
    for method in ("POST", "PUT"):
        answer = send(generic, begun, request_body(client_name=method), method).get_json()
        assert (answer["client_id"], newest(generic)["title"]) == (newest(generic)["client_id"], method)


# Canvas -----------------------------------------------------------------------------------------------------


@pytest.fixture
def canvas(make_rig: MakeRig) -> Rig:
    return make_rig("canvas")


def test_canvas_shows_its_configuration_only_to_a_token_in_the_query_or_the_header(canvas: Rig) -> None:
    begun = begin(canvas)
    path = "/.well-known/openid-configuration"
    assert canvas.service.get(path).status_code == 401
    bearer = {"Authorization": f"Bearer {begun['registration_token']}"}
    assert canvas.service.get(path, headers=bearer).get_json() == configuration(canvas, begun)
    assert configuration(canvas, begun)["authorization_server"] == "lms.localhost:8100"


def test_canvas_gives_a_long_number_and_makes_the_deployment_when_it_is_turned_on(canvas: Rig) -> None:
    answer = registered(canvas)
    assert answer["client_id"].isdigit()
    assert len(answer["client_id"]) == 14
    assert "deployment_id" not in answer
    assert answer["scope"].endswith(" openid")
    assert answer["registration_client_uri"] == f"{ISSUER}/api/lti/registrations/2/configuration"
    assert newest(canvas)["deployments"] == []
    assert ":" in speak_for(canvas).deployment_id


def test_canvas_tells_the_deployment_where_it_makes_one_at_once(canvas: Rig) -> None:
    pull(canvas, deployment_in_answer=True)
    assert registered(canvas)["deployment_id"] == newest(canvas)["deployments"][0]["id"]


def test_canvas_lists_all_that_breaks_its_schema(canvas: Rig) -> None:
    body = request_body(client_name=None, redirect_uris=[], config={"claims": None, "custom_parameters": {"n": 5}})
    response = send(canvas, begin(canvas), body)
    assert response.status_code == 422
    assert response.get_json() == {
        "errors": [
            "'client_name' is not a string",
            "'redirect_uris' is not a list with an address",
            "'claims' is not a list",
            "a value of 'custom_parameters' is not a string",
        ]
    }


def test_canvas_leaves_out_places_it_does_not_know_and_finds_one_for_a_message_without(canvas: Rig) -> None:
    messages = [
        {"type": "LtiResourceLinkRequest", "placements": [f"{PLACE}course_navigation", "moon"]},
        {"type": "LtiDeepLinkingRequest", "target_link_uri": f"{SITE}/pick"},
    ]
    registered(canvas, config={"messages": messages})
    assert set(newest(canvas)["placements"]) == {"course_navigation", "link_selection"}
    assert newest(canvas)["deep_linking_url"] == f"{SITE}/pick"


@pytest.mark.parametrize(
    ("config", "shares"),
    [
        ({f"{PLACE}privacy_level": "anonymous"}, []),
        ({f"{PLACE}privacy_level": "email_only"}, ["email"]),
        ({"claims": ["sub", "name"]}, ["name"]),
        ({"claims": ["sub", "picture"]}, ["name", "email"]),
        ({"claims": ["sub"]}, []),
    ],
)
def test_canvas_infers_privacy_from_the_claims_where_no_level_is_asked_for(
    canvas: Rig, config: dict[str, Any], shares: list[str]
) -> None:
    registered(canvas, config=config)
    assert newest(canvas)["shares"] == shares


def test_what_canvas_administrators_keep_back_is_not_granted(canvas: Rig) -> None:
    registered(canvas)
    change(canvas, scopes=[NRPS], placements=["course_navigation"])
    speak_for(canvas)
    assert newest(canvas)["deep_linking_url"] is None
    claims = canvas.claims(canvas.begin("ben", canvas.add_activity(tool=2)["id"]))
    assert "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint" not in claims
    assert canvas.ask_token(canvas.assertion(), scope=f"{AGS}score").status_code == 400


def test_registering_again_in_canvas_answers_the_old_and_waits_for_the_administrator(canvas: Rig) -> None:
    old = registered(canvas)
    begun = begin(canvas, tool=2)
    assert claims_of(begun["registration_token"])["existing_registration"] == 2
    assert send(canvas, begun, request_body(client_name="Renamed")).get_json() == old
    assert (newest(canvas)["title"], newest(canvas)["update"]["client_name"]) == ("Newcomer", "Renamed")
    change(canvas, update="accept")
    assert (newest(canvas)["title"], newest(canvas)["update"]) == ("Renamed", None)


def test_a_tool_changes_its_registration_in_canvas_where_that_is_switched_on(canvas: Rig) -> None:
    scope = "https://purl.imsglobal.org/spec/lti-reg/scope/registration"
    address = registered(canvas, scope=f"{scope} {NRPS}")["registration_client_uri"]
    speak_for(canvas)
    assert canvas.call("GET", address, token="whatever").status_code == 404
    assert canvas.ask_token(canvas.assertion(), scope=scope).status_code == 400
    pull(canvas, registration_updates=True)
    assert scope in configuration(canvas, begin(canvas))["scopes_supported"]
    token = canvas.token(scope)
    assert canvas.call("GET", address, token=token).get_json()["client_name"] == "Newcomer"
    body = request_body(client_name="Renamed", scope=scope)
    answer = canvas.call("PUT", address, body, token=token, content_type="application/json")
    assert (answer.get_json()["client_name"], newest(canvas)["title"]) == ("Renamed", "Renamed")
    assert canvas.call("PUT", address, {}, token=token, content_type="application/json").status_code == 422
    assert canvas.call("GET", address.replace("/2/", "/1/"), token=token).status_code == 401


def test_one_client_of_canvas_has_a_deployment_of_its_own_in_a_course(canvas: Rig) -> None:
    registered(canvas)
    everywhere = speak_for(canvas).deployment_id
    made = canvas.service.post("/control/deployments", json={"tool": 2, "course": 2}).get_json()["deployment_id"]
    assert made != everywhere
    for course, deployment in ((1, everywhere), (2, made)):
        login = canvas.begin("ben", canvas.add_activity(tool=2, course=course)["id"])
        assert login.fields["deployment_id"] == deployment
        assert canvas.claims(login)[f"{LTI}deployment_id"] == deployment
    settings = canvas.settings(canvas.begin("therese", tool=2, course=2))
    refused = canvas.answer(settings, canvas.response_jwt(settings, []))
    assert "the deployment id is that of another course" in refused.text
    taken = canvas.answer(settings, canvas.response_jwt(settings, [], **{f"{LTI}deployment_id": made}))
    assert taken.status_code == 200
