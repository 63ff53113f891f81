"""D9: dynamic registration. https://www.imsglobal.org/spec/lti-dr/v1p0"""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import pytest
import requests
from sqlalchemy import select, update

from joining import code_on, fields_of, heading_of
from ltitools.db import session, utcnow
from ltitools.http import HttpClient
from ltitools.lti import registration as protocol
from ltitools.models import Invitation, Person, PlatformKeys, Registration
from ltitools.services import invitations, tenants
from ltitools.testing import writing
from sites import TENANT

if TYPE_CHECKING:
    from joining import Joining, Joins

CANVAS = "https://canvas.instructure.com/lti/"
RENEW = "https://purl.imsglobal.org/spec/lti-reg/scope/registration"
PERSONALITIES = ("moodle", "canvas", "generic")


def _configuration(joining: Joining) -> dict[str, Any]:
    """What the LMS says of itself."""
    url = joining.begin(joining.link())["openid_configuration"]
    found: dict[str, Any] = joining.get(url).json()
    return found


def _asked(joining: Joining, *ticked: str) -> dict[str, Any]:
    """What the tool asks for when the LMS registers it."""
    tool, _registration = joining.registered(ticked=ticked)
    asked: dict[str, Any] = tool["asked"]
    return asked


def _opened(link: str, **values: str) -> str:
    """The address of the link's page with more in its query."""
    return f"{link}&{urlencode(values)}"


def _assert_nothing_came_of_it(joining: Joining, page: requests.Response, code: str, before: tuple[int, int]) -> None:
    assert (code_on(page), _counts(joining)) == (code, before), page.text


def _counts(joining: Joining) -> tuple[int, int]:
    """How many tools the LMS has, and how many registrations we have."""
    return len(joining.tools()), joining.count(Registration)


def test_d9_142_the_configuration_is_read_with_a_token_in_its_query_in_the_header_or_without(joins: Joins) -> None:
    for personality in PERSONALITIES:
        joining = joins(personality)
        begun = joining.begin(joining.link())
        has_token = "registration_token=" in begun["openid_configuration"]
        assert has_token == (personality == "canvas")
        assert heading_of(joining.get(begun["url"])) == "Register ltitools"
    canvas = joins("canvas")
    link = canvas.link()
    begun = canvas.begin(link)
    bare = urlunsplit(urlsplit(begun["openid_configuration"])._replace(query=""))
    assert heading_of(canvas.get(_opened(link, **{**begun, "openid_configuration": bare}))) == "Register ltitools"
    alone = _opened(link, openid_configuration=begun["openid_configuration"])
    assert heading_of(canvas.get(alone)) == "Register ltitools", "the query of the configuration is kept"


def test_d9_143_the_configuration_of_another_host_than_the_issuers_is_refused(joins: Joins) -> None:
    for personality, issuer in (
        ("moodle", "https://elsewhere.example"),
        ("generic", "https://lms.localhost.elsewhere.example"),
        ("canvas", "https://canvas.instructure.com"),
    ):
        joining = joins(personality)
        begun, before = joining.begin(joining.link()), _counts(joining)
        offered = joining.get(begun["url"])
        joining.pull(issuer=issuer)
        _assert_nothing_came_of_it(joining, joining.get(begun["url"]), "registration-issuer", before)
        _assert_nothing_came_of_it(joining, joining.press(offered), "registration-issuer", before)


def test_d9_144_only_a_public_quick_and_small_configuration_is_read(joins: Joins) -> None:
    joining = joins("moodle")
    before, link = _counts(joining), joining.link()
    assert (protocol.CONFIGURATION_SECONDS, protocol.CONFIGURATION_BYTES) == (3.0, 256_000)
    joining.pull(padding=300_000)
    _assert_nothing_came_of_it(joining, joining.offer(link), "registration-unreachable", before)
    joining.pull()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol, "CONFIGURATION_SECONDS", 0.3)
        joining.sites.fail("configuration", status=200, body="{}", hang_seconds=3)
        _assert_nothing_came_of_it(joining, joining.offer(link), "registration-unreachable", before)
    _assert_that_nobody_inside_is_called(joining, link)


def _assert_that_nobody_inside_is_called(joining: Joining, link: str) -> None:
    """Where private addresses are not allowed, no connection is made to one."""
    own = joining.sites.tool.extensions["ltitools"]
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patch:
        server.setblocking(False)
        port = server.getsockname()[1]
        patch.setattr(own, "http", HttpClient(replace(own.settings, allow_private_network=False)))
        for url in (
            f"https://127.0.0.1:{port}/",
            f"https://localhost:{port}/",
            f"https://[::ffff:127.0.0.1]:{port}/",
            f"http://lms.localhost:{port}/",
            "https://10.0.0.1/",
            "https://169.254.169.254/latest/meta-data/",
            "file:///etc/passwd",
        ):
            assert code_on(joining.get(_opened(link, openid_configuration=url))) == "registration-unreachable", url
        with pytest.raises(BlockingIOError):
            server.accept()


def test_d9_145_the_scopes_asked_for_are_those_wanted_that_the_platform_has(joins: Joins) -> None:
    for personality in PERSONALITIES:
        joining = joins(personality)
        joining.pull(scopes_unsupported=["score", "contextmembership.readonly"], registration_updates=True)
        supported = set(_configuration(joining)["scopes_supported"])
        wanted = {*protocol.SCOPES, *({RENEW} if personality == "canvas" else ())}
        asked = _asked(joining)["scope"].split()
        assert set(asked) == wanted & supported
        assert len(asked) == len(set(asked))
        page = joining.offer()
        assert "send grades to the gradebook" in page.text.partition("does not offer everything")[2]


def test_d9_146_the_claims_asked_for_are_those_wanted_that_the_platform_has(joins: Joins) -> None:
    wanted = {"iss", "sub", "name", "given_name", "family_name", "email", "locale"}
    for personality in PERSONALITIES:
        joining = joins(personality)
        supported = set(_configuration(joining)["claims_supported"])
        assert not wanted <= supported, "this LMS proves nothing"
        assert set(_asked(joining, "emails")[protocol.TOOL_CONFIGURATION]["claims"]) == wanted & supported
        assert set(_asked(joining)[protocol.TOOL_CONFIGURATION]["claims"]) == (wanted & supported) - {"email"}
    joining = joins("canvas")
    tool, _registration = joining.registered(without=("names",))
    assert set(tool["asked"][protocol.TOOL_CONFIGURATION]["claims"]) == {"sub", "locale"}
    assert (tool["shares"], tool["asked"][protocol.TOOL_CONFIGURATION][f"{CANVAS}privacy_level"]) == ([], "anonymous")


def test_d9_147_the_places_are_those_of_the_product_family(joins: Joins) -> None:
    for personality in ("moodle", "generic"):
        messages = _asked(joins(personality))[protocol.TOOL_CONFIGURATION]["messages"]
        choosing = [each for each in messages if each["type"] == "LtiDeepLinkingRequest"]
        assert [each["placements"] for each in choosing] == [["ContentArea"]]
        assert [each["type"] for each in messages if each not in choosing] == ["LtiResourceLinkRequest"]
    canvas = joins("canvas")
    tool, _registration = canvas.registered()
    assert {name: place["type"] for name, place in tool["placements"].items()} == {
        "assignment_selection": "LtiDeepLinkingRequest",
        "link_selection": "LtiDeepLinkingRequest",
        "course_navigation": "LtiResourceLinkRequest",
        "account_navigation": "LtiResourceLinkRequest",
    }
    tool, _registration = canvas.registered(without=("course_page", "console"))
    assert set(tool["placements"]) == {"assignment_selection", "link_selection"}
    assert all(each.get("placements") for each in tool["asked"][protocol.TOOL_CONFIGURATION]["messages"])


def test_d9_148_client_id_and_deployment_stand_at_the_top_or_in_the_tool_configuration(joins: Joins) -> None:
    for personality in ("moodle", "generic", "canvas"):
        joining = joins(personality)
        joining.pull(deployment_in_answer=True)
        tool, registration = joining.registered()
        assert registration.client_id == tool["client_id"]
        named = {each["id"]: "approved" for each in tool["deployments"]}
        assert joining.deployments(registration) == named
        assert len(named) == 1
    joining = joins("canvas")
    joining.pull()
    _tool, registration = joining.registered()
    assert joining.deployments(registration) == {}
    answer = {protocol.TOOL_CONFIGURATION: {"client_id": "inside", "deployment_id": 12}}
    joining.sites.fail("registration", status=200, body=json.dumps(answer))
    _tool, registration = joining.registered()
    assert (registration.client_id, joining.deployments(registration)) == ("inside", {"12": "approved"})


def test_d9_149_the_same_token_again_registers_nothing_and_shows_the_same(joins: Joins) -> None:
    for personality in PERSONALITIES:
        joining = joins(personality)
        page = joining.offer()
        first = joining.press(page)
        assert heading_of(first) == "Registered"
        counts = _counts(joining)
        again = joining.press(page)
        assert (again.status_code, again.text) == (200, first.text)
        assert joining.get(page.url).text == first.text, "so does the page when it is loaded again"
        assert _counts(joining) == counts


def test_d9_150_an_update_keeps_the_registration_and_all_that_hangs_on_it(joins: Joins) -> None:
    joining = joins("moodle")
    tool, registration = joining.registered()
    joining.activate(tool)
    activity = joining.sites.place("probe:quiz", tool=tool["id"])
    ben = joining.sites.enter("ben", activity)
    ben.post("score", given="70")
    person = ben.get().json()["person"]
    kept = _kept(joining, registration)
    page = joining.register(tool=tool["id"])
    assert (page.status_code, heading_of(page)) == (200, "Updated"), page.text
    assert joining.known()[-1].id == registration.id
    assert _kept(joining, registration) == kept
    told = joining.sites.enter("ben", activity).get().json()
    assert (told["person"], told["grade"]) == (person, "waiting")


def _kept(joining: Joining, registration: Registration) -> list[Any]:
    with joining.sites.tool.app_context():
        people = session.scalars(select(Person.id).where(Person.registration_id == registration.id)).all()
        keys = session.scalars(select(PlatformKeys.jwks).where(PlatformKeys.registration_id == registration.id)).all()
        own = [key["kid"] for key in tenants.public_keys(registration.tenant_id)]
    assert people
    assert keys
    return [registration.tenant_id, people, keys, own, joining.deployments(registration)]


def test_d9_151_what_the_platform_says_against_it_is_shown_as_text_with_a_button_to_try_again(joins: Joins) -> None:
    joining = joins("moodle")
    words = "missing <required> attribute & 'more' <script>alert(1)</script>"
    joining.sites.fail("registration", status=400, body=words)
    before = _counts(joining)
    page = joining.register()
    _assert_nothing_came_of_it(joining, page, "registration-refused", before)
    assert "missing &lt;required&gt; attribute &amp; &#39;more&#39; &lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "<script>alert" not in page.text
    assert "Try again" in page.text
    assert heading_of(joining.press(page)) == "Registered", "the link and the token are as good as before"


def test_d9_152_the_page_can_tell_the_lms_to_close_it(joins: Joins) -> None:
    """What the script does is shown in a browser: tests/browser/test_registration.py."""
    joining = joins("moodle")
    page = joining.register()
    assert '<button class="button" type="button" data-close hidden>' in page.text
    script = f"{joining.sites.tool_url}/static/registration.js"
    assert '<script src="/static/registration.js" defer></script>' in page.text
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    text = joining.get(script).text
    assert "window.opener ??" in text
    assert '{ subject: "org.imsglobal.lti.close" }' in text


def test_d9_153_nobody_registers_a_platform_without_a_link_of_the_institution(joins: Joins) -> None:
    joining = joins("moodle")
    with writing(joining.sites.tool):
        tenants.add("beta", "Beta University")
    of_others = joining.link("beta").replace("/beta/", f"/{TENANT}/")
    used, old, revoked = joining.link(), joining.link(), joining.link()
    assert heading_of(joining.register(used)) == "Registered"
    with writing(joining.sites.tool):
        newest = session.scalars(select(Invitation).order_by(Invitation.id.desc())).first()
        assert newest
        invitations.revoke(newest.tenant_id, newest.id)
        session.execute(
            update(Invitation).where(Invitation.id == newest.id - 1).values(expires_at=utcnow() - timedelta(seconds=1))
        )
    nobodys = joining.link().partition("?")[0]
    offered = joining.offer()
    before, asked = _counts(joining), joining.sites.control("state")["requests"]["configuration"]
    for link, code in (
        (nobodys, "invitation-unknown"),
        (f"{nobodys}?invite=x", "invitation-unknown"),
        (of_others, "invitation-unknown"),
        (used, "invitation-used"),
        (old, "invitation-expired"),
        (revoked, "invitation-revoked"),
    ):
        begun = joining.begin(link)
        form = {**fields_of(offered), "invite": link.partition("?invite=")[2], **begun}
        for page in (joining.get(begun["url"]), joining.get(link), joining.post(nobodys, form)):
            assert page.status_code == 403
            _assert_nothing_came_of_it(joining, page, code, before)
        by_hand = joining.post(f"{nobodys}/by-hand", {**form, "kind": "canvas-production", "client_id": "1"})
        _assert_nothing_came_of_it(joining, by_hand, code, before)
    assert joining.sites.control("state")["requests"]["configuration"] == asked, "nobody was asked for anything"


def test_d9_154_all_of_it_works_in_a_frame_that_keeps_no_cookie(joins: Joins) -> None:
    """No request of these has a cookie. The same in a browser: tests/browser/test_registration.py."""
    for personality in PERSONALITIES:
        joining = joins(personality)
        link = joining.link()
        joining.sites.fail("registration", status=400, body="no")
        offered = joining.offer(link)
        problem = joining.press(offered)
        done = joining.press(problem)
        by_hand = joining.get(joining.link())
        assert [heading_of(page) for page in (offered, problem, done)] == [
            "Register ltitools",
            "The platform is not registered yet",
            "Registered",
        ]
        for page in (offered, problem, done, by_hand):
            assert "Set-Cookie" not in page.headers
            assert "X-Frame-Options" not in page.headers
            _, restricted, ancestors = page.headers["Content-Security-Policy"].partition("frame-ancestors ")
            assert not restricted or joining.sites.lms_url in ancestors.split()
            assert bool(restricted) == (page is offered), "only the page with something to agree to is the LMS's alone"
