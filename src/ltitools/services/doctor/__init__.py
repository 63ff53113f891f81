"""``ltitools doctor``: what keeps an institution's launches and grades from working, and what to change.

It calls our own address as a stranger would, and the platform as launches and grades do. Nothing is changed but one
pending login, which expires by itself; nothing secret is in a finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ltitools.context import current_host
from ltitools.db import reading, session
from ltitools.errors import SettingsError
from ltitools.http import HttpClient
from ltitools.lti.keys import ToolKey
from ltitools.models import Tenant
from ltitools.services import registrations, tenants
from ltitools.services.doctor import own, platform, records
from ltitools.services.doctor.chart import Chart
from ltitools.services.doctor.findings import CHECKS, CODES, Finding, Level, ok, problem

__all__ = ["CHECKS", "CODES", "Finding", "Level", "examine"]


def examine(tenant_key: str, number: int | None = None) -> list[Finding]:
    """All findings on an institution, and on its registrations or the one with this number. Raises NotFound."""
    with reading():
        tenant = tenants.by_key(tenant_key)
        chosen = registrations.of_tenant(tenant.id) if number is None else [registrations.get(tenant.id, number)]
        charts = [Chart(each, registrations.deployments(each)) for each in chosen]
        key, key_finding = _signing_key(tenant)
        # The servers that are called now need the database themselves.
        session.expunge_all()
        session.rollback()
    return [key_finding, *_of_tenant(tenant, charts, key), *_of_registrations(tenant, charts, key)]


def _signing_key(tenant: Tenant) -> tuple[ToolKey | None, Finding]:
    try:
        key = tenants.signing_key(tenant.id)
    except SettingsError as error:
        advice = "Set LTITOOLS_SECRET_KEY to the one that was there when the institution was added."
        return None, problem("signing-key-unreadable", f"The signing key cannot be opened: {error}", advice)
    return key, ok("signing-key", f"The signing key is {key.kid}.")


def _of_tenant(tenant: Tenant, charts: list[Chart], key: ToolKey | None) -> Iterator[Finding]:
    settings = current_host().settings
    own_settings = list(records.examine_settings(settings))
    yield from own_settings
    yield records.examine_tenant(tenant)
    if not charts:
        yield problem(
            "registration-missing",
            f"{tenant.name} has no registration, so no LMS can launch.",
            "Register the LMS with `ltitools registration add` (docs/moodle.md, docs/canvas.md).",
        )
    if any(found.level is Level.PROBLEM for found in own_settings):
        return
    # Nobody else chose our own address, and inside an institution its name may lead to a private one.
    http = HttpClient(replace(settings, allow_private_network=True))
    try:
        server = list(own.examine_server(settings, http))
        yield from server
        if not tenant.enabled or all(found.code != "own-address" for found in server):
            return
        yield own.examine_keys(settings, http, tenant.key, key)
        yield own.examine_launch(settings, http, tenant.key)
        for chart in [each for each in charts if each.registration.enabled][:1]:
            yield from own.examine_login(settings, http, tenant.key, chart.registration)
    finally:
        http.close()


def _of_registrations(tenant: Tenant, charts: list[Chart], key: ToolKey | None) -> Iterator[Finding]:
    host = current_host()
    for chart in charts:
        found = chart.registration
        parts = (
            records.examine_registration(tenant, chart),
            own.name_addresses(host.settings, tenant.key, found),
            platform.examine_platform(host.http, found, key, host.settings.clock_tolerance),
        )
        yield from (replace(each, registration=found.id) for part in parts for each in part)
