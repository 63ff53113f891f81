"""Registering platforms, by a link and by hand: at once, twice, for two institutions, and when it goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from sqlalchemy import select

from joining import Joining, code_on, fields_of, heading_of
from ltitools.db import session
from ltitools.demo_lms import Visitor
from ltitools.lti.registration import TOOL_CONFIGURATION
from ltitools.models import AuditEntry, Invitation, PlatformKeys, Registration
from ltitools.services import activities, registrations, tenants
from ltitools.testing import authorization_url, writing
from probe import make_probe
from sites import TENANT, ToolBrowser, running

OTHER = "beta"


def start(database_url: str, personality: str) -> Iterator[Joining]:
    with running(database_url, personality, plugins=[make_probe()]) as sites:
        with writing(sites.tool):
            tenants.add(OTHER, "Beta University")
            for tenant in (TENANT, OTHER):
                activities.create(tenants.by_key(tenant).id, "probe", "quiz", "Quiz")
        yield Joining(sites)


@pytest.fixture
def moodle(database_url: str) -> Iterator[Joining]:
    """An LMS like Moodle, and the institutions acme, which knows it already with another client id, and beta."""
    yield from start(database_url, "moodle")


@pytest.fixture
def canvas(database_url: str) -> Iterator[Joining]:
    """The same with an LMS like Canvas."""
    yield from start(database_url, "canvas")


def arrive(joining: Joining, person: str, activity: int) -> requests.Response:
    """A launch that is perhaps refused: what it is answered with."""
    visitor = Visitor(joining.sites.lms_url, person)
    browser = ToolBrowser(joining.sites.tool_url)
    form = visitor.begin(activity)
    login = browser.send("POST", form.action, dict(form.fields))
    answer = visitor.authorize(authorization_url(login.headers.get("Location", ""), login.text))
    return browser.send("POST", answer.action, dict(answer.fields))


def actions(joining: Joining, tenant: str = TENANT) -> list[str]:
    """What the audit log of the institution says of registrations."""
    with joining.sites.tool.app_context():
        found = select(AuditEntry.action).where(
            AuditEntry.tenant_id == tenants.by_key(tenant).id, AuditEntry.action.like("registration.%")
        )
        return list(session.scalars(found.order_by(AuditEntry.id)))


def test_two_who_use_a_link_at_once_register_one_platform(moodle: Joining) -> None:
    link = moodle.link(OTHER)
    same = moodle.offer(link)
    another = moodle.offer(link)
    pages = [same, same, another, another]
    with ThreadPoolExecutor(len(pages)) as pool:
        answers = list(pool.map(moodle.press, pages))
    assert len(moodle.known(OTHER)) == 1
    assert len(moodle.tools()) == 2, "the one that was given, and one of the four"
    assert "Registered" in [heading_of(answer) for answer in answers]
    refused = {code_on(answer) for answer in answers} - {""}
    assert refused <= {"invitation-busy", "invitation-used"}
    afterwards = [moodle.press(page) for page in (same, another)]
    told = sorted(code_on(page) for page in afterwards)
    assert told == ["", "invitation-used"], "whoever was first sees it again"
    assert actions(moodle, OTHER) == ["registration.add"]


def test_two_institutions_register_the_same_platform_and_see_nothing_of_each_other(moodle: Joining) -> None:
    own, registration = moodle.registered(moodle.link(TENANT))
    others, of_others = moodle.registered(moodle.link(OTHER))
    assert registration.issuer == of_others.issuer
    assert own["client_id"] != others["client_id"]
    for tool in (own, others):
        moodle.activate(tool)
    here = moodle.sites.enter("ben", moodle.sites.place("probe:quiz", tool=own["id"])).get().json()
    there = moodle.sites.enter("ben", moodle.sites.place("probe:quiz", tool=others["id"])).get().json()
    assert here["person"] != there["person"]
    assert here["course"] != there["course"]
    assert [each.id for each in moodle.known(OTHER)] == [of_others.id]


def test_the_same_client_id_at_two_institutions_stays_two_registrations(moodle: Joining) -> None:
    for tenant in (TENANT, OTHER):
        answer = {"client_id": "same", TOOL_CONFIGURATION: {"deployment_id": tenant}}
        moodle.sites.fail("registration", status=200, body=json.dumps(answer))
        moodle.registered(moodle.link(tenant))
    own, others = moodle.known(TENANT)[-1], moodle.known(OTHER)[-1]
    assert (own.client_id, own.issuer) == (others.client_id, others.issuer)
    assert own.id != others.id
    assert (set(moodle.deployments(own)), set(moodle.deployments(others))) == ({TENANT}, {OTHER})


def test_an_update_over_the_link_of_another_institution_registers_with_that_one(moodle: Joining) -> None:
    tool, registration = moodle.registered()
    page = moodle.register(moodle.link(OTHER), tool["id"])
    assert heading_of(page) == "Registered"
    assert [each.id for each in moodle.known()[1:]] == [registration.id]
    assert moodle.known(OTHER)[0].client_id == tool["client_id"]
    assert actions(moodle) == ["registration.add", "registration.add"]


def test_an_update_is_shown_as_one_again_and_takes_what_the_platform_says_now(moodle: Joining) -> None:
    tool, before = moodle.registered()
    with writing(moodle.sites.tool):
        registrations.change(
            registrations.get(before.tenant_id, before.id), title="Our Moodle", token_url=before.auth_url
        )
    offered = moodle.offer(tool=tool["id"])
    for _ in range(2):
        page = moodle.press(offered)
        assert heading_of(page) == "Updated"
        assert "Our Moodle is up to date" in page.text
    after = moodle.known()[-1]
    assert (after.id, after.title, after.token_url) == (before.id, "Our Moodle", before.token_url)
    assert actions(moodle)[-1] == "registration.update"


def test_keys_from_another_address_replace_those_of_the_old_one_at_once(moodle: Joining) -> None:
    tool, registration = moodle.registered()
    moodle.activate(tool)
    activity = moodle.sites.place("probe:quiz", tool=tool["id"])
    assert arrive(moodle, "ben", activity).status_code == 303, "the keys are loaded now, and fresh for long"
    begun = moodle.begin(moodle.link(), tool["id"])
    elsewhere = f"{moodle.sites.tool_url}/lti/{OTHER}/jwks.json"
    said = {**moodle.get(begun["openid_configuration"]).json(), "jwks_uri": elsewhere}
    moodle.sites.fail("configuration", status=200, body=json.dumps(said), times=2)
    assert heading_of(moodle.press(moodle.get(begun["url"]))) == "Updated"
    with moodle.sites.tool.app_context():
        assert session.scalar(select(PlatformKeys).where(PlatformKeys.registration_id == registration.id)) is None
    refused = arrive(moodle, "ben", activity)
    assert (refused.status_code, code_on(refused)) == (400, "token-key-unknown"), "that key is not at the new address"
    assert heading_of(moodle.register(tool=tool["id"])) == "Updated"
    assert arrive(moodle, "ben", activity).status_code == 303


def test_an_answer_that_is_lost_is_told_as_such_and_the_link_is_good_for_another_attempt(moodle: Joining) -> None:
    link = moodle.link()
    for fault in ({"cut": True, "after_storing": True}, {"status": 503}, {"status": 200, "body": "<p>Thanks</p>"}):
        moodle.sites.fail("registration", **fault)
        page = moodle.register(link)
        assert (page.status_code, code_on(page)) == (502, "registration-unclear")
        assert len(moodle.known()) == 1
    assert len(moodle.tools()) == 2, "what the lost answer was about"
    assert heading_of(moodle.register(link)) == "Registered"
    assert (len(moodle.known()), len(moodle.tools())) == (2, 3)


def test_what_nobody_sends_from_a_proper_page_is_refused_in_words(moodle: Joining) -> None:
    link = moodle.link()
    begun = moodle.begin(link)
    form = fields_of(moodle.get(begun["url"]))
    assert code_on(moodle.post(link, {**form, "openid_configuration": ""})) == "registration-unreachable"
    assert code_on(moodle.post(link, {**form, "openid_configuration": "https://[x"})) == "registration-unreachable"
    assert code_on(moodle.post(link, {**form, "openid_configuration": "x" * 2049})) == "request-malformed"
    assert code_on(moodle.post(link, {**form, "registration_token": "a\r\nHost: b"})) == "registration-unreachable"
    moodle.sites.fail("configuration", status=200, body="[" * 100_000)
    assert code_on(moodle.get(begun["url"])) == "registration-incomplete"
    assert heading_of(moodle.post(link, form)) == "Registered"


def test_a_deployment_in_canvas_is_accepted_or_waits_as_the_institution_wants_it(canvas: Joining) -> None:
    tool, registration = canvas.registered()
    assert registration.deployments_policy == "auto"
    canvas.activate(tool)
    assert arrive(canvas, "ben", canvas.sites.place("probe:quiz", tool=tool["id"])).status_code == 303
    assert list(canvas.deployments(registration).values()) == ["approved"]
    with writing(canvas.sites.tool):
        registrations.change(registrations.get(registration.tenant_id, registration.id), deployments_policy="pending")
    canvas.sites.control("deployments", {"tool": tool["id"], "course": 2})
    elsewhere = canvas.sites.place("probe:quiz", tool=tool["id"], course=2)
    refused = arrive(canvas, "ben", elsewhere)
    assert (refused.status_code, code_on(refused)) == (403, "deployment-pending")
    with writing(canvas.sites.tool):
        waiting = registrations.deployments(registration)[-1]
        registrations.set_deployment_state(registration.tenant_id, waiting.id, "approved")
    assert arrive(canvas, "ben", elsewhere).status_code == 303


def test_what_a_platform_did_not_grant_is_said(canvas: Joining) -> None:
    canvas.pull(scopes_unsupported=["contextmembership.readonly"])
    page = canvas.register()
    assert "has not allowed everything" in page.text
    assert "know who is in a course" in page.text


def by_hand(joining: Joining, link: str, **form: str) -> requests.Response:
    """Send the form of the link's page."""
    page = joining.get(link)
    assert heading_of(page) == "Register your learning platform"
    return joining.press(page, **form)


MOODLE = "https://moodle.example.edu"
OWN = {
    "issuer": "https://lms.example.edu",
    "auth_url": "https://lms.example.edu/authorize",
    "token_url": "https://lms.example.edu/token",
    "jwks_url": "https://lms.example.edu/jwks",
}


@pytest.mark.parametrize(
    ("form", "stored"),
    [
        (
            {"kind": "moodle", "site": f"{MOODLE}/", "client_id": "a1", "deployment_id": "3", "title": "Our Moodle"},
            ("moodle", MOODLE, f"{MOODLE}/mod/lti/token.php", "pending", {"3": "approved"}),
        ),
        (
            {"kind": "canvas-production", "client_id": "10000000000001"},
            ("canvas", "https://canvas.instructure.com", "https://sso.canvaslms.com/login/oauth2/token", "auto", {}),
        ),
        (
            {"kind": "canvas", "client_id": "1", "site": "https://canvas.example.edu", "issuer": "https://example.edu"},
            ("canvas", "https://example.edu", "https://canvas.example.edu/login/oauth2/token", "auto", {}),
        ),
        (
            {"kind": "generic", "client_id": "x", **OWN},
            ("generic", OWN["issuer"], OWN["token_url"], "pending", {}),
        ),
    ],
    ids=lambda value: value.get("kind") if isinstance(value, dict) else "",
)
def test_a_platform_is_registered_by_hand_once_with_a_link(
    moodle: Joining, form: dict[str, str], stored: tuple[Any, ...]
) -> None:
    link = moodle.link(OTHER)
    page = by_hand(moodle, link, **form)
    assert heading_of(page) == "Registered"
    assert form["client_id"] in page.text
    (found,) = moodle.known(OTHER)
    values = (found.platform, found.issuer, found.token_url, found.deployments_policy, moodle.deployments(found))
    assert values == stored
    assert found.title == form.get("title", "")
    assert code_on(moodle.get(link)) == "invitation-used"


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"kind": "moodle", "site": MOODLE}, "The client ID is missing"),
        ({"kind": "moodle", "client_id": "a1"}, "The address of the platform is missing."),
        ({"kind": "moodle", "client_id": "a1", "site": "moodle.example.edu"}, "must begin with https://"),
        ({"kind": "moodle", "client_id": "a1", "site": "http://moodle.example.edu"}, "must begin with https://"),
        ({"kind": "moodle", "client_id": "a1", "site": "https://[moodle"}, "must begin with https://"),
        ({"kind": "moodle", "client_id": "a" * 256, "site": MOODLE}, "at most 255 characters"),
        ({"kind": "generic", "client_id": "a1", **OWN, "jwks_url": ""}, "Fill in all four addresses"),
        ({"kind": "sakai", "client_id": "a1"}, "Choose the platform."),
    ],
)
def test_a_mistake_by_hand_is_told_in_one_sentence_and_what_was_typed_stays(
    moodle: Joining, form: dict[str, str], said: str
) -> None:
    link = moodle.link(OTHER)
    page = by_hand(moodle, link, title="Ours", **form)
    assert page.status_code == 422
    told = page.text.partition('role="alert">')[2].partition("</div>")[0]
    assert said in told
    for name, value in form.items():
        assert f'value="{value}"' in page.text or name == "kind"
    assert 'value="Ours"' in page.text
    assert moodle.known(OTHER) == []
    assert heading_of(by_hand(moodle, link, kind="canvas-beta", client_id="1")) == "Registered", (
        "the link is still good"
    )


def test_values_that_are_registered_already_are_not_registered_twice(moodle: Joining) -> None:
    form = {"kind": "moodle", "site": MOODLE, "client_id": "a1"}
    for _ in range(2):
        assert heading_of(by_hand(moodle, moodle.link(OTHER), **form)) == "Registered"
    assert len(moodle.known(OTHER)) == 1
    page = by_hand(moodle, moodle.link(OTHER), **form, token_url="https://elsewhere.example/token")
    assert page.status_code == 422
    assert moodle.count(Registration) == 2
    assert moodle.count(Invitation) == 3
