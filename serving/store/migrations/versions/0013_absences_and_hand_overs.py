"""Absences of people, the calendars that they come from, and hand-overs with their forms.

The reporting view and every earlier table stay as they are.

Revision: 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "absences",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(), nullable=False),
        sa.Column("ends_at", sa.DateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("entered_at", sa.DateTime(), nullable=False),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime()),
        sa.Column("withdrawn_by", sa.String()),
        sa.CheckConstraint("starts_at < ends_at", name="ck_absences_span"),
        sa.PrimaryKeyConstraint("id", name="pk_absences"),
    )
    op.create_index("ix_absences_person_ends_at", "absences", ["person", "ends_at"])
    op.create_index("ix_absences_ends_at", "absences", ["ends_at"])
    op.create_table(
        "absence_calendars",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("tried_at", sa.DateTime(), nullable=False),
        sa.Column("read_at", sa.DateTime()),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("failure", sa.Text()),
        sa.PrimaryKeyConstraint("person", name="pk_absence_calendars"),
    )
    op.create_table(
        "hand_overs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("from_squad", sa.String(), nullable=False),
        sa.Column("from_owner", sa.String()),
        sa.Column("from_tier", sa.Integer(), nullable=False),
        sa.Column("to_squad", sa.String(), nullable=False),
        sa.Column("to_tier", sa.Integer(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("filled", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("answered_at", sa.DateTime()),
        sa.Column("answered_by", sa.String()),
        sa.Column("reason", sa.Text()),
        sa.CheckConstraint("status in ('pending', 'accepted', 'returned', 'withdrawn')", name="ck_hand_overs_status"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_hand_overs_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_hand_overs"),
    )
    op.create_index("ix_hand_overs_case_id_id", "hand_overs", ["case_id", "id"])
    op.create_index("ix_hand_overs_at", "hand_overs", ["at"])
