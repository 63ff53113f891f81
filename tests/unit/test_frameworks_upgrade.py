"""Frameworks of an older release become the first version of themselves, with all that refers to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.operations import Operations
from flask import Flask
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import IntegrityError

from ltitools.db import prepare_engine
from ltitools.migrations import HOST, MigrationSet, upgrade
from probe import make_probe

OF_OLD = (
    """
    INSERT INTO tenant (id, key, name, locale, enabled, disabled_plugins, created_at, lms_administrators)
    VALUES (1, 'acme', 'Acme', 'en', true, '[]', '2026-11-01 12:00:00+00:00', true)
    """,
    "INSERT INTO framework (id, tenant_id, key) VALUES (3, 1, 'diagnostic'), (5, 1, 'probe')",
    """
    INSERT INTO competency (id, tenant_id, framework_id, code, titles)
    VALUES (1, 1, 5, 'x', '{"en": "X"}'), (2, 1, 3, 'b', '{}'), (4, 1, 3, 'a', '{}')
    """,
)


@pytest.fixture
def older(start_app: Callable[..., Flask], make_database: Callable[[], str], tmp_path: Path) -> Iterator[Connection]:
    """A connection to a database of before versions, inside an application."""
    url = make_url(make_database())
    if url.get_backend_name() == "sqlite":
        url = url.set(database=str(tmp_path / "old.db"))
    else:
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    prepare_engine(engine)
    with start_app([make_probe()]).app_context():
        with engine.begin() as connection:
            if url.get_backend_name() == "postgresql":
                connection.execute(text("DROP SCHEMA public CASCADE"))
                connection.execute(text("CREATE SCHEMA public"))
            host = MigrationSet(HOST, "ltitools.migrations")
            context = host.context(connection)
            with Operations.context(context):
                for revision in [one for one in host.waiting(connection) if one < "0008"]:
                    host.scripts().get_revision(revision).module.upgrade()
                    context.stamp(host.scripts(), revision)
            for statement in OF_OLD:
                connection.execute(text(statement))
        with engine.begin() as connection:
            upgrade(connection)
        with engine.begin() as connection:
            yield connection
    engine.dispose()


def test_every_framework_is_in_force_and_everything_has_an_identifier(older: Connection) -> None:
    rows = older.execute(text("SELECT id, key, number, state, guid FROM framework ORDER BY id")).all()
    assert [tuple(row)[:4] for row in rows] == [(3, "diagnostic", 1, "published"), (5, "probe", 1, "published")]
    found = older.execute(text("SELECT id, framework_id, code, guid FROM competency ORDER BY framework_id, position"))
    competencies = found.all()
    assert [tuple(row)[:3] for row in competencies] == [(2, 3, "b"), (4, 3, "a"), (1, 5, "x")]
    guids = [row.guid for row in (*rows, *competencies)]
    assert {len(guid) for guid in guids} == {36}
    assert len(set(guids)) == 5


def test_the_rules_of_the_tables_hold_afterwards(older: Connection) -> None:
    with pytest.raises(IntegrityError), older.begin_nested():
        older.execute(text("UPDATE competency SET framework_id = 99 WHERE id = 1"))
    with pytest.raises(IntegrityError), older.begin_nested():
        older.execute(text("UPDATE framework SET key = 'probe' WHERE id = 3"))
    with pytest.raises(IntegrityError), older.begin_nested():
        older.execute(text("DELETE FROM framework WHERE id = 3"))
