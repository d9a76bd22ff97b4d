"""Who can be predicted at a cutoff: each account's eligibility through time, and the cutoffs that fall into it.

Asking every cutoff anew who was a customer would cost a query a cutoff. Instead each fact is a *span* of cutoffs for
which it holds (a subscription was running, as our copy then knew it), the spans of an account are added up into
consecutive *eligibility intervals*, and one range join with the cutoffs gives every account at every cutoff. A span
``(a, b]`` holds at the cutoffs with ``a < T <= b``: what is known at ``a`` counts only after it, and what ends at ``b``
still runs there.
"""

from collections.abc import Sequence
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from features.contract import TABLES
from features.errors import UsageError
from features.history.history import History
from features.history.versions import known_instant
from features.labels.label_rule import LabelRule
from features.succession.contract_status import GRACE_DAYS, LEAVING, LEFT, NONE, RUNNING, status_intervals
from features.succession.contract_versions import NUMBERED_ACCOUNTS, contract_versions
from features.succession.succession import FEW_CUTOFFS, succession_at

CUSTOMER_DAYS = 365
"""Without subscriptions, an account with a row of the risk's own table in this many days is taken for a customer."""

NO_SUBSCRIPTION, CANCELLATION_KNOWN, UNKNOWN_AMOUNT = "no_subscription", "cancellation_known", "unknown_amount"
NO_ACTIVITY, NO_INVOICE, NO_TICKET = "no_activity", "no_invoice", "no_ticket"
"""Codes of why an account is not eligible."""


def eligibility(history: History, cutoffs: Sequence[date], rule: LabelRule) -> pa.Table:
    """Whether each account known at each cutoff can be predicted there, and why not where it cannot.

    Returns ``account_id``, ``as_of``, ``eligible`` (bool) and ``why`` (a code, null where eligible), ordered by cutoff
    and account. It uses only what was known at the cutoff, so tonight's answer is the one that training will see.
    """
    days = sorted(set(cutoffs))
    by_contract = rule.kind in ("contract", "event") and "subscriptions" in history.present
    if by_contract and rule.grace == GRACE_DAYS and 0 < len(days) <= FEW_CUTOFFS:
        return pa.concat_tables([_of_status(history, day, notice_counts=rule.kind == "contract") for day in days])
    rows = history.query(f"""
        WITH {eligibility_intervals(history, rule)}, {cutoff_rows(cutoffs, rule)}
        SELECT account, as_of, eligible, why
        FROM eligibility_interval JOIN cutoff ON since < opened AND opened <= until
        ORDER BY as_of, account
    """)
    return with_ids(history, rows)


def _of_status(history: History, cutoff: date, *, notice_counts: bool) -> pa.Table:
    """Eligibility by contract at one cutoff, from the succession of contracts, which the night computes anyway."""
    rows = succession_at(history, cutoff)
    status = rows.column("status")
    leaving, none = pc.equal(status, LEAVING), pc.is_in(status, value_set=pa.array([LEFT, NONE]))
    ending = pc.if_else(leaving, CANCELLATION_KNOWN if notice_counts else None, pa.scalar(None, pa.string()))
    why = pc.if_else(none, NO_SUBSCRIPTION, ending)
    return pa.table(
        {
            "account_id": rows.column("account_id"),
            "as_of": pa.array([cutoff] * rows.num_rows, pa.date32()),
            "eligible": pc.is_null(why),
            "why": why,
        }
    )


def with_ids(history: History, rows: pa.Table) -> pa.Table:
    """The rows with each dense account number replaced by the account's id."""
    ids = history.accounts.take(rows.column("account").combine_chunks())
    return rows.set_column(rows.column_names.index("account"), "account_id", ids)


def cutoff_rows(cutoffs: Sequence[date], rule: LabelRule) -> str:
    """The CTE ``cutoff``: when each one opens, its lead is over, its window closes and its label matures."""
    days = ", ".join(f"(DATE '{cutoff.isoformat()}')" for cutoff in sorted(set(cutoffs)))
    return f"""
        cutoff AS (
            SELECT as_of, CAST(as_of AS TIMESTAMP) AS opened, opened + INTERVAL {rule.lead} DAY AS lead_over,
                lead_over + INTERVAL {rule.horizon} DAY AS closed, opened + INTERVAL {rule.maturity} DAY AS matures
            FROM (VALUES {days}) AS requested(as_of)
        )"""


def eligibility_intervals(history: History, rule: LabelRule) -> str:
    """CTEs that end in ``eligibility_interval``: account, since, until, eligible, why (null where eligible)."""
    spans, why = _spans(history, rule)
    return f"{NUMBERED_ACCOUNTS}, {spans}, {_TURNS}, {_intervals(why)}"


def _spans(history: History, rule: LabelRule) -> tuple[str, str]:
    """CTEs that end in ``span``, and why an account is not eligible outside of its spans, both as SQL."""
    if rule.kind == "silence":
        return _activity_spans(history, rule.active_on, rule.active), f"'{NO_ACTIVITY}'"
    if rule.kind == "overdue":
        return _activity_spans(history, ("invoices",), rule.active), f"'{NO_INVOICE}'"
    if rule.kind == "decrease":
        return _level_spans(history, rule.measure), _or_no_subscription(UNKNOWN_AMOUNT)
    if "subscriptions" in history.present:
        spans = _contract_spans(history, rule.grace, notice_counts=rule.kind == "contract")
        return spans, _or_no_subscription(CANCELLATION_KNOWN)
    if rule.kind == "contract":
        raise UsageError(
            f"The {rule.risk} of this source cannot be by contract, because it has no subscriptions: set kind to "
            "'silence'."
        )
    return _customer_spans(rule)


def _or_no_subscription(why: str) -> str:
    return f"CASE WHEN customers > 0 THEN '{why}' ELSE '{NO_SUBSCRIPTION}' END"


def _contract_spans(history: History, grace: int, *, notice_counts: bool) -> str:
    """Where contracts run; where notice counts, an account is not eligible while everything that runs is ending."""
    eligible = f"CAST(status = '{RUNNING}' AS INTEGER)" if notice_counts else "1"
    return f"""
        {status_intervals(history, grace)},
        span AS (
            SELECT account, since AS a, until AS b, {eligible} AS eligible, 1 AS customer
            FROM status_interval WHERE status IN ('{RUNNING}', '{LEAVING}')
        )"""


_RUNNING_UNTIL = "least(superseded, ended, TIMESTAMP 'infinity')"


def _level_spans(history: History, measure: str) -> str:
    """The CTE ``level`` (the sum of a measure over the running subscriptions, null where one is unknown), and spans.

    An account is eligible while the sum is known and above zero: there is no share of nothing.
    """
    return f"""
        {contract_versions(history, measure)},
        step AS (
            SELECT account, greatest(known, started) AS a, {_RUNNING_UNTIL} AS b, coalesce(measure, 0) AS amount,
                CAST(measure IS NULL AS INTEGER) AS unknown
            FROM version
        ),
        change AS (
            SELECT account, moment, sum(amount) AS amount, sum(unknown) AS unknown, sum(running) AS running
            FROM (
                SELECT account, a AS moment, amount, unknown, 1 AS running FROM step WHERE a < b
                UNION ALL SELECT account, b, -amount, -unknown, -1 FROM step WHERE a < b
            ) GROUP BY account, moment
        ),
        level AS (
            SELECT account, moment AS since, lead(moment, 1, TIMESTAMP 'infinity') OVER so_far AS until,
                sum(running) OVER so_far AS running,
                CASE WHEN sum(running) OVER so_far = 0 THEN 0
                    WHEN sum(unknown) OVER so_far = 0 THEN sum(amount) OVER so_far END AS amount
            FROM change WINDOW so_far AS (PARTITION BY account ORDER BY moment)
        ),
        span AS (
            SELECT account, since AS a, until AS b, CAST(coalesce(amount, 0) > 0 AS INTEGER) AS eligible, 1 AS customer
            FROM level WHERE running > 0
        )"""


def _customer_spans(rule: LabelRule) -> tuple[str, str]:
    """An account whose own tickets (or whatever the risk is about) are recent, where nothing is contracted."""
    table = TABLES[rule.table if "account_id" in TABLES[rule.table].names else "tickets"]
    at = f"CAST({table.event_time} AS TIMESTAMP)"
    spans = f"""
        span AS (
            SELECT account, greatest({known_instant(table)}, {at}) AS a,
                {at} + INTERVAL {CUSTOMER_DAYS} DAY AS b, 1 AS eligible, 1 AS customer
            FROM {table.name} JOIN numbered USING (account_id)
        )"""
    return spans, f"'{NO_TICKET if table.name == 'tickets' else NO_ACTIVITY}'"


def _activity_spans(history: History, tables: Sequence[str], active: int) -> str:
    return f"""
        {_activity(history, tables)},
        span AS (
            SELECT account, greatest(known, moment) AS a, moment + INTERVAL {active} DAY AS b,
                1 AS eligible, 1 AS customer
            FROM activity
        )"""


def _activity(history: History, tables: Sequence[str]) -> str:
    """The CTE ``activity``: invoices, use and tickets as the rule says, one row an account and instant."""
    selects = [
        f"SELECT account_id, CAST({TABLES[name].event_time} AS TIMESTAMP) AS moment, "
        f"{known_instant(TABLES[name])} AS known "
        f"FROM {name} WHERE {TABLES[name].shows_activity}"
        for name in tables
        if name in history.present
    ] or ["SELECT account_id, created_at AS moment, created_at AS known FROM accounts WHERE false"]
    return f"""
        activity AS (
            SELECT account, moment, min(known) AS known
            FROM ({" UNION ALL ".join(selects)}) JOIN numbered USING (account_id) GROUP BY account, moment
        )"""


_TURNS = """
        turn AS (
            SELECT account, moment, sum(eligible) AS eligible, sum(customer) AS customer
            FROM (
                SELECT account, a AS moment, eligible, customer FROM span WHERE a < b
                UNION ALL SELECT account, b, -eligible, -customer FROM span WHERE a < b
                UNION ALL SELECT account, account_known, 0, 0 FROM numbered
            ) GROUP BY account, moment
        )"""


def _intervals(why: str) -> str:
    return f"""
        added AS (
            SELECT account, moment, sum(eligible) OVER so_far AS grounds, sum(customer) OVER so_far AS customers,
                lead(moment, 1, TIMESTAMP 'infinity') OVER so_far AS until
            FROM turn WINDOW so_far AS (PARTITION BY account ORDER BY moment)
        ),
        eligibility_interval AS (
            SELECT account, greatest(moment, account_known) AS since, until, grounds > 0 AS eligible,
                CASE WHEN grounds = 0 THEN {why} END AS why
            FROM added JOIN numbered USING (account)
        )"""
