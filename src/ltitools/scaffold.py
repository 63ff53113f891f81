"""``ltitools new-plugin``: the files of a small tool that works, for somebody who begins one.

The files stand in the folder ``scaffold`` beside this module, with ``$key`` and the like where the tool's own words go.
"""

from __future__ import annotations

from pathlib import Path
from string import Template

import click

from ltitools import __version__
from ltitools.errors import Conflict
from ltitools.plugins import KEY_FORM, RESERVED, discover

TEMPLATES = Path(__file__).parent / "scaffold"
FILES = {
    "pyproject.toml.txt": "pyproject.toml",
    "README.md.txt": "README.md",
    "tool.py.txt": "ltitools_$key/__init__.py",
    "page.html.txt": "ltitools_$key/templates/$key/page.html",
    "pick.html.txt": "ltitools_$key/templates/$key/pick.html",
    "fr.po.txt": "ltitools_$key/translations/fr/$key.po",
    "test.py.txt": "tests/test_$key.py",
}


@click.command("new-plugin")
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="Where to put it; here, unless said otherwise.",
)
def new_plugin(name: str, folder: Path) -> None:
    """Begin a tool: write the files of a small one that works. NAME is a word, such as hello."""
    written = write(name, folder)
    click.echo(f"Wrote {written}: a tool with a page, a form, a score, and tests. Next:\n")
    click.echo(f"  pip install --editable {written}   (into the environment that ltitools is in)")
    click.echo(f"  pytest {written}")
    click.echo("  ltitools demo   (sign in as a teacher, and add an activity)\n")
    click.echo(f"Then change {written / f'ltitools_{name}' / '__init__.py'}.")
    click.echo("docs/writing-a-plugin.md says what else there is.")


def write(key: str, folder: Path) -> Path:
    """Write a tool with this key below `folder`, and return where it is. Raises Conflict with one sentence."""
    _check_key(key)
    dashed = key.replace("_", "-")
    target = folder / f"ltitools-{dashed}"
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Conflict(f"{target} is there and not empty: choose another --folder, or move it away.")
    words = {"key": key, "dashed": dashed, "title": key.replace("_", " ").capitalize(), "version": __version__}
    for source, name in FILES.items():
        path = target / Template(name).substitute(words)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template((TEMPLATES / source).read_text("utf-8")).substitute(words), "utf-8")
    (target / f"ltitools_{key}" / "py.typed").touch()
    return target


def _check_key(key: str) -> None:
    """A key is part of addresses, tables and modules, so it is one plain word that nobody else has."""
    if not KEY_FORM.fullmatch(key):
        raise Conflict(f"A tool is named by a word of a-z, 0-9 and _ that begins with a letter; {key!r} is not.")
    if key in RESERVED:
        raise Conflict(f"The name {key!r} belongs to ltitools itself: choose another.")
    for taken in discover():
        if key == taken:
            raise Conflict(f"A tool {key!r} is installed already: choose another name.")
        if key.startswith(f"{taken}_") or taken.startswith(f"{key}_"):
            raise Conflict(f"The names {key!r} and {taken!r}, which is installed, would share table names.")
