"""Institutions, and the keys with which their tools sign."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update

from ltitools.context import current_host
from ltitools.db import session, utcnow
from ltitools.errors import Conflict, NotFound
from ltitools.i18n import LOCALES, host
from ltitools.lti.keys import ToolKey
from ltitools.models import ServiceToken, Tenant, TenantKey
from ltitools.services import audit

_ = host.gettext

KEY_FORM = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
SEAL = "tenant-key"
KEYS_MAX_AGE = timedelta(hours=1)
"""For how long platforms may keep our key set."""
_loaded_keys: dict[tuple[int, str], ToolKey] = {}


def add(key: str, name: str, locale: str = "en") -> tuple[Tenant, bool]:
    """Add an institution with a signing key. Returns it, and whether it is new.

    The same values again change nothing; other values for a known key raise Conflict.
    """
    if not KEY_FORM.fullmatch(key):
        raise Conflict(
            _("A short name is made of a-z, 0-9 and inner hyphens, at most 64 of them; “%(key)s” is not.", key=key)
        )
    if locale not in LOCALES:
        raise Conflict(
            _("The language must be one of %(known)s; it is “%(given)s”.", known=", ".join(LOCALES), given=locale)
        )
    found = session.scalar(select(Tenant).where(Tenant.key == key))
    if found:
        if (found.name, found.locale) != (name, locale):
            raise Conflict(
                _(
                    "“%(key)s” is there already, as “%(name)s” (%(locale)s); nothing was changed.",
                    key=key,
                    name=found.name,
                    locale=found.locale,
                )
            )
        return found, False
    tenant = Tenant(key=key, name=name, locale=locale)
    session.add(tenant)
    session.flush()
    add_key(tenant)
    audit.record("tenant.add", f"tenant {key}", tenant.id, name=name, locale=locale)
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


def by_id(tenant_id: int) -> Tenant:
    """The institution with this number; raises NotFound."""
    tenant = session.scalar(select(Tenant).where(Tenant.id == tenant_id))
    if tenant is None:
        raise NotFound(f"There is no tenant {tenant_id}.")
    return tenant


def set_enabled(key: str, enabled: bool) -> Tenant:
    """Switch an institution on or off: while it is off, nothing of it can be launched or opened.

    Switching it on calls off its removal, if one is announced.
    """
    tenant = by_key(key)
    if tenant.enabled != enabled:
        changed: dict[str, object] = {"enabled": True, "removal_at": None} if enabled else {"enabled": False}
        session.execute(update(Tenant).where(Tenant.id == tenant.id).values(changed))
        audit.record("tenant.enable" if enabled else "tenant.disable", f"tenant {key}", tenant.id)
    return tenant


def change(tenant: Tenant, name: str, locale: str, *, lms_administrators: bool) -> None:
    """Change the name and language of an institution, and whether administrators of its LMS are its own.

    Raises Conflict.
    """
    name = " ".join(name.split())[:255]
    if not name:
        raise Conflict(_("An institution needs a name."))
    if locale not in LOCALES:
        raise Conflict(
            _("The language must be one of %(known)s; it is “%(given)s”.", known=", ".join(LOCALES), given=locale)
        )
    new = {"name": name, "locale": locale, "lms_administrators": lms_administrators}
    changed = {field: value for field, value in new.items() if getattr(tenant, field) != value}
    if changed:
        session.execute(update(Tenant).where(Tenant.id == tenant.id).values(**changed))
        session.refresh(tenant)
        audit.record("tenant.change", f"tenant {tenant.key}", tenant.id, **changed)


def add_key(tenant: Tenant, signs_from: datetime | None = None) -> ToolKey:
    """A new signing key for the institution, its private half sealed, which signs at once or from a time on."""
    key = ToolKey.generate()
    session.add(
        TenantKey(
            tenant_id=tenant.id,
            kid=key.kid,
            public_jwk=key.public_jwk(),
            sealed_private_pem=current_host().sealer.seal(SEAL, key.private_pem()),
            signs_from=signs_from,
        )
    )
    session.flush()
    return key


def rotate_key(tenant: Tenant, *, at_once: bool = False) -> datetime:
    """Put a new signing key in the place of the others; gives the time from which it signs.

    It is published now and signs when every platform that keeps key sets for an hour has seen it; the others stay
    published for as long again after that, so that whatever they have signed can still be checked. With `at_once`,
    after a theft, the others are taken back now, and what they have signed a moment ago is refused.
    """
    now = utcnow()
    signs_from = now if at_once else now + KEYS_MAX_AGE
    retired_at = now if at_once else signs_from + KEYS_MAX_AGE
    session.execute(
        update(TenantKey)
        .where(
            TenantKey.tenant_id == tenant.id,
            or_(TenantKey.retired_at.is_(None), TenantKey.retired_at > retired_at),
        )
        .values(retired_at=retired_at)
    )
    if at_once:
        # Platforms that keep a key set until they meet an unknown key meet the new one with the next token.
        session.execute(delete(ServiceToken).where(ServiceToken.tenant_id == tenant.id))
    key = add_key(tenant, signs_from)
    audit.record("key.rotate", f"key {key.kid}", tenant.id, at_once=at_once)
    return signs_from


def keys(tenant_id: int) -> Sequence[TenantKey]:
    """All keys of the institution, newest first."""
    return session.scalars(
        select(TenantKey).where(TenantKey.tenant_id == tenant_id).order_by(TenantKey.id.desc())
    ).all()


def signing_key(tenant_id: int) -> ToolKey:
    """The newest key of the institution that signs by now, kept loaded: loading costs far more than signing."""
    now = utcnow()
    row = session.execute(
        select(TenantKey.kid, TenantKey.sealed_private_pem)
        .where(
            TenantKey.tenant_id == tenant_id,
            or_(TenantKey.signs_from.is_(None), TenantKey.signs_from <= now),
            or_(TenantKey.retired_at.is_(None), TenantKey.retired_at > now),
        )
        .order_by(TenantKey.id.desc())
    ).first()
    if row is None:
        raise NotFound(f"Tenant {tenant_id} has no signing key.")
    place = (tenant_id, row.kid)
    if place not in _loaded_keys:
        _loaded_keys[place] = ToolKey.from_pem(row.kid, current_host().sealer.open(SEAL, row.sealed_private_pem))
    return _loaded_keys[place]


def public_keys(tenant_id: int) -> list[dict[str, object]]:
    """The public halves to publish, newest first."""
    rows = session.scalars(
        select(TenantKey.public_jwk)
        .where(TenantKey.tenant_id == tenant_id, or_(TenantKey.retired_at.is_(None), TenantKey.retired_at > utcnow()))
        .order_by(TenantKey.id.desc())
    )
    return list(rows)


def set_plugin_enabled(key: str, plugin: str, enabled: bool) -> Tenant:
    """Switch a tool on or off for an institution."""
    tenant = by_key(key)
    if (plugin not in tenant.disabled_plugins) == enabled:
        return tenant
    others = [name for name in tenant.disabled_plugins if name != plugin]
    tenant.disabled_plugins = others if enabled else [*others, plugin]
    session.flush()
    audit.record("tool.enable" if enabled else "tool.disable", f"tool {plugin}", tenant.id)
    return tenant
