"""The index of the newest scores has only the highest ones: lists begin with them, and every night writes it anew.

Revision: 0026, after 0025.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

HIGHEST = sa.text("rank <= 5000")
COLUMNS = ["risk", "probability", "account_id"]


def upgrade() -> None:
    """Build the smaller index in place of the larger one."""
    op.create_index(
        "ix_account_risks_highest", "account_risks", COLUMNS, sqlite_where=HIGHEST, postgresql_where=HIGHEST
    )
    op.drop_index("ix_account_risks_risk_probability_account_id", "account_risks")
