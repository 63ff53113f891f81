"""The launch log: what became of logins and launches, for whoever helps people who cannot get in.

A launch that was accepted is its own entry (`ltitools.models.Launch`). A refused one leaves a row with the rule that
was broken and the claim, and with nothing of the person. Strangers can call the login with nonsense, so the rows of an
institution are few, and old ones go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from urllib.parse import urlsplit

from sqlalchemy import delete, or_, select

from ltitools.context import current_host
from ltitools.db import reading, session, upsert
from ltitools.lti.ags import SCORE
from ltitools.models import Launch, LaunchLog, Link, Registration, Tenant
from ltitools.secrets import hash_token
from ltitools.services import courses

MAX_ROWS = 1000
MAX_DETAIL = 300
OK = "ok"
NO_GRADEBOOK = "no gradebook service"
NO_SCORES = "no score scope"
NO_ROSTER = "no roster"
QUERY = re.compile(r"(?<=[\w/])[?#][^\s'\"]+")
MAIL = re.compile(r"[^\s'\"<>()/]+@[^\s'\"<>()/]+")


@dataclass(frozen=True)
class Entry:
    """One line of the log: `outcome` is ``ok`` or the code of a refusal, which came `count` times from `since` to `at`.

    `title` is what the platform is called here, empty where it is not known. `binding` is what tied an accepted launch
    to its browser, and `not_allowed` what the LMS does not offer there.
    """

    at: datetime
    since: datetime
    title: str
    issuer: str
    client_id: str
    endpoint: str
    message_type: str
    outcome: str
    detail: str = ""
    count: int = 1
    binding: str = ""
    in_window: bool = False
    not_allowed: tuple[str, ...] = ()


def note(
    tenant_key: str,
    registration_id: int | None,
    *,
    at: datetime,
    endpoint: str,
    code: str,
    detail: str,
    message_type: str | None,
) -> None:
    """Remember a refusal at ``login`` or ``launch``: the same within one hour is counted. Commits.

    Nothing is kept for an institution that does not exist. Call it outside a transaction.
    """
    with reading():
        tenant_id = session.scalar(select(Tenant.id).where(Tenant.key == tenant_key))
        session.rollback()
    if tenant_id is None:
        return
    said = {
        "registration_id": registration_id,
        "endpoint": endpoint,
        "code": code,
        "detail": without_person(detail),
        "message_type": message_type,
    }
    counted = session.execute(
        upsert(LaunchLog)
        .values(
            **said,
            tenant_id=tenant_id,
            fingerprint=hash_token(f"{at:%Y-%m-%dT%H} {sorted(said.items())}"),
            count=1,
            first_at=at,
            last_at=at,
        )
        .on_conflict_do_update(
            index_elements=["tenant_id", "fingerprint"], set_={"count": LaunchLog.count + 1, "last_at": at}
        )
        .returning(LaunchLog.count)
    ).scalar_one()
    if counted == 1:
        _forget_old(tenant_id, at)
    session.commit()


def _forget_old(tenant_id: int, now: datetime) -> None:
    """Drop what is older than it may get, and the oldest of what is too much."""
    own = LaunchLog.tenant_id == tenant_id
    newest_to_go = select(LaunchLog.id).where(own).order_by(LaunchLog.id.desc()).offset(MAX_ROWS).limit(1)
    too_old = now - timedelta(days=current_host().settings.launch_log_days)
    session.execute(
        delete(LaunchLog).where(own, or_(LaunchLog.last_at < too_old, LaunchLog.id <= newest_to_go.scalar_subquery()))
    )


def without_person(detail: str) -> str:
    """`detail` as it may be kept: what a stranger or an LMS sent could name a person in a query or as an address."""
    plain = "".join(character if character.isprintable() else " " for character in detail)
    return MAIL.sub("…", QUERY.sub("?…", plain))[:MAX_DETAIL]


def entries(tenant_id: int, limit: int, *, only_refused: bool = False) -> Sequence[Entry]:
    """The newest `limit` entries of an institution, the newest first."""
    accepted = [] if only_refused else _accepted(tenant_id, limit)
    newest_first = merge(_refused(tenant_id, limit), accepted, key=lambda entry: entry.at, reverse=True)
    return list(islice(newest_first, limit))


def _refused(tenant_id: int, limit: int) -> list[Entry]:
    rows = session.execute(
        select(LaunchLog, Registration)
        .outerjoin(Registration, Registration.id == LaunchLog.registration_id)
        .where(LaunchLog.tenant_id == tenant_id)
        .order_by(LaunchLog.last_at.desc(), LaunchLog.id.desc())
        .limit(limit)
    )
    return [
        Entry(
            at=row.last_at,
            since=row.first_at,
            title=_title(registration) if registration else "",
            issuer=registration.issuer if registration else "",
            client_id=registration.client_id if registration else "",
            endpoint=row.endpoint,
            message_type=row.message_type or "",
            outcome=row.code,
            detail=row.detail,
            count=row.count,
        )
        for row, registration in rows
    ]


def _accepted(tenant_id: int, limit: int) -> list[Entry]:
    """Launches that an LMS sent; a visit that began on the page of a course is none."""
    rows = session.execute(
        select(Launch, Registration, Link)
        .join(Registration, Registration.id == Launch.registration_id)
        .outerjoin(Link, Link.id == Launch.link_id)
        .where(Launch.tenant_id == tenant_id, Launch.placement != courses.FROM_COURSE_PAGE)
        .order_by(Launch.created_at.desc(), Launch.id)
        .limit(limit)
    )
    return [
        Entry(
            at=launch.created_at,
            since=launch.created_at,
            title=_title(registration),
            issuer=registration.issuer,
            client_id=registration.client_id,
            endpoint="launch",
            message_type=launch.message_type,
            outcome=OK,
            binding=launch.binding or "",
            in_window=launch.in_window,
            not_allowed=_not_allowed(launch, link),
        )
        for launch, registration, link in rows
    ]


def _title(registration: Registration) -> str:
    """What a platform is called, or where it is where nobody called it anything."""
    return registration.title or urlsplit(registration.issuer).netloc or registration.issuer


def _not_allowed(launch: Launch, link: Link | None) -> tuple[str, ...]:
    """What the LMS does not let this tool do in the course of a launch."""
    if launch.course_id is None:
        return ()
    missing = []
    if link is not None:
        if not (link.line_items_url or link.line_item_url):
            missing.append(NO_GRADEBOOK)
        elif SCORE not in launch.services.get("scopes", ()):
            missing.append(NO_SCORES)
    if not launch.services.get("memberships_url"):
        missing.append(NO_ROSTER)
    return tuple(missing)
