"""Attempts of nights, revoked people, erasures; who holds a night; when a token was last used.

Revision: 0015, after 0014.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime()),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("step", sa.String()),
        sa.Column("reason", sa.Text()),
        sa.Column("holder", sa.String()),
        sa.CheckConstraint(
            "outcome in ('running', 'recorded', 'unchanged', 'stopped', 'failed', 'interrupted')",
            name="ck_attempts_outcome",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
    )
    op.create_index("ix_attempts_started_at", "attempts", ["started_at"])
    op.create_index("ix_attempts_as_of", "attempts", ["as_of"])
    op.create_table(
        "revoked_people",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("person", name="pk_revoked_people"),
    )
    op.create_table(
        "erasures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("changed", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
    )
    op.add_column("nights", sa.Column("holder", sa.String()))
    op.add_column("tokens", sa.Column("last_used_at", sa.DateTime()))
