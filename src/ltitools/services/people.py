"""People, as an institution's LMS names them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select, update

from ltitools.db import session
from ltitools.i18n import match_locale
from ltitools.models import Launch, Person


def named(tenant_id: int, person_ids: Iterable[int]) -> dict[int, Person]:
    """The people with these ids, in one query."""
    ids = set(person_ids)
    if not ids:
        return {}
    rows = session.scalars(select(Person).where(Person.tenant_id == tenant_id, Person.id.in_(ids)))
    return {person.id: person for person in rows}


def choose_locale(launch: Launch, locale: str) -> None:
    """Show this person the tools in another language, in this visit and the next."""
    chosen = match_locale(locale)
    session.execute(
        update(Person)
        .where(Person.tenant_id == launch.tenant_id, Person.id == launch.person_id)
        .values(chosen_locale=chosen)
    )
    session.execute(
        update(Launch).where(Launch.tenant_id == launch.tenant_id, Launch.id == launch.id).values(locale=chosen)
    )
