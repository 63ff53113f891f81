"""The launch log: whoever helps finds what became of a launch, and nobody's name."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, insert, select, text, update

from ltitools.cli import cli
from ltitools.db import db, session, utcnow
from ltitools.models import LaunchLog
from ltitools.plugin import Plugin
from ltitools.services import activities, launch_log, tenants
from ltitools.services.launch_log import Entry
from ltitools.testing import INSTRUCTOR, PUBLIC_URL, Platform, ags_claim, error_code, writing
from probe import make_probe

if TYPE_CHECKING:
    from conftest import StartApp

Entries = Callable[..., list[Entry]]
QUIZ = {"activity": "probe:quiz"}
ROSTER = {"context_memberships_url": "https://lms.example.test/members", "service_versions": ["2.0"]}
ROSTER_CLAIM = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"


@pytest.fixture
def plugins() -> list[Plugin]:
    return [make_probe()]


@pytest.fixture
def entries(app: Flask, platform: Platform) -> Entries:
    """What the log of the institution holds."""

    def read(limit: int = 50, tenant: str = "acme", **options: bool) -> list[Entry]:
        with app.app_context():
            return list(launch_log.entries(tenants.by_key(tenant).id, limit, **options))

    with writing(app):
        activities.create(tenants.by_key("acme").id, "probe", "quiz", "Quiz")
    return read


def login(client: FlaskClient, platform: Platform, **changes: str | None) -> str:
    """A login initiation by GET; the code with which it is refused."""
    fields = platform.login_parameters(**changes)
    return error_code(client.get("/lti/acme/login", query_string=fields, base_url=PUBLIC_URL))


def refuse(client: FlaskClient, platform: Platform, **changes: Any) -> str:
    """A launch with something wrong; the code with which it is refused."""
    return error_code(platform.launch(client, **changes))


def test_a_refused_launch_says_whose_it_was_and_which_rule_it_broke(
    client: FlaskClient, platform: Platform, entries: Entries
) -> None:
    assert refuse(client, platform, aud="client-2") == "token-audience"
    (entry,) = entries()
    assert (entry.outcome, entry.endpoint, entry.count) == ("token-audience", "launch", 1)
    assert (entry.issuer, entry.client_id) == (platform.issuer, platform.client_id)
    assert entry.detail == "aud 'client-2' does not name our client_id"


@pytest.mark.parametrize(
    ("code", "times", "detail"),
    [
        ("token-expired", (-600, -300), r"exp was 3\d\d s ago and iat [67]\d\d s ago by our clock, tolerance 90 s"),
        ("token-too-old", (-7200, 600), r"iat was 7\d\d\d s ago by our clock, allowed are 3600 s, tolerance 90 s"),
        ("token-from-future", (600, 900), r"iat is [56]\d\d s ahead of our clock, tolerance 90 s"),
    ],
)
def test_the_difference_of_the_clocks_is_told_in_seconds(
    client: FlaskClient, platform: Platform, entries: Entries, code: str, times: tuple[int, int], detail: str
) -> None:
    now = int(time.time())
    assert refuse(client, platform, iat=now + times[0], exp=now + times[1]) == code
    assert re.fullmatch(detail, entries()[0].detail)


def test_a_login_that_is_refused_is_in_the_log_although_it_is_a_get(
    client: FlaskClient, platform: Platform, entries: Entries
) -> None:
    assert login(client, platform, iss="https://elsewhere.example") == "platform-unknown"
    (entry,) = entries()
    assert (entry.endpoint, entry.outcome, entry.issuer) == ("login", "platform-unknown", "")
    assert entry.detail == "iss 'https://elsewhere.example'"


def test_an_answer_to_no_login_is_in_the_log_of_the_institution_whose_address_it_came_to(
    client: FlaskClient, platform: Platform, entries: Entries
) -> None:
    assert error_code(platform.post(client, state="unknown")) == "state-unknown"
    assert [entry.outcome for entry in entries()] == ["state-unknown"]


def test_nothing_of_the_person_is_in_the_log(app: Flask, client: FlaskClient, platform: Platform) -> None:
    secrets = ["person-77", "Ada Lovelace", "ada@example.test", "hint-1", "message-hint-1"]
    for changes in ({"aud": "client-2"}, {"exp": 1}, {"roles": None}, {"deployment_id": "2"}, {"version": "1"}):
        request = platform.begin(client)
        claims = {"nonce": request["nonce"], "sub": "person-77", **platform.claims(**changes)}
        token = platform.sign(claims)
        assert error_code(platform.post(client, id_token=token, state=request["state"]))
        secrets += [token, request["state"], request["nonce"]]
    login(client, platform, iss="https://elsewhere.example/?user=ada@example.test#person-77")
    login(client, platform, client_id="ada@example.test")
    request = platform.begin(client)
    platform.post(client, error="access_denied", error_description="Ada Lovelace", state=request["state"])
    with app.app_context(), db.engine.connect() as connection:
        kept = str(connection.execute(select(LaunchLog.__table__)).all())
    assert "platform-access-denied" in kept
    assert [secret for secret in secrets if secret in kept] == []


def test_the_same_refusal_is_counted_within_an_hour_and_is_another_entry_in_the_next(
    app: Flask, client: FlaskClient, platform: Platform, entries: Entries
) -> None:
    began = datetime.fromisoformat("2026-11-22T08:59:58+00:00")
    for seconds in (0, 1, 2, 3):
        note(app, at=began + timedelta(seconds=seconds))
    assert [(entry.count, entry.since.minute, entry.at.second) for entry in entries()] == [(2, 0, 1), (2, 59, 59)]
    note(app, at=began, detail="something else")
    note(app, at=began, message_type="LtiResourceLinkRequest")
    assert sorted(entry.count for entry in entries()) == [1, 1, 2, 2]


def note(app: Flask, at: datetime, **changes: Any) -> None:
    """Put a refusal into the log as of some time."""
    values: dict[str, Any] = {"endpoint": "launch", "code": "token-audience", "detail": "", "message_type": None}
    with writing(app):
        launch_log.note("acme", None, at=at, **{**values, **changes})


def fill(app: Flask, rows: int, at: datetime) -> None:
    """Put so many refusals into the log."""
    with writing(app):
        common = {"tenant_id": tenants.by_key("acme").id, "endpoint": "login", "code": "platform-unknown", "count": 1}
        values = [
            {**common, "fingerprint": f"{number}", "detail": f"iss '{number}'", "first_at": at, "last_at": at}
            for number in range(rows)
        ]
        session.execute(insert(LaunchLog), values)


def rows_of(app: Flask) -> int:
    with app.app_context():
        return session.scalar(select(func.count()).select_from(LaunchLog)) or 0


def test_a_stranger_cannot_fill_the_log(app: Flask, client: FlaskClient, platform: Platform, entries: Entries) -> None:
    fill(app, launch_log.MAX_ROWS, utcnow())
    for number in range(3):
        login(client, platform, iss=f"https://nonsense-{number}.example")
    assert rows_of(app) == launch_log.MAX_ROWS
    kept = {entry.detail for entry in entries(launch_log.MAX_ROWS)}
    assert {f"iss 'https://nonsense-{number}.example'" for number in range(3)} <= kept
    assert {"iss '0'", "iss '1'", "iss '2'"}.isdisjoint(kept)


def test_what_is_older_than_a_month_goes_with_the_next_entry(
    app: Flask, client: FlaskClient, platform: Platform, entries: Entries
) -> None:
    fill(app, 2, utcnow() - timedelta(days=31))
    fill_another_institution(app)
    login(client, platform, iss="https://elsewhere.example")
    assert [entry.detail for entry in entries()] == ["iss 'https://elsewhere.example'"]
    assert [entry.outcome for entry in entries(tenant="beta")] == ["state-used"]


def fill_another_institution(app: Flask) -> None:
    with writing(app):
        tenants.add("beta", "Beta College")
        session.commit()
        values: dict[str, Any] = {"endpoint": "launch", "code": "state-used", "detail": "", "message_type": None}
        launch_log.note("beta", None, at=utcnow() - timedelta(days=31), **values)


def test_how_long_refusals_are_remembered_can_be_set(start_app: StartApp, platform: Platform) -> None:
    app = start_app([], launch_log_days=2)
    fill(app, 1, utcnow() - timedelta(days=3))
    login(app.test_client(), platform, iss="https://elsewhere.example")
    assert rows_of(app) == 1


def test_a_log_that_cannot_be_written_replaces_no_refusal(app: Flask, client: FlaskClient, platform: Platform) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("DROP TABLE launch_log"))
    assert login(client, platform, iss="https://elsewhere.example") == "platform-unknown"
    assert refuse(client, platform, aud="client-2") == "token-audience"


def test_only_logins_and_launches_of_an_institution_that_exists_are_in_the_log(
    app: Flask, client: FlaskClient, platform: Platform
) -> None:
    platform.visit(client)
    fields = platform.login_parameters()
    unknown = client.get("/lti/nobody/login", query_string=fields, base_url=PUBLIC_URL)
    assert error_code(unknown) == "tenant-unknown"
    assert error_code(client.post("/lti/nobody/launch", base_url=PUBLIC_URL)) == "state-missing"
    for path in ("/lti/nobody/jwks.json", "/tools/probe/AAAAAAAAAAAAAAAAAAAAAA/", "/lti/acme/nowhere"):
        assert client.get(path, base_url=PUBLIC_URL).status_code == 404
    assert rows_of(app) == 0


def test_accepted_and_refused_launches_stand_together_the_newest_first(
    app: Flask, client: FlaskClient, platform: Platform, entries: Entries
) -> None:
    platform.visit(client, custom=QUIZ)
    refuse(client, platform, aud="client-2")
    with writing(app):
        session.execute(update(LaunchLog).values(last_at=utcnow() + timedelta(seconds=1)))
    assert [entry.outcome for entry in entries()] == ["token-audience", "ok"]
    assert [entry.outcome for entry in entries(1)] == ["token-audience"]
    assert [entry.outcome for entry in entries(only_refused=True)] == ["token-audience"]
    accepted = entries()[1]
    assert (accepted.binding, accepted.in_window, accepted.message_type) == ("cookie", False, "LtiResourceLinkRequest")
    assert accepted.issuer == platform.issuer


@pytest.mark.parametrize(
    ("claims", "not_allowed"),
    [
        ({}, ("no gradebook service", "no roster")),
        ({"endpoint": ags_claim("https://lms.example.test/1", scopes=[])}, ("no score scope", "no roster")),
        ({"endpoint": ags_claim("https://lms.example.test/1"), ROSTER_CLAIM: ROSTER}, ()),
        ({"context": None}, ()),
    ],
)
def test_what_the_lms_does_not_allow_in_a_course_is_told(
    client: FlaskClient, platform: Platform, entries: Entries, claims: dict[str, Any], not_allowed: tuple[str, ...]
) -> None:
    platform.visit(client, custom=QUIZ, **claims)
    assert entries()[0].not_allowed == not_allowed


def test_a_visit_from_the_page_of_a_course_is_no_launch(
    app: Flask, client: FlaskClient, platform: Platform, entries: Entries
) -> None:
    platform.visit(client, custom=QUIZ, roles=[INSTRUCTOR])
    page = platform.visit(client, custom={"activity": "course"}, roles=[INSTRUCTOR], resource_link={"id": "page"})
    with app.app_context():
        link = session.execute(text("SELECT id FROM link WHERE resource_link_id = 'link-1'")).scalar_one()
    assert page.post(f"/tools/-/{page.launch_id}/course/open", {"link": str(link)}).status_code == 303
    assert len(entries()) == 2


@pytest.fixture
def command(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs ``ltitools launches`` for the institution; gives what it prints."""
    for name in [name for name in os.environ if name.startswith("LTITOOLS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LTITOOLS_DATABASE_URL", database_url)
    monkeypatch.setenv("LTITOOLS_SECRET_KEY", "only for tests, and long enough to be accepted")

    def run(*options: str) -> str:
        done = CliRunner().invoke(cli, ["launches", "--tenant", "acme", *options], catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    return run


def test_an_operator_lists_launches(client: FlaskClient, platform: Platform, command: Callable[..., str]) -> None:
    assert command("--refused") == "Nobody was refused.\n"
    assert command() == "Nobody has come yet.\n"
    platform.visit(client)
    refuse(client, platform, aud="client-2")
    (refused,) = json.loads(command("--refused", "--json"))
    assert (refused["outcome"], refused["count"], refused["issuer"]) == ("token-audience", 1, platform.issuer)
    assert len(json.loads(command("--json"))) == 2
    assert len(json.loads(command("--json", "--limit", "1"))) == 1
    table = command()
    assert "not allowed" in table
    assert "no gradebook service, no roster" in table
    assert "Lovelace" not in table
