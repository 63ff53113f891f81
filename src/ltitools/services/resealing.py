"""Sealing everything once more under a new secret key, so that the one from before can be thrown away."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import InstrumentedAttribute

from ltitools.context import current_host
from ltitools.db import session
from ltitools.models import File, ServiceToken, TenantKey
from ltitools.services import audit, files, tenants, tokens


def reseal() -> dict[str, int]:
    """Seal every key, token and file, and what tools have sealed, under the current secret key; gives how many.

    All in the caller's transaction. Raises SettingsError where something was sealed under a secret key that is neither
    the current nor a former one.
    """
    counts = {
        "keys": _texts(TenantKey.sealed_private_pem, tenants.SEAL),
        "tokens": _texts(ServiceToken.sealed_token, tokens.SEAL),
        **{
            column.class_.__tablename__: _texts(column, column.property.columns[0].info["sealed"])
            for column in current_host().sealed
        },
        "files": _files(),
    }
    audit.record("secret.rotate", "secret key", None, **counts)
    return counts


def _texts(column: InstrumentedAttribute[str], purpose: str) -> int:
    """Seal a column of texts anew; gives how many there were."""
    sealer = current_host().sealer
    table = column.class_
    rows = session.execute(select(table.id, table.tenant_id, column)).all()
    for number, tenant_id, sealed in rows:
        session.execute(
            update(table)
            .where(table.tenant_id == tenant_id, table.id == number)
            .values({column: sealer.seal(purpose, sealer.open(purpose, sealed))})
        )
    return len(rows)


def _files() -> int:
    """One file at a time is in memory. Its digest, which finds the same bytes again, is made with the key too."""
    sealer = current_host().sealer
    rows = session.execute(select(File.id, File.tenant_id, File.media_type)).all()
    for row in rows:
        purpose = files.purpose_of(row.tenant_id)
        here = (File.tenant_id == row.tenant_id, File.id == row.id)
        content = sealer.open_bytes(purpose, session.execute(select(File.content).where(*here)).scalar_one())
        session.execute(
            update(File)
            .where(*here)
            .values(
                content=sealer.seal_bytes(purpose, content),
                digest=files.digest_of(row.tenant_id, row.media_type, content),
            )
        )
    return len(rows)
