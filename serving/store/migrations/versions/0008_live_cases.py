"""A case knows its alarms, its lane and tonight's figures, and a night can close it with a reason.

Until here a case had the figures of the night that raised it last, and only its risk and its triggers said why it
existed. Unknown revenue was kept as 0; it is null now, like the probability of a case that a cancellation raises. An
account keeps the unit in which it was first drawn for the hold-out.

Existing cases get the alarms of their risk and triggers, the lane of the model's risks, and the figures of the night
that raised them: the next night replaces the lane and the figures of those that are open.

Revision: 0008, after 0007.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0008"
down_revision = "0007"

NULLABLE = {"cases": ("at_stake", "probability"), "waiting": ("at_stake", "probability")}

CASE_COLUMNS: dict[str, TypeEngine[Any]] = {
    "estimated_revenue": sa.Double(),
    "renews_on": sa.Date(),
    "loss_share": sa.Double(),
    "revenue": sa.Double(),
    "contract_status": sa.String(),
    "ends_on": sa.Date(),
    "first_reason": sa.Text(),
    "resolved": sa.String(),
    "resolved_on": sa.Date(),
    "closes_on": sa.Date(),
    "closure": sa.String(),
    "closure_on": sa.Date(),
    "settled_on": sa.Date(),
}

LAST_ESCALATION = "SELECT max(at) FROM case_events WHERE case_id = cases.id AND kind = 'escalated'"

REQUIRED: dict[str, tuple[TypeEngine[Any], str, str]] = {
    "lane": (sa.String(), "at_risk", "'at_risk'"),
    "tier_since": (sa.DateTime(), "1970-01-01 00:00:00", f"coalesce(({LAST_ESCALATION}), opened_at)"),
    "group_members": (sa.JSON(), "[]", "'[]'"),
    "live_on": (sa.Date(), "1970-01-01", "raised_on"),
}
"""Columns of ``cases`` that every case has: type, the default that SQLite requires, and the value of existing cases."""

LISTED = (
    *("closed_at", "squad", "lane", "state", "account_id", "owner", "risk"),
    *("revenue", "respond_by", "resolve_by", "ends_on", "priority", "id"),
)


def upgrade() -> None:
    op.drop_index("ix_cases_list", "cases")
    op.add_column("accounts", sa.Column("currency", sa.String()))
    for name, kind in CASE_COLUMNS.items():
        op.add_column("cases", sa.Column(name, kind))
    for table, columns in NULLABLE.items():
        for name in columns:
            _allow_null(table, name)
    for name, (required, default, value) in REQUIRED.items():
        _add_required(name, required, default, value)
    _fill_figures()
    _create_alarms()
    _create_units()
    op.create_index("ix_cases_list", "cases", LISTED)
    op.create_index("ix_cases_closed_at_lane_priority", "cases", ["closed_at", "lane", "priority"])


def _allow_null(table: str, name: str) -> None:
    """SQLite cannot change a column, so there the values move to a new one of the same name."""
    if not _is_sqlite():
        op.alter_column(table, name, nullable=True)
        return
    op.add_column(table, sa.Column(f"new_{name}", sa.Double()))
    op.execute(f"UPDATE {table} SET new_{name} = {name}")
    op.drop_column(table, name)
    op.alter_column(table, f"new_{name}", new_column_name=name)


def _add_required(name: str, kind: TypeEngine[Any], default: str, value: str) -> None:
    op.add_column("cases", sa.Column(name, kind, nullable=False, server_default=default))
    op.execute(f"UPDATE cases SET {name} = {value}")


def _fill_figures() -> None:
    """Recurring revenue that is unknown was kept as 0 at stake."""
    account = "FROM accounts WHERE accounts.account_id = cases.account_id"
    op.execute(f"UPDATE cases SET revenue = (SELECT arr {account}), renews_on = (SELECT renews_on {account})")
    op.execute("UPDATE cases SET at_stake = NULL WHERE at_stake = 0 AND revenue IS NULL")
    op.execute(
        "UPDATE waiting SET at_stake = NULL WHERE at_stake = 0 AND EXISTS "
        "(SELECT 1 FROM accounts WHERE accounts.account_id = waiting.account_id AND accounts.arr IS NULL)"
    )


def _create_alarms() -> None:
    op.create_table(
        "case_alarms",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("alarm", sa.String(), nullable=False),
        sa.Column("raised_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_alarms_case_id"),
        sa.PrimaryKeyConstraint("case_id", "alarm", name="pk_case_alarms"),
    )
    op.execute("INSERT INTO case_alarms SELECT id, 'risk:' || risk, raised_on FROM cases")
    fired = "json_each(cases.triggers)" if _is_sqlite() else "json_array_elements_text(cases.triggers) AS fired(value)"
    alarms = "SELECT DISTINCT cases.id, 'trigger:' || value, raised_on"
    op.execute(f"INSERT INTO case_alarms {alarms} FROM cases CROSS JOIN {fired}")


def _create_units() -> None:
    """The first unit of each account that was held out; for every other the next night records it."""
    op.create_table(
        "holdout_units",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("stratum", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_holdout_units"),
    )
    op.execute(
        "INSERT INTO holdout_units SELECT account_id, min(unit), min(stratum) FROM held_out AS first "
        "WHERE as_of = (SELECT min(as_of) FROM held_out WHERE held_out.account_id = first.account_id) "
        "GROUP BY account_id"
    )


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
