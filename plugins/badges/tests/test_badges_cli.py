"""``ltitools badges``: the command says of a badge what the page says, and keeps an institution's keys."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from earning import Campus
from reading_badges import BASE, Reader, earned, revoke
from sqlalchemy import select

from ltitools.models import AuditEntry
from ltitools.plugin import session
from ltitools.testing import writing
from ltitools_badges import issuers
from ltitools_badges.cli import commands
from ltitools_badges.models import Badge

Run = Callable[..., Result]


@pytest.fixture
def run(campus: Campus) -> Run:
    """Runs a command of the group."""

    def run(*arguments: str) -> Result:
        with writing(campus.app):
            result = CliRunner().invoke(commands, arguments)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


@pytest.fixture
def badge(campus: Campus) -> Badge:
    """Ada's badge."""
    return earned(campus, "ada")[0]


def kept(tmp_path: Path, badge: Badge, campus: Campus, form: str) -> Path:
    """The file of a badge as somebody has downloaded it."""
    file = tmp_path / f"badge.{form}"
    file.write_bytes(Reader(campus.app).get(f"credentials/{badge.public_id}.{form}", "*/*").get_data())
    return file


@pytest.mark.parametrize("form", ["json", "jwt", "png", "svg"])
def test_a_genuine_badge_is_told_as_genuine_with_status_0(
    campus: Campus, run: Run, badge: Badge, tmp_path: Path, form: str
) -> None:
    result = run("verify", str(kept(tmp_path, badge, campus, form)))
    assert result.exit_code == 0
    assert result.output.startswith("This badge is genuine and in force.\n+ Signature: nothing was changed")


def test_a_revoked_and_a_changed_one_give_status_1(campus: Campus, run: Run, badge: Badge, tmp_path: Path) -> None:
    file = kept(tmp_path, badge, campus, "json")
    forged = tmp_path / "forged.json"
    forged.write_text(file.read_text().replace('"84.25"', '"99"'))
    result = run("verify", str(forged))
    assert (result.exit_code, result.output.splitlines()[0]) == (1, "Do not rely on this badge.")
    revoke(campus, badge)
    result = run("verify", str(file))
    assert (result.exit_code, result.output.splitlines()[0]) == (1, "This badge was revoked.")


def test_what_cannot_be_judged_gives_status_2(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "photo.png"
    file.write_bytes(b"\x89PNG nothing")
    result = run("verify", str(file))
    assert (result.exit_code, result.output.splitlines()[0]) == (2, "No badge was found in it.")


def test_the_command_and_the_page_give_the_same_report(campus: Campus, run: Run, badge: Badge, tmp_path: Path) -> None:
    for how in ("good", "revoked"):
        if how == "revoked":
            revoke(campus, badge)
        url = f"{BASE}/credentials/{badge.public_id}"
        page: dict[str, Any] = json.loads(Reader(campus.app).check("application/json", url=url).get_data())
        assert json.loads(run("verify", url, "--json").output) == page
        file = kept(tmp_path, badge, campus, "png")
        assert json.loads(run("verify", str(file), "--json").output) == page


def test_a_recipient_can_be_compared(campus: Campus, run: Run, badge: Badge, tmp_path: Path) -> None:
    result = run("verify", str(kept(tmp_path, badge, campus, "json")), "--recipient", "Bob")
    assert "? Person: the badge does not say this about whom it was given to." in result.output


@pytest.mark.parametrize("what", ["nowhere.json", "https://tool.example.test/i/acme/credentials/nothing"])
def test_what_is_not_there_is_a_sentence(run: Run, what: str) -> None:
    result = run("verify", what)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")


def test_a_rotation_keeps_what_was_signed_before(campus: Campus, run: Run, badge: Badge, tmp_path: Path) -> None:
    assert run("rotate", "acme").output.startswith("From now on these sign: key-")
    rows = json.loads(run("keys", "acme", "--json").output)
    assert [row["kind"] for row in rows] == ["rsa", "ed25519", "rsa", "ed25519"]
    assert "listed" in run("keys", "acme").output
    assert run("verify", str(kept(tmp_path, badge, campus, "png"))).exit_code == 0


def test_after_a_withdrawal_old_copies_fail_and_new_ones_pass(
    campus: Campus, run: Run, badge: Badge, tmp_path: Path
) -> None:
    old = kept(tmp_path, badge, campus, "json")
    with campus.app.app_context():
        name = issuers.signing_key(campus.tenant.id, issuers.ED25519).name
    result = run("withdraw", "acme", name)
    assert result.output == f"{name} is listed no more; 1 badges were signed anew.\n"
    assert f"{name:<20} ed25519" in run("keys", "acme").output
    assert "withdrawn" in run("keys", "acme").output
    assert run("verify", str(old)).exit_code == 1
    (again,) = campus.badges()
    assert again.public_id == badge.public_id
    assert Reader(campus.app).read(f"credentials/{badge.public_id}").count("this badge is genuine")


def test_everything_can_be_signed_anew(campus: Campus, run: Run, badge: Badge) -> None:
    earned(campus, "bob")
    assert run("resign", "acme").output == "2 of 2 badges were signed anew.\n"
    (again, _bob) = campus.badges()
    assert again.public_id == badge.public_id
    assert again.valid_from > badge.valid_from
    assert again.signed_at is not None
    assert badge.signed_at is not None
    assert again.signed_at > badge.signed_at
    with campus.app.app_context():
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "badges.resign")).one()
    assert entry.details == {"badges": 2}


def test_the_copy_is_written_to_a_file(run: Run, badge: Badge, tmp_path: Path) -> None:
    file = tmp_path / "acme.zip"
    result = run("export-issuer", "acme", str(file))
    assert "1 badges, 1 descriptions, 1 status lists." in result.output
    with zipfile.ZipFile(file) as archive:
        assert f"i/acme/credentials/{badge.public_id}.png" in archive.namelist()
    assert json.loads(run("export-issuer", "acme", str(file), "--json").output)["badges"] == 1


def test_the_address_is_shown_and_can_be_moved(campus: Campus, run: Run, badge: Badge) -> None:
    assert run("address", "acme").output == f"did:web:tool.example.test:i:acme at {BASE}\n"
    assert "1 badges were signed anew." in run("address", "acme", "--move").output
    (again,) = campus.badges()
    assert again.public_id == badge.public_id


def test_an_institution_without_badges_is_told_as_that(run: Run) -> None:
    assert "has given no badge yet" in run("keys", "acme").output
    assert "has given no badge yet" in run("address", "acme").output
