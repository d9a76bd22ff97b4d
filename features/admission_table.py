"""One table through admission: a scan, the rows it rejects, twins, and the view that the history reads.

``rejected_<table>`` holds every row that is not accepted, by its place (file and row number); the accepted rows are
all others. It has rows only where something is wrong, so the usual table is a view over its own file and nothing more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import duckdb

from features.admission_report import Quarantined, TableReport
from features.admission_rules import Fault, Rule, faults
from features.admission_twins import REPEAT, reject_twins
from features.admission_types import parsed, typed
from features.broken_text import SYMPTOM, with_texts_as_bytes
from features.contract import Table
from features.raw import RawTable, identifier, quoted, reading

EXAMPLES = 3
"""Bad rows shown by rule."""

PARENT = {"accounts": None, "ticket_events": ("tickets", "ticket_id")}
"""The admitted rows that a row must belong to; all but these two tables belong to an account."""


@dataclass(frozen=True)
class Examined:
    """A table after admission: its report, and the contract's columns that the source has for it."""

    report: TableReport
    columns: frozenset[str] = frozenset()


def examine(connection: duckdb.DuckDBPyConnection, table: Table, raw: RawTable, scratch: Path) -> Examined:
    """Judge every row of ``raw`` and create the view of the accepted ones under the table's name.

    Raises:
        DataGateError: a file cannot be read; the sentence names it.
    """
    with reading(raw.label):
        try:
            return _examine(connection, table, raw, scratch)
        except duckdb.InvalidInputException as error:
            if SYMPTOM not in str(error):
                raise
            return _examine(connection, table, with_texts_as_bytes(raw, scratch / "bytes"), scratch)


def _examine(connection: duckdb.DuckDBPyConnection, table: Table, raw: RawTable, scratch: Path) -> Examined:
    found = raw.types(connection)
    types = {name.lower(): kind for name, kind in found.items() if name.lower() in table.names}
    intake = Intake(connection.cursor(), table, raw, types)
    report = TableReport(
        table.name,
        raw.label,
        rows=intake.number(f"SELECT count(*) FROM {raw.relation}") + len(raw.unread),
        unknown_columns=tuple(name for name in found if name.lower() not in table.names),
        missing_columns=tuple(name for name in table.names if name not in types),
    )
    if set(report.missing_columns) & set(table.required):
        return Examined(replace(report, problem=_lacks(table, report)))
    _reject(intake)
    _accept(intake, scratch)
    return Examined(_told(intake, report), frozenset(types))


def _lacks(table: Table, report: TableReport) -> str:
    names = ", ".join(name for name in report.missing_columns if name in table.required)
    has = f" (it has {', '.join(report.unknown_columns)})" if report.unknown_columns else ""
    return f"{report.source} lacks the required column {names}{has}: rename it, or map the table."


@dataclass(frozen=True)
class Intake:
    """A source's table on its way in, and the SQL that reads it: ``s`` is the source's row."""

    cursor: duckdb.DuckDBPyConnection
    table: Table
    raw: RawTable
    types: Mapping[str, str]

    @property
    def rejected(self) -> str:
        """The table of the rows that are not accepted."""
        return f"rejected_{self.table.name}"

    @cached_property
    def columns(self) -> dict[str, str]:
        """SQL of every column of the contract in its type."""
        return {column.name: typed(column, self.types.get(column.name)) for column in self.table.columns}

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


def _reject(intake: Intake) -> None:
    """Fill ``rejected_<table>``: unreadable lines, rows that break a rule by themselves, then twins."""
    intake.cursor.execute(
        f"CREATE OR REPLACE TABLE {intake.rejected} "
        '(label VARCHAR, file VARCHAR, "row" BIGINT, "column" VARCHAR, rule VARCHAR, value VARCHAR)'
    )
    unread = [[line.file, None, line.line, None, str(Rule.UNREADABLE), line.text] for line in intake.raw.unread]
    if unread:
        intake.cursor.executemany(f"INSERT INTO {intake.rejected} VALUES (?, ?, ?, ?, ?, ?)", unread)
    tests, source = _tests(intake)
    broken = " OR ".join(f"coalesce({fault.test}, false)" for fault in tests)
    if intake.number(f"SELECT count_if({broken}) FROM {source}"):
        intake.cursor.execute(f"INSERT INTO {intake.rejected} {_broken(tests, source)}")
    reject_twins(intake.cursor, intake.table, intake.columns, frozenset(intake.types), intake.remaining)
    name_files = f"UPDATE {intake.rejected} SET label = {_labelled(intake.raw)} WHERE label IS NULL"
    intake.cursor.execute(name_files)


def _tests(intake: Intake) -> tuple[list[Fault], str]:
    """The tests of one row and the relation in which they can be asked: the source's rows beside their parents."""
    newest = None
    if "known_at" in intake.types:
        newest = f"(SELECT max({intake.columns['known_at']}) FROM {intake.raw.relation} s)"
    tests = faults(intake.table, intake.types, newest)
    parent = PARENT.get(intake.table.name, ("accounts", "account_id"))
    if parent is None:
        return tests, f"{intake.raw.relation} s"
    name, key = parent
    value = intake.columns[key]
    tests.append(Fault(Rule.ORPHAN, key, "p.parent IS NULL", value))
    parents = f"(SELECT {key} AS parent FROM admitted_{name})"
    return tests, f"{intake.raw.relation} s LEFT JOIN {parents} p ON p.parent = {value}"


def _broken(tests: list[Fault], source: str) -> str:
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


def _labelled(raw: RawTable) -> str:
    if not raw.labels:
        return "file"
    paths, labels = (", ".join(quoted(text) for text in texts) for texts in (raw.labels.keys(), raw.labels.values()))
    return f"coalesce(map([{paths}], [{labels}])[file], file)"


def _accept(intake: Intake, scratch: Path) -> None:
    """Create the table's view: over the source's file, or over a file of the rows whose texts had to be parsed."""
    name = intake.table.name
    select = ", ".join(f"{sql} AS {identifier(column)}" for column, sql in intake.columns.items())
    accepted = f"SELECT {select} FROM {intake.remaining}"
    if any(parsed(intake.table.column(column), raw) for column, raw in intake.types.items()):
        scratch.mkdir(parents=True, exist_ok=True)
        file = quoted(str(scratch / f"{name}.parquet"))
        intake.cursor.execute(f"COPY ({accepted}) TO {file} (FORMAT parquet)")
        accepted = f"SELECT * FROM read_parquet({file})"
    intake.cursor.execute(f"CREATE OR REPLACE VIEW {name} AS {accepted}")
    if name in ("accounts", "tickets"):
        ids = f"SELECT DISTINCT {intake.table.key[0]} FROM {name}"
        intake.cursor.execute(f"CREATE OR REPLACE TABLE admitted_{name} AS {ids}")


def _told(intake: Intake, report: TableReport) -> TableReport:
    event = intake.table.event_time
    span = f"SELECT CAST(min({event}) AS DATE), CAST(max({event}) AS DATE), count(*) FROM {intake.table.name}"
    ((first, last, accepted),) = intake.cursor.execute(span).fetchall()
    rules = f"SELECT rule, count(*) AS n FROM {intake.rejected} GROUP BY rule ORDER BY n DESC, rule"
    counts = {str(rule): int(count) for rule, count in intake.cursor.execute(rules).fetchall()}
    repeats = counts.pop(REPEAT, 0)
    return replace(
        report,
        accepted=accepted,
        repeats=repeats,
        quarantined={Rule(rule): count for rule, count in counts.items()},
        examples=_examples(intake),
        first=first,
        last=last,
    )


def _examples(intake: Intake) -> tuple[Quarantined, ...]:
    rows = intake.cursor.execute(
        f'SELECT label, "row", "column", rule, value FROM {intake.rejected} WHERE rule <> {quoted(REPEAT)} '
        f'QUALIFY row_number() OVER (PARTITION BY rule ORDER BY label, "row") <= {EXAMPLES} ORDER BY rule, label, "row"'
    ).fetchall()
    return tuple(Quarantined(file, row, column, Rule(rule), value) for file, row, column, rule, value in rows)
