"""What the README of this tool shows: its file is published, and says what the table beside it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

from click.testing import CliRunner
from earning import Campus

from ltitools.plugin import activities
from ltitools.testing import writing
from ltitools_badges import achievements, cli, considering, rules, signing, views_verify
from ltitools_badges.core import reading, status
from ltitools_badges.core.content import completeness
from ltitools_badges.foreign import FRESH

ROOT = Path(__file__).parents[3]
README = (ROOT / "plugins/badges/README.md").read_text("utf-8")
OPERATIONS = (ROOT / "docs/badges.md").read_text("utf-8")
SECURITY = (ROOT / "docs/security.md").read_text("utf-8")


def example() -> str:
    """The file that the README shows."""
    found = re.search(r"^```json\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_file_of_the_readme_is_published_by_the_command_beside_it(campus: Campus, tmp_path: Path) -> None:
    file = tmp_path / "first-aid.json"
    file.write_text(example(), "utf-8")
    with writing(campus.app):
        activities.create(campus.tenant.id, "diagnostic", "first-aid", "First aid")
    command = next(line for line in README.splitlines() if line.startswith("ltitools badges import "))
    words = [str(file) if word == "first-aid.json" else word for word in command.split()[2:]]
    for _twice in range(2):
        with writing(campus.app):
            done = CliRunner().invoke(cli.commands, words)
        assert done.exit_code == 0, done.output
        assert done.output == "badges:first-aid: version 1, 2 editions.\n"
    with campus.app.app_context():
        made = achievements.find(campus.tenant.id, "first-aid")
        assert made is not None
        rule = rules.find(campus.tenant.id, made.id, None)
        assert rule is not None
        assert rules.terms_of(rule).threshold == 80
        version = achievements.latest(campus.tenant.id, made.id)
        assert version is not None
        assert completeness(achievements.content_of(version), "CA").percent > 80


def test_every_command_of_this_tool_is_in_its_table() -> None:
    shown = set(re.findall(r"^\| `ltitools badges ([a-z-]+)", README, re.MULTILINE))
    assert shown == set(cli.commands.commands)


def test_the_numbers_in_the_documentation_are_those_of_the_code() -> None:
    assert f"the last check is older than {FRESH.seconds // 60} minutes" in README
    assert f"{rules.PASS} % unless you say otherwise" in README
    assert f"a list of {status.LENGTH:,} bits" in OPERATIONS
    assert views_verify.MAX_BYTES == 1024 * 1024
    limits = f"{reading.MAX_BYTES // 1024} KB of text\n  in {reading.MAX_OBJECTS:,} objects, {reading.MAX_DEPTH} deep"
    assert f"at most 1 MB, and {limits}" in SECURITY


def test_what_the_readme_calls_parts_of_the_package_is_there() -> None:
    named = re.findall(r"`(\w+\.py)`", README)
    folder = Path(considering.__file__).parent
    assert Path(signing.__file__).name in named
    assert [name for name in named if not (folder / name).is_file()] == []


def test_the_example_names_what_the_demo_names_too() -> None:
    """Both files have the form that the README describes, and no other member."""
    demo = json.loads((ROOT / "config/demo/ai-safety-badge.json").read_text("utf-8"))
    assert set(demo) == set(json.loads(example()))
