"""An institution that goes: everything it has as a file, and its removal, which is announced first."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import IO, Any

from sqlalchemy import delete, select, update

from ltitools.db import reading, session, utcnow
from ltitools.errors import Conflict
from ltitools.i18n import host
from ltitools.models import File, Tenant
from ltitools.services import audit, files, platform_keys
from ltitools.services.privacy import tables

_ = host.gettext
WAITING_DAYS, MOST_DAYS = 7, 365
README = """\
Everything that ltitools keeps of this institution.

institution.json        when this was written, and how many rows each table has
tables/<name>.jsonl     a table, one JSON object for each row; numbers ending in _id lead to rows of other tables
files/<id>              files that tools keep, such as pictures; their names are in tables/file.jsonl

Times are in UTC, exact numbers are texts, bytes are in Base64. Keys, tokens, codes and their hashes are left out.
"""


def export(tenant: Tenant, out: IO[bytes]) -> dict[str, int]:
    """Write everything of the institution to `out` as a ZIP file. Returns the rows by table. Commits."""
    tenant_id, head = tenant.id, {"key": tenant.key, "name": tenant.name}
    audit.record("tenant.export", f"tenant {tenant.key}", tenant_id)
    session.commit()
    with reading(), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        written: dict[str, int] = {}
        for name, (table, rows) in tables.of_tenant(tenant_id, tables.all_tables()).items():
            if name not in tables.NOTHING_BUT_SECRETS:
                with package.open(f"tables/{name}.jsonl", "w") as lines:
                    for written[name], row in enumerate(tables.read(table, rows), 1):
                        lines.write(f"{json.dumps(row, ensure_ascii=False)}\n".encode())
        for file_id in session.scalars(select(File.id).where(File.tenant_id == tenant_id)).all():
            if kept := files.get(tenant_id, file_id):
                package.writestr(f"files/{file_id}", kept.content)
        about: dict[str, Any] = {
            "institution": head,
            "exported_at": utcnow().isoformat(timespec="seconds"),
            "left_out": sorted(tables.NOTHING_BUT_SECRETS),
            "rows": written,
        }
        package.writestr("institution.json", json.dumps(about, ensure_ascii=False, indent=2))
        package.writestr("README.txt", README)
        session.rollback()
    return written


def plan(tenant: Tenant) -> Mapping[str, int]:
    """How many rows of each table would go with the institution."""
    return tables.counts(tables.of_tenant(tenant.id, tables.all_tables()))


def announce(tenant: Tenant, days: int = WAITING_DAYS) -> datetime:
    """Switch the institution off, and remove it after so many days, unless that is called off. Raises Conflict."""
    if not 1 <= days <= MOST_DAYS:
        raise Conflict(_("A removal is announced 1 to %(most)s days ahead.", most=MOST_DAYS))
    if tenant.removal_at is not None:
        raise Conflict(_("The removal is announced for %(date)s already.", date=f"{tenant.removal_at:%Y-%m-%d}"))
    when = utcnow() + timedelta(days=days)
    session.execute(update(Tenant).where(Tenant.id == tenant.id).values(removal_at=when, enabled=False))
    session.refresh(tenant)
    audit.record("tenant.removal", f"tenant {tenant.key}", tenant.id, at=when.isoformat(timespec="seconds"))
    return when


def keep(tenant: Tenant) -> None:
    """Call the removal off, and switch the institution on again. Raises Conflict where none is announced."""
    if tenant.removal_at is None:
        raise Conflict(_("No removal is announced."))
    session.execute(update(Tenant).where(Tenant.id == tenant.id).values(removal_at=None, enabled=True))
    session.refresh(tenant)
    audit.record("tenant.keep", f"tenant {tenant.key}", tenant.id)


def remove(tenant: Tenant) -> int:
    """Remove the institution with every row of every table, for good, in the caller's transaction. Returns how many.

    Only after it was announced: Raises Conflict. One entry in the audit log of the server is left.
    """
    if tenant.removal_at is None or tenant.enabled:
        raise Conflict(f"Announce the removal of tenant {tenant.key!r} first: `ltitools tenant remove --announce`.")
    key, parts = tenant.key, tables.of_tenant(tenant.id, tables.all_tables())
    rows = sum(tables.counts(parts).values())
    session.expunge_all()
    for table, own in reversed(list(parts.values())):
        session.execute(delete(table).where(own))
    platform_keys.forget_loaded()
    audit.record("tenant.remove", f"tenant {key}", None, rows=rows)
    session.flush()
    return rows


def remove_due() -> None:
    """Remove the institutions whose time is over. Commits after each."""
    over = select(Tenant).where(Tenant.removal_at <= utcnow(), ~Tenant.enabled).order_by(Tenant.id)
    for tenant in session.scalars(over).all():
        remove(tenant)
        session.commit()
