"""Erasing a person: what is about them goes, and where others or the server need a row, nobody is named in it.

A tool that has a way of its own erases its rows itself, because it alone knows which of them others need; that nothing
is left is checked here. The rows of other tools, and of those that are not installed any more, just go.
Submitted work goes as a whole. Without a name it would still tell in a small course whose it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Table, delete, func, select, update

from ltitools.db import new_public_id, session, utcnow
from ltitools.errors import PluginError
from ltitools.models import Administrator, EventRow, Grade, Person
from ltitools.services import audit
from ltitools.services.events import PersonErased, emit
from ltitools.services.privacy import tables
from ltitools.services.privacy.exporting import mentioned
from ltitools.services.privacy.keepers import keepers, tables_of

WAITING = ("waiting", "parked")
EMPTIED = frozenset({tables.PERSON, "administrator", "event"})
"""Whose rows stay, with nothing of the person: numbers that others hold must not come to mean somebody else."""


@dataclass(frozen=True)
class Plan:
    """What erasing a person does: rows by table that go, rows that are emptied, and grades that are sent no more."""

    removed: Mapping[str, int]
    emptied: Mapping[str, int]
    waiting_grades: int


def plan(person: Person, there: Sequence[Table] | None = None) -> Plan:
    """What erasing the person would do."""
    there = tables.all_tables() if there is None else there
    found = tables.counts(tables.of_person(person.tenant_id, person.id, there))
    waiting = session.execute(
        select(func.count())
        .select_from(Grade)
        .where(Grade.tenant_id == person.tenant_id, Grade.person_id == person.id, Grade.state.in_(WAITING))
    ).scalar_one()
    return Plan(
        {name: number for name, number in found.items() if name not in EMPTIED},
        {name: number for name, number in found.items() if name in EMPTIED} | mentioned(person, there),
        waiting,
    )


def erase(person: Person, there: Sequence[Table] | None = None) -> Plan:
    """Erase the person in the caller's transaction. Who comes with the same number later is somebody new.

    Raises PluginError where a tool leaves something.
    """
    there = tables.all_tables() if there is None else there
    # Whoever writes about the person at this moment is waited for, or waits.
    same = (Person.tenant_id == person.tenant_id, Person.id == person.id)
    session.execute(select(Person.id).where(*same).with_for_update())
    done = plan(person, there)
    own_ways: dict[str, str] = {}
    for key, keeper in keepers().items():
        if keeper.erase_person is not None:
            keeper.erase_person(person.tenant_id, person.id)
            own_ways |= dict.fromkeys(tables_of(keeper), key)
    session.flush()
    _check_tools(person, there, own_ways)
    _remove_rows(person, there)
    _empty(person)
    emit(PersonErased(person.tenant_id, person.id))
    rows = sum(done.removed.values())
    audit.record("person.erase", f"person {person.id}", person.tenant_id, rows=rows, grades=done.waiting_grades)
    session.flush()
    return done


def _check_tools(person: Person, there: Sequence[Table], own_ways: Mapping[str, str]) -> None:
    """Refuse to go on where a tool says that it has erased the person and has not."""
    for name in {**tables.counts(tables.of_person(person.tenant_id, person.id, there)), **mentioned(person, there)}:
        table = name.partition(".")[0]
        if table in own_ways:
            raise PluginError(f"Nothing was erased: the tool {own_ways[table]!r} still names the person in {name!r}.")


def _remove_rows(person: Person, there: Sequence[Table]) -> None:
    """Remove the rows about the person, those below before those above, and take the person out of others' rows."""
    for column in tables.mentions(there):
        session.execute(
            update(column.table)
            .where(column.table.c.tenant_id == person.tenant_id, column == person.id)
            .values({column: None})
        )
    parts = tables.of_person(person.tenant_id, person.id, there)
    for name, (table, rows) in reversed(list(parts.items())):
        if name not in EMPTIED:
            session.execute(delete(table).where(rows))
    table, rows = parts["event"]
    # Listeners know events by their numbers, so these stay.
    session.execute(update(EventRow).where(rows).values(fields={}))


def _empty(person: Person) -> None:
    session.execute(
        update(Administrator)
        .where(Administrator.tenant_id == person.tenant_id, Administrator.person_id == person.id)
        .values(name="", email="", subject="", person_id=None, enabled=False)
    )
    person.sub = f"erased:{new_public_id()}"
    person.name = person.email = ""
    person.is_test = False
    person.chosen_locale = None
    person.erased_at = person.created_at = person.seen_at = utcnow()
    session.flush()
