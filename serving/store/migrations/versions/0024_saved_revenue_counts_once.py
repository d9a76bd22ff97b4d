"""Revenue that was saved or lost counts once: a second case of the account within 90 days adds only what is more.

An account can be saved twice within weeks, with the same contracts. Adding both up would report more revenue as saved
than there is. Names and columns of ``report_v1_outcomes`` stay; on PostgreSQL the view is replaced and not dropped, so
that whoever was allowed to read it still is.

Revision: 0024, after 0023.
"""

from alembic import op

revision = "0024"
down_revision = "0023"


def _money(table: str) -> str:
    return f"coalesce({table}.outcome_amount, {table}.at_stake, {table}.estimated_revenue)"


def _outcomes(days_before: str) -> str:
    """The view; ``days_before`` is the instant 90 days before a case was closed."""
    counted = f"""
        SELECT max({_money("earlier")}) FROM cases AS earlier
        WHERE earlier.account_id = cases.account_id AND earlier.state = cases.state
            AND earlier.closed_at >= {days_before}
            AND (earlier.closed_at < cases.closed_at OR (earlier.closed_at = cases.closed_at AND earlier.id < cases.id))
    """
    return f"""
SELECT case_id, account_id, segment, region, risk, lane, squad, owner, severity, policy_version, outcome, closed_by,
    opened_at, closed_at, revenue, revenue_is_estimated, currency,
    CASE WHEN outcome = 'saved' THEN more ELSE 0 END AS revenue_saved,
    CASE WHEN outcome = 'lost' THEN more ELSE 0 END AS revenue_lost,
    contract_ended_on
FROM (
    SELECT closed.*, CASE WHEN counted IS NULL OR money IS NULL THEN money WHEN money > counted THEN money - counted
        ELSE 0 END AS more
    FROM (
        SELECT cases.id AS case_id, cases.account_id, accounts.segment, accounts.region, cases.risk, cases.lane,
            cases.squad, cases.owner, cases.severity, cases.policy_version, cases.state AS outcome,
            CASE WHEN cases.closure IS NULL THEN 'team' ELSE 'night' END AS closed_by,
            cases.opened_at, cases.closed_at, coalesce(cases.at_stake, cases.estimated_revenue) AS revenue,
            CASE WHEN cases.at_stake IS NULL THEN 1 ELSE 0 END AS revenue_is_estimated, accounts.currency,
            cases.settled_on AS contract_ended_on, {_money("cases")} AS money,
            CASE WHEN cases.state IN ('saved', 'lost') THEN ({counted}) END AS counted
        FROM cases JOIN accounts ON accounts.account_id = cases.account_id
        WHERE cases.closed_at IS NOT NULL
    ) AS closed
) AS outcomes
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        before = "datetime(cases.closed_at, '-90 days')"
        op.execute("DROP VIEW report_v1_outcomes")
        op.execute(f"CREATE VIEW report_v1_outcomes AS {_outcomes(before)}")
    else:
        before = "cases.closed_at - INTERVAL '90 days'"
        op.execute(f"CREATE OR REPLACE VIEW report_v1_outcomes AS {_outcomes(before)}")
