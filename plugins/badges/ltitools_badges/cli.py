"""``ltitools badges``: checking a badge, and what an operator does with an institution's keys."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ltitools.plugin import audit, session, tenants, use_locale
from ltitools_badges import considering, exporting, issuers, signing, verdicts
from ltitools_badges.checking_process import check_apart
from ltitools_badges.views_verify import MAX_BYTES, fetch

EXIT = {"good": 0, "bad": 1, "unknown": 2}
SIGNS = {"good": "+", "bad": "-", "unknown": "?"}
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
TENANT = click.argument("tenant_key", metavar="TENANT")


@click.group("badges")
def commands() -> None:
    """Badges that anyone can check."""


@commands.command("verify")
@click.argument("what", metavar="FILE|URL")
@click.option("--recipient", default="", help="E-mail address or name of the person whose it should be.")
@as_json
def verify(what: str, recipient: str, as_json: bool) -> None:
    """Check a badge: PNG, SVG, JSON or JWT, of whichever issuer.

    The status is 0 where it is genuine and in force, 1 where it is not, 2 where that could not be found out.
    """
    report = check_apart(_given(what), fetch, recipient=recipient)
    with use_locale("en"):
        if as_json:
            click.echo(json.dumps(verdicts.as_json(report), ensure_ascii=False, indent=2))
        else:
            verdict = verdicts.of(report)
            click.echo(verdict.headline)
            for line in verdict.lines:
                click.echo(f"{SIGNS[line.outcome]} {line.what} {line.text}")
            for name, value, _address in verdict.facts:
                click.echo(f"  {name}: {value}")
    raise SystemExit(EXIT[report.verdict])


def _given(what: str) -> bytes:
    if what.startswith(("https://", "http://")):
        found = fetch(what)
        if found is None:
            raise click.ClickException(f"Nothing could be read at {what}.")
        return found
    try:
        with Path(what).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as problem:
        raise click.ClickException(f"{what} cannot be read: {problem.strerror}.") from problem
    if len(content) > MAX_BYTES:
        raise click.ClickException(f"{what} is larger than 1 MB, which no badge has a reason to be.")
    return content


@commands.command("keys")
@TENANT
@as_json
def keys(tenant_key: str, as_json: bool) -> None:
    """List the keys with which the badges of TENANT are signed, the newest first."""
    tenant = tenants.by_key(tenant_key)
    rows = [
        {
            "name": key.name,
            "kind": key.kind,
            "since": f"{key.created_at:%Y-%m-%d}",
            "withdrawn": f"{key.withdrawn_at:%Y-%m-%d}" if key.withdrawn_at else None,
        }
        for key in issuers.keys(tenant.id)
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif not rows:
        click.echo(f"{tenant.key} has given no badge yet, and has no key.")
    else:
        for row in rows:
            state = f"withdrawn {row['withdrawn']}" if row["withdrawn"] else "listed"
            click.echo(f"{row['name']:<20} {row['kind']:<8} since {row['since']}  {state}")


@commands.command("rotate")
@TENANT
def rotate(tenant_key: str) -> None:
    """Let TENANT sign with new keys. What was signed before still checks."""
    added = issuers.rotate(tenants.by_key(tenant_key))
    click.echo(f"From now on these sign: {', '.join(key.name for key in added)}.")


@commands.command("withdraw")
@TENANT
@click.argument("name", metavar="KEY")
def withdraw(tenant_key: str, name: str) -> None:
    """Take back a KEY of TENANT that fell into other hands, and sign anew what it had signed.

    Badges keep their addresses. Files that holders have of before fail from now on: they can get new ones there.
    """
    tenant = tenants.by_key(tenant_key)
    issuers.withdraw(tenant, name)
    session.commit()
    click.echo(f"{name} is listed no more; {signing.sign_due(tenant)} badges were signed anew.")


@commands.command("resign")
@TENANT
def resign(tenant_key: str) -> None:
    """Sign every badge and status list of TENANT anew, with its present keys and at the same addresses."""
    tenant = tenants.by_key(tenant_key)
    asked = issuers.forget_signatures(tenant.id)
    audit.record("badges.resign", tenant.key, tenant.id, badges=asked)
    session.commit()
    click.echo(f"{signing.sign_due(tenant)} of {asked} badges were signed anew.")


@commands.command("address")
@TENANT
@click.option("--keep", "decision", flag_value="keep", help="Badges go on naming the address of the first badge.")
@click.option("--move", "decision", flag_value="move", help="Badges name the present address, and are signed anew.")
def address(tenant_key: str, decision: str | None) -> None:
    """Show which address the badges of TENANT name, or decide it after the server's address has changed.

    With --keep the old address must go on leading to this server. With --move files that holders have of before can be
    checked only as long as the old address answers.
    """
    tenant = tenants.by_key(tenant_key)
    if decision == "keep":
        issuer = issuers.keep_address(tenant)
        considering.ask_everywhere(tenant.id)
    elif decision == "move":
        issuer = issuers.move_address(tenant)
        considering.ask_everywhere(tenant.id)
        session.commit()
        click.echo(f"{signing.sign_due(tenant)} badges were signed anew.")
    else:
        found = issuers.find(tenant.id)
        if found is None:
            click.echo(f"{tenant.key} has given no badge yet.")
            return
        issuer = found
    click.echo(f"{issuer.did} at {issuer.base}")
    with use_locale("en"):
        problem = issuers.problem(issuer)
        if problem:
            click.echo(str(problem), err=True)


@commands.command("export-issuer")
@TENANT
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@as_json
def export_issuer(tenant_key: str, file: Path, as_json: bool) -> None:
    """Write all public pages and documents of TENANT to a zip FILE that any web server can serve in our place."""
    tenant = tenants.by_key(tenant_key)
    with file.open("wb") as out:
        counts = exporting.in_a_request(tenant, out)
    audit.record("badges.export", file.name, tenant.id, badges=counts.badges)
    if as_json:
        click.echo(json.dumps(vars(counts), indent=2))
        return
    click.echo(f"{file}: {counts.badges} badges, {counts.versions} descriptions, {counts.lists} status lists.")
    if counts.hidden:
        click.echo(f"Left out, as their holders do not share them: {counts.hidden}.")
    if counts.waiting:
        click.echo(f"Left out, as the worker has not signed them yet: {counts.waiting}. Export again later.", err=True)
