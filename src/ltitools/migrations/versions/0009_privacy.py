"""How long people are kept, whom they ask about it, who was erased, and institutions that are to be removed."""

import sqlalchemy as sa
from alembic import op

from ltitools.db import UtcDateTime

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the columns; nothing is erased or removed until somebody says so."""
    op.add_column("tenant", sa.Column("retention_days", sa.Integer(), nullable=True))
    op.add_column("tenant", sa.Column("privacy_contact", sa.String(length=255), nullable=False, server_default=""))
    op.add_column("tenant", sa.Column("removal_at", UtcDateTime(), nullable=True))
    op.add_column("person", sa.Column("erased_at", UtcDateTime(), nullable=True))
