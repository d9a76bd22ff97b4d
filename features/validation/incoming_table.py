"""What admission works on: a source's table on its way in, the tests of its rows, and those that fail them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import duckdb
import pyarrow as pa

from features.contract import Table
from features.source_table import RawTable, identifier, quoted
from features.validation.column_types import typed
from features.validation.rules import Fault, Rule, faults

ACCOUNTS = ("accounts", "account_id")
PARENT = {"accounts": None, "ticket_events": ("tickets", "ticket_id")}
"""The admitted rows that a row must belong to; all but these two tables belong to an account."""


@dataclass(frozen=True)
class Intake:
    """A source's table on its way in, and the SQL that reads it: ``s`` is the source's row.

    ``reach`` is the last moment at which its rows may have happened, where it does not say when it knew them
    (microseconds since 1970; ``None`` where nothing bounds them).
    """

    cursor: duckdb.DuckDBPyConnection
    table: Table
    raw: RawTable
    types: Mapping[str, str]
    reach: int | None = None

    @property
    def rejected(self) -> str:
        """The table of the rows that are not accepted."""
        return f"rejected_{self.table.name}"

    @cached_property
    def columns(self) -> dict[str, str]:
        """SQL of every column of the contract in its type."""
        return {column.name: typed(column, self.types.get(column.name)) for column in self.table.columns}

    @cached_property
    def select(self) -> str:
        """The select list of the contract's columns in their types."""
        return ", ".join(f"{sql} AS {identifier(column)}" for column, sql in self.columns.items())

    @property
    def remaining(self) -> str:
        """The rows not rejected so far, to stand in ``FROM``."""
        if not self.number(f"SELECT count(*) FROM {self.rejected}"):
            return f"{self.raw.relation} s"
        place = 'r.file = s.filename AND r."row" = s.file_row_number + 1'
        # The join by its name: for NOT EXISTS DuckDB first groups all rows by their place, at 17 times the cost.
        return f"{self.raw.relation} s ANTI JOIN {self.rejected} r ON {place}"

    def number(self, sql: str) -> int:
        """The one number that a query answers."""
        return int(self.cursor.execute(sql).fetchall()[0][0] or 0)  # a count over no rows is NULL


def tests_of(intake: Intake, newest: str | None) -> tuple[list[Fault], str]:
    """The tests of one row and the relation in which they can be asked: the source's rows beside their parents.

    ``newest`` is SQL of the last moment at which a row without a ``known_at`` may have happened, where there is one.
    """
    tests = faults(intake.table, intake.types, newest)
    parent = PARENT.get(intake.table.name, ACCOUNTS)
    if parent is None:
        return tests, f"{intake.raw.relation} s"
    name, key = parent
    value = intake.columns[key]
    tests.append(Fault(Rule.ORPHAN, key, "p.parent IS NULL", value))
    parents = f"(SELECT {key} AS parent FROM admitted_{name})"
    return tests, f"{intake.raw.relation} s LEFT JOIN {parents} p ON p.parent = {value}"


def broken(tests: list[Fault]) -> str:
    """SQL that is true of a row that breaks a rule."""
    return " OR ".join(f"coalesce({fault.test}, false)" for fault in tests)


def broken_rows(tests: list[Fault], source: str) -> str:
    """The rows that break a rule, with the first rule that each breaks."""
    first = " ".join(f"WHEN {fault.test} THEN {number}" for number, fault in enumerate(tests, 1))
    value = " ".join(f"WHEN {number} THEN {fault.value}" for number, fault in enumerate(tests, 1))
    columns = ", ".join(quoted(fault.column) for fault in tests)
    rules = ", ".join(quoted(fault.rule) for fault in tests)
    found = f"SELECT s.*, s.filename AS f, s.file_row_number AS n, CASE {first} END AS fault FROM {source}"
    return (
        f"SELECT NULL, f, n + 1, [{columns}][fault], [{rules}][fault], "
        f"left(CASE fault {value} END, 200) FROM ({found}) s WHERE fault IS NOT NULL"
    )


def rejected_rows(intake: Intake) -> pa.Table:
    """The rows that are not accepted, in one order, as they are kept."""
    sql = f'SELECT label, "row", "column", rule, value FROM {intake.rejected} ORDER BY ALL'
    return intake.cursor.sql(sql).to_arrow_table()


def reject_again(intake: Intake, rows: pa.Table) -> None:
    """Add rows to those that are not accepted as they were kept: with their file's label instead of its path."""
    if rows.num_rows:
        paths = [(intake.raw.labels[file], file) for file in intake.raw.files]
        labels, files = (", ".join(quoted(text) for text in texts) for texts in zip(*paths, strict=True))
        intake.cursor.register("rejected_again", rows)
        intake.cursor.execute(
            f"INSERT INTO {intake.rejected} "
            f'SELECT NULL, map([{labels}], [{files}])[label], "row", "column", rule, value FROM rejected_again'
        )
        intake.cursor.unregister("rejected_again")


def label_rejected(intake: Intake) -> None:
    """Write what a person calls its file beside each row that is not accepted."""
    intake.cursor.execute(f"UPDATE {intake.rejected} SET label = {_labelled(intake.raw)} WHERE label IS NULL")


def _labelled(raw: RawTable) -> str:
    """SQL of what a person calls a rejected row's file."""
    if not raw.labels:
        return "file"
    paths, labels = (", ".join(quoted(text) for text in texts) for texts in (raw.labels.keys(), raw.labels.values()))
    return f"coalesce(map([{paths}], [{labels}])[file], file)"
