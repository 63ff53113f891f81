"""D8: access tokens and the calls made with them (Security Framework 1.0 section 4)."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jws
from joserfc.jwk import KeySet, KeySetSerialization, RSAKey
from sqlalchemy import select, update

from certification.helpers import QUIZ, Services, silent_server
from ltitools import __version__
from ltitools.db import session, utcnow
from ltitools.models import Grade, Registration, ServiceToken
from ltitools.services import activities, tenants
from ltitools.services.tokens import access_token
from ltitools.testing import PUBLIC_URL, Platform, Visit, ags_claim, deliver, error_code, writing
from probe import make_probe

if TYPE_CHECKING:
    from certification.helpers import Lti

SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
RESULT = "https://purl.imsglobal.org/spec/lti-ags/scope/result.readonly"


@dataclass
class Graded:
    """A learner in the quiz of a platform whose services are watched."""

    lti: Lti
    platform: Platform
    services: Services
    visit: Visit

    def score(self, given: str = "70") -> None:
        """Record a score and deliver what is due."""
        self.record(given)
        deliver(self.lti.app)

    def record(self, given: str = "70") -> None:
        """Record a score."""
        answer = self.visit.post("score", {"given": given})
        assert answer.status_code == 200, error_code(answer)

    def make_due(self) -> None:
        """Let what waits for its next try be due now."""
        with writing(self.lti.app):
            session.execute(update(Grade).where(Grade.state == "waiting").values(due_at=utcnow()))

    def grade(self) -> Grade:
        """What is stored of the learner's score."""
        with self.lti.app.app_context():
            registered = select(Registration.id).where(Registration.token_url == self.token_url)
            return session.scalars(select(Grade).where(Grade.registration_id.in_(registered))).one()

    @property
    def token_url(self) -> str:
        """Where the platform gives tokens."""
        return f"{self.services.url}/token"


Enter = Callable[..., Graded]


@pytest.fixture
def enter(lti: Lti) -> Iterator[Enter]:
    """Enters the quiz as a learner of one more platform, in an institution, whose services are watched."""
    with ExitStack() as stack:

        def begin(
            tenant: str = "acme", *, client_id: str = "client-8", family: str = "generic", **values: Any
        ) -> Graded:
            services = values.pop("services", None) or Services(**values)
            stack.callback(services.close)
            platform = lti.another_platform(
                tenant, family=family, client_id=client_id, token_url=f"{services.url}/token"
            )
            with writing(lti.app):
                owner = tenants.by_key(tenant).id
                if activities.find(owner, "probe", "quiz") is None:
                    activities.create(owner, "probe", "quiz", "Quiz")
            # Only of Moodle the results are read, before a score is sent.
            scopes = [SCORE, RESULT] if family == "moodle" else [SCORE]
            items = f"{services.url}/items"
            endpoint = ags_claim(f"{items}/1/lineitem?type_id=1", f"{items}?type_id=1", scopes)
            visit = platform.visit(lti.client, custom=QUIZ, endpoint=endpoint)
            return Graded(lti, platform, services, visit)

        yield begin


def published(lti: Lti) -> KeySetSerialization:
    """The keys that the tool publishes for the institution."""
    answer: KeySetSerialization = lti.client.get("/lti/acme/jwks.json", base_url=PUBLIC_URL).get_json()
    return answer


def assertions(lti: Lti, services: Services) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Header and claims of the assertions that the token endpoint got, each properly signed."""
    keys = KeySet.import_key_set(published(lti))
    tokens = [jws.deserialize_compact(got.form["client_assertion"], keys) for got in services.on("/token")]
    return [(dict(token.headers()), json.loads(token.payload)) for token in tokens]


def test_d8_132_the_client_assertion_says_who_asks_whom_when_and_only_once(lti: Lti, enter: Enter) -> None:
    """https://www.imsglobal.org/spec/security/v1p0/#using-json-web-tokens-with-oauth-2-0-client-credentials-grant"""
    graded = enter(expires_in=1)
    graded.score()
    graded.score("80")
    (header, first), (_, second) = assertions(lti, graded.services)
    assert header["kid"] in [key["kid"] for key in published(lti)["keys"]]
    assert (first["iss"], first["sub"], first["aud"]) == ("client-8", "client-8", graded.token_url)
    assert first["iat"] <= time.time() < first["exp"]
    assert first["exp"] - first["iat"] <= 300
    assert first["jti"] != second["jti"]
    form = graded.services.on("/token")[0].form
    assert set(form) == {"grant_type", "client_assertion_type", "client_assertion", "scope"}
    assert form["grant_type"] == "client_credentials"
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def test_d8_133_the_assertion_is_signed_with_rs256_and_at_least_2048_bits(lti: Lti, enter: Enter) -> None:
    graded = enter()
    graded.score()
    ((header, _),) = assertions(lti, graded.services)
    assert header["alg"] == "RS256"
    (key,) = published(lti)["keys"]
    assert RSAKey.import_key(key).raw_value.key_size >= 2048


def test_d8_134_a_token_is_asked_for_the_scopes_that_a_call_needs_and_no_more(lti: Lti, enter: Enter) -> None:
    """Several are separated by a space."""
    graded = enter()
    graded.score()
    assert [got.form["scope"] for got in graded.services.on("/token")] == [SCORE]
    with writing(lti.app):
        registration = session.scalars(select(Registration).where(Registration.client_id == "client-8")).one()
        access_token(registration, (SCORE, RESULT))
    assert graded.services.on("/token")[1].form["scope"] == f"{RESULT} {SCORE}"


def test_d8_135_a_token_is_used_until_a_minute_before_it_ends(lti: Lti, enter: Enter) -> None:
    graded = enter(expires_in=3600)
    began = utcnow()
    for given in ("50", "60", "70"):
        graded.score(given)
        graded.make_due()
    deliver(lti.app)
    assert len(graded.services.tokens) == 1
    assert {got.bearer for got in graded.services.on("/scores")} == set(graded.services.tokens)
    with lti.app.app_context():
        kept = session.scalars(select(ServiceToken)).one()
    margin = timedelta(seconds=3600 - 60)
    assert began + margin <= kept.usable_until <= utcnow() + margin
    assert graded.services.tokens[0] not in kept.sealed_token

    with writing(lti.app):
        session.execute(update(ServiceToken).values(usable_until=utcnow()))
    graded.record("80")
    graded.make_due()
    deliver(lti.app)
    assert len(graded.services.tokens) == 2
    assert graded.services.on("/scores")[-1].bearer == graded.services.tokens[1]


def test_d8_136_no_token_is_shared_by_two_registrations_of_one_platform(enter: Enter) -> None:
    """Neither by two institutions with the same client, nor by two clients of one institution."""
    first = enter("acme")
    for graded in (
        first,
        enter("beta", services=first.services),
        enter("acme", client_id="client-9", services=first.services),
    ):
        graded.score()
    used = [got.bearer for got in first.services.on("/scores")]
    assert used == first.services.tokens
    assert len(set(used)) == 3
    asked = [got.form["client_assertion"] for got in first.services.on("/token")]
    clients = [json.loads(jws.extract_compact(assertion.encode()).payload)["iss"] for assertion in asked]
    assert clients == ["client-8", "client-8", "client-9"]


def test_d8_137_a_refused_token_is_renewed_once(enter: Enter) -> None:
    graded = enter()
    graded.services.answers["/scores"] = [(401, {}, b"expired")]
    graded.score()
    assert [got.bearer for got in graded.services.on("/scores")] == graded.services.tokens
    assert len(graded.services.tokens) == 2
    assert graded.grade().state == "sent"

    graded.services.answers["/scores"] = [(401, {}, b"never")] * 9
    graded.record("80")
    graded.make_due()
    deliver(graded.lti.app)
    assert len(graded.services.on("/scores")) == 4
    assert len(graded.services.tokens) == 3
    assert (graded.grade().state, graded.grade().problem) == ("waiting", "401 never")


def test_d8_138_calls_are_bounded_in_time_and_size_and_go_to_one_origin_only(lti: Lti, enter: Enter) -> None:
    """A token, and an assertion that is as good as one, is never carried to another origin by a redirect."""
    elsewhere = Services()
    lti.stack.callback(elsewhere.close)
    graded = enter(family="moodle")
    for ending in ("/token", "/results", "/scores"):
        for status in (301, 302, 303, 307, 308):
            graded.services.answers[ending] = [(status, {"Location": f"{elsewhere.url}/steal"}, b"")]
            graded.record()
            graded.make_due()
            deliver(lti.app)
            assert graded.grade().state != "sent"
            assert graded.services.answers[ending] == []
    assert elsewhere.received == []

    graded.services.answers["/scores"] = [(200, {}, b"x" * 1_000_001)]
    graded.record()
    graded.make_due()
    deliver(lti.app)
    assert "more than 1000000 bytes" in graded.grade().problem

    impatient = lti.start_app([make_probe()], http_read_timeout=0.2)
    with silent_server() as port:
        with writing(impatient):
            session.execute(update(Registration).values(token_url=f"http://localhost:{port}/token"))
            session.execute(update(Grade).values(due_at=utcnow(), state="waiting"))
        deliver(impatient)
    with lti.app.app_context():
        assert "does not answer in time" in session.scalars(select(Grade.problem)).one()


def test_d8_139_every_call_says_who_makes_it(lti: Lti, enter: Enter) -> None:
    graded = enter(family="moodle", keys={"keys": [lti.public_key()]})
    lti.platform = lti.another_platform(client_id="client-9", jwks_url=f"{graded.services.url}/jwks")
    lti.arrive()
    graded.score()
    calls = [graded.services.on(ending) for ending in ("/jwks", "/token", "/results", "/scores")]
    assert all(calls)
    agents = {got.headers["user-agent"] for each in calls for got in each}
    assert agents == {f"ltitools/{__version__} (+{PUBLIC_URL})"}


def test_d8_140_no_token_is_ever_logged(lti: Lti, enter: Enter, caplog: pytest.LogCaptureFixture) -> None:
    """Not even where an LMS repeats what it was sent in the words of a refusal, which are logged and shown."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="sqlalchemy")
    lti.app = lti.start_app([make_probe()], log_level="DEBUG")
    lti.client = lti.app.test_client()
    graded = enter(family="moodle")
    secret: list[str] = []
    for key in (lti.platform.key, RSAKey.generate_key(2048, private=True)):
        request = lti.authentication_request()
        token = lti.platform.sign({**lti.platform.claims(), "nonce": request["nonce"]}, key=key)
        lti.platform.post(lti.client, id_token=token, state=request["state"])
        secret += [token, request["state"], request["nonce"]]
    graded.score()
    shown = ""
    for ending in ("/token", "/scores", "/results"):
        graded.services.repeating = ending
        with writing(lti.app):
            session.execute(update(ServiceToken).values(usable_until=utcnow()))
        graded.record()
        graded.make_due()
        deliver(lti.app)
        problem = graded.grade().problem
        assert problem.startswith("400 You sent")
        shown += problem
    secret += graded.services.tokens
    secret += [got.form["client_assertion"] for got in graded.services.on("/token")]
    shown += caplog.text
    assert "token-signature" in shown
    assert "INSERT INTO launch" in shown
    for each in secret:
        assert each not in shown
