"""``ltitools person`` and parts of ``ltitools tenant``: what is kept of people, and institutions that go."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from ltitools.commands import as_json, print_one, print_rows, with_app
from ltitools.services import tenants
from ltitools.services.privacy import erasing, exporting, finding, removing, retention

of_tenant = click.option("--tenant", "tenant_key", required=True, metavar="KEY", help="The institution.")


@click.group("person")
def person() -> None:
    """People: find, export and erase what is kept of them."""


@person.command("find")
@click.argument("text")
@of_tenant
@as_json
@with_app
def person_find(text: str, tenant_key: str, as_json: bool) -> None:
    """Find people by a part of their name or e-mail address, or by their number in the platform (sub).

    One human is several persons where an institution has several platforms.
    """
    rows = [
        {
            "number": one.person.id,
            "name": one.person.name,
            "email": one.person.email,
            "sub": one.person.sub,
            "platform": one.platform,
            "courses": list(one.courses),
            "seen": one.person.seen_at.isoformat(timespec="seconds"),
        }
        for one in finding.find(tenants.by_key(tenant_key).id, text)
    ]
    print_rows(rows, as_json, empty="Nobody was found.")


@person.command("export")
@click.argument("number", type=int)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@of_tenant
@with_app
def person_export(number: int, file: Path, tenant_key: str) -> None:
    """Write everything that is kept of the person with this NUMBER to FILE, as JSON."""
    file.write_bytes(exporting.as_json(finding.get(tenants.by_key(tenant_key).id, number)))
    click.echo(f"Wrote {file}. It is confidential: give it to that person alone.")


@person.command("erase")
@click.argument("number", type=int)
@of_tenant
@click.option("--yes", is_flag=True, help="Do it. Without it, only say what would be done.")
@with_app
def person_erase(number: int, tenant_key: str, yes: bool) -> None:
    """Erase the person with this NUMBER: their work, results, visits and name."""
    found = finding.get(tenants.by_key(tenant_key).id, number)
    done = erasing.erase(found) if yes else erasing.plan(found)
    _print_counts("removed", done.removed)
    _print_counts("emptied, because others hold its number", done.emptied)
    if done.waiting_grades:
        click.echo(f"{done.waiting_grades} grades wait for the platform and are not sent any more.")
    click.echo("What the platform itself keeps, such as grades that it has, stays there.")
    click.echo(f"Person {number} is erased." if yes else "Nothing was changed. With --yes it is done, for good.")


@click.command("retention")
@click.argument("key")
@click.option(
    "--days", type=int, help=f"Erase people so long after they were last seen: {retention.FEWEST_DAYS} or more."
)
@click.option("--off", is_flag=True, help="Erase nobody by itself.")
@click.option("--check", is_flag=True, help="Only say how many would be erased now.")
@with_app
def tenant_retention(key: str, days: int | None, off: bool, check: bool) -> None:
    """Say how long people of an institution are kept, or change it.

    Somebody is seen when they open a tool or when the platform lists them in a course. Nobody is erased as long as a
    grade of theirs waits for the platform.
    """
    tenant = tenants.by_key(key)
    if days is not None and off:
        raise click.UsageError("Say either --days or --off.")
    if not check and (off or days is not None):
        retention.set_days(tenant, days)
    asked = days if check and days is not None else tenant.retention_days
    if asked is None:
        click.echo(f"People of tenant {key} are kept without end.")
        return
    due = retention.due(tenant, asked)
    click.echo(f"{'If kept' if check else 'Kept'} for {asked} days: {len(due.people)} people are due now,")
    click.echo(f"{due.waiting} more stay because a grade of theirs waits for the platform.")


@click.command("export")
@click.argument("key")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@as_json
@with_app
def tenant_export(key: str, file: Path, as_json: bool) -> None:
    """Write everything of an institution to FILE, a ZIP of one JSON file for each table, without keys and tokens."""
    with file.open("wb") as out:
        rows = removing.export(tenants.by_key(key), out)
    if as_json:
        print_one(rows, True)
        return
    click.echo(f"Wrote {sum(rows.values())} rows of {len(rows)} tables to {file}. It is confidential.")


@click.command("remove")
@click.argument("key")
@click.option("--announce", is_flag=True, help="Switch the institution off now, and remove it after --days.")
@click.option("--days", default=removing.WAITING_DAYS, show_default=True, help="How long to wait.")
@click.option("--now", is_flag=True, help="Do not wait any longer. It must have been announced.")
@with_app
def tenant_remove(key: str, announce: bool, days: int, now: bool) -> None:
    """Remove an institution with all that it has. Without an option, only say what that is.

    It is announced first, and can be called off until it is done with `ltitools tenant keep`.
    """
    tenant = tenants.by_key(key)
    if now:
        click.echo(f"Removed tenant {key}: {removing.remove(tenant)} rows.")
        return
    _print_counts("removed", removing.plan(tenant))
    if announce:
        when = removing.announce(tenant, days)
        click.echo(f"Tenant {key} is off, and is removed after {when:%Y-%m-%d %H:%M} UTC.")
        return
    click.echo("Nothing was changed. With --announce it is done after a while.")


@click.command("keep")
@click.argument("key")
@with_app
def tenant_keep(key: str) -> None:
    """Call the removal of an institution off, and switch it on again."""
    removing.keep(tenants.by_key(key))
    click.echo(f"Tenant {key} is kept, and on.")


tenant_privacy = (tenant_retention, tenant_export, tenant_remove, tenant_keep)


def _print_counts(heading: str, counts: Mapping[str, int]) -> None:
    if counts:
        click.echo(f"Rows to be {heading}:")
    for name, number in counts.items():
        click.echo(f"  {name:<28}{number:>8}")
