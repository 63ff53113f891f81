"""What ties a launch to the browser in which its login began, and the visit of a browser that keeps no cookie."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from ltitools.db import session, utcnow
from ltitools.models import Launch, OneTimeCode, PendingLogin
from ltitools.plugin import Plugin
from ltitools.services import activities, launch_log, tenants
from ltitools.testing import (
    INSTRUCTOR,
    PUBLIC_URL,
    Platform,
    Visit,
    attribute,
    error_code,
    hidden_fields,
    statements,
    writing,
)
from ltitools.web.sessions import COOKIE
from probe import make_probe

QUIZ = {"custom": {"activity": "probe:quiz"}}
OURS = {"Origin": PUBLIC_URL}


@pytest.fixture
def plugins() -> list[Plugin]:
    return [make_probe()]


@pytest.fixture(autouse=True)
def _quiz(app: Flask, platform: Platform) -> None:
    with writing(app):
        activities.create(tenants.by_key("acme").id, "probe", "quiz", "Quiz")


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that keeps no cookie."""
    return app.test_client(use_cookies=False)


class Attempt:
    """A launch up to the moment at which the platform's answer has arrived without a cookie."""

    def __init__(self, platform: Platform, client: FlaskClient, origin: str | None = None) -> None:
        self.client = client
        login = client.post("/lti/acme/login", data=platform.login_parameters(), base_url=PUBLIC_URL)
        self.page = login.get_data(as_text=True)
        self.secret = attribute(self.page, "data-secret")
        self.request = {
            name: values[0] for name, values in parse_qs(urlsplit(attribute(self.page, "data-login")).query).items()
        }
        answer = {
            "id_token": platform.sign({**platform.claims(**QUIZ), "nonce": self.request["nonce"]}),
            "state": self.request["state"],
        }
        self.arrived = client.post(
            "/lti/acme/launch", data=answer, base_url=PUBLIC_URL, headers={"Origin": origin or platform.issuer}
        )
        self.form = hidden_fields(self.arrived.get_data(as_text=True))

    def finish(self, layer: str = "storage", headers: dict[str, str] | None = None, **form: str) -> TestResponse:
        """The page's script sends what the browser kept."""
        data = {**self.form, "layer": layer, "secret": self.secret, **form}
        headers = OURS if headers is None else headers
        return self.client.post("/lti/acme/launch", data=data, base_url=PUBLIC_URL, headers=headers)


@pytest.mark.parametrize("layer", ["storage", "platform", "name"])
def test_each_layer_binds_a_launch_and_is_recorded(
    app: Flask, platform: Platform, client: FlaskClient, layer: str
) -> None:
    answer = Attempt(platform, client).finish(layer)
    assert answer.status_code == 200
    visit = Visit.of(client, answer)
    assert visit.get().status_code == 200
    assert "Set-Cookie" not in answer.headers
    with app.app_context():
        assert session.scalars(select(Launch.binding)).one() == layer


def test_a_cookie_binds_a_launch_and_is_recorded(app: Flask, platform: Platform) -> None:
    assert platform.visit(app.test_client(), **QUIZ).get().status_code == 200
    with app.app_context():
        assert session.scalars(select(Launch.binding)).one() == "cookie"


@pytest.mark.parametrize("layer", ["storage", "platform", "name"])
@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
def test_a_secret_that_another_site_sends_along_is_refused(
    platform: Platform, client: FlaskClient, layer: str, headers: dict[str, str]
) -> None:
    """Whoever began a login of their own knows its secret, and could let others send it (login CSRF)."""
    answer = Attempt(platform, client).finish(layer, headers)
    assert (answer.status_code, error_code(answer)) == (400, "browser-other")


@pytest.mark.parametrize("layer", ["storage", "platform", "name"])
def test_the_secret_of_another_login_is_refused(platform: Platform, client: FlaskClient, layer: str) -> None:
    other, own = Attempt(platform, client), Attempt(platform, client)
    for secret in (other.secret, "", "x" * 43):
        assert error_code(own.finish(layer, secret=secret)) == "browser-other"
    assert own.finish(layer).status_code == 200, "a guess uses nothing up"


@pytest.mark.parametrize("layer", ["", "cookie", "window", "code", "\0"])
def test_a_layer_that_no_script_looks_after_is_refused(platform: Platform, client: FlaskClient, layer: str) -> None:
    assert error_code(Attempt(platform, client).finish(layer)) == "browser-other"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", PUBLIC_URL])
def test_the_name_of_a_frame_binds_only_what_came_from_the_platform(
    platform: Platform, client: FlaskClient, origin: str
) -> None:
    """A page around the frame can give it a name; where the answer came from, it cannot change."""
    attempt = Attempt(platform, client, origin)
    assert error_code(attempt.finish("name")) == "binding-origin"
    assert error_code(attempt.finish("name", origin=platform.issuer)) == "binding-origin", "the origin is sealed"
    assert attempt.finish("storage").status_code == 200


def test_a_login_page_learns_whether_its_own_cookie_came_back(app: Flask, platform: Platform) -> None:
    def kept(browser: FlaskClient, state: str) -> bool:
        answer = browser.post("/lti/acme/login/kept", data={"state": state}, base_url=PUBLIC_URL)
        return bool(answer.get_json()["kept"])

    browser = app.test_client()
    login = browser.post("/lti/acme/login", data=platform.login_parameters(), base_url=PUBLIC_URL)
    state = attribute(login.get_data(as_text=True), "data-state")
    assert kept(browser, state)
    assert not kept(app.test_client(), state)
    assert not kept(browser, "another")


def test_a_page_that_found_nothing_leaves_it_in_the_launch_log(
    app: Flask, platform: Platform, client: FlaskClient
) -> None:
    state = Attempt(platform, client).request["state"]
    told = client.post("/lti/acme/login/kept", data={"state": state, "nothing": "1"}, base_url=PUBLIC_URL)
    assert error_code(told) == "browser-other"
    with app.app_context():
        [entry] = launch_log.entries(tenants.by_key("acme").id, 10, only_refused=True)
    assert (entry.outcome, entry.detail) == (
        "browser-other",
        "this browser keeps nothing for us: no cookie, storage or name",
    )


@pytest.mark.parametrize("off", ["storage", "platform", "name"])
def test_a_layer_can_be_switched_off(start_app: Callable[..., Flask], platform: Platform, off: str) -> None:
    layers = " ".join({"cookie", "storage", "platform", "name", "window"} - {off})
    client = start_app([make_probe()], launch_layers=layers).test_client(use_cookies=False)
    attempt = Attempt(platform, client)
    assert attribute(attempt.page, "data-layers").split() == sorted(layers.split())
    assert error_code(attempt.finish(off)) == "browser-other"
    for other in {"storage", "platform", "name"} - {off}:
        assert Attempt(platform, client).finish(other).status_code == 200


def test_without_the_cookie_layer_no_cookie_is_set_and_none_is_read(
    start_app: Callable[..., Flask], platform: Platform
) -> None:
    before = platform.visit(start_app([make_probe()]).test_client(), **QUIZ)
    app = start_app([make_probe()], launch_layers="storage")
    cookie = before.client.get_cookie(COOKIE, "tool.example.test")
    assert cookie is not None
    browser = app.test_client()
    browser.set_cookie(COOKIE, cookie.value, domain="tool.example.test", secure=True)
    assert browser.get(before.path, base_url=PUBLIC_URL).status_code == 403
    login = browser.post("/lti/acme/login", data=platform.login_parameters(), base_url=PUBLIC_URL)
    assert login.status_code == 200
    assert "Set-Cookie" not in login.headers


def test_the_window_form_repeats_the_login_as_it_came(platform: Platform, client: FlaskClient, app: Flask) -> None:
    asked = platform.login_parameters(lti_message_hint='{"cmid":3,"x":"<&\\"+"}', lti_storage_target="_parent")
    login = client.post("/lti/acme/login", data=asked, base_url=PUBLIC_URL)
    again = hidden_fields(login.get_data(as_text=True))
    assert {name: value for name, value in again.items() if name != "ltitools_window"} == asked
    browser = app.test_client()
    window = browser.post("/lti/acme/login", data=again, base_url=PUBLIC_URL)
    assert window.status_code == 200, "a form that was sent from a page of ours may not be redirected elsewhere"
    query = parse_qs(urlsplit(attribute(window.get_data(as_text=True), "data-login")).query)
    assert query["lti_message_hint"] == [asked["lti_message_hint"]]
    claims = {**platform.claims(**QUIZ), "nonce": query["nonce"][0]}
    arrived = platform.post(browser, id_token=platform.sign(claims), state=query["state"][0])
    assert arrived.status_code == 303
    with app.app_context():
        assert session.execute(select(Launch.binding, Launch.in_window)).one() == ("cookie", True)


def test_the_storage_that_the_platform_named_is_asked_also_where_its_answer_does_not_repeat_it(
    platform: Platform, client: FlaskClient, app: Flask
) -> None:
    asked = platform.login_parameters(lti_storage_target="post_message_forwarding")
    login = client.post("/lti/acme/login", data=asked, base_url=PUBLIC_URL).get_data(as_text=True)
    assert attribute(login, "data-storage-target") == "post_message_forwarding"
    assert attribute(login, "data-platform-origin") == "https://lms.example.test"
    arrived = platform.post(client, id_token="x.y.z", state=attribute(login, "data-state"))
    assert attribute(arrived.get_data(as_text=True), "data-storage-target") == "post_message_forwarding"


def test_what_a_login_keeps_is_hashed(platform: Platform, client: FlaskClient, app: Flask) -> None:
    attempt = Attempt(platform, client)
    with app.app_context():
        row = session.scalars(select(PendingLogin)).one()
        assert attempt.secret not in {str(getattr(row, column.key)) for column in PendingLogin.__mapper__.column_attrs}


class TestVisitsWithoutACookie:
    """The token is the credential, and it is shown in a header only."""

    def test_a_page_needs_the_token(self, app: Flask, platform: Platform, client: FlaskClient) -> None:
        visit = platform.visit(client, cookie=False, **QUIZ)
        assert visit.get().status_code == 200
        other = client.get(visit.path, base_url=PUBLIC_URL, headers={"Authorization": "Bearer x"})
        assert (other.status_code, error_code(other)) == (403, "launch-other-browser")
        for path, headers in (
            (visit.path, {}),
            (visit.path, {"Authorization": f"Basic {visit.token}"}),
            (f"{visit.path}?token={visit.token}", {}),
        ):
            shell = client.get(path, base_url=PUBLIC_URL, headers=headers)
            assert (shell.headers["X-Ltitools-Visit"], error_code(shell)) == ("shell", "launch-other-browser")

    def test_a_token_is_good_for_its_own_launch_only(self, platform: Platform, client: FlaskClient) -> None:
        first, second = (platform.visit(client, cookie=False, **QUIZ) for _ in range(2))
        assert first.token != second.token
        first.token, second.token = second.token, first.token
        assert {first.get().status_code, second.get().status_code} == {403}

    def test_an_address_without_the_token_is_answered_with_a_page_that_holds_nothing_of_the_visit(
        self, platform: Platform, client: FlaskClient
    ) -> None:
        visit = platform.visit(client, cookie=False, name="Ada Lovelace", **QUIZ)
        answer = client.get(visit.path, base_url=PUBLIC_URL)
        page = answer.get_data(as_text=True)
        assert attribute(page, "data-visit") == visit.launch_id
        for private in (visit.token, "Ada", "Lovelace", "Course One", "quiz"):
            assert private not in page
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'self' https://lms.example.test" in policy
        assert "frame-src 'self'" in policy

    def test_a_form_needs_no_proof_beside_the_token(self, app: Flask, platform: Platform, client: FlaskClient) -> None:
        visit = platform.visit(client, cookie=False, **QUIZ)
        path = f"/tools/-/{visit.launch_id}/language"
        assert visit.post(path, {"locale": "fr"}).status_code == 303
        forged = client.post(path, data={"locale": "en"}, base_url=PUBLIC_URL)
        assert error_code(forged) == "launch-other-browser"

    def test_pages_do_not_hold_the_token(self, start_app: Callable[..., Flask], platform: Platform) -> None:
        client = start_app().test_client(use_cookies=False)
        visit = platform.visit(client, cookie=False, roles=[INSTRUCTOR])
        page = visit.get("/tools/diagnostic/" + visit.launch_id + "/").get_data(as_text=True)
        assert "<form" in page
        assert visit.token not in page

    def test_the_end_of_a_visit_is_the_end_of_its_token(
        self, platform: Platform, client: FlaskClient, app: Flask
    ) -> None:
        visit, same = (platform.visit(client, cookie=False, **QUIZ) for _ in range(2))
        other = platform.visit(client, cookie=False, sub="person-2", **QUIZ)
        ended = visit.post(f"/tools/-/{visit.launch_id}/end")
        assert ended.status_code == 200
        assert ended.headers["X-Ltitools-Visit"] == "ended"
        assert {error_code(visit.get()), error_code(same.get())} == {"launch-expired"}
        assert other.get().status_code == 200


def test_the_end_of_a_visit_ends_all_that_its_cookie_opens(app: Flask, platform: Platform) -> None:
    """Also what somebody else forgot to end in this browser."""
    browser, other = app.test_client(), platform.visit(app.test_client(), sub="person-3", **QUIZ)
    first, second = (platform.visit(browser, sub=person, **QUIZ) for person in ("person-1", "person-2"))
    cookie = browser.get_cookie(COOKIE, "tool.example.test")
    ended = first.post(f"/tools/-/{first.launch_id}/end")
    assert ended.status_code == 200
    assert browser.get_cookie(COOKIE, "tool.example.test") is None
    assert cookie is not None
    browser.set_cookie(COOKIE, cookie.value, domain="tool.example.test", secure=True)
    assert {error_code(first.get()), error_code(second.get())} == {"launch-expired"}
    assert other.get().status_code == 200


class TestAnotherWindow:
    """A launch that is bound already goes on in a window of its own."""

    def test_a_code_opens_the_same_launch_once(self, app: Flask, platform: Platform) -> None:
        frame = platform.visit(app.test_client(), **QUIZ)
        code = code_of(frame)
        window = app.test_client()
        arrived = arrive(window, code)
        assert arrived.status_code == 200
        visit = Visit.of(window, arrived)
        assert visit.launch_id != frame.launch_id
        assert visit.get().get_json()["activity"] == "quiz"
        assert window.get(visit.path, base_url=PUBLIC_URL).status_code == 200, "the cookie does as well"
        assert frame.get().status_code == 200, "the frame goes on too"
        for browser in (window, app.test_client()):
            again = arrive(browser, code)
            assert (again.status_code, error_code(again)) == (410, "window-code")
        with app.app_context():
            row = session.scalars(select(Launch).where(Launch.id == visit.launch_id)).one()
            assert (row.binding, row.in_window) == ("code", True)

    def test_a_window_that_has_our_cookie_goes_on_with_it(self, app: Flask, platform: Platform) -> None:
        frame = platform.visit(app.test_client(use_cookies=False), cookie=False, **QUIZ)
        window = app.test_client()
        own = platform.visit(window, sub="person-2", **QUIZ)
        arrived = arrive(window, code_of(frame))
        assert arrived.status_code == 303
        assert (
            window.get(arrived.headers["Location"], base_url=PUBLIC_URL).get_json()["person"]
            != own.get().get_json()["person"]
        )

    def test_a_code_is_kept_hashed_and_for_a_minute(self, app: Flask, platform: Platform) -> None:
        frame = platform.visit(app.test_client(), **QUIZ)
        code = code_of(frame)
        with writing(app):
            row = session.scalars(select(OneTimeCode)).one()
            assert code not in row.code_hash
            assert 55 < (row.expires_at - utcnow()).total_seconds() <= 60
            session.execute(update(OneTimeCode).values(expires_at=utcnow()))
        assert error_code(arrive(app.test_client(), code)) == "window-code"

    @pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
    def test_a_code_that_another_site_sends_is_refused(
        self, app: Flask, platform: Platform, headers: dict[str, str]
    ) -> None:
        code = code_of(platform.visit(app.test_client(), **QUIZ))
        sent = app.test_client().post("/tools/-/arrive", data={"code": code}, base_url=PUBLIC_URL, headers=headers)
        assert error_code(sent) == "window-code"
        assert arrive(app.test_client(), code).status_code == 200

    def test_the_language_is_changed_on_the_page_that_offers_a_window(
        self, start_app: Callable[..., Flask], platform: Platform
    ) -> None:
        """It answers a form, so it has no address to come back to."""
        app = start_app()
        visit = platform.visit(app.test_client(), roles=[INSTRUCTOR])
        page = visit.post(f"/tools/-/{visit.launch_id}/window").get_data(as_text=True)
        back = hidden_fields(page)["back"]
        changed = visit.post(f"/tools/-/{visit.launch_id}/language", {"locale": "fr", "back": back})
        assert visit.get(changed.headers["Location"]).status_code in (200, 303)

    def test_a_refused_code_speaks_the_language_of_the_visit(self, app: Flask, platform: Platform) -> None:
        answer = app.test_client().post(
            "/tools/-/arrive", data={"code": "x", "locale": "fr"}, base_url=PUBLIC_URL, headers=OURS
        )
        assert '<html lang="fr">' in answer.get_data(as_text=True)

    def test_an_ended_visit_has_no_window(self, app: Flask, platform: Platform) -> None:
        frame = platform.visit(app.test_client(), **QUIZ)
        code = code_of(frame)
        frame.post(f"/tools/-/{frame.launch_id}/end")
        assert error_code(arrive(app.test_client(), code)) == "launch-expired"

    def test_a_choice_of_content_stays_in_its_frame(self, app: Flask, platform: Platform) -> None:
        choosing = platform.visit(app.test_client(), platform.deep_linking_claims())
        assert error_code(choosing.post(f"/tools/-/{choosing.launch_id}/window")) == "page-unknown"


def code_of(visit: Visit) -> str:
    """The code on the page that offers a window."""
    page = visit.post(f"/tools/-/{visit.launch_id}/window").get_data(as_text=True)
    return hidden_fields(page)["code"]


def arrive(client: FlaskClient, code: str) -> TestResponse:
    """The new window."""
    return client.post("/tools/-/arrive", data={"code": code}, base_url=PUBLIC_URL, headers=OURS)


def test_a_launch_without_a_cookie_takes_one_lookup_more(app: Flask, platform: Platform, client: FlaskClient) -> None:
    platform.visit(app.test_client(), **QUIZ)
    with statements(app) as with_cookie:
        platform.visit(app.test_client(), **QUIZ)
    with statements(app) as without:
        platform.visit(client, cookie=False, **QUIZ)
    assert len(without) <= len(with_cookie) + 1
