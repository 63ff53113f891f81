"""Who may open the console, and how they come in: a one-time link, a launch, or OpenID Connect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, select, update

from ltitools.context import current_host
from ltitools.db import session, upsert, utcnow
from ltitools.errors import Conflict, NotFound
from ltitools.i18n import host
from ltitools.models import Administrator, ConsoleCode, ConsoleSession, Launch, Person, Tenant
from ltitools.refusals import refused
from ltitools.secrets import hash_token, new_secret
from ltitools.services import audit

_ = host.gettext

LINK_LIFETIME = timedelta(hours=24)
STEP_LIFETIME = timedelta(minutes=2)
"""Of a code that leads from a page to the next window."""


@dataclass(frozen=True)
class SignedIn:
    """An open session of the console; `tenant` is None for an operator, who may open every institution."""

    administrator: Administrator
    tenant: Tenant | None
    locale: str

    @property
    def is_operator(self) -> bool:
        """Whether all of the server is theirs."""
        return self.tenant is None


def add(tenant: Tenant | None, name: str, email: str = "") -> tuple[Administrator, bool]:
    """Somebody who may administer the institution, or without one the server. Returns them, and whether they are new.

    The same name again changes nothing; another address for it raises Conflict.
    """
    name, email = " ".join(name.split())[:255], email.strip().lower()[:255]
    if not name:
        raise Conflict(_("An administrator needs a name."))
    if email and ("@" not in email.strip("@") or any(sign.isspace() for sign in email)):
        raise Conflict(_("“%(email)s” is no e-mail address.", email=email))
    found = session.scalar(
        select(Administrator).where(_of(tenant), Administrator.name == name, Administrator.person_id.is_(None))
    )
    if found:
        if email and found.email != email:
            raise Conflict(
                _("%(name)s is an administrator already, with another e-mail address; nothing was changed.", name=name)
            )
        return found, False
    administrator = Administrator(tenant_id=tenant.id if tenant else None, name=name, email=email)
    session.add(administrator)
    session.flush()
    audit.record("administrator.add", f"administrator {administrator.id}", administrator.tenant_id)
    return administrator, True


def of_tenant(tenant: Tenant | None) -> Sequence[Administrator]:
    """The administrators of an institution, or of the server, in the order in which they came."""
    return session.scalars(select(Administrator).where(_of(tenant)).order_by(Administrator.id)).all()


def get(tenant: Tenant | None, number: int) -> Administrator:
    """One administrator of the institution, or of the server; raises NotFound."""
    found = session.scalar(select(Administrator).where(_of(tenant), Administrator.id == number))
    if found is None:
        raise NotFound(f"There is no administrator {number} here. `ltitools administrator list` shows them.")
    return found


def set_enabled(administrator: Administrator, enabled: bool) -> None:
    """Let somebody in again, or shut them out: their open sessions and links end at once."""
    if administrator.enabled == enabled:
        return
    administrator.enabled = enabled
    if not enabled:
        for table in (ConsoleSession, ConsoleCode):
            session.execute(
                delete(table).where(
                    table.tenant_id.is_not_distinct_from(administrator.tenant_id),
                    table.administrator_id == administrator.id,
                )
            )
    session.flush()
    action = "administrator.enable" if enabled else "administrator.disable"
    audit.record(action, f"administrator {administrator.id}", administrator.tenant_id)


def link_code(administrator: Administrator, lifetime: timedelta = LINK_LIFETIME) -> str:
    """A code that signs this administrator in, once."""
    session.execute(delete(ConsoleCode).where(ConsoleCode.expires_at <= utcnow()))
    code = new_secret()
    session.add(
        ConsoleCode(
            code_hash=hash_token(code),
            tenant_id=administrator.tenant_id,
            administrator_id=administrator.id,
            expires_at=utcnow() + lifetime,
        )
    )
    session.flush()
    if lifetime == LINK_LIFETIME:
        audit.record("administrator.link", f"administrator {administrator.id}", administrator.tenant_id)
    return code


def from_launch(launch: Launch, tenant_id: int) -> Administrator:
    """The administrator behind a launch with the institution's Administrator role. Refuses others.

    https://www.imsglobal.org/spec/lti/v1p3/#lis-vocabulary-for-institution-roles
    """
    allowed = session.execute(select(Tenant.lms_administrators).where(Tenant.id == tenant_id)).scalar_one()
    if not launch.is_administrator or not allowed:
        raise refused("console-forbidden", "no administrator role" if allowed else "switched off for the institution")
    name = session.execute(
        select(Person.name).where(Person.tenant_id == tenant_id, Person.id == launch.person_id)
    ).scalar_one()
    row = (
        upsert(Administrator)
        .values(tenant_id=tenant_id, person_id=launch.person_id, name=name, email="", subject="", enabled=True)
        .on_conflict_do_update(index_elements=["tenant_id", "person_id"], set_={"name": name})
        .returning(Administrator.id)
    )
    number = session.execute(row).scalar_one()
    found = session.execute(
        select(Administrator).where(Administrator.tenant_id == tenant_id, Administrator.id == number)
    ).scalar_one()
    if not found.enabled:
        raise refused("console-forbidden", "shut out")
    return found


def with_email(email: str, subject: str) -> Sequence[Administrator]:
    """Who may come in with this address, which a provider has verified, and its `subject` for the person.

    Whoever had the address first keeps their place: another subject with the same address is somebody else.
    """
    rows = session.scalars(
        select(Administrator)
        .where(Administrator.email == email.strip().lower(), Administrator.enabled)
        .order_by(Administrator.tenant_id, Administrator.id)
    ).all()
    return [row for row in rows if row.subject in ("", subject)]


def remember_subject(administrator: Administrator, subject: str) -> None:
    """Tie an administrator to the provider's subject at the first sign-in."""
    administrator.subject = subject
    session.flush()


def sign_in(code: str) -> tuple[Administrator, str]:
    """Who the code is for, and the secret for the browser's cookie. Uses the code up. Refuses unknown and old ones."""
    used = session.execute(
        delete(ConsoleCode)
        .where(ConsoleCode.code_hash == hash_token(code))
        .returning(ConsoleCode.tenant_id, ConsoleCode.administrator_id, ConsoleCode.expires_at)
    ).first()
    if used is None or used.expires_at <= utcnow():
        raise refused("console-code", "used or unknown" if used is None else "too old")
    administrator = session.execute(
        select(Administrator).where(
            Administrator.tenant_id.is_not_distinct_from(used.tenant_id), Administrator.id == used.administrator_id
        )
    ).scalar_one()
    return administrator, begin(administrator)


def waits(code: str) -> Administrator | None:
    """Who the code is for, as long as it can be used."""
    return session.scalar(
        select(Administrator)
        .join(ConsoleCode, ConsoleCode.administrator_id == Administrator.id)
        .where(ConsoleCode.code_hash == hash_token(code), ConsoleCode.expires_at > utcnow())
    )


def begin(administrator: Administrator) -> str:
    """A session for the administrator; gives the secret for the browser's cookie."""
    if not administrator.enabled:
        raise refused("console-forbidden", "shut out")
    now = utcnow()
    session.execute(delete(ConsoleSession).where(ConsoleSession.expires_at <= now))
    secret = new_secret()
    session.add(
        ConsoleSession(
            cookie_hash=hash_token(secret),
            tenant_id=administrator.tenant_id,
            administrator_id=administrator.id,
            expires_at=now + timedelta(hours=current_host().settings.console_hours),
        )
    )
    administrator.seen_at = now
    session.flush()
    with audit.acting(audit.Actor("administrator", administrator.id)):
        audit.record("administrator.sign-in", f"administrator {administrator.id}", administrator.tenant_id)
    return secret


def signed_in(secret: str) -> SignedIn | None:
    """Whose session the cookie is, as long as it lasts and they may come in."""
    found = session.execute(
        select(ConsoleSession, Administrator, Tenant)
        .join(Administrator, Administrator.id == ConsoleSession.administrator_id)
        .outerjoin(Tenant, Tenant.id == ConsoleSession.tenant_id)
        .where(
            ConsoleSession.cookie_hash == hash_token(secret),
            ConsoleSession.expires_at > utcnow(),
            Administrator.enabled,
        )
    ).first()
    return None if found is None else SignedIn(found[1], found[2], found[0].locale)


def end(secret: str) -> None:
    """Sign out."""
    session.execute(delete(ConsoleSession).where(ConsoleSession.cookie_hash == hash_token(secret)))


def choose_locale(secret: str, locale: str) -> None:
    """Show the console in another language, for as long as the session lasts."""
    session.execute(
        update(ConsoleSession).where(ConsoleSession.cookie_hash == hash_token(secret)).values(locale=locale)
    )


def _of(tenant: Tenant | None) -> ColumnElement[bool]:
    return Administrator.tenant_id == tenant.id if tenant else Administrator.tenant_id.is_(None)
