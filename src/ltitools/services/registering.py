"""A platform registers itself with an institution, by an invitation: dynamic registration.

https://www.imsglobal.org/spec/lti-dr/v1p0
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import delete, or_, select

from ltitools.context import current_host
from ltitools.db import session
from ltitools.http import HttpError
from ltitools.lti import registration as protocol
from ltitools.lti.platforms import Offer, ToolSite, dialect_of
from ltitools.lti.services import ServiceRefused
from ltitools.models import Deployment, Invitation, PlatformKeys, Registration, Tenant
from ltitools.refusals import refused
from ltitools.secrets import hash_token
from ltitools.services import audit, invitations, registrations, tokens


@dataclass(frozen=True)
class Outcome:
    """What came of it. `is_update` says that the platform was registered before; `missing` are scopes not granted."""

    registration: Registration
    is_update: bool
    missing: tuple[str, ...]


def look_at(url: str, token: str) -> protocol.PlatformConfiguration:
    """What the platform says of itself. Raises RegistrationProblem. Call it outside a transaction."""
    return protocol.fetch_configuration(current_host().http, url, token)


def known_as(tenant: Tenant, platform: protocol.PlatformConfiguration, token: str) -> Registration | None:
    """The registration of the institution that a platform of this issuer may be about to update: the one that its token
    names, or else the latest.
    """
    named = protocol.tool_named_in(token)
    deployed = (
        select(Deployment.id)
        .where(
            Deployment.tenant_id == tenant.id,
            Deployment.registration_id == Registration.id,
            Deployment.deployment_id == named,
        )
        .exists()
    )
    return session.scalars(
        select(Registration)
        .where(Registration.tenant_id == tenant.id, Registration.issuer == platform.issuer)
        .order_by(or_(Registration.client_id == named, deployed).desc(), Registration.id.desc())
        .limit(1)
    ).first()


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
    registration, is_update = _keep(tenant, platform, answer, offer, invitation.note)
    invitations.settle(invitation, registration)
    session.commit()
    return Outcome(registration, is_update, protocol.missing_scopes(answer.scopes))


def takes_updates(registration: Registration) -> bool:
    """Whether the platform lets us send it our configuration again, without anybody being at it."""
    wanted = dialect_of(registration.platform).more_scopes
    return bool(registration.configuration_url and wanted and set(wanted) <= set(registration.granted_scopes or ()))


def update(registration: Registration, site: ToolSite) -> None:
    """Send the platform our addresses again, with what was chosen when it registered. Commits.

    Raises RegistrationProblem. https://canvas.instructure.com/doc/api/registration.html
    """
    platform = protocol.PlatformConfiguration(
        issuer=registration.issuer,
        auth_url=registration.auth_url,
        token_url=registration.token_url,
        jwks_url=registration.jwks_url,
        registration_url=registration.configuration_url or "",
        product=registration.platform,
        version=registration.version,
        title=registration.title,
        scopes=frozenset(registration.granted_scopes or ()),
        claims=None,
        messages=frozenset(),
        placements={},
    )
    document = protocol.tool_document(platform, site, Offer(**registration.offer or {}))
    scopes = dialect_of(registration.platform).more_scopes
    http = current_host().http
    try:
        tokens.with_token(registration, scopes, lambda token: protocol.replace(http, platform, token, document))
    except (HttpError, ServiceRefused) as error:
        raise protocol.RegistrationProblem("registration-refused", str(error), str(error)) from error
    audit.record("registration.send", f"registration {registration.id}", registration.tenant_id)
    session.commit()


def finished(tenant: Tenant, invitation: Invitation, token: str) -> Outcome | None:
    """What came of the link where this token was used with it before."""
    if invitation.registration_id is None or invitation.token_hash != hash_token(token):
        return None
    found = registrations.get(tenant.id, invitation.registration_id)
    is_update = invitation.claimed_at is not None and found.created_at < invitation.claimed_at
    granted = None if found.granted_scopes is None else tuple(found.granted_scopes)
    return Outcome(found, is_update, protocol.missing_scopes(granted))


def _keep(
    tenant: Tenant, platform: protocol.PlatformConfiguration, answer: protocol.Registered, offer: Offer, note: str
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
        "offer": asdict(offer),
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
