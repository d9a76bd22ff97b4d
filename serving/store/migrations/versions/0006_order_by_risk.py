"""Ordering the list of cases by a risk reads an index, and of the cases only those that are shown.

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

RISKS = ("churn", "escalation")
CHOSEN_BY = ("squad", "state", "risk", "owner", "account_id")


def upgrade() -> None:
    for risk in RISKS:
        kept = sa.func.coalesce(sa.column("probabilities", sa.JSON)[risk].as_float(), 0.0)
        op.add_column("cases", sa.Column(risk, sa.Double(), sa.Computed(kept), nullable=True))
        op.create_index(f"ix_cases_by_{risk}", "cases", ["closed_at", risk, "priority", "id", *CHOSEN_BY])
