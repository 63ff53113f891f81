"""The console over HTTP: who gets in, how, and to what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.exc import DatabaseError
from werkzeug.test import TestResponse

from flows.desk import ADMINISTRATOR, Desk, add, add_known, log_of
from ltitools.db import session, utcnow
from ltitools.models import Administrator, AuditEntry, ConsoleSession, Deployment, Grade, Registration, Tenant
from ltitools.plugin import Plugin
from ltitools.services import activities, administrators, invitations, registrations, tenants
from ltitools.testing import INSTRUCTOR, PUBLIC_URL, Platform, Visit, error_code, writing
from ltitools.web.console.skeleton import COOKIE
from probe import make_probe
from provider import Provider


@pytest.fixture
def plugins() -> list[Plugin]:
    return [make_probe()]


@pytest.fixture
def operator(app: Flask) -> Desk:
    """Somebody who administers the server, signed in."""
    desk = Desk(app)
    desk.sign_in(add(app, None, "Olga"))
    return desk


@pytest.fixture
def acme(app: Flask, platform: Platform) -> Desk:
    """An administrator of the institution with the platform, signed in."""
    desk = Desk(app)
    desk.sign_in(add_known(app, "acme", "Ada"))
    return desk


def test_nobody_sees_a_page_without_a_sign_in(app: Flask) -> None:
    desk = Desk(app)
    for path in ("/console/", "/console/acme/", "/console/acme/platforms/", "/console/-/people", "/console/-/log"):
        answer = desk.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/console/-/sign-in")
    assert "ltitools console link" in desk.read("/console/-/sign-in")


def test_a_link_signs_in_once_and_looking_at_it_does_not_use_it_up(app: Flask) -> None:
    code = add(app, None, "Olga")
    desk = Desk(app)
    for _ in range(2):
        assert "This link is for Olga" in desk.read(f"/console/-/enter/{code}")
    answer = desk.sign_in(code)
    assert answer.status_code == 303
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(COOKIE)
    for part in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=28800"):
        assert part in cookie
    assert "Institutions" in desk.read("/console/")
    assert error_code(Desk(app).sign_in(code)) == "console-code"
    assert error_code(Desk(app).get(f"/console/-/enter/{code}")) == "console-code"


def test_a_code_is_taken_from_our_own_page_only(app: Flask) -> None:
    """Otherwise somebody could sign others in as themselves, and read what they then type in."""
    code = add(app, None, "Olga")
    elsewhere = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    answer = app.test_client().post("/console/-/enter", data={"code": code}, base_url=PUBLIC_URL, headers=elsewhere)
    assert error_code(answer) == "console-code"


def test_signing_out_and_time_end_a_session(app: Flask, operator: Desk) -> None:
    kept = operator.client.get_cookie(COOKIE, domain="tool.example.test")
    assert kept is not None
    operator.do("/console/-/sign-out", "/console/")
    operator.client.set_cookie(COOKIE, kept.value, domain="tool.example.test", secure=True)
    assert operator.get("/console/").status_code == 303, "the cookie is good for nothing any more"
    operator.sign_in(add(app, None, "Olga"))
    with writing(app):
        session.execute(update(ConsoleSession).values(expires_at=utcnow()))
    assert operator.get("/console/").status_code == 303


def test_a_form_without_the_proof_of_its_page_changes_nothing(app: Flask, operator: Desk, acme: Desk) -> None:
    own = re.search(r'name="_form" value="([^"]+)"', acme.read("/console/acme/settings"))
    assert own is not None
    for proof in ("", "x", own[1]):
        answer = operator.client.post(
            "/console/", data={"_form": proof, "key": "beta", "name": "Beta"}, base_url=PUBLIC_URL
        )
        assert error_code(answer) == "form-stale"
    with app.app_context():
        assert session.scalar(select(Tenant).where(Tenant.key == "beta")) is None


def test_an_operator_adds_an_institution_and_switches_it_off_and_on(app: Flask, operator: Desk) -> None:
    page = operator.do("/console/", key="beta", name="Beta University", locale="fr")
    assert "Beta University" in page
    for key, name in (("Beta!", "Beta"), ("beta", "Another name"), ("gamma", " ")):
        answer = operator.post("/console/", key=key, name=name, locale="en")
        assert answer.status_code == 422
        assert 'role="alert"' in answer.get_data(as_text=True)
    operator.do("/console/beta/settings/enabled", "/console/beta/settings", enabled="no")
    assert error_code(app.test_client().get("/lti/beta/jwks.json")) == "tenant-disabled"
    operator.do("/console/beta/settings/enabled", "/console/beta/settings", enabled="yes")
    assert app.test_client().get("/lti/beta/jwks.json").status_code == 200
    assert log_of(app, "beta") == ["tenant.add", "tenant.disable", "tenant.enable"]


def test_an_institution_of_others_is_not_there(app: Flask, acme: Desk) -> None:
    add(app, "beta", "Bob")
    paths = [
        rule.rule.replace("<tenant_key>", "{tenant}")
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("console.") and "tenant_key" in rule.arguments and "GET" in (rule.methods or ())
    ]
    assert len(paths) > 8
    for path in paths:
        path = re.sub(r"<[^>]*>", "1", path)
        assert error_code(acme.get(path.format(tenant="beta"))) == "page-unknown", path
        assert error_code(acme.get(path.format(tenant="nobody"))) == "page-unknown", path
    for path in ("/console/-/people", "/console/-/log"):
        assert error_code(acme.get(path)) == "page-unknown"
    assert acme.get("/console/").headers["Location"] == "/console/acme/"
    for path in (
        "/console/",
        "/console/beta/settings",
        "/console/acme/settings/enabled",
        "/console/beta/platforms/links",
    ):
        assert error_code(acme.post(path, "/console/acme/settings", key="x", name="x")) == "page-unknown", path


def test_numbers_of_another_institution_lead_nowhere(app: Flask, acme: Desk) -> None:
    other = Platform(client_id="client-2")
    _, theirs = other.register(app, "beta")
    other.close()
    with writing(app):
        beta = tenants.by_key("beta")
        deployment = registrations.deployments(theirs)[0].id
        link, _ = invitations.add(beta)
        somebody, _ = administrators.add(beta, "Bob")
    base = "/console/acme/platforms"
    assert error_code(acme.get(f"{base}/{theirs.id}")) == "page-unknown"
    for path in (
        f"{base}/{theirs.id}",
        f"{base}/{theirs.id}/enabled",
        f"{base}/{theirs.id}/test",
        f"{base}/{theirs.id}/deployments",
        f"{base}/{theirs.id}/deployments/{deployment}/rejected",
        f"{base}/links/{link.id}/revoke",
        f"/console/acme/people/{somebody.id}/link",
        f"/console/acme/people/{somebody.id}/enabled",
    ):
        answer = acme.post(path, "/console/acme/settings", deployment_id="x", enabled="no")
        assert error_code(answer) == "page-unknown", path
    with app.app_context():
        assert session.get_one(Registration, theirs.id).enabled
        assert session.get_one(Deployment, deployment).state == "approved"
        assert session.get_one(Administrator, somebody.id).enabled


def test_a_registration_link_is_shown_once_and_can_be_revoked(app: Flask, acme: Desk) -> None:
    page = acme.post("/console/acme/platforms/links", "/console/acme/platforms/", note="Canvas", days="3")
    link = re.search(r'value="(https://tool[^"]+/lti/acme/register\?invite=[^"]+)"', page.get_data(as_text=True))
    assert link is not None
    path = link[1].removeprefix(PUBLIC_URL)
    assert "Canvas" in acme.read("/console/acme/platforms/")
    assert path.partition("=")[2] not in acme.read("/console/acme/platforms/")
    assert "Register your learning platform" in Desk(app).read(path)
    acme.do("/console/acme/platforms/links/1/revoke", "/console/acme/platforms/")
    assert error_code(Desk(app).get(path)) == "invitation-revoked"
    assert acme.post("/console/acme/platforms/links", "/console/acme/platforms/", days="900").status_code == 422


def test_a_platform_is_registered_by_hand_changed_and_switched_off(app: Flask, acme: Desk) -> None:
    base = "/console/acme/platforms"
    wrong = acme.post(f"{base}/by-hand", kind="moodle", client_id="abc", title="Moodle")
    assert (wrong.status_code, "The address of the platform is missing." in wrong.text) == (422, True)
    assert 'value="abc"' in wrong.text, "what was typed in is kept"
    page = acme.do(f"{base}/by-hand", kind="moodle", client_id="abc", site="https://moodle.acme.example/", title="M")
    assert "https://moodle.acme.example/mod/lti/auth.php" in page
    with app.app_context():
        found = session.scalars(select(Registration).where(Registration.client_id == "abc")).one()
    values = {"title": "Our Moodle", "platform": "moodle", "deployments_policy": "auto"}
    values |= {name: getattr(found, name) for name in ("auth_url", "token_url", "jwks_url")}
    assert "Our Moodle" in acme.do(f"{base}/{found.id}", **values)
    answer = acme.post(f"{base}/{found.id}", **values | {"auth_url": "ftp://moodle"})
    assert (answer.status_code, 'value="ftp://moodle"' in answer.text) == (422, True)
    acme.do(f"{base}/{found.id}/deployments", f"{base}/{found.id}", deployment_id="5")
    acme.do(f"{base}/{found.id}/enabled", f"{base}/{found.id}", enabled="no")
    with app.app_context():
        found = session.scalars(select(Registration).where(Registration.client_id == "abc")).one()
        assert (found.title, found.deployments_policy, found.enabled) == ("Our Moodle", "auto", False)
        assert [one.deployment_id for one in registrations.deployments(found)] == ["5"]
    actions = log_of(app, "acme")
    assert actions[-4:] == ["registration.add", "registration.change", "deployment.add", "registration.disable"]


def test_a_deployment_that_waits_is_approved_with_one_button(app: Flask, acme: Desk) -> None:
    waiting = Platform(client_id="client-2")
    waiting.register(app, policy="pending")
    try:
        browser = app.test_client()
        assert error_code(waiting.launch(browser, deployment_id="new")) == "deployment-pending"
        page = acme.read("/console/acme/")
        approve = re.search(r'action="([^"]+/approved)"', page)
        assert approve is not None
        acme.do(approve[1], "/console/acme/")
        assert waiting.launch(browser, deployment_id="new").status_code == 303
    finally:
        waiting.close()


def test_the_address_of_a_form_leads_to_its_page(acme: Desk) -> None:
    for path, page in (("links", ""), ("1/test", "1"), ("1/deployments/1/approved", "1")):
        answer = acme.get(f"/console/acme/platforms/{path}")
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/console/acme/platforms/{page}")
    assert error_code(acme.get("/console/-/sign-out")) == "method-wrong"


def test_testing_a_connection_says_what_is_wrong(acme: Desk, platform: Platform) -> None:
    platform.keys.status = 503
    page = acme.post("/console/acme/platforms/1/test", "/console/acme/platforms/1").text
    assert "platform-keys" in page
    assert 'role="alert"' in page


def test_tools_are_switched_off_and_on(app: Flask, acme: Desk, platform: Platform) -> None:
    settings = "/console/acme/settings"
    with writing(app):
        activities.create(tenants.by_key("acme").id, "probe", "quiz", "Quiz")
    visit = platform.visit(app.test_client(), custom={"activity": "probe:quiz"})
    acme.do(f"{settings}/tools", settings, tool="probe", enabled="no")
    assert error_code(visit.get()) == "tool-unknown"
    acme.do(f"{settings}/tools", settings, tool="probe", enabled="yes")
    assert visit.get().status_code == 200
    assert error_code(acme.post(f"{settings}/tools", settings, tool="nothing", enabled="no")) == "page-unknown"


def test_grades_that_wait_are_sent_or_given_up(app: Flask, acme: Desk, platform: Platform) -> None:
    with writing(app):
        activities.create(tenants.by_key("acme").id, "probe", "quiz", "Quiz")
    visit = platform.visit(app.test_client(), custom={"activity": "probe:quiz"})
    assert visit.post("score", {"given": "70"}).status_code == 200
    page = acme.read("/console/acme/grades")
    assert "person-1" in page
    number = re.search(r'name="grade" value="(\d+)"', page)
    assert number is not None
    acme.do("/console/acme/grades/drop", "/console/acme/grades", grade=number[1])
    assert "person-1" not in acme.read("/console/acme/grades")
    with app.app_context():
        assert session.scalars(select(Grade.state)).one() == "dropped"
    assert visit.post("score", {"given": "80"}).status_code == 200, "the next score counts again"
    assert "person-1" in acme.read("/console/acme/grades")
    acme.do("/console/acme/grades/send", "/console/acme/grades")
    assert log_of(app, "acme")[-1] in ("grade.drop", "grade.send")


def test_launches_are_listed_with_what_to_do(app: Flask, acme: Desk, platform: Platform) -> None:
    assert error_code(platform.launch(app.test_client(), deployment_id="other")) == "deployment-unknown"
    page = acme.read("/console/acme/launches?refused=1")
    assert "deployment-unknown" in page
    assert "person-1" not in page
    assert "deployment-unknown" in acme.read("/console/acme/")


def test_who_is_shut_out_is_out_at_once(app: Flask, operator: Desk, acme: Desk) -> None:
    people = "/console/acme/people"
    page = operator.do(people, name="Grace", email="Grace@Acme.example")
    assert "grace@acme.example" in page
    assert operator.post(people, name="Grace", email="other@acme.example").status_code == 422
    number = re.search(r"/people/(\d+)/enabled", operator.read(people))
    assert number is not None
    assert "Ada" in operator.read(people)
    operator.do(f"{people}/{number[1]}/enabled", people, enabled="no")
    assert acme.get("/console/acme/").status_code == 303
    answer = operator.post(f"{people}/{number[1]}/link", people)
    assert answer.status_code == 422
    operator.do(f"{people}/{number[1]}/enabled", people, enabled="yes")
    link = re.search(r"/console/-/enter/([\w-]+)", operator.post(f"{people}/{number[1]}/link", people).text)
    assert link is not None
    assert acme.sign_in(link[1]).status_code == 303
    own = re.search(r"Ada.*?/people/(\d+)/link", acme.read(people), re.DOTALL)
    assert own is not None
    assert acme.post(f"{people}/{own[1]}/enabled", people, enabled="no").status_code == 422, (
        "nobody shuts themselves out"
    )


def test_an_administrator_of_the_lms_comes_in_from_a_launch(app: Flask, platform: Platform) -> None:
    def arrive(visit: Visit) -> tuple[Desk, TestResponse]:
        assert visit.get(f"/tools/-/{visit.launch_id}/console").status_code == 200
        page = visit.post(f"/tools/-/{visit.launch_id}/console").get_data(as_text=True)
        code = re.search(r'name="code" value="([^"]+)"', page)
        assert code is not None
        desk = Desk(app)
        return desk, desk.sign_in(code[1])

    roles = {"roles": [INSTRUCTOR, ADMINISTRATOR], "sub": "admin-1", "name": "Noor Admin"}
    visit = platform.visit(app.test_client(), **roles)
    assert f"/tools/-/{visit.launch_id}/console" in visit.get(f"/tools/-/{visit.launch_id}/choose?all=1").text
    desk, answer = arrive(visit)
    assert answer.status_code == 303
    assert "Noor Admin" in desk.read("/console/acme/")
    desk, _ = arrive(platform.visit(app.test_client(use_cookies=False), cookie=False, **roles))
    assert desk.read("/console/acme/people").count("Noor Admin") >= 1
    with app.app_context():
        assert len(session.scalars(select(Administrator)).all()) == 1, "the same person is one administrator"
    desk.do("/console/acme/settings", name="Acme", locale="en")
    refused_now = platform.visit(app.test_client(), **roles)
    answer = refused_now.post(f"/tools/-/{refused_now.launch_id}/console")
    assert error_code(answer) == "console-forbidden", "switched off for administrators of the LMS"


def test_the_menu_of_an_account_leads_to_the_console(app: Flask, platform: Platform) -> None:
    claims = platform.claims(
        roles=[ADMINISTRATOR], context={"id": "account-1"}, resource_link={"id": "account-1"}, custom={}
    ) | {"https://www.instructure.com/placement": "account_navigation"}
    visit = platform.visit(app.test_client(), claims)
    assert visit.path.endswith("/console")
    assert "Console of Acme College" in unescape(visit.get().text)


@pytest.mark.parametrize("role", [INSTRUCTOR, "http://purl.imsglobal.org/vocab/lis/v2/membership#Administrator"])
def test_a_teacher_does_not_come_in(app: Flask, platform: Platform, role: str) -> None:
    visit = platform.visit(app.test_client(), roles=[role])
    assert error_code(visit.post(f"/tools/-/{visit.launch_id}/console")) == "console-forbidden"


@pytest.fixture
def provider(start_app: Callable[..., Flask]) -> Iterator[tuple[Provider, Flask]]:
    """A provider of accounts, and an application that knows it."""
    found = Provider()
    yield found, start_app([make_probe()], **found.settings())
    found.close()


def test_an_account_with_a_verified_address_comes_in(provider: tuple[Provider, Flask]) -> None:
    idp, app = provider
    add(app, "acme", "Ada", "Ada@Acme.example")
    desk = Desk(app)
    assert "/console/-/account" in desk.read("/console/-/sign-in")
    answer = idp.send_back(desk.client, email="ada@ACME.example")
    assert answer.status_code == 303, error_code(answer)
    assert "Acme" in desk.read("/console/acme/")


def test_whoever_administers_several_institutions_chooses_one(provider: tuple[Provider, Flask]) -> None:
    idp, app = provider
    for tenant in ("acme", "beta"):
        add(app, tenant, "Ada", "ada@example.edu")
    desk = Desk(app)
    page = idp.send_back(desk.client, email="ada@example.edu").get_data(as_text=True)
    codes = re.findall(r'name="code" value="([^"]+)"', page)
    assert len(codes) == 2
    assert desk.sign_in(codes[1]).status_code == 303
    assert desk.get("/console/").headers["Location"] == "/console/beta/"


@pytest.mark.parametrize(
    "said",
    [
        {"nonce": "of another request"},
        {"aud": "another client"},
        {"iss": "https://elsewhere.example"},
        {"exp": 1},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": ""},
    ],
)
def test_an_answer_with_something_wrong_lets_nobody_in(provider: tuple[Provider, Flask], said: dict[str, Any]) -> None:
    idp, app = provider
    add(app, "acme", "Ada", "ada@acme.example")
    desk = Desk(app)
    answer = idp.send_back(desk.client, **{"email": "ada@acme.example", **said})
    assert error_code(answer) == "console-provider"
    assert desk.get("/console/").status_code == 303


def test_an_answer_to_another_browser_lets_nobody_in(provider: tuple[Provider, Flask]) -> None:
    idp, app = provider
    add(app, "acme", "Ada", "ada@acme.example")
    asked = idp.begin(app.test_client())
    victim = Desk(app)
    idp.begin(victim.client)
    assert error_code(idp.send_back(victim.client, asked, email="ada@acme.example")) == "console-provider"


def test_an_address_that_changed_hands_lets_nobody_in(provider: tuple[Provider, Flask]) -> None:
    idp, app = provider
    add(app, "acme", "Ada", "ada@acme.example")
    assert idp.send_back(app.test_client(), email="ada@acme.example").status_code == 303
    other = idp.send_back(app.test_client(), email="ada@acme.example", sub="subject-2")
    assert error_code(other) == "console-unknown-person"


def test_the_database_itself_keeps_the_audit_log(app: Flask, acme: Desk) -> None:
    acme.do("/console/acme/settings", name="Acme University", locale="fr", lms_administrators="yes")
    assert "Acme University" in acme.read("/console/acme/log")
    with pytest.raises(DatabaseError), writing(app):
        session.execute(text("UPDATE audit_entry SET action = 'nothing'"))


def test_every_change_is_logged_with_who_made_it(app: Flask, acme: Desk) -> None:
    acme.do("/console/acme/keys/", at_once="yes")
    with writing(app):
        tenants.set_enabled("acme", False)
    with app.app_context():
        last = list(session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(2)))
        assert [(one.action, one.actor) for one in last] == [
            ("tenant.disable", "command line"),
            ("key.rotate", "administrator"),
        ]
        assert last[1].administrator_id is not None
    with writing(app):
        tenants.set_enabled("acme", True)
    page = acme.read("/console/acme/log")
    assert "Ada" in page
    assert "the command line" in page


def test_the_console_speaks_french(acme: Desk) -> None:
    acme.do("/console/-/language", "/console/acme/settings", locale="fr", back="/console/acme/settings")
    page = acme.read("/console/acme/settings")
    assert 'lang="fr"' in page
    assert "Enregistrer" in page


def test_an_address_that_is_not_there_leads_back_to_the_console_and_not_to_a_course(operator: Desk) -> None:
    answer = operator.get("/console/nowhere/")
    assert error_code(answer) == "page-unknown"
    assert "the first page of the console" in answer.text
    assert "course" not in answer.text


def test_the_address_of_the_form_of_a_sign_in_leads_to_the_sign_in(app: Flask) -> None:
    answer = Desk(app).get("/console/-/enter")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/-/sign-in")


@pytest.mark.parametrize("let_in", [True, False])
def test_the_tools_offer_the_console_only_to_administrators_who_are_let_in(
    app: Flask, platform: Platform, let_in: bool
) -> None:
    with writing(app):
        tenant = tenants.by_key("acme")
        tenants.change(tenant, tenant.name, tenant.locale, lms_administrators=let_in)
    visit = platform.visit(app.test_client(), roles=[INSTRUCTOR, ADMINISTRATOR], sub="admin-1")
    page = visit.get(f"/tools/-/{visit.launch_id}/choose?all=1").text
    assert ("/console" in page) == let_in
