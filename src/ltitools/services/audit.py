"""The audit log: an entry for every change that an administrator or an operator makes, which nobody changes again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from ltitools.context import current_host
from ltitools.db import session
from ltitools.i18n import LazyText, host
from ltitools.models import Administrator, AuditEntry

lazy = host.lazy

ACTIONS: Mapping[str, LazyText] = {
    "tenant.add": lazy("Institution added"),
    "tenant.enable": lazy("Institution switched on"),
    "tenant.disable": lazy("Institution switched off"),
    "tenant.change": lazy("Institution changed"),
    "tool.enable": lazy("Tool switched on"),
    "tool.disable": lazy("Tool switched off"),
    "invitation.add": lazy("Registration link made"),
    "invitation.revoke": lazy("Registration link revoked"),
    "registration.add": lazy("Platform registered"),
    "registration.update": lazy("Registration updated by the platform"),
    "registration.send": lazy("Settings sent to the platform"),
    "registration.change": lazy("Registration changed"),
    "registration.enable": lazy("Registration switched on"),
    "registration.disable": lazy("Registration switched off"),
    "deployment.add": lazy("Deployment listed"),
    "deployment.approve": lazy("Deployment approved"),
    "deployment.reject": lazy("Deployment refused"),
    "grade.send": lazy("Grades sent again"),
    "grade.drop": lazy("Grade taken off the list"),
    "administrator.add": lazy("Administrator added"),
    "administrator.enable": lazy("Administrator let in again"),
    "administrator.disable": lazy("Administrator shut out"),
    "administrator.link": lazy("Sign-in link made"),
    "administrator.sign-in": lazy("Signed in"),
    "framework.add": lazy("Framework added"),
    "framework.change": lazy("Framework changed"),
    "framework.import": lazy("Framework imported"),
    "framework.publish": lazy("Framework published"),
    "framework.version": lazy("New version of a framework begun"),
    "framework.remove": lazy("Framework removed"),
    "key.rotate": lazy("Signing key rotated"),
    "secret.rotate": lazy("Secret key rotated"),
    "person.export": lazy("A person's data exported"),
    "person.erase": lazy("A person's data erased"),
    "retention.change": lazy("Retention changed"),
    "tenant.export": lazy("Institution exported"),
    "tenant.removal": lazy("Removal of the institution announced"),
    "tenant.keep": lazy("Removal of the institution called off"),
    "tenant.remove": lazy("Institution removed"),
}
"""What the host logs, and how people read it."""


@dataclass(frozen=True)
class Actor:
    """Who makes changes: an administrator, the command line, a platform that registers itself, or the worker."""

    kind: str = "command line"
    administrator_id: int | None = None


COMMAND_LINE = Actor()
_actor: ContextVar[Actor] = ContextVar("ltitools_actor", default=COMMAND_LINE)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Changes made inside are those of `actor`."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def set_actor(actor: Actor) -> None:
    """The same for the rest of this context: the web layer sets it for each request."""
    _actor.set(actor)


def actions() -> Mapping[str, LazyText]:
    """What is logged, by the host and by the tools, and how people read it."""
    return {**ACTIONS, **current_host().actions}


def record(action: str, subject: str, tenant_id: int | None, **details: Any) -> None:
    """Log a change, in the transaction of the change. Names and addresses of learners do not belong in `details`."""
    assert action in actions(), action
    actor = _actor.get()
    session.add(
        AuditEntry(
            tenant_id=tenant_id,
            administrator_id=actor.administrator_id,
            actor=actor.kind,
            action=action,
            subject=subject[:255],
            details=details,
        )
    )


def entries(tenant_id: int | None, limit: int, before: int | None = None) -> Sequence[tuple[AuditEntry, str | None]]:
    """The latest entries of an institution (None: those of the server), newest first, with the administrator's name.

    `before` is the id of an entry: only those that are older.
    """
    found = (
        select(AuditEntry, Administrator.name)
        .outerjoin(Administrator, Administrator.id == AuditEntry.administrator_id)
        .where(AuditEntry.tenant_id == tenant_id if tenant_id is not None else AuditEntry.tenant_id.is_(None))
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    )
    if before is not None:
        found = found.where(AuditEntry.id < before)
    return [(entry, name) for entry, name in session.execute(found)]
