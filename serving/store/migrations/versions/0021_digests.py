"""Morning digests: what each person chose about messages, and which digests were composed.

Revision: 0021, after 0020. Nothing that is in the queue changes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Add both tables, empty."""
    op.create_table(
        "message_preferences",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("digest", sa.Boolean(), nullable=False),
        sa.Column("at", sa.String()),
        sa.Column("weekdays", sa.JSON()),
        sa.Column("channel", sa.String()),
        sa.Column("immediate", sa.JSON()),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("person", name="pk_message_preferences"),
    )
    op.create_table(
        "digests",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("composed_at", sa.DateTime(), nullable=False),
        sa.Column("seen_until", sa.DateTime(), nullable=False),
        sa.Column("channel", sa.String()),
        sa.Column("message_id", sa.String()),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("person", "day", name="pk_digests"),
    )
