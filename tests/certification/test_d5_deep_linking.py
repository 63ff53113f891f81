"""D5: an instructor chooses an activity, and the answer goes to the platform (Certification Guide 1.3 section 6.2).

https://www.imsglobal.org/spec/lti-dl/v2p0/
"""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from joserfc import jws
from joserfc.jwk import KeySet
from werkzeug.test import TestResponse

from certification.helpers import INSTITUTION, MEMBERSHIP, assert_refused, launch_row
from ltitools.lti import claims as names
from ltitools.lti.claims import DeepLinkingSettings
from ltitools.lti.deep_linking import Item, response
from ltitools.services import registrations, tenants
from ltitools.testing import INSTRUCTOR, LEARNER, PUBLIC_URL, Visit

if TYPE_CHECKING:
    from certification.helpers import Lti

RETURN_URL = "https://lms.example.test/return?course=1"


@dataclass
class Answer:
    """The page that takes a choice to the platform: its form, and the token in it."""

    page: TestResponse
    action: str
    fields: dict[str, str]
    header: dict[str, Any]
    claims: dict[str, Any]

    @property
    def items(self) -> list[dict[str, Any]]:
        """What the instructor chose."""
        chosen: list[dict[str, Any]] = self.claims[names.DL + "content_items"]
        return chosen


def ask(lti: Lti, settings: Mapping[str, Any] | None = None, **changes: Any) -> Visit:
    """A deep linking request of an instructor; `changes` are claims by their short names."""
    claims = {**lti.platform.deep_linking_claims(settings)}
    claims |= {names.LTI + name: value for name, value in changes.items()}
    return lti.platform.visit(lti.client, claims)


def place(visit: Visit, *slugs: str, **form: str) -> TestResponse:
    """Place activities of the probe."""
    return visit.post(f"/tools/probe/{visit.launch_id}/place", {"slug": list(slugs or ("quiz",)), **form})


def cancel(visit: Visit) -> TestResponse:
    """Choose nothing."""
    return visit.post(f"/tools/probe/{visit.launch_id}/cancel")


def choose(lti: Lti, settings: Mapping[str, Any] | None = None, *slugs: str, **form: str) -> Answer:
    """A whole choice: the request, the selection, and the page with the answer."""
    return read(lti, place(ask(lti, settings), *slugs, **form))


def read(lti: Lti, page: TestResponse) -> Answer:
    """The answer on a page; its signature is checked with the published keys."""
    assert page.status_code == 200
    forms = re.findall(r'(?s)<form id="return".*?</form>', page.get_data(as_text=True))
    assert len(forms) == 1
    opening = re.search(r'<form [^>]*method="post" action="([^"]*)"[^>]*>', forms[0])
    assert opening is not None
    assert re.search(r'<button [^>]*type="submit">[^<]+</button>', forms[0])
    fields = dict(re.findall(r'<input [^>]*name="([^"]*)" value="([^"]*)">', forms[0]))
    published = lti.client.get(f"/lti/{lti.platform.tenant_key}/jwks.json", base_url=PUBLIC_URL).get_json()
    token = jws.deserialize_compact(fields["JWT"], KeySet.import_key_set(published), algorithms=["RS256"])
    return Answer(page, html.unescape(opening[1]), fields, dict(token.headers()), json.loads(token.payload))


def test_d5_89_the_request_is_received_with_all_that_the_platform_accepts(lti: Lti) -> None:
    visit = ask(lti, {"accept_multiple": False, "accept_lineitem": "true", "data": "opaque"})
    chooser = visit.get()
    assert chooser.status_code == 303
    assert visit.get(chooser.headers["Location"]).get_json() == {"picking": ["quiz"]}
    assert launch_row(lti.app, visit).deep_linking == {
        "return_url": RETURN_URL,
        "accept_types": ["ltiResourceLink"],
        "targets": ["iframe", "window"],
        "accept_multiple": False,
        "accept_line_item": True,
        "data": '"opaque"',
        "has_data": True,
    }


def test_d5_90_the_answer_goes_to_the_exact_return_url(lti: Lti) -> None:
    for url in (RETURN_URL, "https://school.example.test/r?data=ey.J%20.x&b=1+2;c=é#top"):
        assert choose(lti, {"deep_link_return_url": url}).action == url


def test_d5_91_the_answer_is_one_posted_field_named_jwt(lti: Lti) -> None:
    answer = choose(lti)
    assert list(answer.fields) == ["JWT"]
    assert answer.fields["JWT"].count(".") == 2


def test_d5_92_the_answer_lives_five_minutes_at_most_and_is_not_dated_ahead(lti: Lti) -> None:
    claims = choose(lti).claims
    assert claims["iat"] <= time.time() < claims["exp"]
    assert claims["exp"] - claims["iat"] <= 300


def test_d5_93_the_answer_is_signed_with_a_key_that_is_published(lti: Lti) -> None:
    header = choose(lti).header
    published = lti.client.get("/lti/acme/jwks.json", base_url=PUBLIC_URL).get_json()["keys"]
    assert header["alg"] == "RS256"
    assert [header["kid"]] == [key["kid"] for key in published]


def test_d5_94_the_answer_has_every_required_claim(lti: Lti) -> None:
    """https://www.imsglobal.org/spec/lti-dl/v2p0/#deep-linking-response-message"""
    first, second = choose(lti).claims, choose(lti).claims
    required = {names.DEPLOYMENT_ID, names.MESSAGE_TYPE, names.VERSION, names.DL + "content_items"}
    assert set(first) == {"iss", "aud", "iat", "exp", "nonce", *required}
    assert first["nonce"] != second["nonce"]


def test_d5_95_the_claims_have_the_values_that_the_platform_expects(lti: Lti) -> None:
    answer = choose(lti)
    assert answer.claims["iss"] == "client-1"
    assert answer.claims["aud"] == "https://lms.example.test"
    assert answer.claims[names.DEPLOYMENT_ID] == "1"
    assert answer.claims[names.MESSAGE_TYPE] == "LtiDeepLinkingResponse"
    assert answer.claims[names.VERSION] == "1.3.0"
    assert answer.items == [
        {
            "type": "ltiResourceLink",
            "title": "Quiz",
            "url": f"{PUBLIC_URL}/lti/acme/launch",
            "custom": {"activity": "probe:quiz"},
            "lineItem": {"scoreMaximum": 100.0, "label": "Quiz", "resourceId": "probe:quiz", "tag": "overall"},
            "iframe": {},
        }
    ]


def test_d5_96_a_launch_of_the_returned_link_opens_what_was_chosen(lti: Lti) -> None:
    (item,) = choose(lti, None, "new-one").items
    link = {"id": "link-9", "title": item["title"]}
    visit = lti.platform.visit(lti.client, custom=item["custom"], target_link_uri=item["url"], resource_link=link)
    told = visit.get().get_json()
    assert (told["activity"], told["is_learner"]) == ("new-one", True)


def test_d5_97_data_is_returned_as_it_came_and_only_if_it_came(lti: Lti) -> None:
    for data in ("opaque", "", "é\"'<&", "x" * 4000):
        assert choose(lti, {"data": data}).claims[names.DL + "data"] == data
        assert read(lti, cancel(ask(lti, {"data": data}))).claims[names.DL + "data"] == data
    assert names.DL + "data" not in choose(lti).claims


def test_d5_98_only_types_that_the_platform_accepts_are_returned(lti: Lti) -> None:
    """These tools offer resource links alone: a platform that takes none of them is told so at once."""
    both = choose(lti, {"accept_types": ["link", "ltiResourceLink", "html"]})
    assert [item["type"] for item in both.items] == ["ltiResourceLink"]
    for types in (["link", "file"], [], None, "ltiResourceLink"):
        lti.refuses("message-incomplete", claims=lti.platform.deep_linking_claims({"accept_types": types}))


def test_d5_99_one_item_is_returned_where_the_platform_takes_one(lti: Lti) -> None:
    """Some platforms send the flag as a text."""
    for flag in (False, "false", "False"):
        assert [item["title"] for item in choose(lti, {"accept_multiple": flag}, "quiz", "essay").items] == ["Quiz"]
    for flag in (True, "true"):
        titles = [item["title"] for item in choose(lti, {"accept_multiple": flag}, "quiz", "essay").items]
        assert titles == ["Quiz", "Essay"]


def test_d5_100_no_line_item_is_returned_where_the_platform_takes_none(lti: Lti) -> None:
    """Where the flag is absent nothing can be assumed, so the line item is offered."""
    for flag in (False, "false"):
        assert "lineItem" not in choose(lti, {"accept_lineitem": flag}).items[0]
    for settings in ({"accept_lineitem": True}, {"accept_lineitem": "true"}, {}):
        assert "lineItem" in choose(lti, settings).items[0]
    assert "lineItem" not in choose(lti, None, graded="0").items[0]


def test_d5_101_a_line_item_has_a_maximum_above_zero(lti: Lti) -> None:
    assert choose(lti).items[0]["lineItem"]["scoreMaximum"] > 0
    everything = DeepLinkingSettings(RETURN_URL, frozenset(), frozenset(), True, True)
    maxima = (Decimal(0), Decimal(-5), Decimal("0.5"))
    items = [Item("Quiz", PUBLIC_URL, score_maximum=maximum) for maximum in maxima]
    with lti.app.app_context():
        tenant = tenants.by_key("acme")
        key, (registration,) = tenants.signing_key(tenant.id), registrations.of_tenant(tenant.id)
    token = response(registration, key, "1", everything, items, now=1)
    placed = json.loads(jws.extract_compact(token.encode()).payload)[names.DL + "content_items"]
    assert [item.get("lineItem", {}).get("scoreMaximum") for item in placed] == [None, None, 0.5]


def test_d5_102_a_frame_or_a_window_is_asked_for_only_where_it_is_accepted(lti: Lti) -> None:
    accepted = "accept_presentation_document_targets"
    assert choose(lti, {accepted: ["iframe", "window"]}, target="window").items[0]["window"] == {"targetName": "_blank"}
    assert "iframe" in choose(lti, {accepted: ["iframe"]}, target="iframe").items[0]
    for targets, target in ((["iframe"], "window"), (["window"], "iframe"), (["embed"], "iframe")):
        assert {"iframe", "window"}.isdisjoint(choose(lti, {accepted: targets}, target=target).items[0])


def test_d5_103_cancelling_returns_no_item_and_a_message(lti: Lti) -> None:
    answer = read(lti, cancel(ask(lti)))
    assert answer.items == []
    assert answer.claims[names.DL + "msg"] == "Nothing was added."
    assert answer.action == RETURN_URL


def test_d5_104_the_return_url_is_escaped_and_the_form_may_go_nowhere_else(lti: Lti) -> None:
    hostile = "https://lms.example.test/return?a=\"><script>alert(1)</script>&b='x"
    answer = choose(lti, {"deep_link_return_url": hostile})
    assert answer.action == hostile
    assert "<script>alert" not in answer.page.get_data(as_text=True)
    policy = answer.page.headers["Content-Security-Policy"].split("; ")
    assert "form-action https://lms.example.test" in policy
    for url in ("https://lms.example.test;script-src *", "https://lms.example.test *", "https://a@lms.example.test/"):
        lti.refuses("message-incomplete", claims=lti.platform.deep_linking_claims({"deep_link_return_url": url}))


def test_d5_105_a_choice_is_made_once_and_only_by_those_who_may_place_activities(lti: Lti) -> None:
    """A teaching assistant is a sub-role of an instructor (LTI 1.3 core appendix A.2.3) and may."""
    for finish in (place, cancel):
        visit = ask(lti)
        read(lti, finish(visit))
        assert_refused(place(visit), "selection-used")
        assert_refused(cancel(visit), "selection-used")
    may = (INSTRUCTOR, f"{MEMBERSHIP}#ContentDeveloper", f"{MEMBERSHIP}#Administrator")
    for role in (*may, f"{MEMBERSHIP}/Instructor#TeachingAssistant"):
        assert read(lti, place(ask(lti, roles=[role]))).items
    for role in (LEARNER, f"{MEMBERSHIP}#Mentor", f"{INSTITUTION}#Instructor", "Helper"):
        visit = ask(lti, roles=[role])
        with lti.nothing_stored():
            assert_refused(visit.get(), "role-forbidden")
            assert_refused(visit.get(f"/tools/probe/{visit.launch_id}/"), "role-forbidden")
            assert_refused(place(visit, "new-one"), "role-forbidden")
            assert_refused(cancel(visit), "role-forbidden")


def test_d5_106_a_request_without_settings_or_return_url_is_refused(lti: Lti) -> None:
    claims = lti.platform.deep_linking_claims()
    no_settings: tuple[Any, ...] = (None, {}, [], "settings", 7)
    for settings in no_settings:
        lti.refuses("message-incomplete", claims={**claims, names.DEEP_LINKING_SETTINGS: settings})
    for url in (None, "", "/return", "javascript:alert(1)", "https://", "https://[", ["https://lms.example.test/"]):
        lti.refuses("message-incomplete", claims=lti.platform.deep_linking_claims({"deep_link_return_url": url}))
