"""Rows as they were known at some cutoffs: of one table at several of them, and of all tables for some accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import number_array
from features.contract import ACCOUNTS, INVOICES, LINKS, OUTCOMES, SUBSCRIPTIONS, TABLES, TICKETS
from features.history.versions import known_day, version_key, version_order
from features.succession.succession import succession_at
from serving.handoff.facts import WEEKS

if TYPE_CHECKING:
    from features.history.history import History, Snapshot
    from features.history.repeated_keys import RepeatedKeys

Row = Mapping[str, Any]
HEALTH_DAYS = 365
EVENT_COLUMNS = ("ticket_id", "occurred_at", "kind", "value", "actor")
"""The columns of ticket events that facts are made of."""
WHOLE = (ACCOUNTS, SUBSCRIPTIONS, TICKETS, INVOICES, LINKS, OUTCOMES)
"""The tables of which facts need every row of an account."""
FACTS_AT_ONCE = 2_000
"""Accounts whose rows are dictionaries at once."""


def known_rows(
    history: History, cutoffs: Sequence[date], name: str, columns: Sequence[str], select: str, *, where: str = "TRUE"
) -> pa.Table:
    """The answer to a select from ``known``: the rows of a table, as known at each cutoff (``as_of``).

    ``where`` is a condition on a single version. It saves time where ``select`` leaves out every row that does not
    meet it: records without such a version are not read.
    """
    read = ", ".join(columns)
    days = ", ".join(f"(DATE '{day.isoformat()}')" for day in cutoffs)
    return history.query(f"""
        WITH version AS ({_versions(history, name, columns, where)}),
        known AS (
            SELECT as_of, {read} FROM version JOIN (VALUES {days}) AS cutoff(as_of)
            ON known_on < as_of AND (newer_on IS NULL OR newer_on >= as_of)
        )
        {select}
    """)


def _versions(history: History, name: str, columns: Sequence[str], where: str) -> str:
    """The SQL of every version of the rows, with the days on which it and its successor became known.

    Where validation has found that hardly any record has several versions, only these are sorted.
    """
    table, read = TABLES[name], ", ".join(columns)
    key = f"hash({version_key(table)})"
    known = f"SELECT {read}, {known_day(table)} AS known_on"
    newer = (
        f"lead({known_day(table)}) OVER (PARTITION BY {version_key(table)} ORDER BY {version_order(table, columns)})"
    )
    if where != "TRUE":  # records with an equal hash are read too, which changes nothing
        return f"{known}, {newer} AS newer_on FROM {name} WHERE {key} IN (SELECT {key} FROM {name} WHERE {where})"
    repeated = history.repeated_keys.get(name)
    if repeated is None or not repeated.few or table.own_id is not None:
        return f"{known}, {newer} AS newer_on FROM {name}"
    single = f"{known}, CAST(NULL AS DATE) AS newer_on FROM {name}"
    if not len(repeated.hashes):
        return single
    several = history.cached(f"repeated_{name}_keys", lambda: _key_table(history, name, repeated))
    return (
        f"{single} WHERE {key} NOT IN (SELECT key FROM {several}) UNION ALL "
        f"{known}, {newer} AS newer_on FROM {name} WHERE {key} IN (SELECT key FROM {several})"
    )


def _key_table(history: History, name: str, repeated: RepeatedKeys) -> str:
    """The name of a table with the hashes of the records of ``name`` that have several versions."""
    keys = f"several_versions_of_{name}"
    history.create_table(keys, pa.table({"key": number_array(repeated.hashes)}))
    return keys


def account_contacts(history: History, cutoff: date) -> pa.Table:
    """The people at all accounts as known at the cutoff, without those who have left their company.

    Columns: account_id, contact_id, name, role, mail, phone. It is personal data: nothing of it is logged.
    """
    rows = history.as_of(cutoff).rows("contacts")
    left = rows["left_at"] if "left_at" in rows.column_names else None
    if left is not None:
        midnight = pa.scalar(datetime(cutoff.year, cutoff.month, cutoff.day), left.type)  # noqa: DTZ001 - naive UTC
        rows = rows.filter(pc.fill_null(pc.greater_equal(left, midnight), True))
    names = {"account_id": "account_id", "contact_id": "contact_id", "name": "name", "role": "role"}
    names |= {"email": "mail", "phone": "phone"}
    columns = {target: rows[source].cast(pa.string()) for source, target in names.items()}
    return pa.table(columns)


@dataclass(frozen=True)
class FactTables:
    """Each table's rows of the flagged accounts ``ids``: as columns, because very many rows as dictionaries do not fit
    into memory.
    """

    ids: tuple[str, ...]
    cutoff: date
    present: frozenset[str]
    payments: bool
    tables: Mapping[str, pa.Table]

    @classmethod
    def read(cls, snapshot: Snapshot, accounts: Sequence[str]) -> FactTables:
        """The rows of these accounts, one query a table."""
        cutoff, history = snapshot.cutoff, snapshot.history
        tables = {table.name: snapshot.rows(table.name, accounts=accounts) for table in WHOLE}
        health = snapshot.rows("health_scores", accounts=accounts, since=cutoff - timedelta(days=HEALTH_DAYS))
        tables["health"] = health.filter(pc.is_valid(health["score"]))  # empty: not measured then
        tickets = tables["tickets"]["ticket_id"].to_pylist()
        tables["events"] = snapshot.rows("ticket_events", tickets=tickets, columns=EVENT_COLUMNS)
        tables["usage"] = snapshot.rows("usage_daily", accounts=accounts, since=cutoff - timedelta(days=7 * WEEKS))
        contracts = succession_at(history, cutoff)
        wanted = pc.is_in(contracts["account_id"], value_set=pa.array(list(accounts), pa.string()))
        tables["contracts"] = contracts.filter(wanted)
        return cls(tuple(accounts), cutoff, history.present, "paid_at" in history.columns["invoices"], tables)

    def blocks(self) -> Iterator[FactRows]:
        """The rows of :data:`FACTS_AT_ONCE` accounts at a time."""
        if len(self.ids) <= FACTS_AT_ONCE:
            yield FactRows(self)
            return
        for first in range(0, len(self.ids), FACTS_AT_ONCE):
            ids = self.ids[first : first + FACTS_AT_ONCE]
            tables = {name: _of(rows, "account_id", ids) for name, rows in self.tables.items() if name != "events"}
            tables["events"] = _of(self.tables["events"], "ticket_id", tables["tickets"]["ticket_id"].to_pylist())
            yield FactRows(replace(self, ids=ids, tables=tables))


def _of(rows: pa.Table, column: str, values: Sequence[str]) -> pa.Table:
    return rows.filter(pc.is_in(rows[column], value_set=pa.array(list(values), pa.string())))


class FactRows:
    """Each table's rows by account."""

    def __init__(self, read: FactTables) -> None:
        self.ids, self.cutoff, self.present, self.payments = read.ids, read.cutoff, read.present, read.payments
        self.contracts = {row["account_id"]: row for row in read.tables["contracts"].to_pylist()}
        self.events = _grouped(read.tables["events"], by="ticket_id")
        by_account = {name: _grouped(rows) for name, rows in read.tables.items() if name not in ("contracts", "events")}
        self.accounts, self.subscriptions = by_account["accounts"], by_account["subscriptions"]
        self.health, self.usage = by_account["health"], by_account["usage"]
        self.tickets, self.invoices = by_account["tickets"], by_account["invoices"]
        self.links, self.outcomes = by_account["links"], by_account["outcomes"]


def _grouped(table: Any, by: str = "account_id") -> dict[str, list[Row]]:
    weekly: dict[str, list[Row]] = defaultdict(list)
    for row in table.to_pylist():
        weekly[row[by]].append(row)
    return weekly
