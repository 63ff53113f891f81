"""A framework as a file: what somebody uploads, and what they take away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ltitools.context import current_host
from ltitools.errors import NotFound, SettingsError
from ltitools.models import Framework, Tenant
from ltitools.services.frameworks import case_in, case_out, keeping, table
from ltitools.services.frameworks.content import Content, new_guid
from ltitools.services.frameworks.findings import Findings


def read(tenant_id: int, key: str, data: bytes, titles: Mapping[str, str]) -> tuple[Content, Findings]:
    """The framework in a file, CASE or CSV, as it would be kept with `key`, and what there is to say about it.

    A CSV file has no title of its own, so `titles` gives one. Nothing is stored. Raises Unusable.
    """
    try:
        before = keeping.load(keeping.get(tenant_id, key))
    except NotFound:
        before = None
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        content, findings = case_in.read(data, before)
    else:
        content, findings = table.read(data, before or Content(new_guid(), {}))
    return (replace(content, titles={**content.titles, **titles}) if titles else content), findings


def as_case(tenant: Tenant, framework: Framework) -> bytes:
    """A version as a CASE 1.0 package. Raises SettingsError where our own address is not known."""
    address = current_host().settings.public_url
    if not address:
        raise SettingsError("LTITOOLS_PUBLIC_URL is missing: identifiers in a CASE package are addresses of ours.")
    base = f"{address}/case/{tenant.key}"
    return case_out.write(keeping.load(framework), base, tenant.name, framework.key)


def as_csv(framework: Framework) -> bytes:
    """A version as a table."""
    return table.write(keeping.load(framework))
