"""Every reason to refuse is met over HTTP: each code, on a page in the person's language with advice for all."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from certification.helpers import Lti, Services, raw_token
from flows.mishaps import make_mishaps
from ltitools.db import session, utcnow
from ltitools.i18n import use_locale
from ltitools.lti import claims as names
from ltitools.lti.launch import MAX_TOKEN_BYTES
from ltitools.models import Deployment, Launch, Registration, Tenant
from ltitools.plugin import Plugin
from ltitools.refusals import CODES, explain
from ltitools.refusals.of_console import OF_CONSOLE
from ltitools.services import activities, invitations, registrations, tenants
from ltitools.testing import INSTRUCTOR, PUBLIC_URL, Platform, Visit, error_code, writing
from ltitools.web.console import entrance
from ltitools.web.pages import with_code
from probe import make_probe
from provider import Provider

if TYPE_CHECKING:
    from conftest import StartApp


@dataclass
class Campus(Lti):
    """The certification tests' tool, platform and browser, and a second client whose deployments wait for approval."""

    waiting: Platform


Recipe = Callable[[Campus], TestResponse]
QUIZ = {"activity": "probe:quiz"}
MISHAPS = {"activity": "mishaps:one"}
TIME = re.compile(r'<time datetime="[^"]+">\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC</time>')


@pytest.fixture
def plugins() -> list[Plugin]:
    return [make_probe(), make_mishaps()]


@pytest.fixture
def lti(start_app: StartApp, plugins: list[Plugin]) -> Iterator[Campus]:
    """A tool with two activities and room for few files, and a platform with two clients."""
    app = start_app(plugins, max_files_bytes=10, max_request_bytes=200_000)
    platform, waiting = Platform(), Platform(client_id="client-2")
    platform.register(app)
    waiting.register(app, policy="pending")
    with writing(app):
        tenant_id = tenants.by_key("acme").id
        activities.create(tenant_id, "probe", "quiz", "Quiz")
        activities.create(tenant_id, "mishaps", "one", "Mishap")
    with ExitStack() as stack:
        stack.callback(platform.close)
        stack.callback(waiting.close)
        yield Campus(app, platform, app.test_client(), start_app, stack, waiting)


def at_login(lti: Lti, **changes: str | None) -> TestResponse:
    """A login initiation with something wrong."""
    return lti.login(**changes)


def with_error(error: str, lti: Lti, description: str = "") -> TestResponse:
    """The platform answers a login with an error."""
    request = lti.authentication_request()
    form = {"error": error, "error_description": description, "state": request["state"]}
    return lti.platform.post(lti.client, **form)


def with_claims(lti: Lti, **changes: Any) -> TestResponse:
    """A well-signed launch with something wrong in it; ``nonce=None`` leaves the nonce out."""
    request = lti.authentication_request()
    claims = {"nonce": request["nonce"], **lti.platform.claims(**changes)}
    claims = {name: value for name, value in claims.items() if changes.get(name, value) is not None}
    return lti.platform.post(lti.client, id_token=lti.platform.sign(claims), state=request["state"])


def with_token(make: Callable[[Lti, Mapping[str, Any]], str], lti: Lti) -> TestResponse:
    """A launch whose token is made in an odd way."""
    request = lti.authentication_request()
    claims = {"nonce": request["nonce"], **lti.platform.claims()}
    return lti.platform.post(lti.client, id_token=make(lti, claims), state=request["state"])


def switched_off(table: Any, lti: Lti) -> TestResponse:
    """A login while the registration or the institution is switched off."""
    lti.switch(table, enabled=False)
    return lti.login()


def state_expired(lti: Lti) -> TestResponse:
    request = lti.authentication_request()
    lti.age_logins(601)
    return lti.send(request)


def state_used(lti: Lti) -> TestResponse:
    request = lti.authentication_request()
    lti.answers(request)
    return lti.send(request)


def another_browser(lti: Lti, app: Flask | None = None) -> FlaskClient:
    """A browser with the same language and no cookies."""
    browser = (app or lti.app).test_client()
    browser.environ_base.update(lti.client.environ_base)
    return browser


def browser_other(lti: Lti) -> TestResponse:
    """The answer comes through a browser whose cookie is not the one that began the login."""
    lti.arrive()
    request = lti.authentication_request()
    lti.client = another_browser(lti)
    return lti.found_nothing(lti.send(request))


def binding_origin(lti: Lti) -> TestResponse:
    """The name of the frame holds the secret, but a page of somebody else sent the launch."""
    page = lti.login()
    secret = value_of(page, "data-secret")
    request = {"state": value_of(page, "data-state")}
    nonce = re.search(r"nonce=([\w-]+)", page.get_data(as_text=True))
    assert nonce is not None
    token = lti.platform.sign({**lti.platform.claims(), "nonce": nonce[1]})
    lti.client = another_browser(lti)
    arrived = post(lti, "/lti/acme/launch", {"id_token": token, **request}, "https://elsewhere.example")
    assert arrived.status_code == 200
    sealed = {name: value_of(arrived, f'name="{name}" value') for name in ("origin", "arrival")}
    form = {"id_token": token, **request, **sealed, "layer": "name", "secret": secret}
    return post(lti, "/lti/acme/launch", form, PUBLIC_URL)


def value_of(page: TestResponse, attribute: str) -> str:
    """The value of the first attribute of this name on a page."""
    found = page.get_data(as_text=True).partition(f'{attribute}="')[2].partition('"')[0]
    assert found, f"no {attribute}"
    return found


def post(lti: Lti, path: str, form: Mapping[str, str], origin: str) -> TestResponse:
    """Send a form from a page of `origin`."""
    return lti.client.post(path, data=form, base_url=PUBLIC_URL, headers={"Origin": origin})


def token_key_unnamed(lti: Lti, claims: Mapping[str, Any]) -> str:
    return raw_token({"alg": "RS256"}, claims, lti.platform.key)


def platform_keys_unreachable(lti: Lti) -> TestResponse:
    lti.platform.keys.status = 503
    return with_claims(lti)


def in_deployment(state: str, lti: Campus) -> TestResponse:
    """A launch from a deployment that nobody has approved yet, or that somebody has refused."""
    lti.platform = lti.waiting
    waiting = with_claims(lti, deployment_id="new")
    if state == "pending":
        return waiting
    with writing(lti.app):
        found = session.scalars(select(Deployment).where(Deployment.deployment_id == "new")).one()
        registrations.set_deployment_state(found.tenant_id, found.id, state)
    return with_claims(lti, deployment_id="new")


def visit(lti: Lti, **changes: Any) -> Visit:
    """A visit of the quiz, by a learner unless something else is said."""
    return lti.platform.visit(lti.client, **{"custom": QUIZ, **changes})


def as_teacher(lti: Lti, claims: Mapping[str, Any] | None = None) -> Visit:
    return lti.platform.visit(lti.client, claims, **({} if claims else {"custom": QUIZ, "roles": [INSTRUCTOR]}))


def review_forbidden(lti: Lti) -> TestResponse:
    line_item = {"scope": [], "lineitem": "https://lms.example.test/line-items/1"}
    return with_claims(
        lti,
        message_type=names.SUBMISSION_REVIEW_REQUEST,
        for_user={"user_id": "person-2"},
        endpoint=line_item,
    )


def launch_expired(lti: Lti) -> TestResponse:
    opened = visit(lti)
    with writing(lti.app):
        session.execute(update(Launch).values(expires_at=utcnow()))
    return opened.get()


def launch_other_browser(lti: Lti) -> TestResponse:
    opened = visit(lti)
    opened.client = another_browser(lti)
    return opened.get()


def selection_used(lti: Lti) -> TestResponse:
    teacher = as_teacher(lti, lti.platform.deep_linking_claims())
    cancel = f"/tools/probe/{teacher.launch_id}/cancel"
    assert teacher.post(cancel).status_code == 200
    return teacher.post(cancel)


def server_error(lti: Lti) -> TestResponse:
    opened = visit(lti, custom=MISHAPS)
    # Only so that the crash becomes the page that people would see, instead of an error of the test.
    lti.app.testing = False
    return opened.get("crash")


def invitation(lti: Lti, **changes: Any) -> str:
    """The code of a registration link, which is as `changes` say."""
    with writing(lti.app):
        found, code = invitations.add(tenants.by_key("acme"))
        for name, value in changes.items():
            setattr(found, name, value)
    return code


def registering(lti: Lti, **changes: Any) -> TestResponse:
    """A platform opens a link of the institution."""
    url = {"openid_configuration": "http://localhost:1/configuration", "registration_token": "one"}
    return lti.client.get(
        "/lti/acme/register", query_string={"invite": invitation(lti, **changes), **url}, base_url=PUBLIC_URL
    )


def registered_by(answer: tuple[int, dict[str, str], bytes] | None, lti: Lti, **said: str) -> TestResponse:
    """A platform whose configuration is sound but for what is said, and which answers a registration like this."""
    services = Services()
    lti.stack.callback(services.close)
    url = f"{services.url}/configuration"
    places = ("authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint")
    document = {"issuer": services.url, **{name: f"{services.url}/{name}" for name in places}, **said}
    services.answers["/configuration"] = [(200, {}, json.dumps(document).encode())] * 2
    if answer:
        services.answers["/registration_endpoint"] = [answer]
    form = {"invite": invitation(lti), "openid_configuration": url, "registration_token": "one"}
    return lti.client.post("/lti/acme/register", data=form, base_url=PUBLIC_URL)


def registered_meanwhile(lti: Lti) -> TestResponse:
    """The link is being used by somebody else at this moment."""
    form = {"invite": invitation(lti, claimed_at=utcnow()), "registration_token": "one"}
    return lti.client.post("/lti/acme/register", data=form, base_url=PUBLIC_URL)


def console_code(lti: Lti, shown: str = "") -> TestResponse:
    """Somebody signs in with a code."""
    return post(lti, "/console/-/enter", {"code": shown}, PUBLIC_URL)


def too_many_attempts(lti: Lti) -> TestResponse:
    for _ in range(entrance.ATTEMPTS):
        assert error_code(console_code(lti)) == "console-code"
    return console_code(lti)


def from_provider(lti: Campus, email: str = "") -> TestResponse:
    """The provider of accounts sends somebody back, whose address it has verified, or who was never sent there."""
    provider = Provider()
    lti.stack.callback(provider.close)
    app = lti.start_app([], **provider.settings())
    browser = another_browser(lti, app)
    if not email:
        return browser.get("/console/-/oidc?code=one&state=two", base_url=PUBLIC_URL)
    return provider.send_back(browser, email=email)


def at(path: str, lti: Lti) -> TestResponse:
    """Whatever stands at an address."""
    return lti.client.get(path, base_url=PUBLIC_URL)


NOW = int(time.time())
RECIPES: Mapping[str, Recipe] = {
    "tenant-unknown": partial(at, "/lti/nobody/jwks.json"),
    "tenant-disabled": partial(switched_off, Tenant),
    "login-incomplete": partial(at_login, iss=None),
    "platform-unknown": partial(at_login, iss="https://elsewhere.example"),
    "client-unknown": partial(at_login, client_id="client-3"),
    "client-ambiguous": partial(at_login, client_id=None),
    "target-foreign": partial(at_login, target_link_uri="https://elsewhere.example/lti/acme/launch"),
    "registration-disabled": partial(switched_off, Registration),
    "state-missing": lambda lti: lti.platform.post(lti.client),
    "state-unknown": lambda lti: lti.platform.post(lti.client, state="unknown"),
    "state-expired": state_expired,
    "state-used": state_used,
    "browser-other": browser_other,
    "binding-origin": binding_origin,
    "platform-signed-out": partial(with_error, "login_required"),
    "platform-launch-used": partial(with_error, "launch_no_longer_valid"),
    "platform-client-refused": partial(with_error, "unauthorized_client"),
    "platform-access-denied": partial(with_error, "access_denied"),
    "platform-request-refused": partial(with_error, "invalid_request"),
    "platform-unavailable": partial(with_error, "temporarily_unavailable"),
    "platform-refused": partial(with_error, "something_else"),
    "token-missing": partial(with_error, ""),
    "token-too-large": lambda lti: lti.platform.post(lti.client, id_token="x" * (MAX_TOKEN_BYTES + 1)),
    "token-malformed": partial(with_token, lambda _lti, _claims: "a.b"),
    "token-key-unnamed": partial(with_token, token_key_unnamed),
    "token-algorithm": partial(with_token, lambda _lti, _claims: raw_token({"alg": "none"}, {}, _lti.platform.key)),
    "token-key-unknown": partial(with_token, lambda lti, claims: lti.platform.sign(claims, kid="another")),
    "platform-keys-unreachable": platform_keys_unreachable,
    "token-signature": partial(
        with_token, lambda lti, claims: lti.platform.sign(claims, key=RSAKey.generate_key(2048, private=True))
    ),
    "token-issuer": partial(with_claims, iss="https://elsewhere.example"),
    "token-audience": partial(with_claims, aud="client-2"),
    "token-times-missing": partial(with_claims, exp=None),
    "token-expired": partial(with_claims, iat=NOW - 600, exp=NOW - 300),
    "token-too-old": partial(with_claims, iat=NOW - 7200, exp=NOW + 3000),
    "token-from-future": partial(with_claims, iat=NOW + 3000, exp=NOW + 3600),
    "nonce-missing": partial(with_claims, nonce=None),
    "nonce-mismatch": partial(with_claims, nonce="of another login"),
    "message-version": partial(with_claims, version="1.1"),
    "message-type": partial(with_claims, message_type="LtiStartProctoring"),
    "message-incomplete": partial(with_claims, roles=None),
    "message-user": partial(with_claims, sub=None),
    "message-target": partial(with_claims, target_link_uri=f"{PUBLIC_URL}/elsewhere"),
    "deployment-unknown": partial(with_claims, deployment_id="other"),
    "deployment-pending": partial(in_deployment, "pending"),
    "deployment-rejected": partial(in_deployment, "rejected"),
    "activity-unknown": partial(with_claims, custom={"activity": "probe:gone"}),
    "activity-not-set-up": lambda lti: visit(lti, custom={}).get(),
    "tool-unknown": lambda lti: at(f"/tools/mishaps/{visit(lti).launch_id}/", lti),
    "role-forbidden": lambda lti: visit(lti).post("place", {"slug": "quiz"}),
    "review-forbidden": review_forbidden,
    "launch-unknown": partial(at, "/tools/probe/AAAAAAAAAAAAAAAAAAAAAA/"),
    "launch-expired": launch_expired,
    "launch-other-browser": launch_other_browser,
    "window-code": lambda lti: post(lti, "/tools/-/arrive", {"code": "of another minute"}, PUBLIC_URL),
    "form-stale": lambda lti: visit(lti).post("score", {"_form": "", "given": "1"}),
    "selection-used": selection_used,
    "column-refused": lambda lti: as_teacher(lti).post("column"),
    "invitation-unknown": partial(at, "/lti/acme/register?invite=unknown"),
    "invitation-used": partial(registering, used_at=utcnow()),
    "invitation-expired": partial(registering, expires_at=utcnow()),
    "invitation-revoked": partial(registering, revoked_at=utcnow()),
    "invitation-busy": registered_meanwhile,
    "registration-unreachable": registering,
    "registration-incomplete": partial(registered_by, None, token_endpoint="none"),
    "registration-issuer": partial(registered_by, None, issuer="https://elsewhere.example"),
    "registration-refused": partial(registered_by, (400, {}, b"invalid_redirect_uris")),
    "registration-unclear": partial(registered_by, (200, {}, b"{}")),
    "console-code": console_code,
    "console-forbidden": lambda lti: at(f"/tools/-/{visit(lti).launch_id}/console", lti),
    "console-provider": from_provider,
    "console-unknown-person": partial(from_provider, email="nobody@acme.example"),
    "too-many-attempts": too_many_attempts,
    "page-unknown": partial(at, "/nowhere"),
    "method-wrong": partial(at, "/lti/acme/launch"),
    "request-malformed": lambda lti: visit(lti).post("score"),
    "request-too-large": lambda lti: visit(lti, custom=MISHAPS).post("keep", {"content": "x" * 200_001}),
    "files-full": lambda lti: visit(lti, custom=MISHAPS).post("keep", {"content": "more than ten bytes"}),
    "server-error": server_error,
}


def test_every_code_has_a_way_to_be_met_and_none_is_left_over() -> None:
    assert set(RECIPES) == CODES


def speak(lti: Campus, locale: str) -> None:
    """Let the browser and the institution prefer a language."""
    lti.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = locale
    with writing(lti.app):
        session.execute(update(Tenant).values(locale=locale))


@pytest.mark.parametrize("locale", ["en", "fr"])
@pytest.mark.parametrize("code", sorted(CODES))
def test_each_refusal_is_a_page_that_tells_everybody_what_to_do(lti: Campus, code: str, locale: str) -> None:
    speak(lti, locale)
    answer = RECIPES[code](lti)
    advice = explain(code)
    assert (error_code(answer), answer.status_code) == (code, advice.status)
    page = answer.get_data(as_text=True)
    assert TIME.search(page)
    texts = [advice.what, advice.next_step, advice.administrator]
    if code not in OF_CONSOLE or code == "console-forbidden":
        # Whoever registers a platform, or is at the console, is no instructor.
        texts.append(advice.instructor)
    english = [str(text) for text in texts]
    with use_locale(locale):
        assert [text for text in texts if with_code(text) not in page] == []
        assert locale == "en" or [text for text in texts if str(text) in english] == [], "not translated"


def test_the_words_of_the_lms_are_on_the_page(lti: Campus) -> None:
    page = with_error("login_required", lti, "Must have <b>an</b> active user session").get_data(as_text=True)
    assert "<q>Must have &lt;b&gt;an&lt;/b&gt; active user session</q>" in page


def test_advice_for_others_is_folded_away_below_what_the_reader_should_do(app: Flask) -> None:
    page = app.test_client().get("/nowhere").get_data(as_text=True)
    assert page.index('class="next-step"') < page.index('class="error-code"') < page.index("<details>")
    assert page.count("<details>") == 2
    assert "open" not in re.findall(r"<details[^>]*>", page)[0]
