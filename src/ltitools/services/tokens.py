"""Access tokens for the services of platforms: one row for each registration, token URL and set of scopes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement, delete, select

from ltitools.context import current_host
from ltitools.db import session, upsert, utcnow
from ltitools.lti.services import ServiceRefused, fetch_token
from ltitools.models import Registration, ServiceToken
from ltitools.services import tenants

MARGIN = 60
SEAL = "service-token"

T = TypeVar("T")


def access_token(registration: Registration, scopes: Sequence[str]) -> str:
    """A token that is still good for a minute, kept or fetched. Call it outside a transaction; it commits.

    Raises HttpError or ServiceRefused where the platform gives none.
    """
    wanted = " ".join(sorted(scopes))
    host = current_host()
    sealed = session.scalar(
        select(ServiceToken.sealed_token).where(
            *_same(registration, wanted),
            ServiceToken.usable_until > utcnow(),
        )
    )
    if sealed is not None:
        session.commit()
        return host.sealer.open(SEAL, sealed)
    key = tenants.signing_key(registration.tenant_id)
    session.commit()
    token = fetch_token(host.http, registration, key, scopes, now=int(time.time()), token_url=registration.token_url)
    kept = {
        "sealed_token": host.sealer.seal(SEAL, token.value),
        "usable_until": utcnow() + timedelta(seconds=token.expires_in - MARGIN),
    }
    session.execute(
        upsert(ServiceToken)
        .values(
            tenant_id=registration.tenant_id,
            registration_id=registration.id,
            token_url=registration.token_url,
            scopes=wanted,
            **kept,
        )
        .on_conflict_do_update(index_elements=["registration_id", "token_url", "scopes"], set_=kept)
    )
    session.commit()
    return token.value


def with_token(registration: Registration, scopes: Sequence[str], call: Callable[[str], T]) -> T:
    """What `call` gives with a token; once more with a new one where the platform refuses the first. Commits.

    Raises what `call` raises, and HttpError or ServiceRefused where the platform gives no token.
    """
    try:
        return call(access_token(registration, scopes))
    except ServiceRefused as error:
        if error.status != 401:
            raise
    forget_token(registration, scopes)
    return call(access_token(registration, scopes))


def forget_token(registration: Registration, scopes: Sequence[str]) -> None:
    """Drop a token that the platform no longer takes. Commits."""
    session.execute(delete(ServiceToken).where(*_same(registration, " ".join(sorted(scopes)))))
    session.commit()


def _same(registration: Registration, scopes: str) -> tuple[ColumnElement[bool], ...]:
    return (
        ServiceToken.tenant_id == registration.tenant_id,
        ServiceToken.registration_id == registration.id,
        ServiceToken.token_url == registration.token_url,
        ServiceToken.scopes == scopes,
    )
