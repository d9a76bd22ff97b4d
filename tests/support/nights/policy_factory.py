"""A small policy and accounts; each test changes the one thing it is about."""

from datetime import date
from typing import Any

import pyarrow as pa

from serving.policy.decision.decide import Policy, decide
from serving.policy.state.queue_state import Decision, OpenCase, QueueState

NIGHT = date(2026, 3, 1)

POLICY = """
[risks.churn]
enter = 0.5
leave = 0.3
leave_nights = 2
worsen_by = 0.1
cooldown_days = 10
save_rate = 0.5
skill = "retention"

[risks.escalation]
enter = 0.5
leave = 0.3
skill = "support"

[[severities]]
name = "high"
when = "probability >= 0.8"
respond_hours = 4
resolve_hours = 48
responsible = "primary"
accountable = "lead"
escalate_after_hours = [4, 8]

[[severities]]
name = "normal"
respond_hours = 24
resolve_hours = 168
responsible = "primary"
accountable = "lead"

[squads.care]
skills = ["retention"]
members = ["ana", "ben", "cleo"]
capacity = 2

[squads.support]
skills = ["support", "billing"]
members = ["dan"]
capacity = 2

[routing]
fallback = "care"
"""

OPEN = OpenCase("c1", "A", "churn", "normal", 0.5, date(2026, 2, 20), squad="care")

TRIGGERS = """
[triggers.alone]
when = "tickets_open >= 5"
risk = "churn"
raises = "alone"
severity = "high"
message = "Many tickets"

[triggers.together]
when = "tickets_open >= 3"
risk = "churn"
raises = "with_risk"
min_probability = 0.2
skill = "billing"
message = "Some tickets"
"""


def policy(more: str = "", **replaced: str) -> Policy:
    """The small policy with lines added, or exact lines replaced (``enter='enter = 0.4'`` replaces the first)."""
    text = POLICY
    for key, line in replaced.items():
        old = next(other for other in text.splitlines() if other.split(" = ")[0] == key)
        text = text.replace(old, line, 1)
    return Policy.parse(text + more)


def account_rows(*rows: dict[str, Any], **columns: Any) -> pa.Table:
    """Accounts from rows, other columns unknown; ``a`` is ``account_id``, ``p`` and ``e`` the two probabilities."""
    names = {"a": "account_id", "p": "probability_churn", "e": "probability_escalation"}
    whole = [{"arr": 1000.0} | {names.get(key, key): value for key, value in row.items()} for row in rows]
    keys = dict.fromkeys(key for row in whole for key in row)
    table = pa.table({key: [row.get(key) for row in whole] for key in keys})
    for name, values in columns.items():
        table = table.append_column(name, values)
    return table


def night(*rows: dict[str, Any], queue: QueueState | None = None, by: Policy | None = None) -> Decision:
    """Decide one night."""
    return decide(account_rows(*rows), queue or QueueState(), by or policy(), NIGHT)


def accounts(flags: Any) -> list[str]:
    """The accounts of flags, in order."""
    return [flag.account_id for flag in flags]


def float_schema(table: pa.Table) -> pa.Schema:
    """The schema of candidates whose columns are all numbers."""
    return pa.schema([(name, pa.string() if name == "account_id" else pa.float64()) for name in table.column_names])
