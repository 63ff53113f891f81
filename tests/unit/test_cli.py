"""The command line, as an operator types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

LMS = "https://lms.example.test"
REGISTRATION = [
    *("registration", "add", "--tenant", "acme", "--issuer", LMS, "--client-id", "c1"),
    *("--auth-url", f"{LMS}/auth", "--token-url", f"{LMS}/token", "--jwks-url", f"{LMS}/jwks"),
    *("--deployment", "1"),
]


@pytest.fixture
def run(database_url: str, tmp_path: Path) -> Run:
    """Runs ``ltitools …`` outside a clone, on the test's database."""

    def call(*arguments: str, fails: bool = False, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("LTITOOLS_")},
            "LTITOOLS_DATABASE_URL": database_url,
            "LTITOOLS_SECRET_KEY": "only for tests, and long enough to be accepted",
            "LTITOOLS_PUBLIC_URL": "https://tool.example.test",
            **variables,
        }
        done = subprocess.run(
            [str(Path(sys.executable).parent / "ltitools"), *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tenant", "add", "Not A Key", "--name", "X"], "A tenant key is made of"),
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


def test_the_installed_tools_are_listed_and_help_needs_no_configuration(run: Run) -> None:
    listed = json.loads(run("plugins", "--json", LTITOOLS_SECRET_KEY="").stdout)
    assert [tool["key"] for tool in listed] == ["diagnostic"]
    assert "diagnostic" in run("--help", LTITOOLS_SECRET_KEY="").stdout
    assert "import" in run("diagnostic", "--help", LTITOOLS_SECRET_KEY="").stdout
    assert "--slug" in run("diagnostic", "import", "--help", LTITOOLS_SECRET_KEY="").stdout


def test_a_server_says_why_it_does_not_start(run: Run) -> None:
    assert "must begin with https://" in run("serve", fails=True, LTITOOLS_PUBLIC_URL="http://tool.example").stderr
