"""The console: who administers, what they changed, and links with which platforms register."""

import sqlalchemy as sa
from alembic import op

from ltitools.db import Json, UtcDateTime

revision = "0007"
down_revision = "0006"

ENTRIES_STAY = {
    "sqlite": (
        """
        CREATE TRIGGER audit_entry_stays BEFORE UPDATE ON audit_entry
        BEGIN SELECT RAISE(ABORT, 'an entry of the audit log is never changed'); END
    """,
    ),
    "postgresql": (
        """
        CREATE FUNCTION audit_entry_stays() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'an entry of the audit log is never changed'; END $$
    """,
        """
        CREATE TRIGGER audit_entry_stays BEFORE UPDATE ON audit_entry
        FOR EACH ROW EXECUTE FUNCTION audit_entry_stays()
    """,
    ),
}


def upgrade() -> None:
    """Create the tables, and have the database itself keep the audit log."""
    op.create_table(
        "attempt",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_attempt")),
    )
    op.create_table(
        "invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("note", sa.String(length=255), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("claimed_at", UtcDateTime(), nullable=True),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["registration_id"], ["registration.id"], name=op.f("fk_invitation_registration_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_invitation_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_invitation_code_hash")),
    )
    op.create_index(op.f("ix_invitation_tenant_id"), "invitation", ["tenant_id"], unique=False)
    op.create_table(
        "administrator",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_administrator_person_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_administrator_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_administrator")),
        sa.UniqueConstraint("tenant_id", "person_id", name=op.f("uq_administrator_tenant_id_person_id")),
    )
    op.create_index(op.f("ix_administrator_email"), "administrator", ["email"], unique=False)
    op.create_index(op.f("ix_administrator_tenant_id"), "administrator", ["tenant_id"], unique=False)
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("administrator_id", sa.Integer(), nullable=True),
        sa.Column("actor", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("details", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["administrator_id"], ["administrator.id"], name=op.f("fk_audit_entry_administrator_id")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_audit_entry_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index(op.f("ix_audit_entry_tenant_id_id"), "audit_entry", ["tenant_id", "id"], unique=False)
    op.create_table(
        "console_code",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=True),
        sa.Column("administrator_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["administrator_id"], ["administrator.id"], name=op.f("fk_console_code_administrator_id")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_console_code_tenant_id")),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_console_code")),
    )
    op.create_index(op.f("ix_console_code_expires_at"), "console_code", ["expires_at"], unique=False)
    op.create_index(op.f("ix_console_code_tenant_id"), "console_code", ["tenant_id"], unique=False)
    op.create_table(
        "console_session",
        sa.Column("cookie_hash", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=True),
        sa.Column("administrator_id", sa.Integer(), nullable=False),
        sa.Column("locale", sa.String(length=8), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["administrator_id"], ["administrator.id"], name=op.f("fk_console_session_administrator_id")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_console_session_tenant_id")),
        sa.PrimaryKeyConstraint("cookie_hash", name=op.f("pk_console_session")),
    )
    op.create_index(op.f("ix_console_session_administrator_id"), "console_session", ["administrator_id"], unique=False)
    op.create_index(op.f("ix_console_session_expires_at"), "console_session", ["expires_at"], unique=False)
    op.create_index(op.f("ix_console_session_tenant_id"), "console_session", ["tenant_id"], unique=False)
    op.add_column("launch", sa.Column("is_administrator", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("tenant_key", sa.Column("signs_from", UtcDateTime(), nullable=True))
    op.add_column("registration", sa.Column("title", sa.String(length=255), nullable=False, server_default=""))
    op.add_column("registration", sa.Column("version", sa.String(length=64), nullable=False, server_default=""))
    op.add_column("registration", sa.Column("granted_scopes", Json, nullable=True))
    op.add_column("registration", sa.Column("configuration_url", sa.String(length=1024), nullable=True))
    op.add_column("registration", sa.Column("offer", Json, nullable=True))
    op.add_column("tenant", sa.Column("lms_administrators", sa.Boolean(), nullable=False, server_default=sa.true()))
    for statement in ENTRIES_STAY[op.get_bind().dialect.name]:
        op.execute(statement)
