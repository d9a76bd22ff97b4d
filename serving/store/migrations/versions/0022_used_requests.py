"""Signed requests and links from outside that were used already, so that each counts once.

Revision: 0022, after 0021. Nothing that is in the queue changes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_table(
        "used_requests",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_used_requests"),
    )
    op.create_index("ix_used_requests_expires_at", "used_requests", ["expires_at"])
