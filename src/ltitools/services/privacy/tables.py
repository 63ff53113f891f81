"""Which rows are about a person, or belong to an institution, as the tables themselves tell.

A row is about the person whom its column ``person_id`` names, and so is every row below it (by foreign key). A column
of another name that leads to a person only mentions them: whoever decided about somebody else's work, for example.
Events and jobs name a person in their JSON, under ``person_id`` as well. Tables of tools that are not installed any
more have no model, and are read off the database.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, ColumnElement, MetaData, Table, and_, func, inspect, or_, select

from ltitools.db import Base, session

PERSON = "person"
OWNER = "person_id"
IN_JSON: Mapping[str, str] = {"event": "fields", "job": "args"}
STAYING = frozenset({"audit_entry"})
"""Below an administrator, and not about the person: the audit log names a number."""
NOTHING_BUT_SECRETS = frozenset({"console_code", "console_session", "one_time_code", "pending_login", "service_token"})
SECRETS = frozenset({("file", "content"), ("file", "digest"), ("launch", "deep_linking")})
"""Sealed or keyed; and what an LMS gave a visit to hand back to it."""

Parts = Mapping[str, tuple[Table, ColumnElement[bool]]]
"""By the table's name, the table and which of its rows are meant; a table comes before those below it."""


def all_tables() -> Sequence[Table]:
    """Every table of the database, each before those that point to it."""
    connection = session.connection()
    known = Base.metadata.tables
    there = [name for name in inspect(connection).get_table_names() if not name.endswith("alembic_version")]
    if all(name in known for name in there):
        return [table for table in Base.metadata.sorted_tables if table.name in there]
    found = MetaData()
    found.reflect(connection, only=there)
    return [known.get(table.name, table) for table in found.sorted_tables]


def of_person(tenant_id: int, person_id: int, tables: Sequence[Table]) -> Parts:
    """The rows that are about a person; the person's own row comes first."""
    parts: dict[str, tuple[Table, ColumnElement[bool]]] = {}
    for table in tables:
        if table.name == PERSON:
            ways = [table.c.id == person_id]
        elif table.name in STAYING:
            continue
        else:
            ways = [way for column in table.columns for way in _leads_to(column, person_id, parts)]
        if table.name in IN_JSON:
            ways.append(_names_in_json(table, person_id))
        if ways:
            parts[table.name] = table, and_(table.c.tenant_id == tenant_id, or_(*ways))
    return parts


def _leads_to(column: Column[Any], person_id: int, parts: Parts) -> Iterator[ColumnElement[bool]]:
    """How a row is about the person by this column."""
    for key in column.foreign_keys:
        above = key.column.table.name
        if above == PERSON and column.name == OWNER:
            yield column == person_id
        elif above in parts and above not in (PERSON, column.table.name):
            table, rows = parts[above]
            yield column.in_(select(table.c[key.column.name]).where(rows))


def _names_in_json(table: Table, person_id: int) -> ColumnElement[bool]:
    named: ColumnElement[bool] = table.c[IN_JSON[table.name]][OWNER].as_integer() == person_id
    # That somebody was erased is news about a number.
    return and_(named, table.c.kind != "PersonErased") if "kind" in table.c else named


def mentions(tables: Sequence[Table]) -> list[Column[Any]]:
    """The columns that mention a person in rows that are about somebody or something else."""
    return [
        column
        for table in tables
        for column in table.columns
        if column.name != OWNER and any(key.column.table.name == PERSON for key in column.foreign_keys)
    ]


def of_tenant(tenant_id: int, tables: Sequence[Table]) -> Parts:
    """The rows that belong to an institution, and the institution's own row."""
    parts: dict[str, tuple[Table, ColumnElement[bool]]] = {}
    for table in tables:
        if table.name == "tenant":
            parts[table.name] = table, table.c.id == tenant_id
        elif "tenant_id" in table.c:
            parts[table.name] = table, table.c.tenant_id == tenant_id
    return parts


def counts(parts: Parts) -> dict[str, int]:
    """How many rows each table has of them, without the tables that have none."""
    found = {name: count(table, rows) for name, (table, rows) in parts.items()}
    return {name: number for name, number in found.items() if number}


def count(table: Table, rows: ColumnElement[bool]) -> int:
    """How many of the table's rows are meant."""
    return session.execute(select(func.count()).select_from(table).where(rows)).scalar_one()


def read(table: Table, rows: ColumnElement[bool]) -> Iterator[dict[str, Any]]:
    """The rows as they can be given away: without secrets, in the order in which they were made."""
    columns = [column for column in table.columns if not is_secret(column)]
    found = session.execute(select(*columns).where(rows).order_by(*table.primary_key.columns))
    for row in found.yield_per(500):
        yield {name: plain(value) for name, value in row._mapping.items()}


def is_secret(column: Column[Any]) -> bool:
    """Whether a column holds what lets somebody in, or a trace of it."""
    name = column.name
    return (
        (column.table.name, name) in SECRETS or name == "lease" or name.endswith("_hash") or name.startswith("sealed_")
    )


def plain(value: Any) -> Any:
    """A value as JSON has it: times in UTC by ISO 8601, exact numbers as text, bytes in Base64."""
    if isinstance(value, datetime):
        # SQLite keeps no zone: what it gives is in UTC.
        return (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)).isoformat()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value
