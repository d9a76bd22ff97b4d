"""The events of accounts, by kind of risk: a row that counts, a decision to leave, a decrease, a late payment.

Most kinds are events ``(account, moment, known, void)``: when it was, when our copy knew it, and from when on our copy
knew better (a notice taken back, a corrected row), which only counts if known before the label matures. A decrease
is different: how far revenue has fallen depends on the cutoff that asks.
"""

from features.contract import TABLES
from features.history.history import History
from features.history.versions import known_instant, version_key, version_order
from features.labels.label_rule import LabelRule

ROUNDING = 1e-9
"""Sums of revenue are compared up to this share, because adding and subtracting floats is not exact."""


def hits(history: History, rule: LabelRule) -> str:
    """CTEs that end in ``hits``: by account and cutoff, the first event after the lead and the first inside it.

    They follow those of :func:`features.labels.eligibility.eligibility_intervals` and ``cutoff_rows``.
    """
    if rule.kind == "decrease":
        return _decreases(rule)
    return f"{_events(history, rule)}, {_HITS}"


_FIRST = """min(moment) FILTER (moment > lead_over) AS first_at,
                min(moment) FILTER (moment <= lead_over) AS early_at"""

_HITS = f"""
        hits AS (
            SELECT account, as_of, {_FIRST}
            FROM event JOIN cutoff ON moment >= opened AND moment <= closed
            WHERE known <= matures AND (void IS NULL OR void > matures)
            GROUP BY account, as_of
        )"""


def _events(history: History, rule: LabelRule) -> str:
    if rule.kind == "event":
        return _rows_of_table(history, rule)
    if rule.kind == "overdue":
        return _late_payments(history, rule.days)
    if rule.kind == "silence":
        return "event AS (SELECT account, moment, known, CAST(NULL AS TIMESTAMP) AS void FROM activity)"
    return _decisions(rule.grace)


def _rows_of_table(history: History, rule: LabelRule) -> str:
    """Each row that meets the condition, until another version of the same thing replaces it."""
    table, condition = TABLES[rule.table], rule.condition()
    of_account = "account_id" in table.names
    known = known_instant(table)
    replaced = _superseded(history, rule.table) if _can_change(history, rule) else "CAST(NULL AS TIMESTAMP)"
    join = "" if of_account else " JOIN ticket USING (ticket_id)"
    moment = f"CAST({table.event_time} AS TIMESTAMP)"
    return f"""
        {"" if of_account else _TICKETS}
        event AS (
            SELECT account, moment, {"known" if of_account else "greatest(known, ticket_known)"} AS known, void
            FROM (SELECT *, {moment} AS moment, {known} AS known, {replaced} AS void FROM {table.name}){join}
                JOIN numbered USING (account_id)
            WHERE {condition.sql}
        )"""


_TICKETS = f"""
        ticket AS (
            SELECT ticket_id, arg_min(account_id, {known_instant(TABLES["tickets"])}) AS account_id,
                min({known_instant(TABLES["tickets"])}) AS ticket_known
            FROM tickets GROUP BY ticket_id
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


def _decisions(grace: int) -> str:
    """The moments at which an account's last running subscription got an end, and when each was undone.

    A decision is undone by a version learned after it, of a subscription that starts no later than ``grace`` days after
    the end, if that version has no end (the notice taken back, or another subscription), or is of a subscription that
    is new to us and runs past the end. The end is the one our copy knew of when it learned that version.
    """
    return f"""
        before AS (
            SELECT account, moment, grounds, lag(grounds) OVER (PARTITION BY account ORDER BY moment) AS grounds_before
            FROM added
        ),
        decision AS (
            SELECT DISTINCT account, moment
            FROM before JOIN version USING (account)
            WHERE grounds = 0 AND grounds_before > 0 AND version.known = moment AND version.ended IS NOT NULL
        ),
        later AS (
            SELECT decision.account, moment, subscription, known, started, ended,
                moment < min(known) OVER (PARTITION BY decision.account, moment, subscription) AS is_new
            FROM decision JOIN version USING (account)
        ),
        comeback AS (
            SELECT DISTINCT account, moment, known, started, ended FROM later
            WHERE known > moment AND (ended IS NULL OR is_new)
        ),
        last_end AS (
            SELECT comeback.account, comeback.moment, comeback.known, later.subscription,
                arg_max(later.ended, later.known) AS ended
            FROM comeback JOIN later USING (account, moment)
            WHERE NOT later.is_new AND later.known <= comeback.known GROUP BY ALL
        ),
        undone AS (
            SELECT account, moment, min(known) AS void
            FROM comeback JOIN (SELECT account, moment, known, max(ended) AS ends FROM last_end GROUP BY ALL)
                USING (account, moment, known)
            WHERE started <= ends + INTERVAL {grace} DAY AND (ended IS NULL OR ended > ends)
            GROUP BY account, moment
        ),
        event AS (
            SELECT account, moment, moment AS known, void FROM decision LEFT JOIN undone USING (account, moment)
        )"""
