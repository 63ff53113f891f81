"""What can be said without calling anybody: the settings, the institution, its registrations and deployments."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from ltitools.errors import SettingsError
from ltitools.models import Tenant
from ltitools.services.doctor.chart import Chart
from ltitools.services.doctor.findings import Finding, ok, problem, warning
from ltitools.settings import Settings

LEAST_DIFFERENT = 12


def examine_settings(settings: Settings) -> Iterator[Finding]:
    """The public address and the secret key."""
    try:
        settings.check_for_serving()
    except SettingsError as error:
        code = "public-url-insecure" if urlsplit(settings.public_url).scheme == "http" else "public-url-wrong"
        yield problem(code, str(error), "Set LTITOOLS_PUBLIC_URL to the https address and restart the servers.")
    else:
        if urlsplit(settings.public_url).scheme == "http":
            yield warning(
                "public-url-insecure",
                f"The public address {settings.public_url} is not https, which works on this machine alone.",
                "Set LTITOOLS_PUBLIC_URL to an https address before an LMS elsewhere is connected.",
            )
        else:
            yield ok("public-url", f"The public address is {settings.public_url}.")
    different = len(set(settings.secret_key))
    if different < LEAST_DIFFERENT:
        yield warning(
            "secret-key-weak",
            f"The secret key has {len(settings.secret_key)} characters, of which only {different} are different.",
            "Make one by chance before people use the tools: what is sealed with this one cannot be read with another.",
        )
    else:
        yield ok("secret-key", f"The secret key has {len(settings.secret_key)} characters.")


def examine_tenant(tenant: Tenant) -> Finding:
    """Whether the institution is switched on."""
    if tenant.enabled:
        return ok("tenant", f"{tenant.name} ({tenant.key}) is enabled.")
    return problem(
        "tenant-disabled",
        f"{tenant.name} ({tenant.key}) is disabled, so nothing of it can be launched.",
        f"Run `ltitools tenant enable {tenant.key}`.",
    )


def examine_registration(tenant: Tenant, chart: Chart) -> Iterator[Finding]:
    """Whether a registration and a deployment of it may launch."""
    found = chart.registration
    where = f"--tenant {tenant.key}"
    if found.enabled:
        yield ok("registration", f"{found.issuer} is registered with the client ID {found.client_id}.")
    else:
        yield problem(
            "registration-disabled",
            f"The registration of {found.issuer} is disabled.",
            f"Run `ltitools registration enable {found.id} {where}`.",
        )
    by_state = {state: [each for each in chart.deployments if each.state == state] for state in ("approved", "pending")}
    approved = ", ".join(each.deployment_id for each in by_state["approved"])
    if approved:
        yield ok("deployments", f"Approved deployments: {approved}.")
    elif found.deployments_policy == "auto":
        yield ok("deployments", "No deployment yet; each is accepted when it launches first.")
    else:
        yield problem(
            "deployment-missing",
            "No deployment of this registration is approved, so every launch is refused.",
            f"Take the deployment ID from the LMS and run `ltitools deployment add ID {where} --registration"
            f" {found.id}`.",
        )
    for pending in by_state["pending"]:
        yield warning(
            "deployment-pending",
            f"The deployment {pending.deployment_id} waits for approval since {pending.created_at:%Y-%m-%d}.",
            f"Run `ltitools deployment approve {pending.id} {where}`, or reject it.",
        )
