"""Platform registrations and deployments of an institution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import delete, select

from ltitools.db import session
from ltitools.errors import Conflict, NotFound
from ltitools.i18n import host
from ltitools.lti.platforms import FAMILIES
from ltitools.models import Deployment, PlatformKeys, Registration, Tenant
from ltitools.services import audit
from ltitools.settings import is_localhost

_ = host.gettext

POLICIES = ("auto", "pending", "listed")


@dataclass(frozen=True)
class NewRegistration:
    """What an operator says of a platform. `deployments` says what happens to one that is not in the list yet:
    ``auto`` accepts it, ``pending`` waits for approval, ``listed`` refuses it.
    """

    issuer: str
    client_id: str
    auth_url: str
    token_url: str
    jwks_url: str
    platform: str = "generic"
    deployments_policy: str = "pending"
    deployment_ids: tuple[str, ...] = ()

    def check(self) -> None:
        """Raises Conflict with one sentence for what cannot work."""
        if self.platform not in FAMILIES:
            raise Conflict(
                _(
                    "The platform must be one of %(known)s; it is “%(given)s”.",
                    known=", ".join(FAMILIES),
                    given=self.platform,
                )
            )
        if self.deployments_policy not in POLICIES:
            raise Conflict(
                _(
                    "Deployments must be one of %(known)s; it is “%(given)s”.",
                    known=", ".join(POLICIES),
                    given=self.deployments_policy,
                )
            )
        for name in ("auth_url", "token_url", "jwks_url"):
            parts = urlsplit(getattr(self, name))
            secure = parts.scheme == "https" or (parts.scheme == "http" and is_localhost(parts.hostname))
            if not secure or not parts.hostname:
                raise Conflict(
                    _(
                        "The address “%(given)s” (%(name)s) must begin with https://.",
                        given=getattr(self, name),
                        name=name,
                    )
                )
        if not self.issuer or not self.client_id:
            raise Conflict(_("The issuer and the client ID must not be empty."))


SAME = ("auth_url", "token_url", "jwks_url", "platform", "deployments_policy")


def add(tenant: Tenant, new: NewRegistration, title: str = "") -> tuple[Registration, bool]:
    """Register a platform with an institution. Returns it, and whether it is new.

    Equal values again change nothing; others raise Conflict.
    """
    new.check()
    found = session.scalar(
        select(Registration).where(
            Registration.tenant_id == tenant.id,
            Registration.issuer == new.issuer,
            Registration.client_id == new.client_id,
        )
    )
    if found:
        different = [name for name in SAME if getattr(found, name) != getattr(new, name)]
        known = {deployment.deployment_id for deployment in deployments(found)}
        if set(new.deployment_ids) - known:
            different.append("list of deployments")
        if different:
            names = ", ".join(name.replace("_", " ") for name in different)
            raise Conflict(
                _(
                    "This issuer and client ID are registered already, but for %(names)s; nothing was changed.",
                    names=names,
                )
            )
        return found, False
    registration = Registration(
        tenant_id=tenant.id,
        issuer=new.issuer,
        client_id=new.client_id,
        title=title,
        **{name: getattr(new, name) for name in SAME},
    )
    session.add(registration)
    session.flush()
    audit.record("registration.add", f"registration {registration.id}", tenant.id, issuer=new.issuer, by="hand")
    for deployment_id in new.deployment_ids:
        add_deployment(registration, deployment_id, "approved")
    session.flush()
    return registration, True


def add_deployment(registration: Registration, deployment_id: str, state: str) -> Deployment:
    """A deployment of the registration in the given state."""
    deployment = Deployment(
        tenant_id=registration.tenant_id,
        registration_id=registration.id,
        deployment_id=deployment_id,
        state=state,
    )
    session.add(deployment)
    session.flush()
    audit.record("deployment.add", f"deployment {deployment.id}", registration.tenant_id, deployment_id=deployment_id)
    return deployment


def of_tenant(tenant_id: int) -> Sequence[Registration]:
    """The registrations of an institution, oldest first."""
    return session.scalars(
        select(Registration).where(Registration.tenant_id == tenant_id).order_by(Registration.id)
    ).all()


def get(tenant_id: int, registration_id: int) -> Registration:
    """One registration of the institution; raises NotFound."""
    registration = session.scalar(
        select(Registration).where(Registration.tenant_id == tenant_id, Registration.id == registration_id)
    )
    if registration is None:
        raise NotFound(f"This tenant has no registration {registration_id}. `ltitools registration list` shows them.")
    return registration


def deployments(registration: Registration) -> Sequence[Deployment]:
    """The deployments seen or listed, oldest first."""
    return session.scalars(
        select(Deployment)
        .where(Deployment.tenant_id == registration.tenant_id, Deployment.registration_id == registration.id)
        .order_by(Deployment.id)
    ).all()


def set_deployment_state(tenant_id: int, number: int, state: str) -> Deployment:
    """Approve or reject a deployment, by its number in `ltitools deployment list`; raises NotFound."""
    deployment = session.scalar(select(Deployment).where(Deployment.tenant_id == tenant_id, Deployment.id == number))
    if deployment is None:
        raise NotFound(f"This tenant has no deployment {number}. `ltitools deployment list` shows them.")
    if deployment.state != state:
        deployment.state = state
        session.flush()
        audit.record(
            "deployment.approve" if state == "approved" else "deployment.reject", f"deployment {number}", tenant_id
        )
    return deployment


def set_enabled(registration: Registration, enabled: bool) -> None:
    """Switch a registration on or off: while it is off, its platform can launch nothing."""
    if registration.enabled != enabled:
        registration.enabled = enabled
        session.flush()
        action = "registration.enable" if enabled else "registration.disable"
        audit.record(action, f"registration {registration.id}", registration.tenant_id)


def change(registration: Registration, **values: str) -> None:
    """Change what an administrator knows of a platform: its title, addresses, family and policy for deployments.

    The issuer and the client id stay, because people, courses and grades hang on them. Raises Conflict.
    """
    known = {name: getattr(registration, name) for name in SAME}
    NewRegistration(
        issuer=registration.issuer,
        client_id=registration.client_id,
        **known | {name: values[name] for name in SAME if name in values},
    ).check()
    changed = {name: value for name, value in values.items() if getattr(registration, name) != value}
    for name, value in changed.items():
        setattr(registration, name, value)
    if not changed:
        return
    if "jwks_url" in changed:
        session.execute(
            delete(PlatformKeys).where(
                PlatformKeys.tenant_id == registration.tenant_id, PlatformKeys.registration_id == registration.id
            )
        )
    session.flush()
    audit.record("registration.change", f"registration {registration.id}", registration.tenant_id, **changed)
