"""Who can be predicted at a cutoff: each account's standing through time, and the cutoffs that fall into it.

Asking every cutoff anew who was a customer would cost a query a cutoff. Instead each fact is a *span* of cutoffs for
which it holds (a subscription was running, as our copy then knew it), the spans of an account are added up into
consecutive standings, and one range join with the cutoffs gives every account at every cutoff. A span ``(a, b]``
holds at the cutoffs with ``a < T <= b``: what is known at ``a`` counts only after it, and what ends at ``b`` still
runs there.
"""

from collections.abc import Sequence
from datetime import date

import pyarrow as pa

from features.contract import TABLES
from features.errors import UsageError
from features.history.history import History
from features.history.versions import known_moment
from features.labels.label_rule import LabelRule

CUSTOMER_BY_TICKET = 365
"""Without subscriptions, an account with a ticket in this many days is taken for a customer."""

NO_SUBSCRIPTION = "no running subscription"
NOTICE_KNOWN = "notice is already known"


def eligibility(history: History, cutoffs: Sequence[date], rule: LabelRule) -> pa.Table:
    """Whether each account known at each cutoff can be predicted there, and why not where it cannot.

    Returns ``account_id``, ``as_of``, ``eligible`` (bool) and ``why`` (null where eligible), ordered by cutoff and
    account. It uses only what was known at the cutoff, so tonight's answer is the one that training will see.
    """
    found = history.query(f"""
        WITH {standings(history, rule)}, {cutoff_rows(cutoffs, rule)}
        SELECT account, as_of, eligible, why
        FROM standing JOIN cutoff ON since < opened AND opened <= until
        ORDER BY as_of, account
    """)
    return with_ids(history, found)


def with_ids(history: History, rows: pa.Table) -> pa.Table:
    """The rows with each dense account number replaced by the account's id."""
    ids = history.accounts.take(rows.column("account").combine_chunks())
    return rows.set_column(rows.column_names.index("account"), "account_id", ids)


def cutoff_rows(cutoffs: Sequence[date], rule: LabelRule) -> str:
    """The CTE ``cutoff``: when each one opens, its lead is over, its window closes and its verdict falls."""
    days = ", ".join(f"(DATE '{cutoff.isoformat()}')" for cutoff in sorted(set(cutoffs)))
    return f"""
        cutoff AS (
            SELECT as_of, CAST(as_of AS TIMESTAMP) AS opened, opened + INTERVAL {rule.lead} DAY AS lead_over,
                lead_over + INTERVAL {rule.horizon} DAY AS closed, opened + INTERVAL {rule.ripening} DAY AS verdict
            FROM (VALUES {days}) AS asked(as_of)
        )"""


def standings(history: History, rule: LabelRule) -> str:
    """CTEs that end in ``standing``: account, since, until, eligible, why (null where eligible)."""
    if rule.kind == "silence":
        spans, why = _active_spans(history, rule), f"'no sign of life in {rule.active} days'"
    elif "subscriptions" in history.present:
        spans = _subscription_spans(history, notice_counts=rule.kind == "contract")
        why = f"CASE WHEN customers > 0 THEN '{NOTICE_KNOWN}' ELSE '{NO_SUBSCRIPTION}' END"
    else:
        _need_subscriptions(rule)
        spans, why = _ticket_spans(), f"'no ticket in {CUSTOMER_BY_TICKET} days'"
    return f"{_NUMBERED}, {spans}, {_TURNS}, {_standing(why)}"


def _need_subscriptions(rule: LabelRule) -> None:
    if rule.kind == "contract":
        raise UsageError(
            f"The {rule.risk} of this source cannot be by contract, for it has no subscriptions: set kind to 'silence'."
        )


def _subscription_spans(history: History, *, notice_counts: bool) -> str:
    """Where a subscription was running; where notice counts, it makes an account eligible only until it is known."""
    holds = "CAST(ended IS NULL AS INTEGER)" if notice_counts else "1"
    return f"""
        {_versions("subscriptions" in history.versioned)},
        span AS (
            SELECT account, greatest(known, started) AS a, least(superseded, ended, TIMESTAMP 'infinity') AS b,
                {holds} AS eligible, 1 AS customer
            FROM version
        )"""


def _versions(versioned: bool) -> str:
    """The CTE ``version``: what was known of each subscription, from ``known`` until it was ``superseded``.

    A current-state source is brought to the same form: its end is known when it comes, and not a moment sooner.
    """
    known = known_moment(TABLES["subscriptions"]) if versioned else "started_at"
    open_then = f"SELECT *, {known} AS known, {'ended_at' if versioned else 'NULL'} AS ended FROM subscriptions"
    then_ended = "SELECT *, ended_at AS known, ended_at AS ended FROM subscriptions WHERE ended_at IS NOT NULL"
    return f"""
        version AS (
            SELECT account, subscription_id AS subscription, known, started_at AS started, ended,
                lead(known) OVER (PARTITION BY subscription_id ORDER BY known, ended NULLS FIRST) AS superseded
            FROM ({open_then if versioned else f"{open_then} UNION ALL {then_ended}"}) JOIN numbered USING (account_id)
        )"""


def _ticket_spans() -> str:
    return f"""
        span AS (
            SELECT account, greatest({known_moment(TABLES["tickets"])}, opened_at) AS a,
                opened_at + INTERVAL {CUSTOMER_BY_TICKET} DAY AS b, 1 AS eligible, 1 AS customer
            FROM tickets JOIN numbered USING (account_id)
        )"""


def _active_spans(history: History, rule: LabelRule) -> str:
    return f"""
        {_signs_of_life(history, rule)},
        span AS (
            SELECT account, greatest(known, moment) AS a, moment + INTERVAL {rule.active} DAY AS b,
                1 AS eligible, 1 AS customer
            FROM sign
        )"""


def _signs_of_life(history: History, rule: LabelRule) -> str:
    """The CTE ``sign``: invoices, use and tickets as the rule says, one row an account and instant."""
    tables = [name for name in rule.active_on if name in history.present]
    signs = [
        f"SELECT account_id, CAST({TABLES[name].event_time} AS TIMESTAMP) AS moment, "
        f"{known_moment(TABLES[name])} AS known "
        f"FROM {name} {'WHERE events > 0' if name == 'usage_daily' else ''}"
        for name in tables
    ] or ["SELECT account_id, created_at AS moment, created_at AS known FROM accounts WHERE false"]
    return f"""
        sign AS (
            SELECT account, moment, min(known) AS known
            FROM ({" UNION ALL ".join(signs)}) JOIN numbered USING (account_id) GROUP BY account, moment
        )"""


_NUMBERED = f"""
        numbered AS (
            SELECT account_id, row_number() OVER (ORDER BY account_id) - 1 AS account,
                min({known_moment(TABLES["accounts"])}) AS account_known
            FROM accounts GROUP BY account_id
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


def _standing(why: str) -> str:
    return f"""
        added AS (
            SELECT account, moment, sum(eligible) OVER so_far AS grounds, sum(customer) OVER so_far AS customers,
                lead(moment, 1, TIMESTAMP 'infinity') OVER so_far AS until
            FROM turn WINDOW so_far AS (PARTITION BY account ORDER BY moment)
        ),
        standing AS (
            SELECT account, greatest(moment, account_known) AS since, until, grounds > 0 AS eligible,
                CASE WHEN grounds = 0 THEN {why} END AS why
            FROM added JOIN numbered USING (account)
        )"""
