"""``ltitools keys`` and ``ltitools secret``: signing keys, and what they are sealed under."""

from __future__ import annotations

import click

from ltitools.commands import as_json, print_rows, with_app
from ltitools.services import resealing, tenants


@click.group("keys")
def keys() -> None:
    """The keys with which an institution's tools sign."""


@keys.command("list")
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@as_json
@with_app
def keys_list(tenant_key: str, as_json: bool) -> None:
    """List the keys of an institution, newest first."""
    rows = [
        {
            "kid": one.kid,
            "signs_from": (one.signs_from or one.created_at).isoformat(timespec="seconds"),
            "published_until": one.retired_at.isoformat(timespec="seconds") if one.retired_at else None,
        }
        for one in tenants.keys(tenants.by_key(tenant_key).id)
    ]
    print_rows(rows, as_json, empty="There is no key.")


@keys.command("rotate")
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@click.option("--at-once", is_flag=True, help="After a theft: the other keys are good for nothing any more, now.")
@with_app
def keys_rotate(tenant_key: str, at_once: bool) -> None:
    """Put a new signing key in the place of the others, without a launch or a grade being lost.

    It is published now and signs an hour later, when platforms have read it; the others are published an hour longer.
    """
    signs_from = tenants.rotate_key(tenants.by_key(tenant_key), at_once=at_once)
    click.echo(f"A new key signs from {signs_from:%Y-%m-%d %H:%M:%S} UTC on.")


@click.group("secret")
def secret() -> None:
    """The secret key of the server."""


@secret.command("rotate")
@with_app
def secret_rotate() -> None:
    """Seal everything under LTITOOLS_SECRET_KEY that is sealed under one of LTITOOLS_FORMER_SECRET_KEYS.

    Then the former ones can be taken out of the settings.
    """
    counts = resealing.reseal()
    click.echo(f"Sealed anew: {', '.join(f'{count} {name}' for name, count in counts.items())}.")
