"""Counting the open cases by state reads an index instead of every case.

Revision: 0003, after 0002.
"""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_index("ix_cases_closed_at_squad_state", "cases", ["closed_at", "squad", "state"])
