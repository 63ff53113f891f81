"""``ltitools framework``, as an operator types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ltitools.cli_frameworks import framework
from ltitools.errors import Conflict, NotFound, SettingsError
from ltitools.services import tenants
from ltitools.testing import close_app, make_app, writing

SECRET = "only for tests, and long enough to be accepted"
TABLE = "code,parent,title_en,title_fr\nA,,Use AI,Utiliser l’IA\nA.1,A,Write prompts,\n"
Run = Callable[..., Result]


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command about the frameworks of ``acme``."""
    app = make_app(database_url)
    with writing(app):
        tenants.add("acme", "Acme")
    close_app(app)
    monkeypatch.chdir(tmp_path)
    values = {"DATABASE_URL": database_url, "SECRET_KEY": SECRET, "PUBLIC_URL": "https://tool.example.test"}
    for name, value in values.items():
        monkeypatch.setenv(f"LTITOOLS_{name}", value)
    (tmp_path / "ai.csv").write_text(TABLE, "utf-8")

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(framework, [*arguments, "--tenant", "acme"])

    return call


def test_a_table_is_imported_shown_exported_and_imported_again(run: Run, tmp_path: Path) -> None:
    done = run("import", "ai.csv", "--key", "ai", "--title-en", "AI awareness", "--publish")
    assert done.output == "Framework ai, version 1 (published): 2 competencies.\n"
    shown = run("show", "ai").output
    assert "A  Use AI\n  A.1  Write prompts\n" in shown
    listed = json.loads(run("list", "--json").output)
    assert [(one["key"], one["version"], one["state"], one["frozen"], one["competencies"]) for one in listed] == [
        ("ai", 1, "published", False, 2)
    ]
    assert run("export", "ai", "out.csv").exit_code == 0
    assert run("export", "ai", "out.json").exit_code == 0
    package = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert package["CFDocument"]["creator"] == "Acme"
    before = run("show", "ai", "--json").output
    for name in ("out.csv", "out.json"):
        assert run("import", name, "--key", "ai").exit_code == 0
        assert run("show", "ai", "--json").output == before


def test_an_import_can_be_tried_without_changing_anything(run: Run) -> None:
    assert "2 competencies. Nothing was changed." in run("import", "ai.csv", "--key", "ai", "--check").output
    assert run("list").output == "There is no framework yet. `ltitools framework import` adds one.\n"


def test_what_is_wrong_with_a_file_is_told_and_nothing_is_imported(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("code,title_en\n" + "A,x\n" * 8, "utf-8")
    done = run("import", "bad.csv", "--key", "ai")
    assert isinstance(done.exception, Conflict)
    assert "error: Two competencies have the same code. (line 3, A;" in done.output
    assert "and 2 more" in done.output
    assert "no framework yet" in run("list").output


def test_a_draft_is_published_or_discarded(run: Run) -> None:
    run("import", "ai.csv", "--key", "ai")
    assert run("publish", "ai").output == "Version 1 of framework ai is in force.\n"
    assert isinstance(run("publish", "ai").exception, NotFound)
    run("import", "ai.csv", "--key", "other")
    assert run("discard", "other").output == "The draft (version 1) of framework other is deleted.\n"
    assert isinstance(run("show", "other").exception, NotFound)


def test_a_file_may_not_be_larger_than_an_upload(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LTITOOLS_MAX_REQUEST_BYTES", "10")
    assert "larger than 10 bytes" in str(run("import", "ai.csv", "--key", "ai").exception)


def test_a_package_needs_our_address(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("import", "ai.csv", "--key", "ai")
    monkeypatch.setenv("LTITOOLS_PUBLIC_URL", "")
    assert isinstance(run("export", "ai", "out.json").exception, SettingsError)
