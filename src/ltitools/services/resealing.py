"""Sealing everything once more under a new secret key, so that the one from before can be thrown away."""

from __future__ import annotations

from sqlalchemy import select, update

from ltitools.context import current_host
from ltitools.db import session
from ltitools.models import File, ServiceToken, TenantKey
from ltitools.services import audit, files, tenants, tokens


def reseal() -> dict[str, int]:
    """Seal every key, token and file under the current secret key; gives how many there were of each.

    All in the caller's transaction. Raises SettingsError where something was sealed under a secret key that is neither
    the current nor a former one.
    """
    counts = {"keys": _keys(), "tokens": _tokens(), "files": _files()}
    audit.record("secret.rotate", "secret key", None, **counts)
    return counts


def _keys() -> int:
    sealer = current_host().sealer
    rows = session.execute(select(TenantKey.id, TenantKey.tenant_id, TenantKey.sealed_private_pem)).all()
    for row in rows:
        sealed = sealer.seal(tenants.SEAL, sealer.open(tenants.SEAL, row.sealed_private_pem))
        session.execute(
            update(TenantKey)
            .where(TenantKey.tenant_id == row.tenant_id, TenantKey.id == row.id)
            .values(sealed_private_pem=sealed)
        )
    return len(rows)


def _tokens() -> int:
    sealer = current_host().sealer
    rows = session.execute(select(ServiceToken.id, ServiceToken.tenant_id, ServiceToken.sealed_token)).all()
    for row in rows:
        sealed = sealer.seal(tokens.SEAL, sealer.open(tokens.SEAL, row.sealed_token))
        session.execute(
            update(ServiceToken)
            .where(ServiceToken.tenant_id == row.tenant_id, ServiceToken.id == row.id)
            .values(sealed_token=sealed)
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
