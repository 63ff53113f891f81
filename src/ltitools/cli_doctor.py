"""``ltitools doctor``: what keeps launches and grades from working, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click

from ltitools.commands import as_json, print_rows, with_app
from ltitools.services.doctor import Finding, Level, examine

MARKS = {Level.OK: "ok", Level.WARNING: "WARNING", Level.PROBLEM: "PROBLEM"}
INDENT = " " * 9


@click.command("doctor")
@click.option("--tenant", "tenant_key", required=True, metavar="KEY", help="The institution.")
@click.option("--registration", "number", type=int, metavar="NUMBER", help="Only this registration.")
@as_json
@with_app
def doctor(tenant_key: str, number: int | None, as_json: bool) -> None:
    """Check settings, own address, certificates, clocks and what the LMS answers; say what to change.

    The exit status is 1 where there is a problem. Nothing is changed.
    """
    findings = examine(tenant_key, number)
    if as_json:
        print_rows([asdict(each) for each in findings], True, empty="")
    else:
        _print(findings)
    if any(each.level is Level.PROBLEM for each in findings):
        click.get_current_context().exit(1)


def _print(findings: Sequence[Finding]) -> None:
    about: int | None = None
    for each in findings:
        if each.registration != about:
            about = each.registration
            click.echo(f"\nRegistration {about}")
        click.echo(f"{MARKS[each.level]:<9}{each.code}: {each.what}")
        if each.change:
            click.echo(f"{INDENT}→ {each.change}")
    counts = {level: sum(each.level is level for each in findings) for level in (Level.PROBLEM, Level.WARNING)}
    click.echo(f"\nProblems: {counts[Level.PROBLEM]}, warnings: {counts[Level.WARNING]}.")
    if any(counts.values()):
        click.echo("docs/doctor.md explains each code.")
