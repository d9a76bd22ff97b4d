"""The rules by which a row is bad, in SQL: each rule is a test of one row.

A row is reported once, by the first rule that it breaks. The rule that needs other rows (two different rows with one
key) is in ``duplicates``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from features.contract import Column, ColumnType, Table
from features.quoting import quote_name
from features.validation.values.column_types import REALS, WHOLES, ZONED, as_number, as_text, cast_column
from features.validation.values.number_notation import is_separated_number
from features.validation.values.reading_rules import ReadingRules, is_empty_word, is_no_date

EARLIEST, LATEST = "TIMESTAMP '1990-01-01'", "TIMESTAMP '2100-01-01'"
"""Instants outside are out of range: seconds read as milliseconds, say."""

LARGEST = "1e15"
"""No count and no amount of money is larger; sums of accepted rows stay finite and exact."""


_DATES = (ColumnType.INSTANT, ColumnType.DAY)
_NUMBERS = (ColumnType.NUMBER, ColumnType.WHOLE)


class Rule(StrEnum):
    """Why a row is in quarantine."""

    UNREADABLE = "unreadable_line"
    MISSING = "required_missing"
    TYPE = "wrong_type"
    AMBIGUOUS = "ambiguous_number"
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
    Rule.AMBIGUOUS: "the column does not say whether a comma is for decimals or thousands: write 1234.5",
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


def row_tests(
    table: Table, types: Mapping[str, str], values: Mapping[str, str], reading: ReadingRules
) -> list[RowTest]:
    """Every test of a row by itself, in the order that decides which one is reported.

    ``types`` are the source's types by the contract's names, ``values`` is SQL of each column as it is read.
    """
    columns = [column for column in table.columns if column.name in types]
    tests = [test for column in columns for test in _column_tests(column, types[column.name], values, reading)]
    return tests + _period_tests(table, types, values) + _known_at_tests(table, types, values)


def _column_tests(column: Column, raw: str, values: Mapping[str, str], reading: ReadingRules) -> list[RowTest]:
    original, value = f"s.{quote_name(column.name)}", cast_column(column, raw)
    is_replaced = values[column.name] != value
    if column.kind in _NUMBERS:
        value = values[column.name]
    shown = _shown(original, raw)
    says_nothing = f"{original} IS NULL"
    if raw in ("VARCHAR", "BLOB") and (is_replaced or raw != column.kind):
        says_nothing = f"({says_nothing} OR coalesce({is_empty_word(as_text(original, raw))}, false))"
    no_date = is_no_date(value, reading) if is_replaced and column.kind in _DATES else ""
    tests = []
    if column.required and not column.empty_means:
        tests.append((Rule.MISSING, f"{says_nothing} OR {no_date}" if no_date else says_nothing))
    tests += [(Rule.RANGE, f"({test}) AND NOT {no_date}" if no_date else test) for test in _ranges(column, raw, value)]
    if column.kind is ColumnType.TEXT:
        tests.append((Rule.TYPE, f"contains({value}, chr(0))"))
    if column.kind in _NUMBERS and raw in ("VARCHAR", "BLOB") and not is_replaced:
        number = is_separated_number(as_text(original, raw))
        tests.append((Rule.AMBIGUOUS, f"{as_number(original, raw)} IS NULL AND {number}"))
    if raw != column.kind:
        tests.append((Rule.TYPE, f"NOT {says_nothing} AND {value} IS NULL"))
    return [RowTest(rule, column.name, test, shown) for rule, test in tests]


def _shown(original: str, raw: str) -> str:
    """SQL of a value as a report shows it; databases write infinite numbers and NaN differently."""
    if raw in ZONED:  # with its zone, which not every engine writes
        return f"CAST(({original} AT TIME ZONE 'UTC') AS VARCHAR) || '+00'"
    text = f"coalesce({as_text(original, raw)}, CAST({original} AS VARCHAR))"
    if raw not in REALS:
        return text
    largest = "CAST('1.7976931348623157e308' AS DOUBLE)"
    cases = f"WHEN {original} > {largest} THEN 'inf' WHEN {original} < -{largest} THEN '-inf'"
    return f"CASE WHEN isnan({original}) THEN 'nan' {cases} ELSE {text} END"


def _ranges(column: Column, raw: str, value: str) -> list[str]:
    if column.kind in _DATES:
        return [f"{value} < {EARLIEST} OR {value} >= {LATEST}"]
    if column.kind not in _NUMBERS:
        return []
    low = f"-{LARGEST}" if column.minimum is None else repr(column.minimum)
    high = LARGEST if column.maximum is None else repr(column.maximum)
    if column.kind is ColumnType.WHOLE and raw not in WHOLES and value == cast_column(column, raw):
        value = as_number(f"s.{quote_name(column.name)}", raw)
    outside = f"{value} NOT BETWEEN {low} AND {high}"
    if raw in WHOLES or raw.startswith("DECIMAL"):
        return [outside]
    # Parquet's statistics leave NaN out, and DuckDB uses them: a comparison alone may be folded to "never outside".
    return [f"NOT isfinite({value}) OR {outside}"]


def _period_tests(table: Table, types: Mapping[str, str], instants: Mapping[str, str]) -> list[RowTest]:
    periods = [period for period in table.periods if {period.start, period.end} <= set(types)]
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


def _known_at_tests(table: Table, types: Mapping[str, str], values: Mapping[str, str]) -> list[RowTest]:
    """An event must not be later than its own ``known_at``: no other row's clock, nor another table's, judges it."""
    if table.announced or not table.event_time or not {table.event_time, "known_at"} <= set(types):
        return []
    event = values[table.event_time]
    test = f"{event} > {values['known_at']}"
    return [RowTest(Rule.CLOCK, table.event_time, test, f"CAST({event} AS VARCHAR)")]
