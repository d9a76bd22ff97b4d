"""Search of cases by text from an index; every account's newest score with its rank; accounts by name.

The text of a case is its headline and first reason, computed by the database: no code can forget to keep it up to date.
SQLite reads it from an index; an index of PostgreSQL holds no long texts, and there the column is stored. The newest
scores are copied from the newest night; their curves come with the next one.

Revision: 0019, after 0018.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "P0019"

TEXT = "lower(headline || ' ' || coalesce(first_reason, ''))"
SEARCHED = ("closed_at", "squad", "lane", "state", "account_id", "owner", "risk", "id", "search")
NEWEST = """
INSERT INTO account_risks (account_id, risk, as_of, probability, rank)
SELECT account_id, risk, as_of, probability,
    rank() OVER (PARTITION BY risk ORDER BY probability DESC)
FROM scores WHERE as_of = (SELECT max(as_of) FROM nights WHERE status = 'recorded')
"""
ACCOUNTS = """
UPDATE accounts SET search = search || lower(' ' || coalesce(segment, '') || ' ' || coalesce(owner, ''))
WHERE segment IS NOT NULL OR owner IS NOT NULL
"""


def upgrade() -> None:
    """Add the column and the table, and fill the table."""
    op.add_column("cases", sa.Column("search", sa.Text(), sa.Computed(TEXT)))
    if op.get_bind().dialect.name == "sqlite":
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
    op.execute(ACCOUNTS)
