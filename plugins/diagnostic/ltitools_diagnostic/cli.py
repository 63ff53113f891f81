"""``ltitools diagnostic``: what an administrator does without a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ltitools.plugin import activities, session, tenants
from ltitools_diagnostic import importing, versions
from ltitools_diagnostic.csvfile import Problem
from ltitools_diagnostic.importing import Imported
from ltitools_diagnostic.scoring import can_show
from ltitools_diagnostic.versions import KEY


@click.group("diagnostic")
def commands() -> None:
    """Pre-assessments by competency."""


@commands.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--tenant", "tenant_key", required=True, help="The key of the institution.")
@click.option("--slug", required=True, help="The short name of the pre-assessment; its links carry it.")
@click.option("--title", help="Its title for learners; by default the one it has, or the slug.")
@click.option("--language", type=click.Choice(["en", "fr"]), default="en", help="Of columns that do not say theirs.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def import_file(file: Path, tenant_key: str, slug: str, title: str | None, language: str, as_json: bool) -> None:
    """Publish the questions of a CSV FILE. With an error in it nothing is stored and the exit status is 1."""
    tenant = tenants.by_key(tenant_key)
    imported = importing.read(file.read_bytes(), language)
    outcome = "refused" if imported.errors else _publish(tenant.id, slug, title, imported)
    if as_json:
        click.echo(json.dumps(_as_json(outcome, slug, imported), ensure_ascii=False, indent=2))
    else:
        _print(outcome, slug, imported)
    if imported.errors:
        raise SystemExit(1)
    session.commit()


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


def _print(outcome: str, slug: str, imported: Imported) -> None:
    for problem in imported.errors:
        click.echo(f"error: {_line(problem)}", err=True)
    for problem in imported.warnings:
        click.echo(f"warning: {_line(problem)}", err=True)
    for code, count in imported.bank.counts.items():
        weak = "" if can_show(count) else " (too few to show the competency; 6 are needed)"
        click.echo(f"{code}: {count} questions{weak}")
    if outcome == "refused":
        click.echo(f"Nothing was stored: {len(imported.errors)} errors.")
    elif outcome == "unchanged":
        click.echo(f"{KEY}:{slug} is unchanged: these questions are published already.")
    else:
        click.echo(f"{KEY}:{slug} {outcome} is published, {len(imported.bank.items)} questions.")


def _line(problem: Problem) -> str:
    place = [f"row {problem.row}"] if problem.row else []
    place += [problem.column] if problem.column else []
    shown = f" [{problem.value}]" if problem.value else ""
    return ", ".join(place) + (": " if place else "") + str(problem.text) + shown


def _as_json(outcome: str, slug: str, imported: Imported) -> dict[str, Any]:
    def told(problem: Problem) -> dict[str, Any]:
        return {
            "row": problem.row,
            "column": problem.column,
            "value": problem.value,
            "text": str(problem.text),
        }

    return {
        "activity": f"{KEY}:{slug}",
        "outcome": outcome,
        "questions": len(imported.bank.items),
        "competencies": imported.bank.counts,
        "errors": [told(problem) for problem in imported.errors],
        "warnings": [told(problem) for problem in imported.warnings],
    }
