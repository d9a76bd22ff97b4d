"""SLA times in words, so that they may be working time, and the calendar of each squad.

Until here the times of a case were hours of the clock. They become durations such as "4 hours"; a list of numbers is
read as hours.

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

WORDS = {"respond_hours": "respond_within", "resolve_hours": "resolve_within"}


def upgrade() -> None:
    op.add_column("squads", sa.Column("calendar", sa.JSON()))
    for old, new in WORDS.items():
        op.add_column("cases", sa.Column(new, sa.String(), nullable=False, server_default="24 hours"))
        whole = f"CAST(CAST({old} AS INTEGER) AS VARCHAR)"  # 24, where SQLite would write 24.0
        number = f"CASE WHEN {old} = CAST({old} AS INTEGER) THEN {whole} ELSE CAST({old} AS VARCHAR) END"
        op.execute(f"UPDATE cases SET {new} = {number} || ' hours'")
        op.drop_column("cases", old)
    op.execute("ALTER TABLE cases RENAME COLUMN escalate_after_hours TO escalate_after")
