"""Migrations and models say the same, on either database."""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import inspect, text

import ltitools.migrations
from ltitools.db import Base, db
from ltitools.migrations import migration_sets, pending, upgrade

VERSIONS = Path(ltitools.migrations.__file__).parent / "versions"


def test_the_migrated_database_is_what_the_models_say(app: Flask) -> None:
    with app.app_context():
        version_tables = {one.version_table for one in migration_sets()}

    def ours(_object: object, name: str | None, kind: str, _reflected: bool, _compare: object) -> bool:
        return not (kind == "table" and name in version_tables)

    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": False})
        assert compare_metadata(context, Base.metadata) == []


def test_each_plugin_has_a_version_table_of_its_own(app: Flask) -> None:
    with app.app_context(), db.engine.connect() as connection:
        tables = set(inspect(connection).get_table_names())
        assert {one.version_table for one in migration_sets()} <= tables


def test_a_second_upgrade_changes_nothing(app: Flask) -> None:
    with app.app_context(), db.engine.begin() as connection:
        assert upgrade(connection) == []


def test_a_server_is_not_ready_before_its_migrations(app: Flask) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
    answer = app.test_client().get("/readyz")
    waiting = [f"ltitools:{path.name[:4]}" for path in sorted(VERSIONS.glob("0*.py"))]
    assert (answer.status_code, answer.json) == (
        503,
        {"status": "migrations waiting", "migrations": waiting},
    )
    with app.app_context(), db.engine.connect() as connection:
        assert pending(connection) == waiting


OF_THE_SERVER = {"tenant", "heartbeat", "outage", "attempt"}


def test_every_table_but_those_of_the_server_itself_belongs_to_an_institution() -> None:
    for table in Base.metadata.sorted_tables:
        if table.name not in OF_THE_SERVER:
            assert "tenant_id" in table.columns, f"{table.name} has no tenant_id"


def test_no_private_key_stands_in_the_database_as_it_is(app: Flask) -> None:
    from ltitools.services import tenants
    from ltitools.testing import writing

    with writing(app):
        tenant, _ = tenants.add("acme", "Acme")
        key = tenants.signing_key(tenant.id)
    with app.app_context(), db.engine.connect() as connection:
        stored = connection.execute(text("SELECT sealed_private_pem, public_jwk FROM tenant_key")).one()
        private = key.key.as_dict(private=True)["d"]
        assert "PRIVATE KEY" not in str(stored)
        assert str(private) not in str(stored)
