"""Where the rows of a stream are: each relation gives every version of every row, with the days between which it held.

A row is the state at cutoff D while ``known < D <= replaced`` (days since 1970). Accounts are dense numbers here. Rows
of ticket events take their account from their ticket, and hold while both do.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from features.arrow import numbers
from features.contract import TABLES
from features.history import History
from features.raw import identifier
from features.repeats import number_of_key
from features.versions import FOREVER, key_of, known_on, order_of

NUMBERED = "dense_accounts"
"""Account ids and their dense numbers, made once for a history."""


def number_accounts(history: History) -> None:
    """Give every account its dense number: its position among the ids, ascending."""
    history.derived(NUMBERED, lambda: history.keep(NUMBERED, _numbers(history)))


def _numbers(history: History) -> pa.Table:
    ids = history.accounts
    return pa.table({"account_id": ids, "account": numbers(np.arange(len(ids), dtype=np.int32))})


def day_of(expression: str) -> str:
    """The day of an instant, as a number; a time that never comes is after every other."""
    return f"coalesce(CAST({expression} AS DATE) - DATE '1970-01-01', {FOREVER})"


def rows_of(
    relation: str,
    history: History,
    versions: Callable[[str, History], str] | None = None,
    opening: str = "",
    happening: str = "",
    accounts: str = "true",
) -> str:
    """The SQL of a relation's rows: ``account``, ``known``, ``replaced`` and the columns of its source.

    ``versions`` gives the SQL of a table's versions; by default it needs nothing but the source itself. ``opening`` and
    ``happening`` are more columns of a ticket's first row in the timeline, and of each that follows. ``accounts`` is
    the condition that keeps the wanted ones.
    """
    found = versions or all_versions
    if relation == "timeline":
        return _TIMELINE.format(
            tickets=found("tickets", history),
            ticket_events=found("ticket_events", history),
            opening=opening,
            happening=happening,
            accounts=accounts,
        )
    return f"SELECT * FROM ({_numbered(relation, history, found(relation, history))}) WHERE {accounts}"


def ties_of(relation: str) -> tuple[str, ...]:
    """What settles the order of rows that happened at one instant."""
    if relation == "timeline":
        return ("kind <> 'opened'", "kind", "coalesce(value, '')", "coalesce(actor, '')", "ticket")
    table = TABLES[relation]
    settled = {"account_id", "day", table.event_time}
    return tuple(f"coalesce(CAST(\"{part}\" AS VARCHAR), '')" for part in table.key if part not in settled)


def _numbered(relation: str, history: History, versions: str) -> str:
    extra = ""
    if relation == "subscriptions":
        # What ends later is honest knowledge where the source keeps history, and a leak where it does not.
        extra = f", {'ended_at' if relation in history.versioned else 'CAST(NULL AS TIMESTAMP)'} AS notice_of"
    return f"SELECT *{extra} FROM ({versions}) JOIN {NUMBERED} USING (account_id)"


def all_versions(name: str, history: History) -> str:
    """Every version of a table's rows; only keys that come twice need to be put in order."""
    if name not in history.versioned:
        return once(name)
    key = number_of_key(TABLES[name], identifier)
    twice = f"(SELECT {key} FROM {name} GROUP BY {key} HAVING count(*) > 1)"
    corrected = f"SELECT * FROM {name} WHERE {key} IN {twice}"
    return f"{once(name)} WHERE {key} NOT IN {twice} UNION ALL {ordered(name, corrected)}"


def once(name: str) -> str:
    """The rows of a table that came once, as versions that hold for ever."""
    return f"SELECT *, {day_of(known_on(TABLES[name]))} AS known, {FOREVER} AS replaced FROM {name}"


def ordered(name: str, rows: str) -> str:
    """Rows of a table that came more than once, each held until the next version of its key."""
    table = TABLES[name]
    following = f"lead({known_on(table)}) OVER (PARTITION BY {key_of(table)} ORDER BY {order_of(table)})"
    return f"SELECT *, {day_of(known_on(table))} AS known, {day_of(following)} AS replaced FROM ({rows})"


_TIMELINE = f"""
    WITH t AS MATERIALIZED (
        SELECT *, CAST(dense_rank() OVER (ORDER BY account, ticket_id) AS INTEGER) AS ticket
        FROM ({{tickets}}) JOIN {NUMBERED} USING (account_id) WHERE {{accounts}}
    )
    SELECT account, ticket, ticket_id, opened_at AS occurred_at, 'opened' AS kind, CAST(NULL AS VARCHAR) AS value,
        CAST(NULL AS VARCHAR) AS actor, opened_at, priority, category, channel, known, replaced{{opening}}
    FROM t
    UNION ALL
    SELECT t.account, t.ticket, t.ticket_id, e.occurred_at, e.kind, e.value, e.actor,
        t.opened_at, t.priority, t.category, t.channel,
        greatest(e.known, t.known) AS known, least(e.replaced, t.replaced) AS replaced{{happening}}
    FROM ({{ticket_events}}) AS e JOIN t USING (ticket_id)
    WHERE greatest(e.known, t.known) < least(e.replaced, t.replaced)
"""
