"""``ltitools diagnostic``: what an administrator does without a browser."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ltitools.plugin import activities, session, tenants
from ltitools_diagnostic import formats, guidance, pictures, versions
from ltitools_diagnostic.csvfile import Problem
from ltitools_diagnostic.guidance import Role
from ltitools_diagnostic.guidancefile import FromFile, read_modules, read_roles
from ltitools_diagnostic.importing import Imported
from ltitools_diagnostic.planning import Module
from ltitools_diagnostic.scoring import can_show
from ltitools_diagnostic.versions import KEY


@click.group("diagnostic")
def commands() -> None:
    """Pre-assessments by competency."""


FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True)
class Around:
    """Modules and job roles that came in files of their own; None where there was no file."""

    modules: FromFile[Module] | None
    roles: FromFile[Role] | None

    @property
    def files(self) -> dict[str, FromFile[Module] | FromFile[Role]]:
        """What there is, by what it is called in reports."""
        both = {"modules": self.modules, "roles": self.roles}
        return {name: read for name, read in both.items() if read is not None}


@commands.command("import")
@click.argument("file", type=FILE)
@click.option("--tenant", "tenant_key", required=True, help="The key of the institution.")
@click.option("--slug", required=True, help="The short name of the pre-assessment; its links carry it.")
@click.option("--title", help="Its title for learners; by default the one it has, or the slug.")
@click.option("--language", type=click.Choice(["en", "fr"]), default="en", help="Of columns that do not say theirs.")
@click.option("--modules", type=FILE, help="Its modules, as CSV, for courses that have none of their own.")
@click.option("--roles", type=FILE, help="Its job roles, as CSV.")
@click.option("--only-missing", is_flag=True, help="Keep the modules and job roles that are there already.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def import_file(
    file: Path,
    tenant_key: str,
    slug: str,
    title: str | None,
    language: str,
    modules: Path | None,
    roles: Path | None,
    only_missing: bool,
    as_json: bool,
) -> None:
    """Publish the questions of a CSV or GIFT FILE. With an error in a file nothing is stored and the status is 1."""
    tenant = tenants.by_key(tenant_key)
    imported = pictures.with_missing(tenant.id, formats.read(file.read_bytes(), file.name, language))
    around = _read_around(imported, modules, roles, language)
    refused = not imported.bank.items or any(read.errors for read in (imported, *around.files.values()))
    outcome = "refused"
    if not refused:
        outcome = _publish(tenant.id, slug, title, imported)
        _store_around(tenant.id, slug, around, only_missing=only_missing)
    if as_json:
        click.echo(json.dumps(_as_json(outcome, slug, imported, around), ensure_ascii=False, indent=2))
    else:
        _print(outcome, slug, imported, around)
    if refused:
        raise SystemExit(1)
    session.commit()


def _read_around(imported: Imported, modules: Path | None, roles: Path | None, language: str) -> Around:
    """Read modules and job roles, unless the questions have errors: then their competencies are not known yet."""
    if imported.errors:
        return Around(None, None)
    known = {each.code: each.titles for each in imported.bank.competencies}
    asked = [code for code, count in imported.bank.counts.items() if count]
    return Around(
        read_modules(modules.read_bytes(), known, language) if modules else None,
        read_roles(roles.read_bytes(), known, asked, language) if roles else None,
    )


def _store_around(tenant_id: int, slug: str, around: Around, *, only_missing: bool) -> None:
    activity = activities.find(tenant_id, KEY, slug)
    assert activity is not None
    if around.modules and not (only_missing and guidance.has_modules(tenant_id, activity.id)):
        guidance.save_modules(tenant_id, activity.id, None, around.modules.found)
    if around.roles and not (only_missing and guidance.roles_of(tenant_id, activity.id)):
        guidance.save_roles(tenant_id, activity.id, around.roles.found)


def _publish(tenant_id: int, slug: str, title: str | None, imported: Imported) -> str:
    """Publish unless the same questions are published: the number of the version, or ``unchanged``."""
    activity = activities.find(tenant_id, KEY, slug)
    if activity is None:
        activity = activities.create(tenant_id, KEY, slug, title or slug)
    elif title:
        activities.change(tenant_id, activity.id, title=title)
    live = versions.published(tenant_id, activity.id)
    if live is not None and live.digest == versions.digest(imported.bank):
        return "unchanged"
    per_competency = live.per_competency if live else None
    draft = versions.keep_draft(tenant_id, activity.id, imported.bank, per_competency)
    versions.publish(draft)
    return f"version {draft.number}"


def _print(outcome: str, slug: str, imported: Imported, around: Around) -> None:
    for name, read in {"": imported, **around.files}.items():
        for problem in read.errors:
            click.echo(f"error: {_line(name, problem)}", err=True)
        for problem in read.warnings:
            click.echo(f"warning: {_line(name, problem)}", err=True)
    for problem in imported.skipped:
        click.echo(f"left out: {_line('', problem)}", err=True)
    for code, count in imported.bank.counts.items():
        weak = "" if can_show(count) else " (too few to show the competency; 6 are needed)"
        click.echo(f"{code}: {count} questions{weak}")
    for name, read in around.files.items():
        click.echo(f"{name}: {len(read.found)}")
    if outcome == "refused":
        errors = [problem for read in (imported, *around.files.values()) for problem in read.errors]
        click.echo(f"Nothing was stored: {len(errors)} errors, {len(imported.bank.items)} questions that can be asked.")
    elif outcome == "unchanged":
        click.echo(f"{KEY}:{slug} is unchanged: these questions are published already.")
    else:
        click.echo(f"{KEY}:{slug} {outcome} is published, {len(imported.bank.items)} questions.")


def _line(name: str, problem: Problem) -> str:
    place = [name] if name else []
    place += [f"row {problem.row}"] if problem.row else []
    place += [problem.column] if problem.column else []
    shown = f" [{problem.value}]" if problem.value else ""
    return ", ".join(place) + (": " if place else "") + str(problem.text) + shown


def _as_json(outcome: str, slug: str, imported: Imported, around: Around) -> dict[str, Any]:
    def told(problems: Sequence[Problem]) -> list[dict[str, Any]]:
        return [
            {"row": problem.row, "column": problem.column, "value": problem.value, "text": str(problem.text)}
            for problem in problems
        ]

    return {
        "activity": f"{KEY}:{slug}",
        "outcome": outcome,
        "questions": len(imported.bank.items),
        "competencies": imported.bank.counts,
        "errors": told(imported.errors),
        "warnings": told(imported.warnings),
        "skipped": told(imported.skipped),
        **{
            name: {"count": len(read.found), "errors": told(read.errors), "warnings": told(read.warnings)}
            for name, read in around.files.items()
        },
    }
