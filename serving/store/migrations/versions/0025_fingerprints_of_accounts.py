"""A fingerprint of what the newest night read of each account: rows that are as they were are not written again.

It is null after the upgrade, so the next night writes every row once.

Revision: 0025, after 0024.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add the column, empty."""
    op.add_column("accounts", sa.Column("fingerprint", sa.BigInteger(), nullable=True))
