"""Institutions, and the keys with which their tools sign."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import select, update

from ltitools.context import current_host
from ltitools.db import session
from ltitools.errors import Conflict, NotFound
from ltitools.i18n import LOCALES
from ltitools.lti.keys import ToolKey
from ltitools.models import Tenant, TenantKey

KEY_FORM = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
SEAL = "tenant-key"
_loaded_keys: dict[tuple[int, str], ToolKey] = {}


def add(key: str, name: str, locale: str = "en") -> tuple[Tenant, bool]:
    """Add an institution with a signing key. Returns it, and whether it is new.

    The same values again change nothing; other values for a known key raise Conflict.
    """
    if not KEY_FORM.fullmatch(key):
        raise Conflict(f"A tenant key is made of a-z, 0-9 and inner hyphens, at most 64 of them; {key!r} is not.")
    if locale not in LOCALES:
        raise Conflict(f"The locale must be one of {', '.join(LOCALES)}; it is {locale!r}.")
    found = session.scalar(select(Tenant).where(Tenant.key == key))
    if found:
        if (found.name, found.locale) != (name, locale):
            raise Conflict(f"Tenant {key!r} is there as {found.name!r} ({found.locale}); nothing was changed.")
        return found, False
    tenant = Tenant(key=key, name=name, locale=locale)
    session.add(tenant)
    session.flush()
    add_key(tenant)
    return tenant, True


def all_tenants() -> Sequence[Tenant]:
    """Every institution, by key."""
    return session.scalars(select(Tenant).order_by(Tenant.key)).all()


def by_key(key: str) -> Tenant:
    """The institution with this key; raises NotFound."""
    tenant = session.scalar(select(Tenant).where(Tenant.key == key))
    if tenant is None:
        raise NotFound(f"There is no tenant {key!r}. `ltitools tenant list` shows those there are.")
    return tenant


def set_enabled(key: str, enabled: bool) -> Tenant:
    """Switch an institution on or off: while it is off, nothing of it can be launched or opened."""
    tenant = by_key(key)
    session.execute(update(Tenant).where(Tenant.id == tenant.id).values(enabled=enabled))
    return tenant


def add_key(tenant: Tenant) -> ToolKey:
    """A new signing key for the institution, its private half sealed."""
    key = ToolKey.generate()
    session.add(
        TenantKey(
            tenant_id=tenant.id,
            kid=key.kid,
            public_jwk=key.public_jwk(),
            sealed_private_pem=current_host().sealer.seal(SEAL, key.private_pem()),
        )
    )
    session.flush()
    return key


def signing_key(tenant_id: int) -> ToolKey:
    """The newest key of the institution, kept loaded: loading costs far more than signing."""
    row = session.execute(
        select(TenantKey.kid, TenantKey.sealed_private_pem)
        .where(TenantKey.tenant_id == tenant_id, TenantKey.retired_at.is_(None))
        .order_by(TenantKey.id.desc())
    ).first()
    if row is None:
        raise NotFound(f"Tenant {tenant_id} has no signing key.")
    place = (tenant_id, row.kid)
    if place not in _loaded_keys:
        _loaded_keys[place] = ToolKey.from_pem(row.kid, current_host().sealer.open(SEAL, row.sealed_private_pem))
    return _loaded_keys[place]


def public_keys(tenant_id: int) -> list[dict[str, object]]:
    """The public halves to publish."""
    rows = session.scalars(
        select(TenantKey.public_jwk)
        .where(TenantKey.tenant_id == tenant_id, TenantKey.retired_at.is_(None))
        .order_by(TenantKey.id.desc())
    )
    return list(rows)


def set_plugin_enabled(key: str, plugin: str, enabled: bool) -> Tenant:
    """Switch a tool on or off for an institution."""
    tenant = by_key(key)
    others = [name for name in tenant.disabled_plugins if name != plugin]
    tenant.disabled_plugins = others if enabled else [*others, plugin]
    session.flush()
    return tenant
