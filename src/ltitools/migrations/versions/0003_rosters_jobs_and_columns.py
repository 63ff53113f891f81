"""Lists of members, jobs, columns for competencies, cleared grades, reviews, withdrawn evidence."""

import sqlalchemy as sa
from alembic import op

from ltitools.db import Json, UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add what the second release needs; every row stays as it is."""
    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=True),
        sa.Column("plugin", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("args", Json, nullable=False),
        sa.Column("unique_key", sa.String(length=255), nullable=True),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("leased_until", UtcDateTime(), nullable=True),
        sa.Column("lease", sa.String(length=32), nullable=True),
        sa.Column("problem", sa.String(length=1000), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_job_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("plugin", "name", "unique_key", name=op.f("uq_job_plugin_name_unique_key")),
    )
    op.create_index("ix_job_due", "job", ["state", "due_at"], unique=False)
    op.create_index(op.f("ix_job_tenant_id"), "job", ["tenant_id"], unique=False)
    op.create_table(
        "line_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("competency_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(length=2048), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["competency_id"], ["competency.id"], name=op.f("fk_line_item_competency_id")),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name=op.f("fk_line_item_link_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_line_item_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_item")),
        sa.UniqueConstraint("link_id", "competency_id", name=op.f("uq_line_item_link_id_competency_id")),
    )
    op.create_index(op.f("ix_line_item_tenant_id"), "line_item", ["tenant_id"], unique=False)
    op.add_column("course", sa.Column("memberships_url", sa.String(length=2048), nullable=True))
    op.add_column("course", sa.Column("roster_at", UtcDateTime(), nullable=True))
    op.add_column("course", sa.Column("roster_asked_at", UtcDateTime(), nullable=True))
    op.add_column("course", _new_text("roster_problem", 1000))
    op.add_column("link", sa.Column("learner_seen_at", UtcDateTime(), nullable=True))
    for table in ("evidence", "competency_result"):
        op.add_column(table, sa.Column("withdrawn_at", UtcDateTime(), nullable=True))
        op.add_column(table, _new_text("withdrawn_reason", 500))
    # Written out: Alembic would add the constraint by itself, which SQLite cannot, and copying a table that others
    # point to is not possible inside a transaction there.
    op.execute(
        "ALTER TABLE launch ADD COLUMN for_person_id INTEGER CONSTRAINT fk_launch_for_person_id REFERENCES person (id)"
    )
    with op.batch_alter_table("enrolment") as enrolment:
        enrolment.alter_column("seen_at", existing_type=UtcDateTime(), nullable=True)
        enrolment.add_column(_new_text("status", 16, "active"))
        enrolment.add_column(sa.Column("listed_at", UtcDateTime(), nullable=True))
    with op.batch_alter_table("grade") as grade:
        grade.alter_column("given", existing_type=sa.Numeric(precision=12, scale=5), nullable=True)
        grade.add_column(sa.Column("competency_id", sa.Integer(), nullable=True))
        grade.add_column(_new_text("result", 16))
        grade.create_foreign_key(op.f("fk_grade_competency_id"), "competency", ["competency_id"], ["id"])
        grade.drop_constraint(op.f("uq_grade_link_id_person_id"), type_="unique")
    op.create_index(
        "uq_grade_link_person",
        "grade",
        ["link_id", "person_id"],
        unique=True,
        sqlite_where=sa.text("competency_id IS NULL"),
        postgresql_where=sa.text("competency_id IS NULL"),
    )
    op.create_index("uq_grade_link_person_competency", "grade", ["link_id", "person_id", "competency_id"], unique=True)


def _new_text(name: str, length: int, value: str = "") -> sa.Column[str]:
    """A column that rows which are there get `value` in."""
    return sa.Column(name, sa.String(length=length), nullable=False, server_default=value)
