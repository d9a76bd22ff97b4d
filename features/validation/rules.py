"""The rules by which a row is bad, in SQL: each rule is a test of one row.

A row is reported once, by the first rule that it breaks. The rule that needs other rows (two different rows with one
key) is in ``duplicates``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from features.contract import Column, ColumnType, Table
from features.quoting import quote_name
from features.validation.column_types import WHOLES, as_number, as_text, cast_column

EARLIEST, LATEST = "TIMESTAMP '1990-01-01'", "TIMESTAMP '2100-01-01'"
"""Instants outside are out of range: seconds read as milliseconds, and 9999-12-31 for "never", end up here."""

LARGEST = "1e15"
"""No count and no amount of money is larger; sums of accepted rows stay finite and exact."""


class Rule(StrEnum):
    """Why a row is in quarantine."""

    UNREADABLE = "unreadable_line"
    MISSING = "required_missing"
    TYPE = "wrong_type"
    RANGE = "out_of_range"
    ORDER = "end_before_start"
    CLOCK = "later_than_known"
    UNKNOWN_ACCOUNT = "unknown_account"
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
    Rule.CLOCK: "its event time is later than its known_at",
    Rule.UNKNOWN_ACCOUNT: "no accepted account has this account_id (or no ticket this ticket_id)",
    Rule.CONFLICT: "two different rows have one key and one known_at",
}


@dataclass(frozen=True)
class RowTest:
    """A condition that bad rows meet, the column at fault, and the value to show (SQL over the source's row ``s``)."""

    rule: Rule
    column: str
    condition: str
    value: str


def row_tests(table: Table, types: Mapping[str, str], newest_known: str | None) -> list[RowTest]:
    """Every test of a row by itself, in the order that decides which one is reported.

    ``types`` are the source's types by the contract's names, ``newest_known`` is SQL of the last instant at which a row
    that has no known_at may have happened, where there is one.
    """
    columns = [column for column in table.columns if column.name in types]
    tests = [test for column in columns for test in _column_tests(column, types[column.name])]
    return tests + _period_tests(table, types) + _known_at_tests(table, types, newest_known)


def _column_tests(column: Column, raw: str) -> list[RowTest]:
    original, value = f"s.{quote_name(column.name)}", cast_column(column, raw)
    shown = f"coalesce({as_text(original, raw)}, CAST({original} AS VARCHAR))"
    if raw in ("VARCHAR", "BLOB"):
        original = f"NULLIF({original}, CAST('' AS {raw}))"
    tests = [(Rule.MISSING, f"{original} IS NULL")] if column.required else []
    tests += [(Rule.RANGE, test) for test in _ranges(column, raw, value)]
    if column.kind is ColumnType.TEXT:
        tests.append((Rule.TYPE, f"contains({value}, chr(0))"))
    if raw != column.kind:
        tests.append((Rule.TYPE, f"{original} IS NOT NULL AND {value} IS NULL"))
    return [RowTest(rule, column.name, test, shown) for rule, test in tests]


def _ranges(column: Column, raw: str, value: str) -> list[str]:
    if column.kind in (ColumnType.INSTANT, ColumnType.DAY):
        return [f"{value} < {EARLIEST} OR {value} >= {LATEST}"]
    if column.kind not in (ColumnType.NUMBER, ColumnType.WHOLE):
        return []
    low = f"-{LARGEST}" if column.minimum is None else repr(column.minimum)
    high = LARGEST if column.maximum is None else repr(column.maximum)
    if column.kind is ColumnType.WHOLE and raw not in WHOLES:
        value = as_number(f"s.{quote_name(column.name)}", raw)
    outside = f"{value} NOT BETWEEN {low} AND {high}"
    if raw in WHOLES or raw.startswith("DECIMAL"):
        return [outside]
    # Parquet's statistics leave NaN out, and DuckDB uses them: a comparison alone may be folded to "never outside".
    return [f"NOT isfinite({value}) OR {outside}"]


def _period_tests(table: Table, types: Mapping[str, str]) -> list[RowTest]:
    periods = [period for period in table.periods if {period.start, period.end} <= set(types)]
    instants = {
        name: cast_column(table.column(name), types[name]) for period in periods for name in (period.start, period.end)
    }
    return [
        RowTest(
            Rule.ORDER,
            period.end,
            f"date_trunc('{period.precision}', {instants[period.end]}) "
            f"< date_trunc('{period.precision}', {instants[period.start]})",
            f"{instants[period.end]} || ' before ' || {instants[period.start]}",
        )
        for period in periods
    ]


def _known_at_tests(table: Table, types: Mapping[str, str], newest_known: str | None) -> list[RowTest]:
    if table.announced or not table.event_time or table.event_time not in types or newest_known is None:
        return []
    event = cast_column(table.column(table.event_time), types[table.event_time])
    known = cast_column(table.column("known_at"), types.get("known_at"))
    test = f"{event} > coalesce({known}, {newest_known})"
    return [RowTest(Rule.CLOCK, table.event_time, test, f"CAST({event} AS VARCHAR)")]
