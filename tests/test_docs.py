"""What the documentation says is there: codes, settings, commands, files, and the tool that one page makes."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import click
import pytest
from click.testing import CliRunner

from hello import write_hello
from ltitools import plugin as api
from ltitools.cli import cli
from ltitools.plugins import GROUP
from ltitools.refusals import CODES
from ltitools.settings import CONFIG_FOLDER
from ltitools_diagnostic import importing

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(
    path for pattern in ("*.md", "docs/**/*.md", "plugins/*/README.md", "config/**/*.md") for path in ROOT.glob(pattern)
)
PICTURE_BYTES = 200_000
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
COMMAND = re.compile(r"^(?:\S*/)?ltitools (?=[a-z<-])")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


def prose_of(page: Path) -> str:
    """A page without its blocks of code."""
    return FENCED.sub("", page.read_text("utf-8"))


def anchors_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made where Markdown is shown."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(prose_of(page)))
    return {heading.replace(" ", "-") for heading in plain}


def test_the_pages_that_the_readme_promises_are_there() -> None:
    names = {name_of(page) for page in PAGES}
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"} <= names
    assert {"docs/moodle.md", "docs/canvas.md", "docs/operations.md", "docs/writing-a-plugin.md"} <= names
    assert {f"plugins/{tool}/README.md" for tool in ("diagnostic", "badges", "portfolio")} <= names


def test_the_readme_names_the_two_commands_that_everybody_needs() -> None:
    blocks = [code for _, code in FENCED.findall((ROOT / "README.md").read_text("utf-8"))]
    assert {"make demo\n", "make test\n"} <= set(blocks)


def test_every_target_of_make_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for page in PAGES:
        text = page.read_text("utf-8")
        named = re.findall(r"`make ([a-z-]+)", text)
        named += [target for _, code in FENCED.findall(text) for target in re.findall(r"^make ([a-z-]+)", code, re.M)]
        assert set(named) <= targets, f"{name_of(page)} names a target that make does not have"


def test_every_code_of_a_refusal_has_one_section_and_no_section_is_left_over() -> None:
    sections = re.findall(r"^## (.+)$", (DOCS / "refusals.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(sections) == sorted(CODES)


def test_every_section_on_a_refusal_says_whose_turn_it_is() -> None:
    for section in (DOCS / "refusals.md").read_text("utf-8").split("\n## ")[1:]:
        code, _, text = section.partition("\n")
        assert re.search(r"\bturn\b", text), f"{code} does not say whose turn it is"


def test_every_setting_is_listed_with_its_default_and_none_is_left_over() -> None:
    """The table has a row ``| `name` | `default` | what it is |`` for each, with the default as TOML has it."""
    table = (DOCS / "operations.md").read_text("utf-8").partition("## Settings")[2]
    listed = dict(re.findall(r"^\| `([a-z_]+)` \| `([^`]+)` \| \S", table, re.MULTILINE))
    defaults = tomllib.loads((CONFIG_FOLDER / "default.toml").read_text("utf-8"))
    assert {name: tomllib.loads(f"x = {value}")["x"] for name, value in listed.items()} == defaults


def commands_in(text: str) -> Iterator[list[str]]:
    """The words of each ``ltitools …`` command in a page's code."""
    blocks = (code.replace("\\\n", " ").splitlines() for _, code in FENCED.findall(text))
    lines = [line.strip() for block in blocks for line in block]
    lines += [line.strip() for line in text.splitlines() if line.startswith("    ")]
    lines += re.findall(r"`([^`\n]+)`", FENCED.sub("", text))
    for line in lines:
        if COMMAND.match(line):
            yield shlex.split(line, comments=True)[1:]


def wrong_with(words: list[str]) -> str:
    """What the command line does not know of these words, empty where it knows them all."""
    command: click.Command = cli
    context = click.Context(cli)
    rest = list(words)
    while isinstance(command, click.Group) and rest and re.fullmatch("[a-z-]+", rest[0]) and rest[0][0] != "-":
        found = command.get_command(context, rest[0])
        if found is None:
            return f"there is no command {rest[0]!r}"
        command = found
        rest.pop(0)
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)} | {
        "--help",
        "--version",
    }
    options = [word.strip("[]") for word in rest if word.strip("[").startswith("--")]
    return f"{command.name!r} has no {set(options) - known}" if set(options) - known else ""


@each_page
def test_every_command_of_ours_that_a_page_shows_exists(page: Path) -> None:
    for words in commands_in(page.read_text("utf-8")):
        assert not wrong_with(words), f"ltitools {' '.join(words)}: {wrong_with(words)}"


def test_a_command_that_does_not_exist_is_noticed() -> None:
    assert wrong_with(["tenant", "forget"])
    assert wrong_with(["tenant", "add", "KEY", "--nmae", "X"])
    assert list(commands_in("```sh\nltitools tenant \\\n  add KEY\n```\nand `/opt/bin/ltitools serve`")) == [
        ["tenant", "add", "KEY"],
        ["serve"],
    ]


def test_every_command_explains_itself() -> None:
    def below(command: click.Command, path: list[str]) -> Iterator[list[str]]:
        yield path
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                assert found is not None
                yield from below(found, [*path, name])

    for path in below(cli, []):
        done = CliRunner().invoke(cli, [*path, "--help"])
        assert done.exit_code == 0, done.output
        assert done.output.startswith("Usage: ")


@each_page
def test_every_link_and_picture_of_a_page_is_there(page: Path) -> None:
    for picture, text, target in LINK.findall(prose_of(page)):
        if re.match(r"[a-z]+:", target):
            assert not picture, f"{target} would be loaded from elsewhere"
            continue
        path, _, anchor = unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{target} is not there"
        assert text, f"{target} has no text"
        if picture:
            assert file.stat().st_size < PICTURE_BYTES, f"{target} is too large"
        if anchor:
            assert anchor in anchors_of(file), f"{target} is no heading of {name_of(file)}"


@each_page
def test_headings_come_in_order(page: Path) -> None:
    levels = [len(marks) for marks in re.findall(r"^(#+) ", prose_of(page), re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@each_page
def test_every_file_of_questions_on_a_page_can_be_uploaded(page: Path) -> None:
    for language, content in FENCED.findall(page.read_text("utf-8")):
        if language == "csv":
            imported = importing.read(content.encode(), "en")
            assert not imported.errors
            assert len(imported.bank.items) == len(content.splitlines()) - 1


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in sorted((DOCS / "adr").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def listed_below(heading: str) -> list[str]:
    """The names in the table under a heading of the reference in docs/writing-a-plugin.md."""
    reference = (DOCS / "writing-a-plugin.md").read_text("utf-8").partition("\n## Reference\n")[2]
    section = reference.partition(f"\n### {heading}\n")[2].partition("\n### ")[0]
    return re.findall(r"^\| `(\w+)` \| \S", section, re.MULTILINE)


def names_of_the_api() -> dict[str, list[str]]:
    """What a tool may use, by the heading under which the reference has it."""
    modules = [name for name in api.__all__ if inspect.ismodule(getattr(api, name))]
    verbs = [name for name, value in vars(api.Launch).items() if isinstance(value, property) or callable(value)]
    return {
        "ltitools.plugin": list(api.__all__),
        "Plugin": [field.name for field in fields(api.Plugin)],
        "Launch": [field.name for field in fields(api.Launch)] + [name for name in verbs if name[0] != "_"],
        **{name: list(getattr(api, name).__all__) for name in modules},
    }


@pytest.mark.parametrize("heading", names_of_the_api())
def test_everything_that_a_tool_may_use_is_in_the_reference_and_nothing_is_left_over(heading: str) -> None:
    assert sorted(listed_below(heading)) == sorted(names_of_the_api()[heading])


def test_every_module_of_the_api_has_a_table_and_no_table_is_left_over() -> None:
    reference = (DOCS / "writing-a-plugin.md").read_text("utf-8").partition("\n## Reference\n")[2]
    assert re.findall(r"^### (.+)$", reference, re.MULTILINE) == list(names_of_the_api())


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    """The files of docs/writing-a-plugin.md, each written where the page says it stands."""
    return write_hello(tmp_path)


def test_the_tool_that_the_documentation_makes_passes_its_own_tests(hello: Path) -> None:
    """In a process of its own: its tables must not get among those of this one."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "tests"],
        cwd=hello,
        env={**os.environ, "PYTHONPATH": str(hello), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout


def test_the_package_of_that_tool_names_its_plugin(hello: Path) -> None:
    project = tomllib.loads((hello / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"][GROUP] == {"hello": "ltitools_hello:plugin"}
    assert "\nplugin = Plugin(" in (hello / "ltitools_hello" / "__init__.py").read_text("utf-8")
