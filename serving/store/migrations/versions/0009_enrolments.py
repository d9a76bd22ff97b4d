"""The units that the team's effect is measured on, and the reports of the monitor.

Until here every held-out account was compared with every worked one, although only the first accounts of a full queue
are worked. Now a unit is enrolled on the first night on which a squad had a place for it. Earlier nights did not record
that, and not which worked accounts the policy exempts from the draw. So a unit that was worked or held out before is
marked with an empty salt and without a share: it never counts and is not enrolled again, because its next case may
depend on what the team did. In a queue without a hold-out nobody was drawn, so nobody is marked.

Revision: 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

BEFORE = """
    SELECT coalesce(holdout_units.unit, accounts.parent_id, cases.account_id) AS unit, cases.opened_on AS as_of,
        cases.risk, cases.account_id, coalesce(holdout_units.stratum, '') AS stratum, 0 AS was_held_out
    FROM cases
    LEFT JOIN holdout_units ON holdout_units.account_id = cases.account_id
    LEFT JOIN accounts ON accounts.account_id = cases.account_id
    UNION ALL
    SELECT coalesce(holdout_units.unit, held_out.unit), held_out.as_of,
        held_out.risk, held_out.account_id, held_out.stratum, 1
    FROM held_out
    LEFT JOIN holdout_units ON holdout_units.account_id = held_out.account_id
"""
"""Every unit that was worked or held out, with its account, risk and night: several rows a unit."""


def upgrade() -> None:
    op.create_table(
        "enrolments",
        sa.Column("salt", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("risk", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("stratum", sa.String(), nullable=False),
        sa.Column("share", sa.Double()),
        sa.Column("held_out", sa.Boolean(), nullable=False),
        sa.Column("probability", sa.Double()),
        sa.Column("revenue", sa.Double()),
        sa.Column("expected_value", sa.Double()),
        sa.PrimaryKeyConstraint("salt", "unit", name="pk_enrolments"),
    )
    op.create_index("ix_enrolments_risk_as_of", "enrolments", ["risk", "as_of"])
    op.create_table(
        "monitor_reports",
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("stored_at", sa.DateTime(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("as_of", name="pk_monitor_reports"),
    )
    op.execute(
        "INSERT INTO enrolments (salt, unit, as_of, risk, account_id, stratum, held_out) "
        "SELECT '', unit, min(as_of), min(risk), min(account_id), min(stratum), max(was_held_out) = 1 "
        f"FROM ({BEFORE}) AS earlier WHERE EXISTS (SELECT 1 FROM held_out) GROUP BY unit"
    )
