"""``ltitools framework``: the competency frameworks of an institution."""

from __future__ import annotations

from pathlib import Path

import click

from ltitools.commands import as_json, print_one, print_rows, with_app
from ltitools.context import current_host
from ltitools.errors import Conflict
from ltitools.services import tenants
from ltitools.services.frameworks import files, keeping
from ltitools.services.frameworks.content import by_locale, wording
from ltitools.services.frameworks.findings import Findings, Unusable

PLACES = 5


@click.group()
def framework() -> None:
    """Competency frameworks of an institution."""


@framework.command("list")
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@as_json
@with_app
def framework_list(tenant_key: str, as_json: bool) -> None:
    """List every version of every framework."""
    rows = [
        {
            "key": one.framework.key,
            "version": one.framework.number,
            "state": one.framework.state,
            "frozen": one.frozen,
            "competencies": one.items,
            "title": wording(one.framework.titles),
            "guid": one.framework.guid,
        }
        for one in keeping.listed(tenants.by_key(tenant_key).id)
    ]
    print_rows(rows, as_json, empty="There is no framework yet. `ltitools framework import` adds one.")


@framework.command("show")
@click.argument("key")
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@click.option("--version", "number", type=int, help="This version; otherwise the newest.")
@as_json
@with_app
def framework_show(key: str, tenant_key: str, number: int | None, as_json: bool) -> None:
    """Show a version of a framework and its competencies in order, each below its parent."""
    found = keeping.get(tenants.by_key(tenant_key).id, key, number)
    content = keeping.load(found)
    codes = {item.guid: item.code for item in content.items}
    depths = content.depths
    head = {
        "key": found.key,
        "version": found.number,
        "state": found.state,
        "frozen": keeping.is_frozen(found),
        "guid": found.guid,
        **{f"title_{locale}": text for locale, text in content.titles.items()},
    }
    rows = [
        {
            "code": item.code,
            "parent": codes[item.parent] if item.parent else "",
            **{f"title_{locale}": text for locale, text in item.titles.items()},
            "guid": item.guid,
        }
        for item in content.items
    ]
    if as_json:
        print_one({**head, "competencies": rows}, True)
        return
    print_one(head, False)
    for item in content.items:
        click.echo(f"{'  ' * depths[item.guid]}{item.code}  {wording(item.titles)}")


@framework.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@click.option("--key", required=True, help="The framework's key: of one that is there, or of a new one.")
@click.option("--title-en", default="", help="Its title, which a CSV file does not have.")
@click.option("--title-fr", default="", help="The same in French.")
@click.option("--publish", is_flag=True, help="Put it in force at once.")
@click.option("--check", is_flag=True, help="Only say what would be done, and what is wrong.")
@with_app
def framework_import(
    file: Path, tenant_key: str, key: str, title_en: str, title_fr: str, publish: bool, check: bool
) -> None:
    """Read a framework from FILE: a CASE 1.0 package (JSON) or a CSV table, as a draft. All of it or nothing."""
    tenant_id = tenants.by_key(tenant_key).id
    most = current_host().settings.max_request_bytes
    if file.stat().st_size > most:
        raise Conflict(f"{file.name} is larger than {most} bytes (max_request_bytes).")
    try:
        content, findings = files.read(tenant_id, key, file.read_bytes(), by_locale(en=title_en, fr=title_fr))
        _print(findings)
        if check:
            click.echo(f"{len(content.items)} competencies. Nothing was changed.")
            return
        kept = keeping.keep(tenant_id, key, content, "framework.import")
    except Unusable as unusable:
        _print(unusable.findings)
        raise Conflict(f"{file.name} was not imported; nothing was changed.") from unusable
    if publish and kept.state == keeping.DRAFT:
        kept = keeping.publish(tenant_id, key)
    click.echo(f"Framework {key}, version {kept.number} ({kept.state}): {len(content.items)} competencies.")


@framework.command("export")
@click.argument("key")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@click.option("--version", "number", type=int, help="This version; otherwise the newest.")
@with_app
def framework_export(key: str, file: Path, tenant_key: str, number: int | None) -> None:
    """Write a version of a framework to FILE: a CASE 1.0 package where its name ends in .json, else a CSV table."""
    tenant = tenants.by_key(tenant_key)
    found = keeping.get(tenant.id, key, number)
    file.write_bytes(files.as_case(tenant, found) if file.suffix.lower() == ".json" else files.as_csv(found))
    click.echo(f"Wrote version {found.number} of framework {key} to {file}.")


@framework.command("publish")
@click.argument("key")
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@with_app
def framework_publish(key: str, tenant_key: str) -> None:
    """Put the draft of a framework in force, in place of the version that is."""
    found = keeping.publish(tenants.by_key(tenant_key).id, key)
    click.echo(f"Version {found.number} of framework {key} is in force.")


@framework.command("discard")
@click.argument("key")
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@with_app
def framework_discard(key: str, tenant_key: str) -> None:
    """Delete the draft of a framework. What is published stays as it is."""
    number = keeping.drop_draft(tenants.by_key(tenant_key).id, key)
    click.echo(f"The draft (version {number}) of framework {key} is deleted.")


def _print(findings: Findings) -> None:
    for one in findings:
        more = f" and {len(one.places) - PLACES} more" if len(one.places) > PLACES else ""
        where = f" ({'; '.join(one.places[:PLACES])}{more})" if one.places else ""
        click.echo(f"{one.severity}: {one.text}{where}", err=True)
