"""The events of accounts, by kind of risk: a row that counts, a decision to leave, a decrease, a late payment.

Most kinds are events ``(account, moment, known, void)``: when it was, when our copy knew it, and from when on our copy
knew better (a notice taken back, a corrected row), which only counts if known before the label matures. A decrease
is different: how far revenue has fallen depends on the cutoff that asks.
"""

from features.contract import TABLES
from features.history.history import History
from features.history.versions import known_instant, version_key, version_order
from features.labels.eligibility import eligibility_intervals
from features.labels.label_rule import LabelRule
from features.succession.contract_status import AT_ONCE, LEAVING, LEFT, RUNNING

ROUNDING = 1e-9
"""Sums of revenue are compared up to this share, because adding and subtracting floats is not exact."""


def events_name(rule: LabelRule) -> str:
    """The last CTE of :func:`events`."""
    return "level" if rule.kind == "decrease" else "event"


def hits(rule: LabelRule) -> str:
    """CTEs that end in ``hits``: by account and cutoff, the first event after the lead and the first inside it.

    They follow those of :func:`events` and :func:`features.labels.eligibility.cutoff_rows`.
    """
    return _decreases(rule) if rule.kind == "decrease" else _HITS


_FIRST = """min(moment) FILTER (moment > lead_over) AS first_at,
                min(moment) FILTER (moment <= lead_over) AS early_at"""

_HITS = f"""
        hits AS (
            SELECT account, as_of, {_FIRST}
            FROM event JOIN cutoff ON moment >= opened AND moment <= closed
            WHERE known <= matures AND (void IS NULL OR void > matures)
            GROUP BY account, as_of
        )"""


def events(history: History, rule: LabelRule) -> str:
    """CTEs that end in :func:`events_name`; they begin with those of ``eligibility_intervals``."""
    intervals = eligibility_intervals(history, rule)
    return intervals if rule.kind == "decrease" else f"{intervals}, {_events(history, rule)}"


def _events(history: History, rule: LabelRule) -> str:
    if rule.kind == "event":
        return _rows_of_table(history, rule)
    if rule.kind == "overdue":
        return _late_payments(history, rule.days)
    if rule.kind == "silence":
        return "event AS (SELECT account, moment, known, CAST(NULL AS TIMESTAMP) AS void FROM activity)"
    return _DECISIONS


def _rows_of_table(history: History, rule: LabelRule) -> str:
    """Each row that meets the condition, until another version of the same thing replaces it.

    Few rows do: only the versions of those, and only their tickets, are sorted and grouped.
    """
    table, condition = TABLES[rule.table], rule.condition()
    of_account, changes = "account_id" in table.names, _can_change(history, rule)
    known = known_instant(table)
    replaced = _superseded(history, rule.table) if changes else "CAST(NULL AS TIMESTAMP)"
    key = f"hash({version_key(table)})"  # keys with one hash are separated by the partition below
    chosen = f"{key} IN (SELECT {key} FROM {table.name} WHERE {condition.sql})" if changes else condition.sql
    join = "" if of_account else " JOIN ticket USING (ticket_id)"
    moment = f"CAST({table.event_time} AS TIMESTAMP)"
    return f"""
        counted AS (
            SELECT *, {moment} AS moment, {known} AS known, {replaced} AS void FROM {table.name} WHERE {chosen}
        ),
        {"" if of_account else _TICKETS}
        event AS (
            SELECT account, moment, {"known" if of_account else "greatest(known, ticket_known)"} AS known, void
            FROM counted{join} JOIN numbered USING (account_id)
            WHERE {condition.sql}
        )"""


_TICKETS = f"""
        ticket AS (
            SELECT ticket_id, arg_min(account_id, {known_instant(TABLES["tickets"])}) AS account_id,
                min({known_instant(TABLES["tickets"])}) AS ticket_known
            FROM tickets WHERE ticket_id IN (SELECT ticket_id FROM counted) GROUP BY ticket_id
        ),"""


def _can_change(history: History, rule: LabelRule) -> bool:
    """Whether a later version of a row may answer the condition otherwise; what is part of its key never does."""
    if rule.table not in history.versioned:
        return False
    own_id = "event_id" in history.columns[rule.table]
    return own_id or not rule.condition().columns.keys() <= set(TABLES[rule.table].key)


def _superseded(history: History, name: str) -> str:
    """When our copy learned the next version of the row, as SQL."""
    if name not in history.versioned:
        return "CAST(NULL AS TIMESTAMP)"
    table = TABLES[name]
    return f"lead({known_instant(table)}) OVER (PARTITION BY {version_key(table)} ORDER BY {version_order(table)})"


def _late_payments(history: History, days: int) -> str:
    """When each invoice was unpaid ``days`` days after the day on which it was due; paid on that day is on time.

    Credit notes and invoices of nothing are never late, nor are those that are void or drafts.
    """
    late = f"CAST(CAST(due_at AS DATE) AS TIMESTAMP) + INTERVAL {days + 1} DAY"
    status = " AND coalesce(status, '') NOT IN ('void', 'draft')" if "status" in TABLES["invoices"].names else ""
    return f"""
        event AS (
            SELECT account, moment, greatest(known, moment) AS known, void
            FROM (
                SELECT *, {late} AS moment, {known_instant(TABLES["invoices"])} AS known,
                    {_superseded(history, "invoices")} AS void
                FROM invoices
            ) JOIN numbered USING (account_id)
            WHERE amount > 0 AND (paid_at IS NULL OR paid_at >= moment){status}
        )"""


def _decreases(rule: LabelRule) -> str:
    """When the sum first fell by the share below its value at the cutoff, for longer than the days of grace."""
    limit = f"{1 - rule.share!r} * base.amount * (1 + {ROUNDING!r})"
    return f"""
        base AS (
            SELECT account, cutoff.*, amount FROM level JOIN cutoff ON since < opened AND opened <= until
        ),
        decrease AS (
            SELECT base.account, base.as_of, lead_over, level.since AS moment
            FROM base JOIN level ON base.account = level.account AND level.since >= opened AND level.since <= closed
            LEFT JOIN level AS recovery ON recovery.account = base.account AND recovery.since > level.since
                AND recovery.since <= level.since + INTERVAL {rule.grace} DAY AND recovery.amount > {limit}
            WHERE base.amount > 0 AND level.amount <= {limit} AND recovery.account IS NULL
        ),
        hits AS (SELECT account, as_of, {_FIRST} FROM decrease GROUP BY account, as_of)"""


_DECISIONS = f"""
        turn_of_status AS (
            SELECT account, since AS moment, status, leaves_at,
                lag(status) OVER (PARTITION BY account ORDER BY since) AS status_before
            FROM status_interval
        ),
        decision AS (
            SELECT account, moment, least(moment, leaves_at) AS anchor
            FROM turn_of_status LEFT JOIN (SELECT DISTINCT account, known AS moment, true AS ends FROM version
                WHERE ended IS NOT NULL) USING (account, moment)
            WHERE status_before = '{RUNNING}' AND (status = '{LEAVING}' OR (status = '{LEFT}' AND ends))
        ),
        subscription_known AS (SELECT subscription, min(known) AS first_known FROM version GROUP BY subscription),
        later_stay AS (
            SELECT account, moment, instant - {AT_ONCE} AS learned, bool_or(ends IS NULL OR moved) AS open,
                max(ends) FILTER (first_known > moment) AS new_end, max(ends) FILTER (first_known <= moment) AS old_end
            FROM decision JOIN staying USING (account) JOIN subscription_known USING (subscription)
            WHERE instant > moment + {AT_ONCE} GROUP BY account, moment, anchor, instant, stay
            HAVING min(started) <= anchor AND (bool_or(ends IS NULL) OR max(ends) >= anchor)
        ),
        undone AS (
            SELECT account, moment, min(learned) AS void FROM later_stay WHERE open OR new_end > old_end
            GROUP BY account, moment
        ),
        event AS (
            SELECT account, moment, moment AS known, void FROM decision LEFT JOIN undone USING (account, moment)
        )"""
"""The moments at which our copy learned that an account leaves, and when each was undone.

A decision is undone when something that is learned later lets the same stay run on: the notice is taken back, another
contract continues it, or one that is new to us runs on beyond the last end of those that were known.
"""
