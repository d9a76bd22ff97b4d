"""Tasks, contacts, the contact log, mentions and attachments of cases; reason and amount of an outcome.

Revision: 0017, after 0016.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("cases", sa.Column("outcome_reason", sa.String()))
    op.add_column("cases", sa.Column("outcome_amount", sa.Double()))
    op.add_column("cases", sa.Column("outcome_currency", sa.String()))
    op.add_column("cases", sa.Column("left_on", sa.Date()))
    op.create_table(
        "case_tasks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date()),
        sa.Column("owner", sa.String()),
        sa.Column("role", sa.String()),
        sa.Column("playbook", sa.String()),
        sa.Column("step", sa.Integer()),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("closed_at", sa.DateTime()),
        sa.Column("closed_by", sa.String()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state in ('open', 'done', 'skipped', 'withdrawn')", name="ck_case_tasks_state"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_tasks_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_case_tasks"),
    )
    op.create_index("ix_case_tasks_case_id_position", "case_tasks", ["case_id", "position"])
    op.create_index("ix_case_tasks_state_due_on_case_id", "case_tasks", ["state", "due_on", "case_id"])
    op.create_table(
        "account_contacts",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("contact_id", sa.String(), nullable=False),
        *(sa.Column(name, sa.String()) for name in ("name", "role", "mail", "phone")),
        sa.PrimaryKeyConstraint("account_id", "contact_id", name="pk_account_contacts"),
    )
    _create_log()
    _create_attachments()


def _create_log() -> None:
    op.create_table(
        "contact_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("event_id", sa.Integer()),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("person", sa.String()),
        sa.Column("contact_id", sa.String()),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime()),
        sa.CheckConstraint("channel in ('call', 'meeting', 'mail', 'chat', 'other')", name="ck_contact_log_channel"),
        sa.CheckConstraint("direction in ('outbound', 'inbound')", name="ck_contact_log_direction"),
        sa.CheckConstraint("result in ('reached', 'message_left', 'not_reached')", name="ck_contact_log_result"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_contact_log_case_id"),
        sa.ForeignKeyConstraint(["event_id"], ["case_events.id"], name="fk_contact_log_event_id"),
        sa.PrimaryKeyConstraint("id", name="pk_contact_log"),
    )
    op.create_index("ix_contact_log_case_id_id", "contact_log", ["case_id", "id"])
    op.create_index("ix_contact_log_at", "contact_log", ["at"])
    op.create_table(
        "mentions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("mentioned_by", sa.String(), nullable=False),
        sa.Column("read_at", sa.DateTime()),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_mentions_case_id"),
        sa.ForeignKeyConstraint(["event_id"], ["case_events.id"], name="fk_mentions_event_id"),
        sa.PrimaryKeyConstraint("id", name="pk_mentions"),
    )
    op.create_index("ix_mentions_person_read_at", "mentions", ["person", "read_at"])
    op.create_index("ix_mentions_case_id", "mentions", ["case_id"])


def _create_attachments() -> None:
    op.create_table(
        "attachments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("removed_at", sa.DateTime()),
        sa.Column("removed_by", sa.String()),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_attachments_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_attachments"),
    )
    op.create_index("ix_attachments_case_id_added_at", "attachments", ["case_id", "added_at"])
    op.create_table(
        "attachment_contents",
        sa.Column("attachment_id", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["attachment_id"], ["attachments.id"], name="fk_attachment_contents_attachment_id"),
        sa.PrimaryKeyConstraint("attachment_id", name="pk_attachment_contents"),
    )
