"""Institutions, for commands and work that name one."""

from ltitools.plugin.launch import Tenant
from ltitools.services import tenants


def by_key(key: str) -> Tenant:
    """The institution with this key; raises NotFound with a sentence for the command line."""
    row = tenants.by_key(key)
    return Tenant(row.id, row.key, row.name, row.locale)


def by_id(tenant_id: int) -> Tenant:
    """The institution with this number; raises NotFound."""
    row = tenants.by_id(tenant_id)
    return Tenant(row.id, row.key, row.name, row.locale)


__all__ = ["by_id", "by_key"]
