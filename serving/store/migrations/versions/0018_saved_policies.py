"""Policies that were saved in the app or by a command, and replays of drafts that a process computes.

Revision: 0018, after 0017.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "saved_policies",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.DateTime(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("restores", sa.Integer()),
        sa.Column("file_version", sa.String()),
        sa.CheckConstraint("origin in ('file', 'app', 'import', 'rollback')", name="ck_saved_policies_origin"),
        sa.PrimaryKeyConstraint("number", name="pk_saved_policies"),
    )
    op.create_table(
        "replay_jobs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("requested_at", sa.DateTime(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("draft", sa.Text(), nullable=False),
        sa.Column("draft_version", sa.String(), nullable=False),
        sa.Column("current", sa.Text(), nullable=False),
        sa.Column("current_version", sa.String(), nullable=False),
        sa.Column("nights", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("nights_done", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String()),
        sa.Column("started_at", sa.DateTime()),
        sa.Column("seen_at", sa.DateTime()),
        sa.Column("ended_at", sa.DateTime()),
        sa.Column("result", sa.JSON()),
        sa.Column("failure", sa.Text()),
        sa.CheckConstraint("status in ('waiting', 'running', 'done', 'failed')", name="ck_replay_jobs_status"),
        sa.PrimaryKeyConstraint("id", name="pk_replay_jobs"),
    )
    op.create_index("ix_replay_jobs_requested_at", "replay_jobs", ["requested_at"])
