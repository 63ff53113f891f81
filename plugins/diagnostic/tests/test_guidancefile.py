"""Modules and job roles as files: what is written is read back, and what comes with the host is sound."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from ltitools.testing import INSTRUCTOR, Platform, Visit, writing
from ltitools_diagnostic import plugin
from ltitools_diagnostic.guidance import Role, Task
from ltitools_diagnostic.guidancecheck import WrittenModule, cautions, check_modules
from ltitools_diagnostic.guidancefile import modules_csv, read_modules, read_roles, roles_csv
from ltitools_diagnostic.importing import read
from ltitools_diagnostic.planning import Module

README = Path(__file__).parents[1] / "README.md"
DEMO = Path(__file__).resolve().parents[3] / "config" / "demo"
KNOWN = {"alpha": {"en": "Alpha"}, "beta": {"en": "Beta"}, "gamma": {"en": "Gamma"}}

Enter = Callable[..., Visit]
Rows = Callable[..., list[Any]]


def of(visit: Visit, path: str = "") -> str:
    return unescape(visit.get(path).get_data(as_text=True))


# The Greek question mark is a semicolon once it is normalized.
CODES = st.text(
    st.characters(exclude_characters=";\u037e\x00'", exclude_categories=("C", "Z")), min_size=1, max_size=8
).map(lambda text: normalize("NFC", text))
TITLES = st.dictionaries(st.sampled_from(["en", "fr"]), CODES, min_size=1)


@given(
    st.lists(
        st.tuples(CODES, TITLES, st.decimals(0, 999, places=2)),
        min_size=1,
        max_size=20,
        unique_by=lambda each: each[0].casefold(),
    )
)
def test_modules_come_back_from_their_file(written: list[tuple[str, dict[str, str], Decimal]]) -> None:
    modules = [
        Module(code, titles, hours, "https://example.org/", (written[0][0],) if place else (), ("alpha", "gamma"))
        for place, (code, titles, hours) in enumerate(written)
    ]
    again = read_modules(modules_csv(modules), KNOWN, "en")
    assert (list(again.found), again.errors) == (modules, [])


@given(st.lists(st.tuples(CODES, TITLES, TITLES), min_size=1, max_size=20, unique_by=lambda each: each[0].casefold()))
def test_job_roles_come_back_from_their_file(written: list[tuple[str, dict[str, str], dict[str, str]]]) -> None:
    roles = [Role(code, titles, (Task(task, ("beta",)), Task(titles, ("alpha",)))) for code, titles, task in written]
    again = read_roles(roles_csv(roles), KNOWN, KNOWN, "en")
    assert (list(again.found), again.errors) == (roles, [])


def test_codes_are_made_of_titles_and_differ() -> None:
    modules, flaws = check_modules(
        [
            WrittenModule(titles={"fr": "Été, où ?"}, hours="1"),
            WrittenModule(titles={"en": "Été où"}, hours="1"),
            WrittenModule(titles={"en": "研修"}, hours="1"),
        ],
        KNOWN,
    )
    assert [each.code for each in modules] == ["ete-ou", "ete-ou-2", "module"]
    assert flaws == []


def test_a_longer_circle_names_those_in_it_and_not_those_that_lead_to_it() -> None:
    def module(code: str, after: str) -> Module:
        return Module(code, {}, Decimal(1), "", tuple(after), ("alpha",))

    odd = cautions([module("a", "b"), module("b", "c"), module("c", "a"), module("d", "a")], KNOWN)
    assert odd.circle == ["a", "b", "c"]


def test_the_examples_of_the_readme_can_be_uploaded() -> None:
    tables = re.findall(r"```text\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    known: dict[str, dict[str, str]] = {"passwords": {}, "messages": {}}
    [modules] = [table for table in tables if table.startswith("module,")]
    [roles] = [table for table in tables if table.startswith("role,")]
    assert read_modules(modules.encode(), known, "en").errors == []
    assert read_roles(roles.encode(), known, known, "en").errors == []


@pytest.mark.parametrize("name", ["ai-awareness", "ai-awareness-taster"])
def test_the_sample_modules_teach_every_competency_of_the_sample_in_both_languages(name: str) -> None:
    known = {each.code: each.titles for each in read((DEMO / f"{name}.csv").read_bytes()).bank.competencies}
    found = read_modules((DEMO / f"{name}-modules.csv").read_bytes(), known, "en")
    assert (found.errors, found.warnings) == ([], [])
    odd = cautions(found.found, known)
    assert (odd.untaught, odd.circle, odd.useless) == ([], [], [])
    assert all(set(module.titles) == {"en", "fr"} and module.url for module in found.found)
    assert any("\N{NO-BREAK SPACE}:" in module.titles["fr"] for module in found.found)


def test_the_sample_modules_of_the_taster_are_those_of_the_whole() -> None:
    whole, taster = (
        {line.split(",")[0]: line for line in (DEMO / f"{name}-modules.csv").read_text("utf-8").splitlines()[1:]}
        for name in ("ai-awareness", "ai-awareness-taster")
    )
    assert set(taster) < set(whole)
    assert all(whole[code].split(",https")[0] == line.split(",https")[0] for code, line in taster.items())


def test_the_sample_job_roles_are_complete_and_none_takes_everything() -> None:
    known = {each.code: each.titles for each in read((DEMO / "ai-awareness.csv").read_bytes()).bank.competencies}
    found = read_roles((DEMO / "ai-awareness-roles.csv").read_bytes(), known, known, "en")
    assert (found.errors, found.warnings) == ([], [])
    for role in found.found:
        assert 2 <= len(role.tasks) <= 3
        assert role.scope < set(known)
        assert all(set(titles) == {"en", "fr"} for titles in (role.titles, *(task.titles for task in role.tasks)))
    assert frozenset().union(*(role.scope for role in found.found)) == set(known)


class TestCommand:
    """``ltitools diagnostic import`` with modules and job roles."""

    @pytest.fixture
    def run(self, app: Flask, platform: Platform) -> Callable[..., Result]:
        """Imports the sample for the institution ``acme``."""

        def run(*options: str) -> Result:
            assert plugin.cli is not None
            with writing(app):
                file = str(DEMO / "ai-awareness.csv")
                return CliRunner().invoke(plugin.cli, ["import", file, "--tenant", "acme", "--slug", "ai", *options])

        return run

    FILES = ("--modules", str(DEMO / "ai-awareness-modules.csv"), "--roles", str(DEMO / "ai-awareness-roles.csv"))

    def test_modules_and_job_roles_of_the_institution_reach_every_course(
        self, run: Callable[..., Result], enter: Enter
    ) -> None:
        result = run(*self.FILES)
        assert (result.exit_code, result.stderr) == (0, "")
        assert "modules: 7\nroles: 3\n" in result.stdout
        assert "Team lead" in of(enter("diagnostic:ai"))
        assert "Check it before you use it" in of(enter("diagnostic:ai", as_=INSTRUCTOR), "modules")

    def test_again_they_are_replaced_or_kept_where_only_missing_ones_are_wanted(
        self, run: Callable[..., Result], rows: Rows, tmp_path: Path
    ) -> None:
        modules, roles = tmp_path / "m.csv", tmp_path / "r.csv"
        modules.write_text("title,hours,competencies\nMine,1,data\n", "utf-8")
        roles.write_text("role,task,competencies\nmine,Mine,data\n", "utf-8")
        own = ("--modules", str(modules), "--roles", str(roles))
        run(*self.FILES)
        run(*own, "--only-missing")
        assert len(rows("SELECT id FROM diagnostic_module")) == 7
        assert len(rows("SELECT id FROM diagnostic_job_role")) == 3
        run(*own)
        assert [row["code"] for row in rows("SELECT code FROM diagnostic_module")] == ["mine"]
        assert [row["code"] for row in rows("SELECT code FROM diagnostic_job_role")] == ["mine"]

    def test_an_error_in_either_file_stores_nothing_at_all(
        self, run: Callable[..., Result], rows: Rows, tmp_path: Path
    ) -> None:
        modules = tmp_path / "m.csv"
        modules.write_text("title,hours,competencies\nMine,1,nothing\n", "utf-8")
        result = run("--modules", str(modules))
        assert result.exit_code == 1
        assert "error: modules, row 2, competencies: The questions have no such competency." in result.stderr
        assert rows("SELECT id FROM activity") == []
        report = json.loads(run("--modules", str(modules), "--json").stdout)
        assert (report["outcome"], report["modules"]["errors"][0]["row"]) == ("refused", 2)
