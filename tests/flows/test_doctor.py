"""The doctor, over real HTTP and TLS, between a tool behind a web server that may spoil things, and an LMS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import func, select

from flows.clinic import Open, in_seconds
from ltitools.cli import cli
from ltitools.db import Base, session
from ltitools.errors import NotFound
from ltitools.models import PendingLogin
from ltitools.services import registrations, tenants
from ltitools.services.doctor import CHECKS, Level
from ltitools.testing import writing
from sites import TENANT

TABLES = Base.metadata.tables


@pytest.fixture
def open_clinic(database_url: str, tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as stack:
        yield Open(database_url, tmp_path, stack)


def test_a_clock_that_is_a_little_off_is_a_warning_and_a_kept_answer_is_as_old_as_it_says(open_clinic: Open) -> None:
    clinic = open_clinic()
    clinic.change(jwks_url=open_clinic.serve_keys(Date=in_seconds(-30)))
    (found,) = clinic.found("clock-differs")
    assert (found.level, found.what[-30:]) == (Level.WARNING, "ahead of that of the platform.")
    clinic.change(jwks_url=open_clinic.serve_keys(Date=in_seconds(-3600), Age="3600"))
    assert clinic.found("clock-differs") == []


@pytest.mark.parametrize("personality", ["canvas", "moodle", "generic"])
def test_nothing_is_wrong_where_nothing_is_wrong(open_clinic: Open, personality: str) -> None:
    clinic = open_clinic.with_tls(personality=personality)
    assert clinic.wrong() == {}
    findings = clinic.findings()
    assert {each.code for each in findings if each.level is Level.OK} == CHECKS
    assert f"must be {clinic.sites.tool_url}/lti/acme/launch" in " ".join(each.what for each in findings)
    assert {each.registration for each in findings} == {None, 1}


def test_scopes_are_judged_one_by_one_where_the_platform_gives_all_or_nothing(open_clinic: Open) -> None:
    clinic = open_clinic("canvas")
    withheld = ["lineitem", "lineitem.readonly", "contextmembership.readonly"]
    clinic.sites.control("levers", {"scopes_withheld": withheld, "all_scopes_or_none": True})
    assert [each.level for each in clinic.found("scope-refused")] == [Level.WARNING] * 3
    assert "invalid_scope" in clinic.found("scope-refused")[0].what
    clinic.sites.control("levers", {"scopes_withheld": ["lineitem.readonly"], "all_scopes_or_none": True})
    assert clinic.found("scope-refused") == []


def test_a_platform_that_cannot_read_our_keys_gives_its_own_words(open_clinic: Open) -> None:
    clinic = open_clinic()
    clinic.tool.answer("GET", "/jwks.json", 503)
    (found,) = clinic.found("token-refused")
    assert "no usable keys at" in found.what
    assert "make sure that its server can read our key set" in found.change


WORDS_OF_MOODLE = {
    "404 Error fix_jwks_alg(): Argument #1 ($jwks) must be of type array, null given": "cannot read our key set",
    '400 { "error" : ""kid" invalid, unable to lookup correct key" }': "reads another key set than ours",
    '400 { "error" : "invalid_client" }': "Compare the client ID with",
    '400 { "error" : "Cannot handle token with iat prior to 2026-11-22T08:30:44+0000" }': "the clocks of both servers",
}


@pytest.mark.parametrize("words", WORDS_OF_MOODLE)
def test_what_moodle_says_tells_why_it_gives_no_token(open_clinic: Open, words: str) -> None:
    clinic = open_clinic("moodle")
    clinic.lms.answer("POST", "/lti/token", int(words[:3]), words[4:])
    (found,) = clinic.found("token-refused")
    assert words in found.what
    assert WORDS_OF_MOODLE[words] in found.change


def test_services_that_are_all_switched_off_are_named_one_by_one(open_clinic: Open) -> None:
    clinic = open_clinic("moodle")
    clinic.lms.answer("POST", "/lti/token", 400, '{ "error" : "invalid_scope" }')
    assert len(clinic.found("scope-refused")) == 5
    assert {"token", "token-refused"}.isdisjoint({each.code for each in clinic.findings()})


def test_one_registration_can_be_chosen_and_its_login_is_the_one_that_is_tried(open_clinic: Open) -> None:
    clinic = open_clinic()
    with writing(clinic.sites.tool):
        url = clinic.sites.lms_url
        other = registrations.NewRegistration(f"{url}/other", "c", f"{url}/a", f"{url}/t", f"{url}/k")
        registrations.add(tenants.by_key(TENANT), other)
    assert {each.registration for each in clinic.findings()} == {None, 1, 2}
    assert {each.registration for each in clinic.findings(number=2)} == {None, 2}
    with clinic.sites.tool.app_context():
        assert list(session.scalars(select(PendingLogin.registration_id).order_by("created_at"))) == [1, 2]
    with pytest.raises(NotFound, match="no registration 3"):
        clinic.findings(number=3)


def rows_of(app: Flask) -> dict[str, int]:
    with app.app_context():
        counted = {name: session.scalar(select(func.count()).select_from(table)) or 0 for name, table in TABLES.items()}
        session.rollback()
        return counted


def test_nothing_is_changed_but_a_login_that_waits_and_nothing_secret_is_said(open_clinic: Open) -> None:
    clinic = open_clinic()
    before = rows_of(clinic.sites.tool)
    said = " ".join(f"{each.what} {each.change}" for each in clinic.findings())
    after = rows_of(clinic.sites.tool)
    assert {name for name in after if after[name] != before[name]} == {"pending_login"}
    assert clinic.sites.tool.extensions["ltitools"].settings.secret_key not in said
    assert "eyJ" not in said
    assert "PRIVATE" not in said


def test_the_command_prints_a_line_each_and_ends_with_1_where_there_is_a_problem(open_clinic: Open) -> None:
    clinic = open_clinic()

    def command(*more: str) -> Result:
        settings = clinic.sites.tool.extensions["ltitools"].settings
        names = ("database_url", "secret_key", "public_url")
        env = {f"LTITOOLS_{name.upper()}": str(getattr(settings, name)) for name in names}
        env["LTITOOLS_ALLOW_PRIVATE_NETWORK"] = "1"
        return CliRunner().invoke(cli, ["doctor", "--tenant", TENANT, *more], env=env)

    fine = command()
    assert (fine.exit_code, fine.exception) == (0, None)
    assert "\nok       own-launch: A form posted to" in fine.output
    assert "\nWARNING  public-url-insecure: " in fine.output
    assert "\n         → Set LTITOOLS_PUBLIC_URL to an https address" in fine.output
    assert fine.output.endswith("Problems: 0, warnings: 1.\ndocs/doctor.md explains each code.\n")
    clinic.change(enabled=False)
    broken = command("--json", "--registration", "1")
    assert broken.exit_code == 1
    (found,) = [each for each in json.loads(broken.output) if each["level"] == "problem"]
    assert (found["code"], found["registration"]) == ("registration-disabled", 1)
    assert "ltitools registration enable 1 --tenant acme" in found["change"]
