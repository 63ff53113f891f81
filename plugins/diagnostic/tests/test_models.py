"""The tables as the migrations make them."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask

from ltitools.plugin import Base, session
from ltitools_diagnostic.models import MODELS


def test_the_migrations_make_the_tables_of_the_models(app: Flask) -> None:
    def ours(_object: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
        return kind != "table" or str(name).startswith("diagnostic_")

    with app.app_context():
        options = {"include_object": ours, "version_table": "diagnostic_alembic_version"}
        context = MigrationContext.configure(session.connection(), opts=options)
        assert compare_metadata(context, Base.metadata) == []


def test_every_table_belongs_to_an_institution_and_carries_the_prefix() -> None:
    for model in MODELS:
        assert model.__tablename__.startswith("diagnostic_")
        assert not model.__table__.columns["tenant_id"].nullable
