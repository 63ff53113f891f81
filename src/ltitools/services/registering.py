"""A platform registers itself with an institution, by an invitation: dynamic registration.

https://www.imsglobal.org/spec/lti-dr/v1p0
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select

from ltitools.context import current_host
from ltitools.db import session
from ltitools.lti import registration as protocol
from ltitools.lti.platforms import Offer, ToolSite, dialect_of
from ltitools.models import Invitation, PlatformKeys, Registration, Tenant
from ltitools.refusals import refused
from ltitools.secrets import hash_token
from ltitools.services import audit, invitations, registrations


@dataclass(frozen=True)
class Outcome:
    """What came of it. `is_update` says that the platform was registered before; `missing` are scopes not granted."""

    registration: Registration
    is_update: bool
    missing: tuple[str, ...]


def look_at(url: str, token: str) -> protocol.PlatformConfiguration:
    """What the platform says of itself. Raises RegistrationProblem. Call it outside a transaction."""
    return protocol.fetch_configuration(current_host().http, url, token)


def register(tenant: Tenant, code: str, url: str, token: str, site: ToolSite, offer: Offer) -> Outcome:
    """Register the platform whose configuration is at `url` with the institution. Commits.

    The same token again gives the same outcome. A platform that is known here with the client id that it answers keeps
    its registration, with all that hangs on it. Raises RegistrationProblem, and refuses a link that cannot be used; the
    link can be used again after a problem.
    """
    invitation = invitations.find(tenant, code, token)
    if done := finished(tenant, invitation, token):
        return done
    if not invitations.claim(invitation, token):
        raise refused("invitation-busy")
    session.commit()
    try:
        platform = look_at(url, token)
        answer = protocol.send(current_host().http, platform, token, protocol.tool_document(platform, site, offer))
    except protocol.RegistrationProblem:
        invitations.release(invitation)
        session.commit()
        raise
    registration, is_update = _keep(tenant, platform, answer, invitation.note)
    invitations.settle(invitation, registration)
    session.commit()
    return Outcome(registration, is_update, protocol.missing_scopes(answer.scopes))


def finished(tenant: Tenant, invitation: Invitation, token: str) -> Outcome | None:
    """What came of the link where this token was used with it before."""
    if invitation.registration_id is None or invitation.token_hash != hash_token(token):
        return None
    found = registrations.get(tenant.id, invitation.registration_id)
    is_update = invitation.claimed_at is not None and found.created_at < invitation.claimed_at
    granted = None if found.granted_scopes is None else tuple(found.granted_scopes)
    return Outcome(found, is_update, protocol.missing_scopes(granted))


def _keep(
    tenant: Tenant, platform: protocol.PlatformConfiguration, answer: protocol.Registered, note: str
) -> tuple[Registration, bool]:
    """The registration that the platform has with us now, and whether it had one before.

    It is called as the platform calls itself, or as whoever made the link did.
    """
    dialect = dialect_of(platform.product)
    said = {
        "auth_url": platform.auth_url,
        "token_url": platform.token_url,
        "jwks_url": platform.jwks_url,
        "platform": platform.family,
        "version": platform.version,
        "granted_scopes": None if answer.scopes is None else list(answer.scopes),
        "configuration_url": answer.update_url or None,
    }
    found = session.scalar(
        select(Registration).where(
            Registration.tenant_id == tenant.id,
            Registration.issuer == platform.issuer,
            Registration.client_id == answer.client_id,
        )
    )
    with audit.acting(audit.Actor("platform")):
        if found is None:
            found = Registration(
                tenant_id=tenant.id,
                issuer=platform.issuer,
                client_id=answer.client_id,
                title=platform.title or note,
                deployments_policy=dialect.new_deployments,
                **said,
            )
            session.add(found)
            session.flush()
            is_update = False
            audit.record("registration.add", f"registration {found.id}", tenant.id, issuer=found.issuer, by="link")
        else:
            is_update = True
            changed = sorted(name for name, value in said.items() if getattr(found, name) != value)
            for name, value in said.items():
                setattr(found, name, value)
            if "jwks_url" in changed:
                session.execute(
                    delete(PlatformKeys).where(
                        PlatformKeys.tenant_id == tenant.id, PlatformKeys.registration_id == found.id
                    )
                )
            audit.record("registration.update", f"registration {found.id}", tenant.id, changed=changed)
        listed = {one.deployment_id for one in registrations.deployments(found)}
        if answer.deployment_id and answer.deployment_id not in listed:
            registrations.add_deployment(found, answer.deployment_id, "approved")
    session.flush()
    return found, is_update
