"""Choosing, counting and sorting the list of cases reads an index and of the cases only those that are shown.

Revision: 0005, after 0004.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

LISTED = (
    "closed_at",
    "squad",
    "state",
    "account_id",
    "owner",
    "risk",
    "at_stake",
    "respond_by",
    "resolve_by",
    "priority",
    "id",
)


def upgrade() -> None:
    op.create_index("ix_cases_list", "cases", LISTED)
    op.create_index("ix_cases_owner_closed_at_priority", "cases", ["owner", "closed_at", "priority"])
    op.drop_index("ix_cases_closed_at_squad_state", "cases")
    op.drop_index("ix_cases_owner_closed_at", "cases")
