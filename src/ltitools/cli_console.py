"""``ltitools console`` and ``ltitools administrator``: who may open the console, and links to sign in."""

from __future__ import annotations

import click

from ltitools.commands import as_json, print_rows, public_url, with_app
from ltitools.models import Tenant
from ltitools.services import administrators, tenants

of_tenant = click.option("--tenant", "tenant_key", metavar="KEY", help="Of this institution; without it of the server.")


def _tenant(tenant_key: str | None) -> Tenant | None:
    return tenants.by_key(tenant_key) if tenant_key else None


@click.group("console")
def console() -> None:
    """The console in the browser."""


@console.command("link")
@of_tenant
@click.option("--name", required=True, help="Who it is for; they are added if they are not there yet.")
@with_app
def console_link(tenant_key: str | None, name: str) -> None:
    """Make a link that signs an administrator in: once, within a day.

    Without --tenant it is for an operator, who sees every institution.
    """
    address = public_url()
    found, _new = administrators.add(_tenant(tenant_key), name)
    administrators.set_enabled(found, True)
    click.echo(f"{address}/console/-/enter/{administrators.link_code(found)}")


@click.group("administrator")
def administrator() -> None:
    """Who may open the console."""


@administrator.command("add")
@of_tenant
@click.option("--name", required=True)
@click.option("--email", default="", help="The address of their account, where OpenID Connect is set up.")
@with_app
def administrator_add(tenant_key: str | None, name: str, email: str) -> None:
    """Let somebody in."""
    found, new = administrators.add(_tenant(tenant_key), name, email)
    click.echo(f"Added administrator {found.id}." if new else f"Administrator {found.id} is there already.")


@administrator.command("list")
@of_tenant
@as_json
@with_app
def administrator_list(tenant_key: str | None, as_json: bool) -> None:
    """List who may open the console."""
    rows = [
        {
            "number": one.id,
            "name": one.name,
            "comes_in_by": "platform" if one.person_id else one.email or "link",
            "enabled": one.enabled,
            "seen": one.seen_at.isoformat(timespec="seconds") if one.seen_at else None,
        }
        for one in administrators.of_tenant(_tenant(tenant_key))
    ]
    print_rows(rows, as_json, empty="Nobody yet. `ltitools console link --name NAME` lets somebody in.")


@administrator.command("disable")
@click.argument("number", type=int)
@of_tenant
@with_app
def administrator_disable(number: int, tenant_key: str | None) -> None:
    """Shut somebody out; their open sessions end at once."""
    administrators.set_enabled(administrators.get(_tenant(tenant_key), number), False)
    click.echo(f"Administrator {number} is shut out.")


@administrator.command("enable")
@click.argument("number", type=int)
@of_tenant
@with_app
def administrator_enable(number: int, tenant_key: str | None) -> None:
    """Let somebody in again."""
    administrators.set_enabled(administrators.get(_tenant(tenant_key), number), True)
    click.echo(f"Administrator {number} may come in.")
