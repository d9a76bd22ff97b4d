"""What makes a row bad, as SQL: each rule as a test of one row.

A row is told once, by the first rule that it breaks. Rules that need other rows (two different rows for one key) are
in ``admission_twins``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from features.contract import SIGNED_AHEAD, Column, Kind, Table
from features.source_table import identifier
from features.validation.column_types import WHOLES, as_number, as_text, typed

EARLIEST, LATEST = "TIMESTAMP '1990-01-01'", "TIMESTAMP '2100-01-01'"
"""Instants outside are out of range: seconds read as milliseconds, and 9999-12-31 for "never", end up here."""

LARGEST = "1e15"
"""No count and no amount of money is larger; sums of what is admitted stay finite and exact."""


class Rule(StrEnum):
    """Why a row is in quarantine."""

    UNREADABLE = "unreadable_line"
    MISSING = "required_missing"
    TYPE = "wrong_type"
    RANGE = "out_of_range"
    ORDER = "end_before_start"
    CLOCK = "later_than_known"
    ORPHAN = "unknown_account"
    CONFLICT = "conflicting_rows"

    @property
    def sentence(self) -> str:
        """The rule in words."""
        return _SENTENCES[self]


_SENTENCES = {
    Rule.UNREADABLE: "the line is not a row of this file",
    Rule.MISSING: "a required value is missing",
    Rule.TYPE: "the value is not of the column's type",
    Rule.RANGE: "the value is out of its range, NaN or infinite",
    Rule.ORDER: "the end lies before the start",
    Rule.CLOCK: "it happened later than we knew of it",
    Rule.ORPHAN: "no admitted account has this account_id (or no ticket this ticket_id)",
    Rule.CONFLICT: "two different rows have one key and one known_at",
}

ENDS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "subscriptions": (("started_at", "renews_at"), ("started_at", "ended_at")),
    "invoices": (("issued_at", "due_at"),),
}
"""Start and end by table. A payment may come before its invoice."""

PRECISION = {"renews_at": "microsecond", "ended_at": "microsecond", "due_at": "day"}
"""A due date is a day: an invoice written at noon may be due on the same day."""


@dataclass(frozen=True)
class Fault:
    """A test that bad rows meet, the column it blames, and the value to show (both SQL over the source's row ``s``)."""

    rule: Rule
    column: str
    test: str
    value: str


def faults(table: Table, types: Mapping[str, str], newest_known: str | None) -> list[Fault]:
    """Every test of a row by itself, in the order in which a row's first fault is told.

    ``types`` are the source's types by the contract's names, ``newest_known`` is SQL of the last moment at which a row
    that has no known_at may have happened, where there is one.
    """
    found = [fault for column in table.columns if column.name in types for fault in _of(column, types[column.name])]
    return found + _ends(table, types) + _clock(table, types, newest_known)


def _of(column: Column, raw: str) -> list[Fault]:
    given, value = f"s.{identifier(column.name)}", typed(column, raw)
    shown = f"coalesce({as_text(given, raw)}, CAST({given} AS VARCHAR))"
    if raw in ("VARCHAR", "BLOB"):
        given = f"NULLIF({given}, CAST('' AS {raw}))"
    tests = [(Rule.MISSING, f"{given} IS NULL")] if column.required else []
    tests += [(Rule.RANGE, test) for test in _ranges(column, raw, value)]
    if column.kind is Kind.TEXT:
        tests.append((Rule.TYPE, f"contains({value}, chr(0))"))
    if raw != column.kind:
        tests.append((Rule.TYPE, f"{given} IS NOT NULL AND {value} IS NULL"))
    return [Fault(rule, column.name, test, shown) for rule, test in tests]


def _ranges(column: Column, raw: str, value: str) -> list[str]:
    if column.kind in (Kind.INSTANT, Kind.DAY):
        return [f"{value} < {EARLIEST} OR {value} >= {LATEST}"]
    if column.kind not in (Kind.NUMBER, Kind.WHOLE):
        return []
    low = f"-{LARGEST}" if column.minimum is None else repr(column.minimum)
    high = LARGEST if column.maximum is None else repr(column.maximum)
    if column.kind is Kind.WHOLE and raw not in WHOLES:
        value = as_number(f"s.{identifier(column.name)}", raw)
    outside = f"{value} NOT BETWEEN {low} AND {high}"
    if raw in WHOLES or raw.startswith("DECIMAL"):
        return [outside]
    # Parquet's statistics leave NaN out, and DuckDB believes them: a comparison alone may be folded to "never outside".
    return [f"NOT isfinite({value}) OR {outside}"]


def _ends(table: Table, types: Mapping[str, str]) -> list[Fault]:
    pairs = [pair for pair in ENDS.get(table.name, ()) if set(pair) <= set(types)]
    instants = {name: typed(table.column(name), types[name]) for pair in pairs for name in pair}
    return [
        Fault(
            Rule.ORDER,
            end,
            f"date_trunc('{PRECISION[end]}', {instants[end]}) < date_trunc('{PRECISION[end]}', {instants[start]})",
            f"{instants[end]} || ' before ' || {instants[start]}",
        )
        for start, end in pairs
    ]


def _clock(table: Table, types: Mapping[str, str], newest_known: str | None) -> list[Fault]:
    if table.name in SIGNED_AHEAD or table.event_time not in types or newest_known is None:
        return []
    event = typed(table.column(table.event_time), types[table.event_time])
    known = typed(table.column("known_at"), types.get("known_at"))
    test = f"{event} > coalesce({known}, {newest_known})"
    return [Fault(Rule.CLOCK, table.event_time, test, f"CAST({event} AS VARCHAR)")]
