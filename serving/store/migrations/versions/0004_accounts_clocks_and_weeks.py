"""Finding an account's cases, one person's, those that are late, and a week's, reads an index instead of every case.

Revision: 0004, after 0003.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

INDEXES = (
    ("cases", ["account_id", "squad"]),
    ("cases", ["owner", "closed_at"]),
    ("cases", ["closed_at", "respond_by"]),
    ("cases", ["closed_at", "resolve_by"]),
    ("cases", ["opened_at", "squad"]),
    ("cases", ["risk", "opened_on", "state", "squad"]),
    ("case_events", ["kind", "at", "case_id"]),
)


def upgrade() -> None:
    for table, columns in INDEXES:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)
