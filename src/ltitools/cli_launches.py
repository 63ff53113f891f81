"""``ltitools launches``: what became of logins and launches."""

from __future__ import annotations

import click

from ltitools.commands import as_json, print_rows, with_app
from ltitools.services import launch_log, tenants


@click.command("launches")
@click.option("--tenant", "tenant_key", required=True, metavar="KEY")
@click.option("--refused", "only_refused", is_flag=True, help="Only those that were refused.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="At most so many.")
@as_json
@with_app
def launches(tenant_key: str, only_refused: bool, limit: int, as_json: bool) -> None:
    """List the latest launches of an institution and why they were refused, the newest first.

    Nobody's name or number is in it. Codes are explained in docs/refusals.md.
    """
    rows = [
        {
            "at": entry.at.isoformat(timespec="seconds"),
            "count": entry.count,
            "outcome": entry.outcome,
            "detail": entry.detail,
            "not_allowed": list(entry.not_allowed),
            "binding": entry.binding + (" in a window" if entry.in_window else ""),
            "message": entry.message_type or entry.endpoint,
            "issuer": entry.issuer,
            "client_id": entry.client_id,
        }
        for entry in launch_log.entries(tenants.by_key(tenant_key).id, limit, only_refused=only_refused)
    ]
    print_rows(rows, as_json, empty="Nobody was refused." if only_refused else "Nobody has come yet.")
