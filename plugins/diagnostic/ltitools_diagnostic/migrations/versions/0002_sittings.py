"""Delivery and allowances, several sittings of a person, self-ratings, weights, modules and job roles."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ltitools.plugin import Json, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the new tables; sittings of before are each person's first, with the weight 1 for all."""
    _delivery()
    _allowance()
    _self_rating()
    _module()
    _job_role()
    _attempt()
    _weights()


def _delivery() -> None:
    op.create_table(
        "diagnostic_delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("time_limit", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=True),
        sa.Column("opens_at", UtcDateTime(), nullable=True),
        sa.Column("closes_at", UtcDateTime(), nullable=True),
        sa.Column("password", sa.String(length=64), nullable=False),
        sa.Column("paging", sa.String(length=16), nullable=False),
        sa.Column("review", sa.String(length=16), nullable=False),
        sa.Column("self_rating", sa.Boolean(), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_diagnostic_delivery_activity_id")),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_diagnostic_delivery_course_id")),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name=op.f("fk_diagnostic_delivery_link_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_diagnostic_delivery_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_diagnostic_delivery")),
        sa.UniqueConstraint("link_id", "activity_id", name=op.f("uq_diagnostic_delivery_link_id_activity_id")),
    )
    op.create_index(op.f("ix_diagnostic_delivery_tenant_id"), "diagnostic_delivery", ["tenant_id"], unique=False)


def _allowance() -> None:
    op.create_table(
        "diagnostic_allowance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("factor", sa.String(length=8), nullable=False),
        sa.Column("extra_attempts", sa.Integer(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=True),
        sa.Column("asked_reason", sa.String(length=1000), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_diagnostic_allowance_activity_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_diagnostic_allowance_decided_by")),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name=op.f("fk_diagnostic_allowance_link_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_diagnostic_allowance_person_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_diagnostic_allowance_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_diagnostic_allowance")),
        sa.UniqueConstraint(
            "link_id", "activity_id", "person_id", name=op.f("uq_diagnostic_allowance_link_id_activity_id_person_id")
        ),
    )
    op.create_index(op.f("ix_diagnostic_allowance_tenant_id"), "diagnostic_allowance", ["tenant_id"], unique=False)


def _self_rating() -> None:
    op.create_table(
        "diagnostic_self_rating",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("attempt_id", sa.Integer(), nullable=False),
        sa.Column("competency_row_id", sa.Integer(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["diagnostic_attempt.id"], name=op.f("fk_diagnostic_self_rating_attempt_id")
        ),
        sa.ForeignKeyConstraint(
            ["competency_row_id"],
            ["diagnostic_competency.id"],
            name=op.f("fk_diagnostic_self_rating_competency_row_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_diagnostic_self_rating_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_diagnostic_self_rating")),
        sa.UniqueConstraint(
            "attempt_id", "competency_row_id", name=op.f("uq_diagnostic_self_rating_attempt_id_competency_row_id")
        ),
    )
    op.create_index(op.f("ix_diagnostic_self_rating_tenant_id"), "diagnostic_self_rating", ["tenant_id"], unique=False)


def _module() -> None:
    op.create_table(
        "diagnostic_module",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=128), nullable=False),
        sa.Column("titles", Json, nullable=False),
        sa.Column("hours", sa.Numeric(precision=6, scale=2), nullable=False),
        sa.Column("url", sa.String(length=2048), nullable=False),
        sa.Column("prerequisites", Json, nullable=False),
        sa.Column("competencies", Json, nullable=False),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_diagnostic_module_activity_id")),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_diagnostic_module_course_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_diagnostic_module_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_diagnostic_module")),
        sa.UniqueConstraint(
            "activity_id", "course_id", "code", name=op.f("uq_diagnostic_module_activity_id_course_id_code")
        ),
    )
    op.create_index(op.f("ix_diagnostic_module_tenant_id"), "diagnostic_module", ["tenant_id"], unique=False)


def _job_role() -> None:
    op.create_table(
        "diagnostic_job_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=128), nullable=False),
        sa.Column("titles", Json, nullable=False),
        sa.Column("tasks", Json, nullable=False),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_diagnostic_job_role_activity_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_diagnostic_job_role_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_diagnostic_job_role")),
        sa.UniqueConstraint("activity_id", "code", name=op.f("uq_diagnostic_job_role_activity_id_code")),
    )
    op.create_index(op.f("ix_diagnostic_job_role_tenant_id"), "diagnostic_job_role", ["tenant_id"], unique=False)


def _attempt() -> None:
    op.add_column("diagnostic_attempt", sa.Column("number", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("diagnostic_attempt", sa.Column("role", sa.String(length=128)))
    op.add_column("diagnostic_attempt", sa.Column("ended_by", sa.String(length=16)))
    op.add_column("diagnostic_attempt", sa.Column("standing", sa.Numeric(precision=8, scale=5)))
    op.add_column("diagnostic_attempt", sa.Column("voided_at", UtcDateTime()))
    # In one statement, because SQLite adds a reference to a table that is there in no other way.
    op.execute(
        "ALTER TABLE diagnostic_attempt ADD COLUMN voided_by INTEGER"
        " CONSTRAINT fk_diagnostic_attempt_voided_by REFERENCES person (id)"
    )
    op.add_column("diagnostic_attempt", sa.Column("voided_reason", sa.String(length=1000)))
    op.execute("UPDATE diagnostic_attempt SET standing = score, ended_by = 'person' WHERE submitted_at IS NOT NULL")
    op.drop_index("uq_diagnostic_attempt_of_record", table_name="diagnostic_attempt")
    person = ["link_id", "activity_id", "person_id"]
    _unique("uq_diagnostic_attempt_number", [*person, "number"], "NOT preview")
    _unique("uq_diagnostic_attempt_open", person, "NOT preview AND submitted_at IS NULL AND voided_at IS NULL")


def _unique(name: str, columns: list[str], where: str) -> None:
    op.create_index(
        name,
        "diagnostic_attempt",
        columns,
        unique=True,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )


def _weights() -> None:
    for table in ("diagnostic_competency", "diagnostic_result"):
        op.add_column(table, sa.Column("weight", sa.Numeric(precision=6, scale=2), nullable=False, server_default="1"))
