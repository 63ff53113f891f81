"""Deep linking responses: what is created from a good one, and that nothing is created from a bad one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

if TYPE_CHECKING:
    from tests.demo_lms.conftest import MakeRig, Rig

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
LAUNCH_URL = "http://tool.localhost:8200/lti/launch"
LINK: dict[str, Any] = {"type": "ltiResourceLink", "title": "Pre-assessment", "url": LAUNCH_URL}
RICH: dict[str, Any] = {
    **LINK,
    "text": "Before we start",
    "icon": {"url": "http://tool.localhost:8200/icon.png"},
    "custom": {"activity": "diagnostic:pre"},
    "window": {"targetName": "_blank"},
    "lineItem": {"scoreMaximum": 100, "label": "Pre", "resourceId": "pre", "tag": "grade"},
    "available": {"startDateTime": "2026-11-01T00:00:00Z", "endDateTime": "2026-12-01T00:00:00+01:00"},
    "submission": {"endDateTime": "2026-11-30T12:00:00.000Z"},
}


def test_an_item_becomes_an_activity_with_all_that_it_asks_for(rig: Rig) -> None:
    settings = rig.settings(rig.begin("therese"))
    response = rig.answer(settings, rig.response_jwt(settings, [RICH]))
    assert response.status_code == 200
    (activity,) = rig.state()["activities"]
    assert activity["title"] == "Pre-assessment"
    assert activity["text"] == "Before we start"
    assert activity["custom"] == {"activity": "diagnostic:pre"}
    assert activity["target"] == "window"
    assert activity["icon_url"] == "http://tool.localhost:8200/icon.png"
    assert activity["opens_at"] == "2026-11-01T00:00:00+00:00"
    assert activity["closes_at"] == "2026-11-30T23:00:00+00:00"
    assert activity["due_at"] == "2026-11-30T12:00:00+00:00"
    (column,) = rig.state()["gradebook"]
    assert column["id"] == activity["line_item"]
    assert (column["scoreMaximum"], column["tag"], column["resourceId"]) == (100, "grade", "pre")
    is_moodle = rig.state()["personality"] == "moodle"
    assert column["label"] == ("Pre-assessment" if is_moodle else "Pre")


def test_the_answer_leaves_the_frame_and_the_course_says_what_was_added(rig: Rig) -> None:
    settings = rig.settings(rig.begin("therese"))
    response = rig.answer(settings, rig.response_jwt(settings, [LINK, {**LINK, "title": "Post"}]))
    assert 'target="_top"' in response.text
    assert rig.form(response).action == "http://lms.localhost:8100/courses/1"
    page = rig.page("/courses/1")
    assert "Ajouté au cours : Pre-assessment, Post." in page.replace("\u00a0", " ")
    assert page.count('class="card activity"') == 2


def test_the_course_shows_the_tools_picture_and_no_picture_from_elsewhere(rig: Rig) -> None:
    settings = rig.settings(rig.begin("therese"))
    foreign = {**LINK, "icon": {"url": "http://elsewhere.localhost/pixel.png"}}
    rig.answer(settings, rig.response_jwt(settings, [RICH, foreign]))
    page = rig.page("/courses/1")
    assert 'src="http://tool.localhost:8200/icon.png"' in page
    assert 'src="/static/activity.svg"' in page
    assert "elsewhere.localhost" not in page


def test_the_added_activity_is_launched_with_its_custom_values(rig: Rig) -> None:
    settings = rig.settings(rig.begin("therese"))
    rig.answer(settings, rig.response_jwt(settings, [RICH]))
    claims = rig.claims(rig.begin("ben", rig.state()["activities"][0]["id"]))
    assert claims[f"{LTI}custom"]["activity"] == "diagnostic:pre"


def test_an_item_without_a_column_is_not_graded(rig: Rig) -> None:
    settings = rig.settings(rig.begin("therese"))
    rig.answer(settings, rig.response_jwt(settings, [LINK]))
    assert rig.state()["activities"][0]["line_item"] is None


def test_an_empty_answer_adds_nothing_and_says_so(rig: Rig) -> None:
    settings = rig.settings(rig.begin("arun"))
    response = rig.answer(settings, rig.response_jwt(settings, []))
    assert response.status_code == 200
    assert "Nothing was chosen, and nothing was added." in rig.page("/courses/1")


def test_what_the_tool_says_is_shown(rig: Rig) -> None:
    settings = rig.settings(rig.begin("arun"))
    rig.answer(settings, rig.response_jwt(settings, [], **{f"{DL}msg": "<b>Saved</b>"}))
    assert "The tool says: &lt;b&gt;Saved&lt;/b&gt;" in rig.page("/courses/1")


def test_items_that_this_lms_cannot_add_are_named(rig: Rig) -> None:
    items = [
        {"type": "html", "title": "Page", "html": "<p>"},
        {**LINK, "title": "Foreign", "url": "http://other.localhost/launch"},
        LINK,
    ]
    settings = rig.settings(rig.begin("arun"))
    rig.answer(settings, rig.response_jwt(settings, items))
    page = rig.page("/courses/1")
    assert "“Page” was not added" in page
    assert "“Foreign” was not added" in page
    assert [each["title"] for each in rig.state()["activities"]] == ["Pre-assessment"]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"iss": "client-2"}, "iss is not the client id"),
    ({"aud": "http://other.localhost"}, "aud is not this LMS"),
    ({f"{LTI}deployment_id": "2"}, "the deployment id is another"),
    ({f"{LTI}message_type": "LtiDeepLinkingRequest"}, "the message type is not"),
    ({f"{LTI}version": "1.2"}, "the version is not"),
    ({"nonce": None}, "there is no nonce"),
    ({"exp": None}, "iat or exp is missing"),
    ({"exp": 1}, "the JWT has expired"),
    ({"iat": 1}, "iat is more than five minutes ago"),
    ({"iat": 9999999999}, "iat is more than five minutes ago, or in the future"),
    ({f"{DL}content_items": {}}, "content_items is not a list"),
    ({f"{DL}content_items": [{**LINK, "lineItem": {"scoreMaximum": 0}}]}, "scoreMaximum is not a positive"),
]


@pytest.mark.parametrize(("changes", "reason"), WRONG, ids=[reason for _, reason in WRONG])
def test_an_answer_that_breaks_a_rule_creates_nothing_and_the_rule_is_named(
    make_rig: MakeRig, changes: dict[str, Any], reason: str
) -> None:
    rig = make_rig()
    settings = rig.settings(rig.begin("arun"))
    response = rig.answer(settings, rig.response_jwt(settings, [LINK], **changes))
    assert response.status_code == 400
    assert "The tool’s answer cannot be accepted" in response.text
    assert reason in response.text
    assert rig.state()["activities"] == []


def test_an_answer_signed_by_somebody_else_creates_nothing(make_rig: MakeRig) -> None:
    rig = make_rig()
    settings = rig.settings(rig.begin("arun"))
    good = rig.response_jwt(settings, [LINK])
    header = {"alg": "RS256", "kid": rig.key.kid}
    claims = jwt.decode(good, rig.key).claims
    forged = jwt.encode(header, claims, RSAKey.generate_key(2048))
    nameless = jwt.encode({"alg": "RS256"}, claims, rig.key)
    for token in (forged, nameless, "not.a.jwt", ""):
        assert rig.answer(settings, token).status_code == 400
    assert rig.state()["activities"] == []
    assert rig.answer(settings, good).status_code == 200


def test_the_same_answer_is_taken_once(rig: Rig) -> None:
    settings = rig.settings(rig.begin("arun"))
    token = rig.response_jwt(settings, [LINK])
    assert rig.answer(settings, token).status_code == 200
    again = rig.answer(settings, token)
    assert again.status_code == 400
    assert "the nonce was used before" in again.text
    assert len(rig.state()["activities"]) == 1


def test_a_request_is_answered_once(rig: Rig) -> None:
    settings = rig.settings(rig.begin("arun"))
    rig.answer(settings, rig.response_jwt(settings, [LINK]))
    again = rig.answer(settings, rig.response_jwt(settings, [LINK]))
    assert "the request was answered before" in again.text
    assert len(rig.state()["activities"]) == 1


@pytest.mark.parametrize(
    ("personality", "reason"),
    [("moodle", "the return address was changed"), ("generic", "data is not what was sent")],
)
def test_the_answer_is_bound_to_its_request(make_rig: MakeRig, personality: str, reason: str) -> None:
    rig = make_rig(personality)
    settings = rig.settings(rig.begin("arun"))
    changed = {**settings, "deep_link_return_url": settings["deep_link_return_url"].partition("?")[0]}
    response = rig.answer(changed, rig.response_jwt(settings, [LINK], **{f"{DL}data": "other"}))
    assert reason in response.text
    assert rig.state()["activities"] == []


@pytest.mark.parametrize(("personality", "sent"), [("moodle", False), ("canvas", False), ("generic", True)])
def test_only_the_plain_lms_sends_data(make_rig: MakeRig, personality: str, sent: bool) -> None:
    rig = make_rig(personality)
    assert ("data" in rig.settings(rig.begin("arun"))) == sent


def test_a_learner_cannot_add_anything(rig: Rig) -> None:
    settings = rig.settings(rig.begin("arun"))
    token = rig.response_jwt(settings, [LINK])
    rig.sign_in("ben")
    response = rig.answer(settings, token)
    assert response.status_code == 403
    assert rig.state()["activities"] == []


def test_another_browser_session_cannot_answer(rig: Rig) -> None:
    settings = rig.settings(rig.begin("arun"))
    token = rig.response_jwt(settings, [LINK])
    rig.sign_in("therese")
    response = rig.answer(settings, token)
    assert response.status_code == 400
    assert "another browser session" in response.text


def test_without_the_cookie_the_answer_is_repeated_from_a_page_of_the_lms(rig: Rig) -> None:
    settings = rig.settings(rig.begin("arun"))
    token = rig.response_jwt(settings, [LINK])
    path = settings["deep_link_return_url"].removeprefix("http://lms.localhost:8100")
    form = rig.form(rig.service.post(path, data={"JWT": token}))
    assert form.action == settings["deep_link_return_url"]
    assert form.fields == {"JWT": token, "repost": "true"}
    assert rig.browser.post(path, data=form.fields).status_code == 200
    assert len(rig.state()["activities"]) == 1
