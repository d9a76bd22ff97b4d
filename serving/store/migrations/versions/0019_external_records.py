"""The records that channels keep of cases in other systems.

Revision: 0019, after 0018. Nothing that is in the queue changes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "external_records",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("case_id", sa.String()),
        sa.Column("incident_id", sa.String()),
        sa.Column("external_id", sa.String()),
        sa.Column("url", sa.Text()),
        sa.Column("written", sa.JSON(), nullable=False),
        sa.Column("read", sa.JSON(), nullable=False),
        sa.Column("entry", sa.Integer()),
        sa.Column("problem", sa.Text()),
        sa.Column("busy_until", sa.DateTime()),
        sa.Column("written_at", sa.DateTime()),
        sa.Column("read_at", sa.DateTime()),
        sa.Column("gone_at", sa.DateTime()),
        sa.CheckConstraint("(case_id is null) <> (incident_id is null)", name=op.f("ck_external_records_subject")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_external_records_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_external_records"),
        sa.UniqueConstraint("channel", "case_id", name="uq_external_records_channel_case_id"),
        sa.UniqueConstraint("channel", "incident_id", name="uq_external_records_channel_incident_id"),
    )
    op.create_index("ix_external_records_case_id", "external_records", ["case_id"])
    op.create_index("ix_external_records_channel_read_at", "external_records", ["channel", "read_at"])
