"""Every feature a second time, slowly: one plain SQLite expression each, evaluated for one account and one cutoff.

The oracle first writes, for one cutoff, the state of every table as the contract defines it; the expressions then
never see a row that was not known. Only the contract's column names are shared with the code under test.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from statistics import median

import pyarrow as pa

from support.oracle.oracle_answers import FEEDS, ORACLE, PORTFOLIO
from support.oracle.succession_answers import succession_answers

KEYS = {
    "accounts": ("account_id",),
    "subscriptions": ("subscription_id",),
    "health_scores": ("account_id", "measured_at", "source"),
    "metrics": ("account_id", "metric", "measured_at", "source"),
    "tickets": ("ticket_id",),
    "ticket_events": ("ticket_id", "occurred_at", "kind", "value", "actor"),
    "usage_daily": ("account_id", "day", "feature", "user_id"),
    "invoices": ("invoice_id",),
    "contacts": ("contact_id",),
    "outcomes": ("account_id", "risk", "decided_at"),
}
EVENT: dict[str, str | None] = {
    "accounts": "created_at",
    "subscriptions": "started_at",
    "health_scores": "measured_at",
    "metrics": "measured_at",
    "tickets": "opened_at",
    "ticket_events": "occurred_at",
    "usage_daily": "day",
    "invoices": "issued_at",
    "contacts": None,
    "outcomes": "decided_at",
}
COLUMNS = {
    "accounts": "account_id parent_id type segment industry region owner created_at",
    "subscriptions": "subscription_id account_id plan seats arr auto_renew started_at renews_at ended_at",
    "health_scores": "account_id measured_at score source",
    "metrics": "account_id metric measured_at value source",
    "tickets": "ticket_id account_id opened_at channel category priority merged_into",
    "ticket_events": "ticket_id occurred_at kind value actor",
    "usage_daily": "account_id day feature user_id events users minutes",
    "invoices": "invoice_id account_id issued_at due_at paid_at amount status",
    "contacts": "contact_id account_id role left_at",
    "outcomes": "account_id risk action verdict decided_at holdout",
}
ALWAYS = datetime.fromisoformat("1970-01-01")
"""When a row was known that says neither when it was known nor when it happened."""

HIDDEN = {"subscriptions": "ended_at", "invoices": "paid_at", "contacts": "left_at"}
"""In a current-state source, the time that is read as null while it is not before the cutoff."""

STOPPED_AFTER = {"usage_daily": 14, "tickets": 28, "ticket_events": 28, "health_scores": 45, "invoices": 62}

AGO = {"p60_": 60, "p90_": 90, "p365_": 365}
"""Prefixes of the states as they were known that many days before the cutoff."""


class Oracle:
    """The tables of a history in SQLite."""

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        self.base = sqlite3.connect(":memory:")
        self.tables = tables
        self.versioned = {name for name, table in tables.items() if "known_at" in table.column_names}
        for name, columns in COLUMNS.items():
            self._load(name, columns.split(), tables[name])

    def _load(self, name: str, columns: list[str], table: pa.Table) -> None:
        self.base.execute(f"CREATE TABLE raw_{name} ({', '.join([*columns, 'known_at'])})")
        for row in table.to_pylist():
            values = [_text(row.get(column)) for column in columns]
            event = EVENT[name]
            known = _text(row.get("known_at") or (row[event] if event else ALWAYS))
            marks = ", ".join("?" * (len(columns) + 1))
            self.base.execute(f"INSERT INTO raw_{name} VALUES ({marks})", [*values, known])

    def at(self, cutoff: date) -> dict[str, dict[str, object]]:
        """Every feature of every account known at the cutoff; those of late feeds as of their last day."""
        behind = {name: self._days_behind(name, cutoff) for name in STOPPED_AFTER}
        rows = {
            days: self._values(cutoff - timedelta(days=days)) for days in sorted({0, *behind.values()}, reverse=True)
        }
        ages = {name: self._age(name, cutoff) for name in COLUMNS}
        told: dict[str, dict[str, object]] = {}
        for account, row in rows[0].items():
            days = {name: max(behind.get(table, 0) for table in _tables_of(name)) for name in row}
            told[account] = {name: rows[days[name]].get(account, {}).get(name) for name in row}
        return _compared({account: _silenced(row, ages) for account, row in told.items()})

    def _days_behind(self, name: str, cutoff: date) -> int:
        """Days since the first cutoff with the newest full day, if older than on all such weekdays of half a year."""
        found = self.base.execute(f"SELECT date(known_at), count(*) FROM raw_{name} GROUP BY 1").fetchall()
        rows = {date.fromisoformat(text): count for text, count in found}
        rows = {day: rows[day] for day in rows if cutoff - timedelta(days=182) <= day < cutoff}
        usual = median(rows.values()) if rows else 0
        weekdays = {day: median(rows[other] for other in rows if (day - other).days % 7 == 0) for day in rows}
        enough = 0 if usual < 25 else usual / 2
        days = sorted(d for d in rows if rows[d] >= enough or min(usual / 2, 25) <= weekdays[d] <= rows[d] * 25)
        nights = [night for week in range(1, 27) if (night := cutoff - timedelta(weeks=week)) > (days or [cutoff])[0]]
        ages = [min((night - day).days for day in days if day < night) for night in nights]
        age = (cutoff - max(days, default=cutoff)).days
        has_rhythm = len(ages) >= 8 and len(days) >= 4
        return age - 1 if has_rhythm and age > max(ages) + (name not in self.versioned) else 0

    def _values(self, cutoff: date) -> dict[str, dict[str, object]]:
        """The features as if no feed was late and none had stopped."""
        for name in COLUMNS:
            self._state(name, "", cutoff)
            for prefix, days in AGO.items():
                self._state(name, prefix, cutoff - timedelta(days=days))
        self._remove_merged(cutoff)
        _timeline(self.base)
        chosen = ", ".join(f"{sql} AS {name}" for name, (_, sql) in ORACLE.items())
        cursor = self.base.execute(f"SELECT a.account_id, {chosen} FROM accounts a", {"t": cutoff.isoformat()})
        names = [column[0] for column in cursor.description]
        rows = {row[0]: dict(zip(names[1:], row[1:], strict=True)) for row in cursor.fetchall()}
        for account, row in rows.items():
            row.update(succession_answers(self.tables, account, cutoff))
        return rows

    def _state(self, name: str, prefix: str, cutoff: date) -> None:
        self.base.execute(f"DROP TABLE IF EXISTS {prefix}{name}")
        self.base.execute(f"CREATE TABLE {prefix}{name} AS {self._newest(name, cutoff.isoformat())}")

    def _remove_merged(self, cutoff: date) -> None:
        """A ticket that is known to be merged into another one is no ticket of its own."""
        events = "SELECT ticket_id FROM raw_ticket_events WHERE kind = 'merged' AND known_at < ?"
        day = cutoff.isoformat()
        self.base.execute(f"DELETE FROM tickets WHERE merged_into IS NOT NULL OR ticket_id IN ({events})", [day])

    def _newest(self, name: str, day: str) -> str:
        same = " AND ".join(f"w.{part} IS v.{part}" for part in KEYS[name])
        over = f" AND v.day < '{day}'" if name == "usage_daily" else ""
        columns = ", ".join(
            f"CASE WHEN {column} < '{day}' THEN {column} END AS {column}"
            if HIDDEN.get(name) == column and name not in self.versioned
            else column
            for column in COLUMNS[name].split()
        )
        return (
            f"SELECT {columns} FROM raw_{name} v "
            f"WHERE v.known_at < '{day}'{over} AND NOT EXISTS (SELECT 1 FROM raw_{name} w WHERE {same} "
            f"AND w.known_at < '{day}' AND w.known_at > v.known_at)"
        )

    def _age(self, name: str, cutoff: date) -> int | None:
        day = cutoff.isoformat()
        over = f" AND day < '{day}'" if name == "usage_daily" else ""
        event = EVENT[name] or "known_at"
        newest = f"min({event}, known_at)" if name == "subscriptions" else event  # signed ahead: known before it begins
        found = self.base.execute(
            f"SELECT julianday('{day}') - julianday(date(max({newest}))) FROM raw_{name} WHERE known_at < '{day}'{over}"
        ).fetchone()[0]
        return None if found is None else int(found)


def _timeline(base: sqlite3.Connection) -> None:
    base.execute("DROP TABLE IF EXISTS line")
    base.execute(
        "CREATE TABLE line AS SELECT account_id, ticket_id, opened_at AS at, 'opened' AS kind, NULL AS value, "
        "NULL AS actor, opened_at, priority, 0 AS event FROM tickets UNION ALL "
        "SELECT t.account_id, ticket_id, e.occurred_at, e.kind, e.value, e.actor, t.opened_at, t.priority, 1 "
        "FROM ticket_events e JOIN tickets t USING (ticket_id)"
    )


def _text(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else value


def _tables_of(feature: str) -> tuple[str, ...]:
    return ORACLE[feature][0] if feature in ORACLE else ("subscriptions",)


def _silenced(row: dict[str, object], ages: Mapping[str, int | None]) -> dict[str, object]:
    """Null where a source of the feature has never delivered, or not for longer than it may."""

    def alive(table: str) -> bool:
        age = ages[table]
        return age is not None and age <= STOPPED_AFTER.get(table, age)

    told: dict[str, object] = {}
    for name, value in row.items():
        told[name] = value if all(alive(table) for table in _tables_of(name)) else None
    for table, (has, age) in FEEDS.items():
        told[has], told[age] = float(alive(table)), ages[table]
    return told


def _compared(rows: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    """With the features that compare with the portfolio; no segment of these histories has twenty accounts."""
    for name, own in PORTFOLIO.items():
        known = [float(str(row[own])) for row in rows.values() if row[own] is not None]
        for row in rows.values():
            row[name] = None if row[own] is None else float(str(row[own])) - median(known)
    return rows
