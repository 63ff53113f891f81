"""The key sets of platforms: kept by max-age, fetched once for an unknown kid, served stale when the LMS is down.

Loaded keys are kept in the process; the set as fetched is a row that all processes share. A platform is asked
at most once a minute for kids it does not know, whatever is sent to us.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from joserfc.jwk import RSAKey
from sqlalchemy import or_, select, update

from ltitools.context import Host, current_host
from ltitools.db import reading, session, upsert, utcnow
from ltitools.http import HttpError
from ltitools.lti.keys import max_age, platform_keys
from ltitools.models import PlatformKeys, Registration
from ltitools.refusals import refused

ASK_AGAIN_AFTER = timedelta(seconds=60)
COLD_ASK_AGAIN_AFTER = timedelta(seconds=5)
WAIT_FOR_OTHERS = 5.0
LOOK_AGAIN = 0.05


@dataclass(frozen=True)
class _Loaded:
    keys: dict[str, RSAKey]
    fresh_until: datetime


_loaded: dict[tuple[int, str], _Loaded] = {}
"""By registration and the address that the keys came from: at another address there may be none of them."""
_locks: dict[int, threading.Lock] = {}


def key_named(registration: Registration, kid: str) -> RSAKey | None:
    """The platform's key with this kid, None where it publishes none. Call it outside a transaction.

    Refuses (``platform-keys-unreachable``) where the platform never let its keys be read.
    """
    known = _loaded.get(_place(registration))
    if known and known.fresh_until > utcnow() and kid in known.keys:
        return known.keys[kid]
    with _locks.setdefault(registration.id, threading.Lock()):
        known = _load(registration)
        if known is None or kid not in known.keys or known.fresh_until <= utcnow():
            known = _refresh(registration, known, kid)
    return known.keys.get(kid)


def _place(registration: Registration) -> tuple[int, str]:
    return registration.id, registration.jwks_url


def forget_loaded() -> None:
    """Drop the keys that this process keeps loaded; the shared rows stay."""
    _loaded.clear()


def _load(registration: Registration) -> _Loaded | None:
    """What the shared row holds, loaded."""
    with reading():
        row = session.execute(
            select(PlatformKeys.jwks, PlatformKeys.fresh_until).where(
                PlatformKeys.registration_id == registration.id, PlatformKeys.tenant_id == registration.tenant_id
            )
        ).first()
        session.rollback()
    if row is None or row.jwks is None:
        return None
    known = _loaded.get(_place(registration))
    if known is None or known.fresh_until != row.fresh_until:
        known = _loaded[_place(registration)] = _Loaded(platform_keys(row.jwks), row.fresh_until)
    return known


def _refresh(registration: Registration, known: _Loaded | None, kid: str) -> _Loaded:
    """Fetch the set if it is our turn; else what others have fetched meanwhile, or the stale one."""
    if not _take_turn(registration, cold=known is None):
        return _wait_for_others(registration, known, kid)
    try:
        document, lifetime = _fetch(current_host(), registration.jwks_url)
    except HttpError as error:
        _note_answer(registration)
        if known is None:
            raise refused("platform-keys-unreachable", str(error)) from error
        return known
    fresh_until = utcnow() + timedelta(seconds=max(lifetime, 1))
    _note_answer(registration, jwks=document, fresh_until=fresh_until)
    fetched = _loaded[_place(registration)] = _Loaded(platform_keys(document), fresh_until)
    return fetched


def _take_turn(registration: Registration, *, cold: bool) -> bool:
    """Whether this process may ask the platform now: one of all of them, and not too soon after the last time."""
    now = utcnow()
    session.execute(
        upsert(PlatformKeys)
        .values(registration_id=registration.id, tenant_id=registration.tenant_id)
        .on_conflict_do_nothing()
    )
    taken = session.execute(
        update(PlatformKeys)
        .where(
            PlatformKeys.registration_id == registration.id,
            PlatformKeys.tenant_id == registration.tenant_id,
            or_(
                PlatformKeys.tried_at.is_(None),
                PlatformKeys.tried_at < now - (COLD_ASK_AGAIN_AFTER if cold else ASK_AGAIN_AFTER),
            ),
        )
        .values(tried_at=now)
        .returning(PlatformKeys.registration_id)
    ).first()
    session.commit()
    return taken is not None


def _note_answer(registration: Registration, **values: Any) -> None:
    """The asking is over; those who wait for it need not wait longer."""
    session.execute(
        update(PlatformKeys)
        .where(PlatformKeys.registration_id == registration.id, PlatformKeys.tenant_id == registration.tenant_id)
        .values(answered_at=utcnow(), **values)
    )
    session.commit()


def _wait_for_others(registration: Registration, known: _Loaded | None, kid: str) -> _Loaded:
    """While another process is asking, its answer; at once what is known where none is."""
    deadline = time.monotonic() + WAIT_FOR_OTHERS
    while known is None or kid not in known.keys:
        asking = _somebody_asks(registration)
        known = _load(registration)
        if not asking or time.monotonic() >= deadline:
            break
        time.sleep(LOOK_AGAIN)
    if known is None:
        raise refused("platform-keys-unreachable", "asked a moment ago without an answer")
    return known


def _somebody_asks(registration: Registration) -> bool:
    with reading():
        row = session.execute(
            select(PlatformKeys.tried_at, PlatformKeys.answered_at).where(
                PlatformKeys.registration_id == registration.id, PlatformKeys.tenant_id == registration.tenant_id
            )
        ).one()
        session.rollback()
    return row.tried_at is not None and (row.answered_at is None or row.answered_at < row.tried_at)


def _fetch(host: Host, url: str) -> tuple[dict[str, Any], int]:
    """The platform's key set and the seconds it may be kept. Raises HttpError for anything that is not one."""
    answer = host.http.request("GET", url, headers={"Accept": "application/json"})
    if answer.status != 200:
        raise HttpError(f"{url} answers {answer.status}")
    try:
        document = json.loads(answer.body)
        platform_keys(document)
    except (ValueError, RecursionError) as error:
        raise HttpError(f"{url} holds no key set: {error}") from error
    return document, max_age(answer.headers)
