"""One table through admission: a scan, the rows it rejects, twins, and the view that the history reads.

``rejected_<table>`` holds every row that is not accepted, by its place (file and row number); the accepted rows are
all others. It has rows only where something is wrong, so the usual table is a view over its own file and nothing more.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import duckdb

from features.contract import Table
from features.history.partitions import ValidatedPartitions
from features.history.repeated_keys import Repeats
from features.history.versions import EPOCH
from features.source_table import RawTable, quoted, reading
from features.validation.column_types import parsed
from features.validation.duplicates import REPEAT, reject_twins
from features.validation.incoming_table import Intake, broken, broken_rows, label_rejected, tests_of
from features.validation.invalid_text import SYMPTOM, with_texts_as_bytes
from features.validation.partitioned_usage import judged, judged_by_stretch
from features.validation.rules import Rule
from features.validation.table_cache import Span, Verdict, key_of_table, verdict
from features.validation.validation_report import Quarantined, TableReport

EXAMPLES = 3
"""Bad rows shown by rule."""


@dataclass(frozen=True)
class Examined:
    """A table after admission: its report, and the contract's columns that the source has for it.

    ``stretches`` are those of usage, where it comes in several files; ``repeats`` are the keys that come again.
    ``read`` is how many files were read to judge it, ``key`` changes whenever its accepted rows may have.
    """

    report: TableReport
    read: int
    columns: frozenset[str] = frozenset()
    stretches: ValidatedPartitions | None = None
    repeats: Repeats | None = None
    key: str | None = None


def examine(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    raw: RawTable,
    scratch: Path,
    state: Path,
    *,
    reach: int | None = None,
    parents: str | None = "",
) -> Examined:
    """Judge every row of ``raw`` and create the view of the accepted ones under the table's name.

    What was said of files that have not changed since stands in the folder ``state``, and their rows are not read.
    ``reach`` bounds when rows happened in a table that does not say when it knew them (microseconds since 1970);
    ``parents`` is the key of the table that its rows belong to.

    Raises:
        DataGateError: a file cannot be read; the sentence names it.
    """
    with reading(raw.label):
        try:
            return _examine(connection, table, raw, scratch, state, reach, parents)
        except duckdb.InvalidInputException as error:
            if SYMPTOM not in str(error):
                raise
            as_bytes = with_texts_as_bytes(raw, scratch / "bytes")
            return _examine(connection, table, as_bytes, scratch, state, reach, parents)


def _examine(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    raw: RawTable,
    scratch: Path,
    state: Path,
    reach: int | None,
    parents: str | None,
) -> Examined:
    found = raw.types(connection)
    types = {name.lower(): kind for name, kind in found.items() if name.lower() in table.names}
    intake = Intake(connection.cursor(), table, raw, types, None if "known_at" in types else reach)
    report = TableReport(
        table.name,
        raw.label,
        rows=intake.number(f"SELECT count(*) FROM {raw.relation}") + len(raw.unread),
        unknown_columns=tuple(name for name in found if name.lower() not in table.names),
        missing_columns=tuple(name for name in table.names if name not in types),
    )
    if set(report.missing_columns) & set(table.required):
        return Examined(replace(report, problem=_lacks(table, report)), len(raw.files))
    _nothing_rejected(intake)
    if judged_by_stretch(intake):
        stretches = judged(intake, state)
        _accept(intake, scratch)
        told = _told(intake, report, _span_of(intake, report, stretches))
        return Examined(told, stretches.read, frozenset(types), stretches)

    def judge() -> Verdict:
        repeats = _reject(intake, report.rows)
        return Verdict(repeats, _span(intake))

    key = key_of_table(intake, parents)
    said, stood = verdict(intake, key, state, judge)
    _accept(intake, scratch)
    told = _told(intake, report, said.span)
    return Examined(told, 0 if stood else len(raw.files), frozenset(types), repeats=said.repeats, key=key)


def _lacks(table: Table, report: TableReport) -> str:
    names = ", ".join(name for name in report.missing_columns if name in table.required)
    has = f" (it has {', '.join(report.unknown_columns)})" if report.unknown_columns else ""
    return f"{report.source} lacks the required column {names}{has}: rename it, or map the table."


def _nothing_rejected(intake: Intake) -> None:
    intake.cursor.execute(
        f"CREATE OR REPLACE TABLE {intake.rejected} "
        '(label VARCHAR, file VARCHAR, "row" BIGINT, "column" VARCHAR, rule VARCHAR, value VARCHAR)'
    )


def _reject(intake: Intake, count: int) -> Repeats:
    """Fill ``rejected_<table>``: unreadable lines, rows that break a rule by themselves, then twins."""
    unread = [[line.file, None, line.line, None, str(Rule.UNREADABLE), line.text] for line in intake.raw.unread]
    if unread:
        intake.cursor.executemany(f"INSERT INTO {intake.rejected} VALUES (?, ?, ?, ?, ?, ?)", unread)
    tests, source = tests_of(intake, _bound(intake))
    if intake.number(f"SELECT count_if({broken(tests)}) FROM {source}"):
        intake.cursor.execute(f"INSERT INTO {intake.rejected} {broken_rows(tests, source)}")
    repeats = reject_twins(intake, count)
    label_rejected(intake)
    return repeats


def _bound(intake: Intake) -> str | None:
    """SQL of the last moment at which a row without a ``known_at`` may have happened."""
    if "known_at" in intake.types:
        return f"(SELECT max({intake.columns['known_at']}) FROM {intake.raw.relation} s)"
    return None if intake.reach is None else f"make_timestamp({intake.reach})"


def _accept(intake: Intake, scratch: Path) -> None:
    """Create the table's view: over the source's file, or over a file of the rows whose texts had to be parsed."""
    name = intake.table.name
    accepted = f"SELECT {intake.select} FROM {intake.remaining}"
    if any(parsed(intake.table.column(column), raw) for column, raw in intake.types.items()):
        scratch.mkdir(parents=True, exist_ok=True)
        file = quoted(str(scratch / f"{name}.parquet"))
        intake.cursor.execute(f"COPY ({accepted}) TO {file} (FORMAT parquet)")
        accepted = f"SELECT * FROM read_parquet({file})"
    intake.cursor.execute(f"CREATE OR REPLACE VIEW {name} AS {accepted}")
    if name in ("accounts", "tickets"):
        ids = f"SELECT DISTINCT {intake.table.key[0]} FROM {name}"
        intake.cursor.execute(f"CREATE OR REPLACE TABLE admitted_{name} AS {ids}")


def _span(intake: Intake) -> Span:
    event = intake.columns[intake.table.event_time]
    span = f"SELECT CAST(min({event}) AS DATE), CAST(max({event}) AS DATE), count(*) FROM {intake.remaining}"
    ((first, last, accepted),) = intake.cursor.execute(span).fetchall()
    return first, last, accepted


def _span_of(intake: Intake, report: TableReport, found: ValidatedPartitions) -> Span:
    accepted = report.rows - intake.number(f"SELECT count(*) FROM {intake.rejected}")
    days = found.days
    if days is None:
        return None, None, accepted
    first, last = (EPOCH + timedelta(days=day) for day in days)
    return first, last, accepted


def _told(intake: Intake, report: TableReport, span: Span) -> TableReport:
    first, last, accepted = span
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
