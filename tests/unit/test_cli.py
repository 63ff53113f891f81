"""The command line, as an operator types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update

from ltitools.cli import main
from ltitools.db import session, utcnow
from ltitools.models import Grade, Link, Person
from ltitools.plugin import Score
from ltitools.services import grades
from ltitools.testing import Platform, ags_claim, writing


@dataclass(frozen=True)
class Done:
    """What a command printed."""

    stdout: str
    stderr: str


Run = Callable[..., Done]

SECRET = "only for tests, and long enough to be accepted"
LMS = "https://lms.example.test"
REGISTRATION = [
    *("registration", "add", "--tenant", "acme", "--issuer", LMS, "--client-id", "c1"),
    *("--auth-url", f"{LMS}/auth", "--token-url", f"{LMS}/token", "--jwks-url", f"{LMS}/jwks"),
    *("--deployment", "1"),
]


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs ``ltitools …`` as its program does, outside a clone, on the test's database."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("LTITOOLS_")]:
        monkeypatch.delenv(name)
    defaults = {"DATABASE_URL": database_url, "SECRET_KEY": SECRET, "PUBLIC_URL": "https://tool.example.test"}

    def call(*arguments: str, fails: bool = False, **variables: str) -> Done:
        for name, value in defaults.items():
            monkeypatch.setenv(f"LTITOOLS_{name}", value)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["ltitools", *arguments])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        printed = capsys.readouterr()
        assert (status != 0) == fails, printed.out + printed.err
        return Done(printed.out, printed.err)

    return call


def test_an_institution_and_its_platform_are_set_up_from_the_command_line(run: Run) -> None:
    assert "Added tenant acme" in run("tenant", "add", "acme", "--name", "Acme", "--locale", "fr").stdout
    assert "Added registration 1" in run(*REGISTRATION).stdout
    shown = json.loads(run("registration", "show", "1", "--tenant", "acme", "--json").stdout)[0]
    assert shown["our_login_url"] == "https://tool.example.test/lti/acme/login"
    assert shown["deployments"] == [{"number": 1, "deployment_id": "1", "state": "approved"}]
    assert "our redirect uri" in run("registration", "show", "1", "--tenant", "acme").stdout


def test_the_same_again_succeeds_and_something_else_fails_and_changes_nothing(run: Run) -> None:
    run("tenant", "add", "acme", "--name", "Acme")
    run(*REGISTRATION)
    assert "there already" in run("tenant", "add", "acme", "--name", "Acme").stdout
    assert "there already" in run(*REGISTRATION).stdout
    assert "nothing was changed" in run("tenant", "add", "acme", "--name", "Other", fails=True).stderr
    other = [*REGISTRATION, "--platform", "canvas"]
    assert "nothing was changed" in run(*other, fails=True).stderr
    assert json.loads(run("tenant", "list", "--json").stdout)[0]["name"] == "Acme"
    assert json.loads(run("registration", "list", "--json").stdout)[0]["platform"] == "generic"


def test_institutions_registrations_and_deployments_are_switched(run: Run) -> None:
    run("tenant", "add", "acme", "--name", "Acme")
    run(*REGISTRATION)
    run("tenant", "disable", "acme")
    assert json.loads(run("tenant", "list", "--json").stdout)[0]["enabled"] is False
    run("tenant", "enable", "acme")
    run("registration", "disable", "1", "--tenant", "acme")
    assert json.loads(run("registration", "list", "--tenant", "acme", "--json").stdout)[0]["enabled"] is False
    run("registration", "enable", "1", "--tenant", "acme")
    run("deployment", "reject", "1", "--tenant", "acme")
    assert json.loads(run("deployment", "list", "--tenant", "acme", "--json").stdout)[0]["state"] == "rejected"
    run("deployment", "approve", "1", "--tenant", "acme")
    assert "approved" in run("deployment", "list", "--tenant", "acme").stdout


def test_addresses_are_shown_before_a_platform_is_registered_and_tools_are_switched(run: Run) -> None:
    run("tenant", "add", "acme", "--name", "Acme")
    shown = json.loads(run("tenant", "show", "acme", "--json").stdout)[0]
    assert shown["our_redirect_uri"] == "https://tool.example.test/lti/acme/launch"
    assert shown["tools"] == ["badges", "diagnostic"]
    run("tenant", "tool", "acme", "diagnostic", "--off")
    assert json.loads(run("tenant", "show", "acme", "--json").stdout)[0]["tools"] == ["badges"]
    run("tenant", "tool", "acme", "diagnostic", "--on")
    assert "diagnostic" in run("tenant", "show", "acme").stdout
    assert "There is no tool 'nothing'" in run("tenant", "tool", "acme", "nothing", "--on", fails=True).stderr


def test_a_deployment_is_listed_before_it_launches(run: Run) -> None:
    run("tenant", "add", "acme", "--name", "Acme")
    run(*REGISTRATION, "--deployments", "listed")
    where = ("--tenant", "acme", "--registration", "1")
    assert "Added deployment 2" in run("deployment", "add", "second", *where).stdout
    assert "there already" in run("deployment", "add", "second", *where).stdout
    states = [one["state"] for one in json.loads(run("deployment", "list", "--tenant", "acme", "--json").stdout)]
    assert states == ["approved", "approved"]


def test_scores_that_the_lms_has_not_taken_are_listed_and_sent_again(run: Run, start_app: Callable[..., Flask]) -> None:
    app = start_app()
    platform = Platform()
    platform.register(app)
    platform.launch(app.test_client(), endpoint=ags_claim("https://lms.example.test/items/1"))
    platform.close()
    with writing(app):
        link, person = session.scalars(select(Link)).one(), session.scalars(select(Person)).one()
        grades.record(link.tenant_id, link.id, person.id, Score(Decimal(70), Decimal(100), utcnow()))
        session.execute(update(Grade).values(state="parked", problem="400 no", failures=24))
    listed = json.loads(run("grades", "list", "--tenant", "acme", "--json").stdout)
    assert [(one["state"], one["person"], one["score"], one["problem"]) for one in listed] == [
        ("parked", "person-1", "70/100", "400 no")
    ]
    assert "Nothing is parked" in run("grades", "send", "99", "--tenant", "acme").stdout
    assert "1 to be sent again" in run("grades", "send", "--tenant", "acme").stdout
    assert json.loads(run("grades", "list", "--tenant", "acme", "--json").stdout)[0]["state"] == "waiting"


@pytest.mark.parametrize(
    "variables",
    [
        {"LTITOOLS_DATABASE_URL": "not an address"},
        {"LTITOOLS_DATABASE_URL": "sqlite:////nowhere/at/all.db"},
        {"LTITOOLS_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"},
        {"LTITOOLS_LOG_LEVEL": "loud"},
    ],
    ids=["no-address", "no-folder", "no-server", "log-level"],
)
def test_a_setting_that_cannot_work_is_one_sentence_too(run: Run, variables: dict[str, str]) -> None:
    assert run("tenant", "list", fails=True, **variables).stderr.startswith("Error: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tenant", "add", "Not A Key", "--name", "X"], "A short name is made of"),
        (["tenant", "disable", "nobody"], "There is no tenant 'nobody'"),
        (["registration", "list", "--tenant", "nobody"], "There is no tenant 'nobody'"),
        (["deployment", "approve", "9", "--tenant", "nobody"], "There is no tenant"),
    ],
)
def test_what_is_wrong_is_one_sentence(run: Run, arguments: list[str], said: str) -> None:
    done = run(*arguments, fails=True)
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_platform_address_without_tls_is_refused(run: Run) -> None:
    run("tenant", "add", "acme", "--name", "Acme")
    insecure = [part.replace(f"{LMS}/auth", "http://lms.example.test/auth") for part in REGISTRATION]
    assert "must begin with https://" in run(*insecure, fails=True).stderr


def test_commands_need_a_secret_key_and_a_migrated_database(run: Run, tmp_path: Path) -> None:
    assert "LTITOOLS_SECRET_KEY" in run("tenant", "list", fails=True, LTITOOLS_SECRET_KEY="short").stderr
    fresh = {"LTITOOLS_DATABASE_URL": f"sqlite:///{tmp_path}/fresh.db"}
    assert "ltitools db upgrade" in run("tenant", "list", fails=True, **fresh).stderr
    assert "Applied ltitools:0001." in run("db", "upgrade", **fresh).stdout
    assert "up to date" in run("db", "upgrade", **fresh).stdout
    assert "There is no tenant yet" in run("tenant", "list", **fresh).stdout


def test_the_program_itself_starts_outside_a_clone(tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "ltitools"
    done = subprocess.run([program, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "diagnostic" in done.stdout


def test_the_installed_tools_are_listed_and_help_needs_no_configuration(run: Run) -> None:
    listed = json.loads(run("plugins", "--json", LTITOOLS_SECRET_KEY="").stdout)
    assert [tool["key"] for tool in listed] == ["badges", "diagnostic"]
    assert "diagnostic" in run("--help", LTITOOLS_SECRET_KEY="").stdout
    assert "import" in run("diagnostic", "--help", LTITOOLS_SECRET_KEY="").stdout
    assert "--slug" in run("diagnostic", "import", "--help", LTITOOLS_SECRET_KEY="").stdout


def test_a_server_says_why_it_does_not_start(run: Run) -> None:
    assert "must begin with https://" in run("serve", fails=True, LTITOOLS_PUBLIC_URL="http://tool.example").stderr
