"""Rows in every table: of an institution, and of people in it, so that what is forgotten somewhere can be seen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, Boolean, Column, DateTime, Float, Integer, LargeBinary, Numeric, Table, insert, select

from ltitools.context import current_host
from ltitools.db import Base, UtcDateTime, session

OF_THE_SERVER = {"attempt", "heartbeat", "outage"}
ABOUT_PEOPLE_IN_JSON = {"event", "event_delivery", "job"}
"""Filled last: no foreign key says that they come after people."""
THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SETTLED: dict[tuple[str, str], Any] = {
    ("badges_badge", "document"): "{}",
    ("badges_version", "content"): {"name": "Micro-credential"},
    ("competency", "titles"): {"en": "Reading"},
    ("competency_result", "level"): "shown",
    ("diagnostic_competency", "titles"): {"en": "Reading"},
    ("diagnostic_item", "content"): {
        "code": "q1",
        "competency": "c1",
        "kind": "numeric",
        "question": {"en": "How many?"},
        "outcome": {},
        "options": [],
        "keys": [],
        "number": "3",
        "tolerance": "0",
        "accepted": {},
        "feedback": {},
    },
    ("event", "kind"): "ScoreRecorded",
    ("file", "keep_until"): None,
    ("grade", "state"): "sent",
    ("person", "erased_at"): None,
    ("tenant", "enabled"): True,
    ("tenant", "removal_at"): None,
}
"""Values that somebody who reads them must understand."""
Keys = dict[str, Any]
"""The primary key of the row in each table."""


def of_us() -> list[Table]:
    """Every table but those of the server itself, each before those that point to it."""
    return [table for table in Base.metadata.sorted_tables if table.name not in OF_THE_SERVER]


def fill(tag: str, tables: Iterable[Table], known: Keys | None = None, mentioned: int | None = None) -> Keys:
    """A row in each of the tables, with `tag` in each text. Rows point to each other, or to those that are `known`.

    Where a row mentions a person beside the one it is about, that is `mentioned`.
    """
    keys: Keys = dict(known or {})
    for table in sorted(tables, key=lambda table: table.name in ABOUT_PEOPLE_IN_JSON):
        values = {column.name: _value(tag, column, keys, mentioned) for column in table.columns if _is_set(column)}
        number = next(iter(table.primary_key.columns))
        keys[table.name] = session.execute(insert(table).values(values).returning(number)).scalar_one()
    session.flush()
    return keys


def _is_set(column: Column[Any]) -> bool:
    # A number of its own comes from the database, and one that a test's own tables have from their default.
    return not (column.primary_key and not column.foreign_keys and isinstance(column.type, Integer))


def _value(tag: str, column: Column[Any], keys: Keys, mentioned: int | None) -> Any:
    place = column.table.name, column.name
    if column.foreign_keys:
        above = next(iter(column.foreign_keys)).column.table.name
        if above == "person" and column.name != "person_id":
            return mentioned
        return None if above == column.table.name else keys[above]
    if place in SETTLED:
        return SETTLED[place]
    if place == ("file", "content"):
        return current_host().sealer.seal_bytes(f"file:{keys['tenant']}", f"{tag}:file".encode())
    text = f"{tag}:{column.table.name}.{column.name}"
    kind = column.type
    if place == ("diagnostic_answer", "response"):
        return text
    if isinstance(kind, JSON):
        return {"text": text, "person_id": keys.get("person")}
    if isinstance(kind, UtcDateTime | DateTime):
        return THEN
    if isinstance(kind, Boolean):
        return False
    if isinstance(kind, LargeBinary):
        return text.encode()
    if isinstance(kind, Float):
        return 0.5
    if isinstance(kind, Numeric):
        return Decimal(7)
    if isinstance(kind, Integer):
        return 7
    return text[: getattr(kind, "length", None) or 255]


def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, as text that can be compared and searched."""
    found = {}
    for table in Base.metadata.sorted_tables:
        rows = session.execute(select(table).order_by(*table.primary_key.columns)).mappings()
        found[table.name] = [dict(row) for row in rows]
    return found
