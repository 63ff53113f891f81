"""A database of the first release is brought up to date with all that is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.operations import Operations
from flask import Flask
from sqlalchemy import Connection, MetaData, column, create_engine, make_url, text
from sqlalchemy import table as sql_table
from sqlalchemy.exc import IntegrityError

from ltitools.db import prepare_engine
from ltitools.migrations import HOST, MigrationSet, upgrade
from probe import make_probe

NOW = "2026-11-01 12:00:00+00:00"


@pytest.fixture
def first_release(
    start_app: Callable[..., Flask], make_database: Callable[[], str], tmp_path: Path
) -> Iterator[Connection]:
    """A connection to a database with the tables of the first release, inside an application without tables."""
    url = make_url(make_database())
    if url.get_backend_name() == "sqlite":
        url = url.set(database=str(tmp_path / "old.db"))
    else:
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    prepare_engine(engine)
    with start_app([make_probe()]).app_context(), engine.begin() as connection:
        if url.get_backend_name() == "postgresql":
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        host = MigrationSet(HOST, "ltitools.migrations")
        context = host.context(connection)
        with Operations.context(context):
            host.scripts().get_revision("0001").module.upgrade()
            context.stamp(host.scripts(), "0001")
        yield connection
    engine.dispose()


def add(connection: Connection, table: str, **values: Any) -> None:
    """One row. Times are the same for all of them."""
    reflected = MetaData()
    reflected.reflect(connection, only=[table])
    columns = reflected.tables[table].columns
    filled = {each.name: _filler(each) for each in columns if not each.nullable and each.name != "id"}
    names = {**filled, **values}
    untyped = sql_table(table, *map(column, names))
    connection.execute(untyped.insert(), names)


def _filler(of: Any) -> Any:
    kind = str(of.type).upper()
    if "TIME" in kind:
        return NOW
    if "JSON" in kind:
        return "[]"
    if "BOOL" in kind:
        return True
    return 1 if any(part in kind for part in ("INT", "NUMERIC", "DOUBLE", "FLOAT")) else "x"


def test_what_is_there_is_there_after_an_upgrade_and_keeps_its_rules(first_release: Connection) -> None:
    one = first_release
    add(one, "tenant", id=1)
    add(one, "registration", id=1)
    add(one, "deployment", id=1)
    add(one, "person", id=1)
    add(one, "course", id=1)
    add(one, "link", id=1)
    add(one, "enrolment", roles='["learner"]')
    add(one, "grade", id=5, given=70, state="sent")
    add(one, "launch", id="launch-1")
    add(one, "pending_login", state_hash="x")

    assert [name for name in upgrade(one) if name.startswith("ltitools:")] == [f"ltitools:{n:04}" for n in range(2, 10)]

    enrolment = one.execute(text("SELECT status, listed_at, seen_at FROM enrolment")).one()
    assert (enrolment.status, enrolment.listed_at) == ("active", None)
    assert enrolment.seen_at is not None
    grade = one.execute(text("SELECT id, given, state, competency_id, result FROM grade")).one()
    assert (grade.id, float(grade.given), grade.state, grade.competency_id, grade.result) == (5, 70.0, "sent", None, "")
    launch = one.execute(text("SELECT for_person_id, binding, in_window FROM launch")).one()
    assert (launch.for_person_id, launch.binding, bool(launch.in_window)) == (None, None, False)
    assert not one.execute(text("SELECT in_window FROM pending_login")).scalar_one()
    with pytest.raises(IntegrityError), one.begin_nested():
        add(one, "grade", id=6)
    with pytest.raises(IntegrityError), one.begin_nested():
        add(one, "grade", id=6, person_id=99)
    with pytest.raises(IntegrityError), one.begin_nested():
        one.execute(text("UPDATE launch SET for_person_id = 99"))
