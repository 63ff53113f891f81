"""The command ``ltitools diagnostic import``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from ltitools.plugin import NotFound
from ltitools.testing import INSTRUCTOR, Platform, Visit, writing
from ltitools_diagnostic import plugin

EXAMPLE = Path(__file__).parents[1] / "ltitools_diagnostic" / "static" / "example.csv"
Run = Callable[..., Result]
Rows = Callable[..., list[Any]]


@pytest.fixture
def run(app: Flask, platform: Platform) -> Run:
    """Runs the command for the institution ``acme``."""

    def run(file: Path, *options: str, tenant: str = "acme") -> Result:
        assert plugin.cli is not None
        with writing(app):
            arguments = ["import", str(file), "--tenant", tenant, "--slug", "security", *options]
            return CliRunner().invoke(plugin.cli, arguments)

    return run


def test_a_file_is_published_and_can_be_launched(run: Run, enter: Callable[..., Visit]) -> None:
    result = run(EXAMPLE, "--title", "Security at work")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "passwords: 6 questions\n" in result.stdout
    assert "diagnostic:security version 1 is published, 12 questions." in result.stdout
    page = enter("diagnostic:security").get().get_data(as_text=True)
    assert "<h1>Security at work</h1>" in page
    board = enter("diagnostic:security", as_=INSTRUCTOR).get().get_data(as_text=True)
    assert "This pre-assessment belongs to your institution" in board


def test_the_same_file_again_changes_nothing(run: Run, rows: Rows) -> None:
    run(EXAMPLE)
    result = run(EXAMPLE)
    assert result.exit_code == 0
    assert "is unchanged" in result.stdout
    assert len(rows("SELECT id FROM diagnostic_version")) == 1


def test_a_changed_file_is_a_new_version(run: Run, rows: Rows, tmp_path: Path) -> None:
    run(EXAMPLE)
    changed = tmp_path / "changed.csv"
    changed.write_bytes(EXAMPLE.read_bytes().replace(b"urgent file", b"urgent letter"))
    assert "version 2 is published" in run(changed).stdout
    assert [row["state"] for row in rows("SELECT state FROM diagnostic_version")] == ["published"] * 2


def test_an_error_stores_nothing_and_says_where(run: Run, rows: Rows, tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text("competency,question,answer\none,Why?,\none,Who?,x\n", encoding="utf-8")
    result = run(broken)
    assert result.exit_code == 1
    assert "error: row 2, answer: The answer is empty." in result.stderr
    assert "one: 1 questions (too few to show the competency; 6 are needed)" in result.stdout
    assert rows("SELECT id FROM activity") == []


def test_the_report_is_there_as_json(run: Run) -> None:
    report = json.loads(run(EXAMPLE, "--json").stdout)
    assert report["outcome"] == "version 1"
    assert report["questions"] == 12
    assert report["competencies"] == {"passwords": 6, "messages": 6}
    assert (report["errors"], report["warnings"]) == ([], [])


def test_a_gift_file_is_published_and_what_cannot_be_asked_is_named(run: Run, rows: Rows, tmp_path: Path) -> None:
    file = tmp_path / "questions.gift"
    file.write_text("::One:: Ice is water. {T}\n\n::Two:: Write about ice. {}\n", encoding="utf-8")
    result = run(file)
    assert result.exit_code == 0
    assert "left out: row 3" in result.stderr
    assert "is published, 1 questions." in result.stdout
    file.write_text("::Two:: Write about ice. {}\n", encoding="utf-8")
    assert run(file).exit_code == 1
    assert len(rows("SELECT id FROM diagnostic_version")) == 1


def test_an_institution_that_is_not_there_is_named(run: Run) -> None:
    result = run(EXAMPLE, tenant="nobody")
    assert isinstance(result.exception, NotFound)
    assert "'nobody'" in str(result.exception)
