"""The progress of escalation paths, messages to persons, and the newest run of the timers.

Until here a path was the tiers of a squad. The tier of an open case becomes the newest step of its path. ``path_due``
is a lower bound, so it may be set to the time of that step: the next run of the timers computes it.

Revision: 0014, after 0013.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("cases", sa.Column("path_step", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("cases", sa.Column("path_repeats", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("cases", sa.Column("path_due", sa.DateTime()))
    op.add_column("cases", sa.Column("acknowledged_at", sa.DateTime()))
    op.add_column("cases", sa.Column("acknowledged_by", sa.String()))
    op.add_column("cases", sa.Column("reached", sa.JSON(), nullable=False, server_default="[]"))
    op.execute("UPDATE cases SET path_step = tier")
    op.execute(
        "UPDATE cases SET path_due = tier_since "
        "WHERE closed_at IS NULL AND respond_by IS NOT NULL AND state <> 'snoozed'"
    )
    op.create_index("ix_cases_closed_at_path_due", "cases", ["closed_at", "path_due"])
    for name in ("person", "recipient", "batch"):
        op.add_column("outbox", sa.Column(name, sa.String()))
    op.create_index("ix_outbox_batch", "outbox", ["batch"])
    op.create_table(
        "timer_ticks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("alarm", sa.String()),
        sa.PrimaryKeyConstraint("id", name="pk_timer_ticks"),
    )
