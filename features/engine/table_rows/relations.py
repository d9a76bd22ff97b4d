"""The rows of a stream: a relation has every version of every row, with the days between which it held.

A row is the state at cutoff D while ``known < D <= replaced`` (days since 1970). Accounts are dense numbers here. Rows
of ticket events take their account from their ticket, and hold while both do.
"""

import numpy as np
import pyarrow as pa

from features.arrow import number_array
from features.contract import TABLES
from features.history.history import History
from features.history.repeated_keys import key_hash
from features.history.versions import FOREVER, known_day, version_key, version_order
from features.quoting import quote_name

NUMBERED = "dense_accounts"
"""The table of account ids and their dense numbers, created once for a history."""

HELD_TOGETHER = "greatest(e.known, t.known) AS known, least(e.replaced, t.replaced) AS replaced"
"""The days between which both a version of an event and one of its ticket hold."""

EVER_HELD_TOGETHER = "greatest(e.known, t.known) < least(e.replaced, t.replaced)"
"""Whether they hold together on any day."""


def number_accounts(history: History) -> None:
    """Give every account its dense number: its position among the ids, ascending."""
    history.cached(NUMBERED, lambda: history.create_table(NUMBERED, _numbers(history)))


def _numbers(history: History) -> pa.Table:
    ids = history.accounts
    return pa.table({"account_id": ids, "account": number_array(np.arange(len(ids), dtype=np.int32))})


def day_number(expression: str) -> str:
    """The day of an instant, as a number; a missing instant is after every other."""
    return f"coalesce(CAST({expression} AS DATE) - DATE '1970-01-01', {FOREVER})"


def relation_rows(relation: str, history: History) -> str:
    """The SQL of all versions of a relation's rows: ``account``, ``known``, ``replaced`` and its source's columns."""
    if relation != "timeline":
        return join_accounts(relation, history, all_versions(relation, history), classed=False)
    tickets = join_accounts("tickets", history, all_versions("tickets", history), classed=False)
    opened = opened_rows("ticket_id AS ticket, known, replaced")
    events = event_rows(all_versions("ticket_events", history), f"t.ticket_id AS ticket, {HELD_TOGETHER}")
    return f"WITH t AS MATERIALIZED ({tickets}) {opened} UNION ALL {events} WHERE {EVER_HELD_TOGETHER}"


_INVOICE_FLAGS = """coalesce(status, '') NOT IN ('void', 'draft') AS is_issued,
amount > 0 AND coalesce(status, '') NOT IN ('void', 'draft', 'uncollectible') AS is_payable"""
"""Of an invoice: whether it was sent at all, and whether it has to be paid (a credit note and one of zero have not).
They have names of their own, because a source without ``status`` has them too."""


def join_accounts(table: str, history: History, versions: str, *, classed: bool = True) -> str:
    """The SQL of a table's versions with the number of their account; ``classed`` rows have a class."""
    extra = f", {_INVOICE_FLAGS}" if table == "invoices" else ""
    if table == "tickets":
        versions = _without_merged(history, versions, classed=classed)
    return f"SELECT *{extra} FROM ({versions}) JOIN {NUMBERED} USING (account_id)"


def _without_merged(history: History, versions: str, *, classed: bool) -> str:
    """The versions of tickets, each until it is known that the ticket was merged into another one.

    The ticket says so itself (``merged_into``), or one of its events does. From then on it is no ticket of its own.
    """
    unmerged = "merged_into IS NULL" if "merged_into" in history.columns["tickets"] else "true"
    if not history.cached("any_merged", lambda: _any_merged(history)):
        return versions if unmerged == "true" else f"SELECT * FROM ({versions}) WHERE {unmerged}"
    day = day_number(known_day(TABLES["ticket_events"]))
    merged = f"SELECT ticket_id, min({day}) AS merged FROM ticket_events WHERE kind = 'merged' GROUP BY ticket_id"
    columns = (*(f"v.{quote_name(name)}" for name in TABLES["tickets"].names), *(["v.class"] if classed else []))
    until = f"coalesce(m.merged, {FOREVER})"
    return (
        f"SELECT {', '.join(columns)}, v.known, least(v.replaced, {until}) AS replaced FROM ({versions}) AS v "
        f"LEFT JOIN ({merged}) AS m ON v.ticket_id = m.ticket_id WHERE v.known < {until} AND {unmerged}"
    )


def _any_merged(history: History) -> bool:
    """Whether any event says that its ticket was merged."""
    rows = history.query("SELECT count(*) AS n FROM ticket_events WHERE kind = 'merged'")
    return bool(rows.column("n")[0].as_py())


def opened_rows(more: str, tickets: str = "t") -> str:
    """The SQL of the row that every version of a ticket begins with in the timeline; ``more`` are further columns."""
    return (
        "SELECT account, ticket_id, opened_at AS occurred_at, 'opened' AS kind, CAST(NULL AS VARCHAR) AS value, "
        f"CAST(NULL AS VARCHAR) AS actor, opened_at, priority, category, channel, {more} FROM {tickets} AS t"
    )


SAME_TICKET = "e.ticket_id = t.ticket_id"
"""The condition that an event is one of a ticket."""


def event_rows(events: str, more: str, tickets: str = "t", same: str = SAME_TICKET) -> str:
    """The SQL of the events of tickets: each version of an event with each version of its ticket."""
    return (
        "SELECT t.account, t.ticket_id, e.occurred_at, e.kind, e.value, e.actor, "
        f"t.opened_at, t.priority, t.category, t.channel, {more} "
        f"FROM ({events}) AS e JOIN {tickets} AS t ON {same}"
    )


EVENT_ORDER = ("opened", "assigned", "priority", "status", "escalated", "reopened", "comment", "deescalated", "solved")
"""The kinds of events in the order in which they happen at one instant, as all events of a day do where a source has no
times; other kinds come after these, by their names."""


def tie_columns(relation: str) -> tuple[str, ...]:
    """The columns that order rows of one instant."""
    if relation == "timeline":
        ranks = " ".join(f"WHEN '{kind}' THEN '{rank:02}'" for rank, kind in enumerate(EVENT_ORDER))
        return (f"CASE kind {ranks} ELSE kind END", "coalesce(value, '')", "coalesce(actor, '')", "ticket")
    table = TABLES[relation]
    same = {"account_id", table.event_time}
    values = [f"{quote_name(column.name)} IS NOT NULL" for column in table.columns if column.empty_means]
    keys = [f"coalesce(CAST(\"{part}\" AS VARCHAR), '')" for part in table.key if part not in same]
    return (*(value for value in values if relation != "tickets"), *keys)


def all_versions(name: str, history: History) -> str:
    """The SQL of every version of a table's rows; only rows of repeated keys are sorted."""
    if name not in history.versioned:
        return single_versions(name)
    key = key_hash(TABLES[name], quote_name)
    repeated = f"(SELECT {key} FROM {name} GROUP BY {key} HAVING count(*) > 1)"
    corrected = f"SELECT * FROM {name} WHERE {key} IN {repeated}"
    return f"{single_versions(name)} WHERE {key} NOT IN {repeated} UNION ALL {ordered_versions(name, corrected)}"


def single_versions(name: str, relation: str = "") -> str:
    """Rows of a table (in a relation, where it is another one) with one version each, which is never replaced."""
    return f"SELECT *, {day_number(known_day(TABLES[name]))} AS known, {FOREVER} AS replaced FROM {relation or name}"


def ordered_versions(name: str, rows: str) -> str:
    """Rows of a table with several versions, each of which holds until the next version of its key."""
    table = TABLES[name]
    following = f"lead({known_day(table)}) OVER (PARTITION BY {version_key(table)} ORDER BY {version_order(table)})"
    return f"SELECT *, {day_number(known_day(table))} AS known, {day_number(following)} AS replaced FROM ({rows})"
