"""A source's table while it is validated: the SQL that reads it, the tests of its rows, and the rows that fail them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import duckdb
import pyarrow as pa

from features.contract import Reference, Table
from features.quoting import quote_name, quote_text
from features.source_table import SourceTable
from features.validation.rules import RowTest, Rule, row_tests
from features.validation.values.column_types import cast_column
from features.validation.values.reading_rules import ReadingRules


@dataclass(frozen=True)
class IncomingTable:
    """A source's table while it is validated, and the SQL that reads it: ``s`` is the source's row.

    ``reading`` says what its values mean, and ``replacements`` are the columns that are not read as they are, each with
    the SQL that replaces its value (see ``value_replacements``).
    """

    cursor: duckdb.DuckDBPyConnection
    table: Table
    source: SourceTable
    types: Mapping[str, str]
    reading: ReadingRules = field(default_factory=ReadingRules)
    replacements: Mapping[str, str] = field(default_factory=dict)

    @property
    def rejected(self) -> str:
        """The name of the table of the rows that are not accepted."""
        return f"rejected_{self.table.name}"

    @cached_property
    def columns(self) -> dict[str, str]:
        """SQL of every column of the contract as it is read, in its type."""
        on_cluster = bool(self.source.view)
        casts = {
            column.name: cast_column(column, self.types.get(column.name), on_cluster=on_cluster)
            for column in self.table.columns
        }
        return casts | dict(self.replacements)

    @cached_property
    def select(self) -> str:
        """The select list of the contract's columns in their types."""
        return ", ".join(f"{sql} AS {quote_name(column)}" for column, sql in self.columns.items())

    def with_labels(self, labels: Collection[str]) -> IncomingTable:
        """The same with the files that have these labels."""
        wanted, source = set(labels), self.source
        files = [file for file in source.files if source.labels[file] in wanted]
        return replace(self, source=source.select_files(self.cursor, files, self.types))

    @property
    def remaining(self) -> str:
        """The rows not rejected so far, as SQL for ``FROM``."""
        if not self.number(f"SELECT count(*) FROM {self.rejected}"):
            return f"{self.source.relation} s"
        same_row = 'r.file = s.filename AND r."row" = s.file_row_number + 1'
        # An explicit anti join: for NOT EXISTS DuckDB first groups all rows by file and row, at 17 times the cost.
        return f"{self.source.relation} s ANTI JOIN {self.rejected} r ON {same_row}"

    def number(self, sql: str) -> int:
        """The one number that a query returns."""
        return int(self.cursor.execute(sql).fetchall()[0][0] or 0)  # a count over no rows is NULL


def own_tests(incoming: IncomingTable) -> list[RowTest]:
    """The tests of one row that need no other row."""
    return row_tests(incoming.table, incoming.types, incoming.columns, incoming.reading)


def tests_with_parents(incoming: IncomingTable) -> tuple[list[RowTest], str]:
    """The tests of one row and the relation in which they run: the source's rows beside their parents."""
    own = own_tests(incoming)
    if incoming.table.parent is None:
        return own, f"{incoming.source.relation} s"
    return [*own, parent_test(incoming)], beside_parents(incoming, f"{incoming.source.relation} s")


def parent_test(incoming: IncomingTable) -> RowTest:
    """The test of a row beside its parent (see :func:`beside_parents`), of a table that has parents."""
    key = _parent(incoming).column
    value = incoming.columns[key]
    given = f"{value} IS NOT NULL AND " if incoming.table.column(key).empty_means else ""
    return RowTest(Rule.UNKNOWN_ACCOUNT, key, f"{given}p.parent IS NULL", value)


def beside_parents(incoming: IncomingTable, rows: str) -> str:
    """SQL for ``FROM`` of rows ``s`` and their parents ``p``, which are NULL where there is none."""
    parent = _parent(incoming)
    parents = f"(SELECT {parent.column} AS parent FROM accepted_{parent.table})"
    return f"{rows} LEFT JOIN {parents} p ON p.parent = {incoming.columns[parent.column]}"


def _parent(incoming: IncomingTable) -> Reference:
    parent = incoming.table.parent
    if parent is None:
        raise ValueError(f"rows of {incoming.table.name} belong to no other table")
    return parent


def breaks_any(tests: list[RowTest]) -> str:
    """SQL that is true of a row that breaks a rule."""
    return " OR ".join(f"coalesce({test.condition}, false)" for test in tests)


def bad_rows_query(tests: list[RowTest], relation: str) -> str:
    """The query of the rows that break a rule, with the first rule that each breaks.

    The rules of a row are thousands of characters of SQL. In a filter, DuckDB's planner copies and rewrites them for
    more than a second; ``unnest`` gives the same rows, because a row that breaks no rule has no list.
    """
    first = " ".join(f"WHEN {test.condition} THEN [{number}]" for number, test in enumerate(tests, 1))
    value = " ".join(f"WHEN {number} THEN {test.value}" for number, test in enumerate(tests, 1))
    columns = ", ".join(quote_text(test.column) for test in tests)
    rules = ", ".join(quote_text(test.rule) for test in tests)
    tested = f"SELECT s.*, s.filename AS f, s.file_row_number AS n, unnest(CASE {first} END) AS failed FROM {relation}"
    return (
        f"SELECT NULL, f, n + 1, [{columns}][failed], [{rules}][failed], "
        f"left(CASE failed {value} END, 200) FROM ({tested}) s"
    )


def create_rejected_table(incoming: IncomingTable) -> None:
    """Create ``rejected_<table>`` without rows."""
    incoming.cursor.execute(
        f"CREATE OR REPLACE TABLE {incoming.rejected} "
        '(label VARCHAR, file VARCHAR, "row" BIGINT, "column" VARCHAR, rule VARCHAR, value VARCHAR)'
    )


def read_rejected_rows(incoming: IncomingTable) -> pa.Table:
    """The rows that are not accepted, sorted, as they are cached."""
    sql = f'SELECT label, "row", "column", rule, value FROM {incoming.rejected} ORDER BY ALL'
    return incoming.cursor.sql(sql).to_arrow_table()


def reject_cached_rows(incoming: IncomingTable, rows: pa.Table) -> None:
    """Add cached rows to those that are not accepted: they have their file's label instead of its path."""
    if rows.num_rows:
        paths = [(incoming.source.labels[file], file) for file in incoming.source.files]
        labels, files = (", ".join(quote_text(text) for text in texts) for texts in zip(*paths, strict=True))
        incoming.cursor.register("cached_rejected", rows)
        incoming.cursor.execute(
            f"INSERT INTO {incoming.rejected} "
            f'SELECT NULL, map([{labels}], [{files}])[label], "row", "column", rule, value FROM cached_rejected'
        )
        incoming.cursor.unregister("cached_rejected")


def label_rejected_rows(incoming: IncomingTable) -> None:
    """Write the label of its file beside each row that is not accepted."""
    incoming.cursor.execute(f"UPDATE {incoming.rejected} SET label = {_label_of(incoming.source)} WHERE label IS NULL")


def _label_of(source: SourceTable) -> str:
    """SQL of the label of a rejected row's file."""
    if not source.labels:
        return "file"
    texts_of = (source.labels.keys(), source.labels.values())
    paths, labels = (", ".join(quote_text(text) for text in texts) for texts in texts_of)
    return f"coalesce(map([{paths}], [{labels}])[file], file)"
