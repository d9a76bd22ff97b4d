"""The money of an outcome in the reporting view is the amount that the team gave, where it gave one.

Names and columns of ``report_v1_outcomes`` stay. On PostgreSQL the view is replaced and not dropped, so that whoever
was allowed to read it still is.

Revision: 0023, after 0022.
"""

from alembic import op

revision = "0023"
down_revision = "0022"

MONEY = "coalesce(cases.outcome_amount, cases.at_stake, cases.estimated_revenue)"
OUTCOMES = f"""
SELECT cases.id AS case_id, cases.account_id, accounts.segment, accounts.region, cases.risk, cases.lane, cases.squad,
    cases.owner, cases.severity, cases.policy_version, cases.state AS outcome,
    CASE WHEN cases.closure IS NULL THEN 'team' ELSE 'night' END AS closed_by,
    cases.opened_at, cases.closed_at, coalesce(cases.at_stake, cases.estimated_revenue) AS revenue,
    CASE WHEN cases.at_stake IS NULL THEN 1 ELSE 0 END AS revenue_is_estimated, accounts.currency,
    CASE WHEN cases.state = 'saved' THEN {MONEY} ELSE 0 END AS revenue_saved,
    CASE WHEN cases.state = 'lost' THEN {MONEY} ELSE 0 END AS revenue_lost,
    cases.settled_on AS contract_ended_on
FROM cases JOIN accounts ON accounts.account_id = cases.account_id
WHERE cases.closed_at IS NOT NULL
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP VIEW report_v1_outcomes")
        op.execute(f"CREATE VIEW report_v1_outcomes AS {OUTCOMES}")
    else:
        op.execute(f"CREATE OR REPLACE VIEW report_v1_outcomes AS {OUTCOMES}")
