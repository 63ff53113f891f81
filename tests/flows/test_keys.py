"""Signing keys and the secret key are replaced while the server runs, and nothing that was signed or sealed is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import KeySet, KeySetSerialization
from sqlalchemy import delete, func, select, update

from certification.helpers import Services
from flows.desk import Desk, add_known
from flows.mishaps import make_mishaps
from ltitools.db import session
from ltitools.errors import SettingsError
from ltitools.models import File, Grade, ServiceToken, TenantKey
from ltitools.plugin import Plugin
from ltitools.services import activities, files, resealing, tenants
from ltitools.testing import PUBLIC_URL, Platform, Visit, ags_claim, deliver, writing
from probe import make_probe

HOUR = timedelta(hours=1)
FORMER = "the-secret-key-of-last-year-long-enough-as-well"


@pytest.fixture
def plugins() -> list[Plugin]:
    return [make_probe(), make_mishaps()]


@dataclass
class Rig:
    """A platform that keeps our key set for as long as we let it, an hour, and checks by it what we sign."""

    app: Flask
    platform: Platform
    services: Services
    known: dict[str, Any] = field(default_factory=dict)
    age: timedelta = HOUR

    def pass_time(self, time: timedelta) -> None:
        """Let all times of our keys, and of what the platform keeps, be so much longer ago."""
        self.age += time
        with writing(self.app):
            for key in session.scalars(select(TenantKey)):
                key.signs_from = key.signs_from and key.signs_from - time
                key.retired_at = key.retired_at and key.retired_at - time
            session.execute(delete(ServiceToken))

    def check(self, signed: str) -> None:
        """What the platform does with something that we have signed."""
        if self.age >= HOUR:
            answer = self.app.test_client().get("/lti/acme/jwks.json", base_url=PUBLIC_URL)
            assert answer.cache_control.max_age == HOUR.total_seconds()
            self.known, self.age = answer.get_json(), timedelta()
        keys: KeySetSerialization = {"keys": self.known["keys"]}
        jws.deserialize_compact(signed, KeySet.import_key_set(keys), algorithms=["RS256"])

    def visit(self) -> Visit:
        """A learner in an activity with a column."""
        column = ags_claim(f"{self.services.url}/items/1", f"{self.services.url}/items")
        return self.platform.visit(self.app.test_client(), custom={"activity": "probe:quiz"}, endpoint=column)

    def work(self) -> None:
        """A launch, a grade that is sent, and an answer to deep linking: all of them are taken."""
        assert self.visit().post("score", {"given": "70"}).status_code == 200
        before = len(self.services.on("/token"))
        deliver(self.app)
        for asked in self.services.on("/token")[before:]:
            self.check(asked.form["client_assertion"])
        choosing = self.platform.visit(self.app.test_client(), self.platform.deep_linking_claims())
        page = choosing.post(f"/tools/probe/{choosing.launch_id}/place", {"slug": "quiz"}).get_data(as_text=True)
        self.check(page.partition('name="JWT" value="')[2].partition('"')[0])


@pytest.fixture
def rig(app: Flask) -> Iterator[Rig]:
    """A platform with services and an activity."""
    with ExitStack() as stack:
        platform, services = Platform(), Services()
        stack.callback(platform.close)
        stack.callback(services.close)
        platform.register(app, token_url=f"{services.url}/token")
        with writing(app):
            activities.create(tenants.by_key("acme").id, "probe", "quiz", "Quiz")
        yield Rig(app, platform, services)


@given(st.lists(st.sampled_from(["rotate", "work", timedelta(minutes=20), HOUR]), min_size=4, max_size=12))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_whatever_is_signed_can_be_checked_by_whoever_keeps_the_keys_for_an_hour(
    rig: Rig, steps: list[str | timedelta]
) -> None:
    for step in [*steps, "work"]:
        if isinstance(step, timedelta):
            rig.pass_time(step)
        elif step == "work":
            rig.work()
        else:
            with writing(rig.app):
                tenants.rotate_key(tenants.by_key("acme"))


def test_the_key_from_before_goes_and_the_new_one_comes(rig: Rig) -> None:
    def kids() -> list[str]:
        return [key["kid"] for key in rig.app.test_client().get("/lti/acme/jwks.json").get_json()["keys"]]

    (first,) = kids()
    with writing(rig.app):
        tenants.rotate_key(tenants.by_key("acme"))
    second, still = kids()
    assert still == first
    with rig.app.app_context():
        assert tenants.signing_key(1).kid == first
    rig.pass_time(HOUR)
    with rig.app.app_context():
        assert tenants.signing_key(1).kid == second
    assert kids() == [second, first]
    rig.pass_time(HOUR)
    assert kids() == [second]
    with writing(rig.app):
        tenants.rotate_key(tenants.by_key("acme"), at_once=True)
    (third,) = kids()
    assert third not in (first, second)
    rig.age = HOUR
    rig.work()


def test_a_rotation_under_load_loses_no_launch_and_no_grade(rig: Rig) -> None:
    """Twelve people at once, while keys come and go."""
    visits = [
        rig.platform.visit(
            rig.app.test_client(),
            custom={"activity": "probe:quiz"},
            sub=f"person-{number}",
            endpoint=ags_claim(f"{rig.services.url}/items/1", f"{rig.services.url}/items"),
        )
        for number in range(12)
    ]
    statuses: list[int] = []

    def keep_on(visit: Visit) -> None:
        statuses.extend(visit.post("score", {"given": str(given)}).status_code for given in range(60, 70))

    workers = [threading.Thread(target=keep_on, args=(visit,)) for visit in visits]
    for worker in workers:
        worker.start()
    for _ in range(4):
        with writing(rig.app):
            tenants.rotate_key(tenants.by_key("acme"))
        rig.work()
        rig.pass_time(HOUR)
    for worker in workers:
        worker.join()
    assert statuses == [200] * 120
    with writing(rig.app):
        session.execute(update(Grade).values(due_at=Grade.recorded_at))
    deliver(rig.app)
    with rig.app.app_context():
        # The platform of this test shows no results.
        assert {grade.state for grade in session.scalars(select(Grade))} == {"unseen"}


def test_the_console_shows_the_keys_and_makes_a_new_one(rig: Rig) -> None:
    desk = Desk(rig.app)
    desk.sign_in(add_known(rig.app, "acme", "Ada"))
    page = desk.do("/console/acme/keys/")
    assert "published, signs soon" in page
    assert "A new key signs from" in page


def test_the_secret_key_is_replaced_in_three_steps(start_app: Callable[..., Flask], plugins: list[Plugin]) -> None:
    before = start_app(plugins, secret_key=FORMER)
    with writing(before):
        tenant = tenants.add("acme", "Acme")[0].id
        kept = files.put(tenant, "mishaps", b"some bytes", "image/png")
    both = start_app(plugins, former_secret_keys=FORMER)
    with both.app_context():
        assert tenants.signing_key(tenant).public_jwk()["kty"] == "RSA"
        found = files.get(tenant, kept.id)
        assert found is not None
        assert found.content == b"some bytes"
    with writing(both):
        assert resealing.reseal() == {"keys": 1, "tokens": 0, "files": 1}
    after = start_app(plugins)
    with writing(after):
        assert tenants.signing_key(tenant).kid
        found = files.get(tenant, kept.id)
        assert found is not None
        assert found.content == b"some bytes"
        assert files.put(tenant, "mishaps", b"some bytes", "image/png").id == kept.id, "the same bytes are known"
        assert session.scalar(select(func.count()).select_from(File)) == 1
    with before.app_context(), pytest.raises(SettingsError):
        files.get(tenant, kept.id)


def test_a_form_from_before_the_change_is_still_taken(start_app: Callable[..., Flask], plugins: list[Plugin]) -> None:
    before = start_app(plugins, secret_key=FORMER)
    platform = Platform()
    try:
        platform.register(before)
        with writing(before):
            activities.create(tenants.by_key("acme").id, "probe", "quiz", "Quiz")
        visit = platform.visit(before.test_client(), custom={"activity": "probe:quiz"})
        proof = visit.get("form").get_data(as_text=True).partition('name="_form" value="')[2].partition('"')[0]
        cookie = visit.client.get_cookie("__Host-ltitools", domain="tool.example.test")
        assert cookie is not None
        later = start_app(plugins, former_secret_keys=FORMER).test_client()
        later.set_cookie("__Host-ltitools", cookie.value, domain="tool.example.test", secure=True)
        form = {"_form": proof, "given": "70"}
        path = visit.path + "score"
        assert later.post(path, data=form, base_url=PUBLIC_URL).status_code == 200
    finally:
        platform.close()
