"""Versions of frameworks; identifiers, order and hierarchy of competencies."""

import uuid

import sqlalchemy as sa
from alembic import op

from ltitools.db import Json, UtcDateTime, utcnow

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make each framework the first version of itself, in force, and give all rows identifiers."""
    _make_frameworks_versions()
    for state in ("draft", "published"):
        op.create_index(
            f"uq_framework_{state}",
            "framework",
            ["tenant_id", "key"],
            unique=True,
            sqlite_where=sa.text(f"state = '{state}'"),
            postgresql_where=sa.text(f"state = '{state}'"),
        )
    _add_to_competencies()
    op.create_index("uq_competency_framework_guid", "competency", ["framework_id", "guid"], unique=True)


def _make_frameworks_versions() -> None:
    """Make the table anew: SQLite cannot drop the constraint that forbids two versions of one key.

    Competencies point to it meanwhile. SQLite counts what a dropped table leaves hanging until the commit, and takes
    each row off the count that comes back under its number.
    """
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.drop_constraint("fk_competency_framework_id", "competency", type_="foreignkey")
    else:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    rows = connection.execute(sa.text("SELECT id, tenant_id, key FROM framework")).mappings().all()
    op.drop_table("framework")
    framework = op.create_table(
        "framework",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("guid", sa.String(length=36), nullable=False),
        sa.Column("uri", sa.String(length=2048), nullable=False),
        sa.Column("titles", Json, nullable=False),
        sa.Column("descriptions", Json, nullable=False),
        sa.Column("creator", sa.String(length=255), nullable=False),
        sa.Column("case", Json, nullable=False),
        sa.Column("origin_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["origin_id"], ["framework.id"], name=op.f("fk_framework_origin_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_framework_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_framework")),
        sa.UniqueConstraint("tenant_id", "guid", "number", name=op.f("uq_framework_tenant_id_guid_number")),
        sa.UniqueConstraint("tenant_id", "key", "number", name=op.f("uq_framework_tenant_id_key_number")),
    )
    op.create_index(op.f("ix_framework_tenant_id"), "framework", ["tenant_id"], unique=False)
    now = utcnow()
    values = {"number": 1, "state": "published", "uri": "", "titles": {}, "descriptions": {}, "creator": "", "case": {}}
    times = {"created_at": now, "changed_at": now, "published_at": now}
    op.bulk_insert(framework, [{**row, **values, **times, "guid": str(uuid.uuid4())} for row in rows])
    if connection.dialect.name == "postgresql":
        connection.execute(
            sa.text(
                "SELECT setval(pg_get_serial_sequence('framework', 'id'), greatest(max(id), 1), max(id) IS NOT NULL)"
                " FROM framework"
            )
        )
        op.create_foreign_key(op.f("fk_competency_framework_id"), "competency", "framework", ["framework_id"], ["id"])
    else:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=OFF")


def _add_to_competencies() -> None:
    for name, length in (("guid", 36), ("uri", 2048)):
        op.add_column("competency", sa.Column(name, sa.String(length=length), nullable=False, server_default=""))
    for name in ("descriptions", "case"):
        op.add_column("competency", sa.Column(name, Json, nullable=False, server_default="{}"))
    op.add_column("competency", sa.Column("position", sa.Integer(), nullable=False, server_default="0"))
    # SQLite adds a column that must have a value only together with a constant one.
    op.add_column(
        "competency", sa.Column("changed_at", UtcDateTime(), nullable=False, server_default="2026-11-22 00:00:00+00:00")
    )
    # Written out: Alembic would add the constraint by itself, which SQLite cannot.
    op.execute(
        "ALTER TABLE competency ADD COLUMN parent_id INTEGER"
        " CONSTRAINT fk_competency_parent_id REFERENCES competency (id)"
    )
    competency = sa.table(
        "competency",
        *(sa.column(name) for name in ("id", "framework_id", "guid", "position")),
        sa.column("changed_at", UtcDateTime()),
    )
    connection, now = op.get_bind(), utcnow()
    ids = connection.execute(sa.select(competency.c.id).order_by(competency.c.framework_id, competency.c.id)).scalars()
    for position, row_id in enumerate(ids.all()):
        connection.execute(
            competency.update()
            .where(competency.c.id == row_id)
            .values(guid=str(uuid.uuid4()), position=position, changed_at=now)
        )
