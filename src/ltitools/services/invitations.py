"""Registration links: each lets one platform register itself with one institution, once and for a while."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import or_, select, update

from ltitools.db import session, utcnow
from ltitools.errors import Conflict, NotFound
from ltitools.i18n import host
from ltitools.models import Invitation, Registration, Tenant
from ltitools.refusals import refused
from ltitools.secrets import hash_token, new_secret
from ltitools.services import audit

_ = host.gettext

DAYS = 7
LONGEST_DAYS = 90
CLAIM = timedelta(seconds=60)
"""How long one attempt may take before another may try: longer than the platform has for its answer."""


def add(tenant: Tenant, note: str = "", days: int = DAYS) -> tuple[Invitation, str]:
    """A new link for the institution: the row, and the code, which is kept nowhere else. Raises Conflict."""
    if not 1 <= days <= LONGEST_DAYS:
        raise Conflict(
            _("A registration link is good for 1 to %(most)s days, not %(days)s.", most=LONGEST_DAYS, days=days)
        )
    code = new_secret()
    now = utcnow()
    invitation = Invitation(
        tenant_id=tenant.id,
        code_hash=hash_token(code),
        note=note.strip()[:255],
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    session.add(invitation)
    session.flush()
    audit.record("invitation.add", f"link {invitation.id}", tenant.id, days=days, note=invitation.note)
    return invitation, code


def of_tenant(tenant_id: int) -> Sequence[tuple[Invitation, Registration | None]]:
    """The links of an institution with what came of them, newest first."""
    found = session.execute(
        select(Invitation, Registration)
        .outerjoin(Registration, Registration.id == Invitation.registration_id)
        .where(Invitation.tenant_id == tenant_id)
        .order_by(Invitation.id.desc())
    )
    return [(invitation, registration) for invitation, registration in found]


def state(invitation: Invitation) -> str:
    """``open``, ``used``, ``revoked`` or ``expired``."""
    if invitation.used_at is not None:
        return "used"
    if invitation.revoked_at is not None:
        return "revoked"
    return "open" if invitation.expires_at > utcnow() else "expired"


def revoke(tenant_id: int, number: int) -> Invitation:
    """Let an unused link lead nowhere any more. Raises NotFound, and Conflict where it was used."""
    invitation = session.scalar(select(Invitation).where(Invitation.tenant_id == tenant_id, Invitation.id == number))
    if invitation is None:
        raise NotFound(f"This tenant has no registration link {number}. `ltitools registration links` shows them.")
    if invitation.used_at is not None:
        raise Conflict(
            _(
                "Registration link %(number)s was used already: switch off the registration that came of it.",
                number=number,
            )
        )
    if invitation.revoked_at is None:
        invitation.revoked_at = utcnow()
        session.flush()
        audit.record("invitation.revoke", f"link {number}", tenant_id)
    return invitation


def find(tenant: Tenant, code: str, token: str = "") -> Invitation:
    """The link with this code, as long as it can be used, or was used with the same registration token. Refuses others.

    The link itself is the credential, so a platform's page and a form may show it again.
    """
    found = session.scalar(
        select(Invitation).where(Invitation.tenant_id == tenant.id, Invitation.code_hash == hash_token(code))
    )
    if found is None:
        raise refused("invitation-unknown")
    current = state(found)
    if current == "used" and token and found.token_hash == hash_token(token):
        return found
    if current != "open":
        raise refused(f"invitation-{current}")
    return found


def claim(invitation: Invitation, token: str) -> bool:
    """Begin to use the link with a platform's registration token. False where somebody else is at it just now.

    Commit before the platform is asked: only one request at a time may get that far.
    """
    now = utcnow()
    claimed = session.execute(
        update(Invitation)
        .where(
            Invitation.tenant_id == invitation.tenant_id,
            Invitation.id == invitation.id,
            Invitation.used_at.is_(None),
            Invitation.revoked_at.is_(None),
            Invitation.expires_at > now,
            or_(Invitation.claimed_at.is_(None), Invitation.claimed_at < now - CLAIM),
        )
        .values(claimed_at=now, token_hash=hash_token(token))
        .returning(Invitation.id)
    )
    return claimed.first() is not None


def release(invitation: Invitation) -> None:
    """Let the link be used again, after the platform said no."""
    session.execute(
        update(Invitation)
        .where(Invitation.tenant_id == invitation.tenant_id, Invitation.id == invitation.id)
        .values(claimed_at=None, token_hash=None)
    )


def settle(invitation: Invitation, registration: Registration) -> None:
    """Note what came of the link; it is used up."""
    session.execute(
        update(Invitation)
        .where(Invitation.tenant_id == invitation.tenant_id, Invitation.id == invitation.id)
        .values(used_at=utcnow(), registration_id=registration.id)
    )
