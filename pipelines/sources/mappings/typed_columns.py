"""The columns of a text file with the types that a mapping's query needs; a row with another value is reported.

The type follows from what the query does with the column, and where that leaves a choice, from nearly all values of the
column. So one bad value does not change a type: its row goes to quarantine with the column and the value, as it does
when the file is read without a mapping. Values are cast by the functions that validation uses.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.contract import Column, ColumnType
from features.duckdb_connection import open_duckdb
from features.quoting import quote_name, quote_text
from features.source_table import SourceTable, UnreadableLine, explain_read_errors
from features.validation.values.column_types import cast_column
from features.validation.values.number_notation import Notation, NumberTexts, find_notations, number_in
from features.validation.values.reading_rules import without_empty_words
from pipelines.sources.mappings.column_use import ColumnUse

EVIDENT = 0.95
"""The share of a column's values that have to be of a type, where the query leaves the choice."""

NEEDED = 0.5
"""The same where the query needs this type: with fewer, the query is wrong about the column, and DuckDB says so."""

_KINDS = {
    ColumnUse.NUMBER: ColumnType.NUMBER,
    ColumnUse.INSTANT: ColumnType.INSTANT,
    ColumnUse.FLAG: ColumnType.FLAG,
}
_WHAT = {ColumnType.NUMBER: "a number", ColumnType.INSTANT: "a date or time", ColumnType.FLAG: "true or false"}


@dataclass(frozen=True)
class _Typed:
    """A column of texts, its type, and whether all its values can be written more narrowly (whole numbers, days).

    ``notation`` is that of numbers with separators.
    """

    name: str
    kind: ColumnType
    narrow: str | None
    notation: Notation | None = None

    @property
    def text(self) -> str:
        return without_empty_words(f"s.{quote_name(self.name)}")

    @property
    def value(self) -> str:
        if self.notation:
            return number_in(self.text, self.notation)
        return cast_column(Column(self.name, self.kind), "VARCHAR")

    @property
    def selected(self) -> str:
        value = f"CAST({self.value} AS {self.narrow})" if self.narrow else self.value
        return f"{value} AS {quote_name(self.name)}"


def with_types(
    table: SourceTable, uses: Mapping[str, frozenset[ColumnUse]] | None, target: Path, memory: str = "4GiB"
) -> SourceTable:
    """The table with typed columns as the Parquet file ``target``; the table itself where no column needs a type.

    ``uses`` is by the names of the columns in lower case; ``None`` where the query is not understood, and every column
    gets the type that its values evidently have.

    Raises:
        DataGateError: the table cannot be read.
    """
    with (
        explain_read_errors(table.label),
        open_duckdb(files=[*table.files, target], scratch=target.parent / "spill", memory=memory) as connection,
    ):
        names = list(table.types(connection))
        typed = [column for name in names if (column := _typed(connection, table, name, uses)) is not None]
        if not typed:
            return table
        by_name = {column.name: column.selected for column in typed}
        selected = ", ".join(by_name.get(name, f"s.{quote_name(name)}") for name in names)
        bad = " OR ".join(f"({column.text} IS NOT NULL AND {column.value} IS NULL)" for column in typed)
        rows = f"{table.relation} s"
        connection.execute(
            f"COPY (SELECT {selected} FROM {rows} WHERE NOT coalesce({bad}, false)) "
            f"TO {quote_text(str(target))} (FORMAT parquet)"
        )
        lines = _bad_rows(connection, table, typed)
    return SourceTable(
        table.name,
        (str(target),),
        {str(target): table.label},
        (*table.unreadable_lines, *lines),
        notes=table.notes,
    )


def _typed(
    connection: duckdb.DuckDBPyConnection,
    table: SourceTable,
    name: str,
    uses: Mapping[str, frozenset[ColumnUse]] | None,
) -> _Typed | None:
    """The column with its type; ``None`` where it stays a text."""
    own = frozenset({ColumnUse.COMPARED}) if uses is None else uses.get(name.lower(), frozenset())
    needed = own - {ColumnUse.COMPARED}
    if not own or needed == {ColumnUse.TEXT}:
        return None
    choice = [use for use in _KINDS if not needed or use in needed or len(needed) > 1]
    exact = len(needed) == 1
    text = without_empty_words(f"s.{quote_name(name)}")
    notation = find_notations(connection, f"{table.relation} s", [NumberTexts(name, text)]).get(name)
    filled, *counts = _counts(connection, table, _Typed(name, ColumnType.NUMBER, None, notation), exact)
    if not filled:
        return _Typed(name, _KINDS[choice[0]], None) if exact else None
    share = NEEDED if exact else EVIDENT
    for use in choice:
        good, narrow = counts[list(_KINDS).index(use)]
        if good >= share * filled:
            of_number = notation if use is ColumnUse.NUMBER else None
            return _Typed(name, _KINDS[use], _NARROW.get(use) if narrow == good else None, of_number)
    return None


_NARROW = {ColumnUse.NUMBER: "BIGINT", ColumnUse.INSTANT: "DATE"}


def _counts(connection: duckdb.DuckDBPyConnection, table: SourceTable, numeric: _Typed, exact: bool) -> list:  # type: ignore[type-arg]
    """How many values are filled; then for each kind how many are of it, and of these how many are narrow.

    A number that would not be written back the same (an identifier with leading zeros) is none, unless the query
    computes with it. ``numeric`` is the column read as numbers.
    """
    text, number = numeric.text, numeric.value
    instant, flag = (
        cast_column(Column(numeric.name, kind), "VARCHAR") for kind in (ColumnType.INSTANT, ColumnType.FLAG)
    )
    padded = "false" if exact else f"regexp_matches({text}, '^[+-]?0[0-9]')"
    word = "true" if exact else f"lower({text}) IN ('true', 'false')"
    whole = f"{number} = trunc({number}) AND abs({number}) < 9e15 AND NOT regexp_matches({text}, '[,.eE]')"
    query = (
        f"SELECT count({text}), "
        f"count_if({number} IS NOT NULL AND isfinite({number}) AND NOT {padded}), "
        f"count_if({number} IS NOT NULL AND NOT {padded} AND {whole}), "
        f"count({instant}), count_if({instant} IS NOT NULL AND length({text}) <= 10), "
        f"count_if({flag} IS NOT NULL AND {word}) FROM {table.relation} s"
    )
    filled, numbers, wholes, instants, days, flags = connection.execute(query).fetchall()[0]
    return [filled, (numbers, wholes), (instants, days), (flags, -1)]


def _bad_rows(
    connection: duckdb.DuckDBPyConnection, table: SourceTable, typed: list[_Typed]
) -> tuple[UnreadableLine, ...]:
    """The rows with a value that is not of its column's type, each with the first such column."""
    cases = " ".join(
        f"WHEN {column.text} IS NOT NULL AND {column.value} IS NULL THEN {place}" for place, column in enumerate(typed)
    )
    texts = ", ".join(f"CAST(s.{quote_name(column.name)} AS VARCHAR)" for column in typed)
    rows = connection.execute(
        f"SELECT * FROM (SELECT filename, file_row_number + 1, CASE {cases} END AS place, [{texts}] "
        f"FROM {table.relation} s) WHERE place IS NOT NULL"
    ).fetchall()
    return tuple(
        UnreadableLine(
            table.labels.get(file, file),
            row,
            f"{typed[place].name} is not {_WHAT[typed[place].kind]}",
            texts_of[place],
            typed[place].name,
        )
        for file, row, place, texts_of in rows
    )
