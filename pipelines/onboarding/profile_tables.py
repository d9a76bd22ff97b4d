"""What the columns of a source's tables hold: types, shapes of values, and which keys are found in which table."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from features.contract import Column, ColumnType
from features.duckdb_connection import open_duckdb
from features.quoting import quote_name, quote_text
from features.source_table import SourceTable
from features.validation.values.column_types import as_number, as_text, cast_column
from features.validation.values.number_notation import Notation, NumberTexts, find_notations, number_in
from features.validation.values.reading_rules import without_empty_words
from pipelines.sources.base import Source
from pipelines.sources.read_source import stage_readable

SAMPLE = 200_000
"""Rows of a table that are looked at."""

MOST_KEYS = 5_000
"""Distinct values of a column that are kept for comparing keys."""

COLUMNS_AT_ONCE = 50
"""Columns that one query measures."""

_WITH_OFFSET = "[0-9]{2}:[0-9]{2}.*[+-][0-9]{2}(:?[0-9]{2})?$"
"""A time with its distance from UTC: ``07:50:00+02:00``."""

EPOCH = (900_000_000, 4_000_000_000)
"""Seconds since 1970 between 1998 and 2096: numbers outside are no instants."""


@dataclass(frozen=True)
class ColumnProfile:
    """A column: shares of its filled values that are instants, local instants, days, numbers, whole and flags.

    ``distinct`` counts different values, ``values`` are up to ``MOST_KEYS`` of them.
    """

    name: str
    type: str
    filled: int
    distinct: int
    instants: float
    local: float
    days: float
    numbers: float
    whole: float
    flags: float
    epochs: float
    low: float | None
    high: float | None
    values: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_instant(self) -> bool:
        """Whether nearly all values are dates or times, or seconds since 1970."""
        return self.instants >= 0.95 or self.epochs >= 0.95

    @property
    def is_number(self) -> bool:
        """Whether nearly all values are numbers."""
        return self.numbers >= 0.95


@dataclass(frozen=True)
class TableProfile:
    """A table of the source: its rows, and its columns by their names in the source."""

    name: str
    rows: int
    columns: dict[str, ColumnProfile]


def profile_source(source: Source, scratch: Path) -> tuple[dict[str, TableProfile], dict[str, str]]:
    """The profiles of all tables that can be read, and the messages about the others, by table."""
    staged = stage_readable(source.stage, source.tables(), scratch)
    return {table.name: _profile(table) for table in staged.tables}, staged.failures


def _profile(table: SourceTable) -> TableProfile:
    with open_duckdb(files=table.files) as connection:
        types = table.types(connection)
        ((rows,),) = connection.execute(f"SELECT count(*) FROM {table.relation}").fetchall()
        sample = f"(SELECT * FROM {table.relation} LIMIT {SAMPLE})"
        columns: dict[str, ColumnProfile] = {}
        for first in range(0, len(types), COLUMNS_AT_ONCE):
            part = dict(list(types.items())[first : first + COLUMNS_AT_ONCE])
            columns |= _columns(connection, sample, part)
    return TableProfile(table.name, rows, columns)


def _columns(connection: duckdb.DuckDBPyConnection, sample: str, types: dict[str, str]) -> dict[str, ColumnProfile]:
    """The profiles of some columns, in one pass over the rows."""
    notations = _notations(connection, sample, types)
    measures = [measure for name, kind in types.items() for measure in _measures(name, kind, notations.get(name))]
    row = connection.execute(f"SELECT {', '.join(measures)} FROM {sample} s").fetchone() or ()
    width = len(measures) // len(types)
    return {
        name: _of_row(name, kind, row[place * width : (place + 1) * width])
        for place, (name, kind) in enumerate(types.items())
    }


def _notations(connection: duckdb.DuckDBPyConnection, sample: str, types: dict[str, str]) -> dict[str, Notation]:
    """The columns of texts whose numbers have separators, as a night reads them: ``1.234,50``."""
    texts = (name for name, kind in types.items() if kind == "VARCHAR")
    columns = [NumberTexts(name, without_empty_words(as_text(f"s.{quote_name(name)}", "VARCHAR"))) for name in texts]
    return find_notations(connection.cursor(), f"{sample} s", columns)


def _measures(name: str, kind: str, notation: Notation | None = None) -> list[str]:
    quoted = f"s.{quote_name(name)}"
    text = without_empty_words(as_text(quoted, kind))
    instant = cast_column(Column(name, ColumnType.INSTANT), kind)
    number = number_in(text, notation) if notation else as_number(quoted, kind)
    flag = cast_column(Column(name, ColumnType.FLAG), kind)
    low, high = EPOCH
    return [
        f"count({text})",
        f"count(DISTINCT {text})",
        f"count({instant})",
        f"count_if(regexp_full_match({text}, '.*[0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}([.,][0-9]+)?)?') "
        f"AND NOT regexp_matches({text}, {quote_text(_WITH_OFFSET)}))",
        f"count_if({instant} = date_trunc('day', {instant}))",
        f"count({number})",
        f"count_if({number} = trunc({number}))",
        f"count({flag})",
        f"count_if({number} BETWEEN {low} AND {high} OR {number} BETWEEN {low}e3 AND {high}e3)",
        f"min({number})",
        f"max({number})",
        f"list(DISTINCT {text})[:{MOST_KEYS}]",
    ]


def _of_row(name: str, kind: str, row: tuple[Any, ...]) -> ColumnProfile:
    filled, distinct, *counts, low, high, values = row
    shares = [(count or 0) / filled if filled else 0.0 for count in counts]
    instants, local, days, numbers, whole, flags, epochs = shares
    return ColumnProfile(
        name,
        kind,
        filled,
        distinct,
        instants=instants,
        local=local,
        days=days,
        numbers=numbers,
        whole=whole,
        flags=flags,
        epochs=epochs,
        low=low,
        high=high,
        values=tuple(sorted(value for value in values or () if value is not None)),
    )


WRITINGS: dict[str, Callable[[str], str]] = {"upper": str.upper, "lower": str.lower}
"""The functions of SQL by which a key may be written as in another table."""


def overlap(child: ColumnProfile, parent: ColumnProfile, writing: str = "") -> float:
    """The share of the child's values that the parent has, where they are written by one of ``WRITINGS``."""
    if not child.values:
        return 0.0
    known, write = set(parent.values), WRITINGS.get(writing, str)
    return sum(write(value) in known for value in child.values) / len(child.values)
