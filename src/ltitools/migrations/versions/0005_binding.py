"""How a launch is tied to its browser, and codes that take one to another window."""

import sqlalchemy as sa
from alembic import op

from ltitools.db import UtcDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column("pending_login", sa.Column("storage_target", sa.String(length=255), nullable=True))
    op.add_column("pending_login", sa.Column("in_window", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("launch", sa.Column("binding", sa.String(length=16), nullable=True))
    op.add_column("launch", sa.Column("in_window", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(op.f("ix_launch_browser_hash"), "launch", ["browser_hash"], unique=False)
    op.create_index(op.f("ix_launch_tenant_id_created_at"), "launch", ["tenant_id", "created_at"], unique=False)
    op.create_table(
        "one_time_code",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("launch_id", sa.String(length=32), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["launch_id"], ["launch.id"], name=op.f("fk_one_time_code_launch_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_one_time_code_tenant_id")),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_one_time_code")),
    )
    op.create_index(op.f("ix_one_time_code_expires_at"), "one_time_code", ["expires_at"], unique=False)
    op.create_index(op.f("ix_one_time_code_launch_id"), "one_time_code", ["launch_id"], unique=False)
    op.create_index(op.f("ix_one_time_code_tenant_id"), "one_time_code", ["tenant_id"], unique=False)
