"""The first tables: uploads, versions with their competencies and questions, attempts, answers, results."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ltitools.plugin import Json, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, each after those that it refers to."""
    _upload()
    _version()
    _competency()
    _item()
    _attempt()
    _answer()
    _result()


def _upload() -> None:
    op.create_table(
        "diagnostic_upload",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("activity_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_diagnostic_upload_activity_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_diagnostic_upload_person_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_diagnostic_upload_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_diagnostic_upload")),
        sa.UniqueConstraint("tenant_id", "person_id", name=op.f("uq_diagnostic_upload_tenant_id_person_id")),
    )
    op.create_index(op.f("ix_diagnostic_upload_tenant_id"), "diagnostic_upload", ["tenant_id"], unique=False)


def _version() -> None:
    op.create_table(
        "diagnostic_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("languages", Json, nullable=False),
        sa.Column("per_competency", sa.Integer(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_diagnostic_version_activity_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_diagnostic_version_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_diagnostic_version")),
        sa.UniqueConstraint("activity_id", "number", name=op.f("uq_diagnostic_version_activity_id_number")),
    )
    op.create_index(op.f("ix_diagnostic_version_tenant_id"), "diagnostic_version", ["tenant_id"], unique=False)
    op.create_index(
        "uq_diagnostic_version_draft",
        "diagnostic_version",
        ["activity_id"],
        unique=True,
        sqlite_where=sa.text("state = 'draft'"),
        postgresql_where=sa.text("state = 'draft'"),
    )


def _attempt() -> None:
    op.create_table(
        "diagnostic_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=True),
        sa.Column("link_id", sa.Integer(), nullable=True),
        sa.Column("preview", sa.Boolean(), nullable=False),
        sa.Column("seed", sa.String(length=32), nullable=False),
        sa.Column("form", Json, nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("submitted_at", UtcDateTime(), nullable=True),
        sa.Column("score", sa.Numeric(precision=8, scale=5), nullable=True),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_diagnostic_attempt_activity_id")),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_diagnostic_attempt_course_id")),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name=op.f("fk_diagnostic_attempt_link_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_diagnostic_attempt_person_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_diagnostic_attempt_tenant_id")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["diagnostic_version.id"], name=op.f("fk_diagnostic_attempt_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_diagnostic_attempt")),
    )
    op.create_index(op.f("ix_diagnostic_attempt_tenant_id"), "diagnostic_attempt", ["tenant_id"], unique=False)
    op.create_index(
        "uq_diagnostic_attempt_of_record",
        "diagnostic_attempt",
        ["link_id", "activity_id", "person_id"],
        unique=True,
        sqlite_where=sa.text("NOT preview"),
        postgresql_where=sa.text("NOT preview"),
    )
    op.create_index(
        "uq_diagnostic_attempt_preview",
        "diagnostic_attempt",
        ["version_id", "person_id"],
        unique=True,
        sqlite_where=sa.text("preview"),
        postgresql_where=sa.text("preview"),
    )


def _competency() -> None:
    op.create_table(
        "diagnostic_competency",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=128), nullable=False),
        sa.Column("titles", Json, nullable=False),
        sa.Column("competency_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["competency_id"], ["competency.id"], name=op.f("fk_diagnostic_competency_competency_id")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_diagnostic_competency_tenant_id")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["diagnostic_version.id"], name=op.f("fk_diagnostic_competency_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_diagnostic_competency")),
        sa.UniqueConstraint("version_id", "code", name=op.f("uq_diagnostic_competency_version_id_code")),
    )
    op.create_index(op.f("ix_diagnostic_competency_tenant_id"), "diagnostic_competency", ["tenant_id"], unique=False)


def _item() -> None:
    op.create_table(
        "diagnostic_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("competency_row_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=128), nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["competency_row_id"], ["diagnostic_competency.id"], name=op.f("fk_diagnostic_item_competency_row_id")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_diagnostic_item_tenant_id")),
        sa.ForeignKeyConstraint(["version_id"], ["diagnostic_version.id"], name=op.f("fk_diagnostic_item_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_diagnostic_item")),
        sa.UniqueConstraint("version_id", "code", name=op.f("uq_diagnostic_item_version_id_code")),
    )
    op.create_index(op.f("ix_diagnostic_item_tenant_id"), "diagnostic_item", ["tenant_id"], unique=False)


def _result() -> None:
    op.create_table(
        "diagnostic_result",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("attempt_id", sa.Integer(), nullable=False),
        sa.Column("competency_row_id", sa.Integer(), nullable=False),
        sa.Column("points", sa.Double(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["diagnostic_attempt.id"], name=op.f("fk_diagnostic_result_attempt_id")
        ),
        sa.ForeignKeyConstraint(
            ["competency_row_id"], ["diagnostic_competency.id"], name=op.f("fk_diagnostic_result_competency_row_id")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_diagnostic_result_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_diagnostic_result")),
        sa.UniqueConstraint(
            "attempt_id", "competency_row_id", name=op.f("uq_diagnostic_result_attempt_id_competency_row_id")
        ),
    )
    op.create_index(op.f("ix_diagnostic_result_tenant_id"), "diagnostic_result", ["tenant_id"], unique=False)


def _answer() -> None:
    op.create_table(
        "diagnostic_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("attempt_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("response", Json, nullable=True),
        sa.Column("fraction", sa.Double(), nullable=True),
        sa.Column("saved_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["diagnostic_attempt.id"], name=op.f("fk_diagnostic_answer_attempt_id")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["diagnostic_item.id"], name=op.f("fk_diagnostic_answer_item_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_diagnostic_answer_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_diagnostic_answer")),
        sa.UniqueConstraint("attempt_id", "item_id", name=op.f("uq_diagnostic_answer_attempt_id_item_id")),
    )
    op.create_index(op.f("ix_diagnostic_answer_tenant_id"), "diagnostic_answer", ["tenant_id"], unique=False)
