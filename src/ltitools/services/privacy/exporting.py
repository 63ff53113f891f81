"""Everything that is kept of a person, as one document for them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, select

from ltitools.db import session, utcnow
from ltitools.models import Person, Tenant
from ltitools.services import audit
from ltitools.services.privacy import tables
from ltitools.services.privacy.keepers import keepers, tables_of

NAMES: Mapping[str, str] = {
    "activity": "title",
    "competency": "titles",
    "course": "title",
    "link": "title",
    "registration": "issuer",
}
"""What the rows of a table are called, for those who read a number of one."""


def export(person: Person) -> dict[str, Any]:
    """The document; writes an entry in the audit log."""
    audit.record("person.export", f"person {person.id}", person.tenant_id)
    there = tables.all_tables()
    parts = tables.of_person(person.tenant_id, person.id, there)
    of_tools = {key: tables_of(keeper) for key, keeper in keepers().items()}
    elsewhere = {name for names in of_tools.values() for name in names}
    tools: dict[str, Any] = {}
    for key, keeper in keepers().items():
        if keeper.export_person is not None:
            tools[key] = keeper.export_person(person.tenant_id, person.id)
        else:
            tools[key] = _rows({name: part for name, part in parts.items() if name in of_tools[key]})
    tenant = session.scalars(select(Tenant).where(Tenant.id == person.tenant_id)).one()
    return {
        "exported_at": utcnow().isoformat(timespec="seconds"),
        "institution": {"key": tenant.key, "name": tenant.name},
        "host": _rows({name: part for name, part in parts.items() if name not in elsewhere}),
        "tools": tools,
        "named_elsewhere": mentioned(person, there),
    }


def as_json(person: Person) -> bytes:
    """The document as a file."""
    return json.dumps(export(person), ensure_ascii=False, indent=2, default=tables.plain).encode()


def mentioned(person: Person, there: Sequence[Table]) -> dict[str, int]:
    """In how many rows about others the person is mentioned, by column; what these say is about the others."""
    found = {
        f"{column.table.name}.{column.name}": tables.count(
            column.table, (column.table.c.tenant_id == person.tenant_id) & (column == person.id)
        )
        for column in tables.mentions(there)
    }
    return {name: number for name, number in found.items() if number}


def _rows(parts: tables.Parts) -> dict[str, list[dict[str, Any]]]:
    names = _Names()
    found = {name: list(names.added(table, rows)) for name, (table, rows) in parts.items()}
    return {name: rows for name, rows in found.items() if rows and name not in tables.NOTHING_BUT_SECRETS}


class _Names:
    """What courses, activities and competencies are called, each looked up once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Any] = {}

    def added(self, table: Table, rows: Any) -> Iterator[dict[str, Any]]:
        """The rows, each number of something with a name followed by the name."""
        leads = {
            column.name: key.column.table
            for column in table.columns
            for key in column.foreign_keys
            if key.column.table.name in NAMES
        }
        for row in list(tables.read(table, rows)):
            full: dict[str, Any] = {}
            for name, value in row.items():
                full[name] = value
                if name in leads and value is not None:
                    full[f"{name.removesuffix('_id')}_name"] = self._name(leads[name], value)
            yield full

    def _name(self, table: Table, number: int) -> Any:
        place = table.name, number
        if place not in self._known:
            named = select(table.c[NAMES[table.name]]).where(table.c.id == number)
            self._known[place] = session.scalar(named)
        return self._known[place]
