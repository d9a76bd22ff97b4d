"""Search of cases by text from an index; every account's newest score with its rank; accounts by name.

The text of a case is its headline and first reason, computed by the database: no code can forget to keep it up to date.
It is cut, because an index of PostgreSQL holds at most 2,700 bytes. The newest scores are copied from the newest night;
their curves come with the next one.

Revision: 0020, after 0019.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

TEXT = "substr(lower(headline || ' ' || coalesce(first_reason, '')), 1, 300)"
SEARCHED = ("closed_at", "squad", "lane", "state", "account_id", "id", "search")
NEWEST = """
INSERT INTO account_risks (account_id, risk, as_of, probability, rank)
SELECT account_id, risk, as_of, probability,
    rank() OVER (PARTITION BY risk ORDER BY probability DESC)
FROM scores WHERE as_of = (SELECT max(as_of) FROM nights WHERE status = 'recorded')
"""


def upgrade() -> None:
    """Add the column and the table, and fill the table."""
    op.add_column("cases", sa.Column("search", sa.Text(), sa.Computed(TEXT)))
    op.create_index("ix_cases_search", "cases", SEARCHED)
    op.create_table(
        "account_risks",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("risk", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("curve", sa.Text()),
        sa.PrimaryKeyConstraint("account_id", "risk", name="pk_account_risks"),
    )
    op.create_index(
        "ix_account_risks_risk_probability_account_id", "account_risks", ["risk", "probability", "account_id"]
    )
    op.create_index("ix_accounts_name_account_id", "accounts", ["name", "account_id"])
    op.execute(NEWEST)
