"""What commands have in common: the application to run in, and how rows are printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click
from flask import Flask

from ltitools.app import create_app
from ltitools.context import current_host
from ltitools.db import db, session, set_read_only
from ltitools.errors import SettingsError
from ltitools.migrations import pending
from ltitools.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def with_app(command: Callable[P, R]) -> Callable[P, R]:
    """Run a command inside the application, its changes as one transaction."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        app = make_app()
        with app.app_context():
            set_read_only(False)
            try:
                check_migrated()
                result = command(*args, **kwargs)
                session.commit()
            finally:
                session.remove()
                db.engine.dispose()
            return result

    return run


def make_app() -> Flask:
    """The application for a command: it needs a secret key, no public address."""
    settings = Settings.load()
    if len(settings.secret_key) < 32:
        raise SettingsError("LTITOOLS_SECRET_KEY is missing or shorter than 32 characters.")
    return create_app(settings)


def public_url() -> str:
    """The address of the server, for links. Raises SettingsError where it is not set."""
    address = current_host().settings.public_url
    if not address:
        raise SettingsError("LTITOOLS_PUBLIC_URL is missing: a link needs the address of this server.")
    return address


def check_migrated() -> None:
    """Refuse to work on a database that lacks migrations."""
    waiting = pending(session.connection())
    session.rollback()
    if waiting:
        raise SettingsError(f"The database lacks {len(waiting)} migration(s). Run `ltitools db upgrade` first.")


def print_rows(rows: Sequence[Mapping[str, Any]], as_json: bool, *, empty: str) -> None:
    """Rows as JSON or as a table."""
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    if not rows:
        click.echo(empty)
        return
    names = list(rows[0])
    cells = [[name.replace("_", " ") for name in names], *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    for line in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_one(row: Mapping[str, Any], as_json: bool) -> None:
    """One thing as JSON (a list of one, as `list` prints) or as lines."""
    if as_json:
        print_rows([row], True, empty="")
        return
    for name, value in row.items():
        click.echo(f"{name.replace('_', ' '):<20} {_cell(value)}")


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(" ".join(map(str, one.values())) if isinstance(one, dict) else str(one) for one in value)
    return str(value)
