"""``ltitools badges import|award|revoke``: micro-credentials from files, and decisions about many people at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from ltitools.plugin import Conflict, activities, audit, courses, session, tenants, use_locale
from ltitools_badges import achievements, bulk, issuers, rules
from ltitools_badges.cli import commands
from ltitools_badges.core import design
from ltitools_badges.core.content import MicroCredential
from ltitools_badges.models import Achievement, Rule, Score
from ltitools_badges.rules import Part, Terms

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
MEMBERS = {"editions", "design", "rule"}


@commands.command("import")
@click.argument("file", type=FILE)
@click.option("--tenant", "tenant_key", required=True, help="The key of the institution.")
@click.option("--slug", required=True, help="The short name of the micro-credential; its links and address carry it.")
@click.option("--only-missing", is_flag=True, help="Do nothing where the institution has this micro-credential.")
def import_file(file: Path, tenant_key: str, slug: str, only_missing: bool) -> None:
    """Publish a micro-credential of the institution from a JSON FILE, with its design and what earns it.

    A file that has two editions makes two, linked to each other; the rule is that of the first. A micro-credential
    that is there gets a new version where the file says something else.
    """
    tenant = tenants.by_key(tenant_key)
    if only_missing and achievements.find(tenant.id, slug) is not None:
        click.echo(f"{slug}: is there, and was left as it is.")
        return
    with use_locale("en"):
        try:
            contents, drawn, terms = _read(tenant.id, file.read_bytes())
            made = _publish(tenant.id, slug, contents[0], drawn)
            for other in contents[1:]:
                twin = achievements.add_twin(tenant.id, made.id, None)
                _publish(tenant.id, twin.slug, other, drawn)
            if terms is not None:
                rules.save(tenant.id, made.id, None, terms)
            issuers.of(tenant)
            version = achievements.latest(tenant.id, made.id)
        except (ValueError, KeyError, TypeError, Conflict) as problem:
            session.rollback()
            raise click.ClickException(f"{file.name} was not imported: {problem}") from problem
    click.echo(f"badges:{slug}: version {version.number if version else 0}, {len(contents)} editions.")


def _read(tenant_id: int, data: bytes) -> tuple[list[MicroCredential], design.Design | None, Terms | None]:
    given = json.loads(data)
    if not isinstance(given, dict) or not given.get("editions") or set(given) - MEMBERS:
        raise ValueError(f"the file has to be an object with the members {', '.join(sorted(MEMBERS))}")
    contents = [MicroCredential.from_json(one) for one in given["editions"]]
    if len({one.language for one in contents}) < len(contents):
        raise ValueError("two editions have the same language")
    drawn = design.Design.from_json(given["design"]) if "design" in given else None
    return contents, drawn, _terms(tenant_id, given["rule"]) if "rule" in given else None


def _terms(tenant_id: int, given: dict[str, Any]) -> Terms:
    parts = []
    for name in given.get("activities", ()):
        plugin, _, slug = str(name).partition(":")
        found = activities.find(tenant_id, plugin, slug)
        if found is None:
            raise ValueError(f"the institution has no activity {name}")
        parts.append(Part(found.id))
    try:
        threshold = Decimal(str(given.get("threshold", rules.PASS)))
    except InvalidOperation:
        raise ValueError("the threshold is no number") from None
    return Terms(tuple(parts), str(given.get("kind", rules.ALL)), threshold).checked()


def _publish(tenant_id: int, slug: str, content: MicroCredential, drawn: design.Design | None) -> Achievement:
    found = achievements.find(tenant_id, slug)
    if found is None:
        found = achievements.create(tenant_id, content.name, content.language, None, slug)
    shown = achievements.shown(tenant_id, found.id)
    is_new = shown.state == "draft" or achievements.content_of(shown) != content
    if is_new or (drawn is not None and shown.design != drawn.to_json()):
        achievements.save(achievements.draft_of(tenant_id, found.id), content, drawn)
        achievements.publish(tenant_id, found.id)
    return found


def about_many(command: Callable[..., None]) -> Callable[..., None]:
    """What the two commands that decide about many people are told."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Only say what would happen."),
        click.option("--course", "course_id", type=int, help="The number of the course, where several use it."),
        click.option("--slug", required=True, help="The short name of the micro-credential."),
        click.option("--tenant", "tenant_key", required=True, help="The key of the institution."),
        click.argument("file", type=FILE),
    ):
        command = option(command)
    return command


@commands.command("award")
@about_many
def award(file: Path, tenant_key: str, slug: str, course_id: int | None, dry_run: bool) -> None:
    """Give a micro-credential to the people of a CSV FILE with the columns email or name, and reason."""
    _carry_out(bulk.GIVE, file, tenant_key, slug, course_id, dry_run)


@commands.command("revoke")
@about_many
def revoke(file: Path, tenant_key: str, slug: str, course_id: int | None, dry_run: bool) -> None:
    """Revoke the badges of the people of a CSV FILE with the columns email or name, and reason."""
    _carry_out(bulk.REVOKE, file, tenant_key, slug, course_id, dry_run)


def _carry_out(action: str, file: Path, tenant_key: str, slug: str, course_id: int | None, dry_run: bool) -> None:
    tenant = tenants.by_key(tenant_key)
    achievement = achievements.find(tenant.id, slug)
    if achievement is None:
        raise click.ClickException(f"{tenant_key} has no micro-credential {slug!r}.")
    if action == bulk.GIVE and achievements.latest(tenant.id, achievement.id) is None:
        raise click.ClickException(f"{slug} is not published yet.")
    course = _course(tenant.id, achievement.id, course_id)
    with use_locale("en"):
        report = bulk.read(tenant, achievement, course, action, bulk.text_of(file.read_bytes()))
        if report.problem is not None:
            raise click.ClickException(str(report.problem))
        for line in report.bad:
            click.echo(f"line {line.number}, {line.who or '-'}: {line.problem}", err=True)
        if not dry_run:
            bulk.carry_out(tenant, achievement, course, action, report, None)
            audit.record(f"badges.{'award' if action == bulk.GIVE else 'revoke'}", slug, tenant.id, n=len(report.good))
    done = {bulk.GIVE: "given", bulk.REVOKE: "revoked"}[action]
    click.echo(f"{len(report.good)} {'would be' if dry_run else 'were'} {done}, {len(report.bad)} lines were refused.")


def _course(tenant_id: int, achievement_id: int, wanted: int | None) -> int:
    """The course that is meant: the one that was named, or the only one that has something to do with it."""
    own = select(Rule.course_id).where(Rule.tenant_id == tenant_id, Rule.achievement_id == achievement_id)
    known = {number for number in session.scalars(own) if number is not None}
    if not known:
        known = set(session.scalars(select(Score.course_id).where(Score.tenant_id == tenant_id)))
    if wanted is not None:
        if wanted not in courses.named(tenant_id, [wanted]):
            raise click.ClickException(f"The institution has no course {wanted}.")
        return wanted
    if len(known) != 1:
        titles = courses.named(tenant_id, known)
        listed = "; ".join(f"{number} ({titles[number].title})" for number in sorted(known)) or "none yet"
        raise click.ClickException(f"Name the course with --course. Courses: {listed}.")
    return known.pop()
