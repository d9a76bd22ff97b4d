"""CSV to Parquet: texts stay texts, and every line that is not a row is kept with its number.

DuckDB would guess the dialect and, given a broken quote, guess a different one in silence. So delimiter and columns
are taken from the header line, the quote is always ``"``, and other lines are reported: a line with too many or
too few fields, or with bytes that are no UTF-8, goes to quarantine; a quote that is never closed swallows the rest
of the file and stops the night.
"""

import csv
import gzip
import zlib
from pathlib import Path

import duckdb

from features.errors import DataGateError
from features.quoting import quote_name, quote_text
from features.source_table import SourceTable, UnreadableLine, explain_read_errors

DELIMITERS = ",;\t|"


def stage_csv(name: str, file: Path, scratch: Path, *, as_typed: bool) -> SourceTable:
    """The rows of a CSV file (or ``.csv.gz``) as a Parquet file under ``scratch``; empty fields are missing values.

    Raises:
        DataGateError: the file cannot be read as CSV; the sentence names the file and, where it can, the line.
    """
    delimiter, columns = _header(file)
    scratch.mkdir(parents=True, exist_ok=True)
    target = scratch / f"{name}.parquet"
    connection = duckdb.connect()
    with explain_read_errors(file.name):
        connection.execute(
            f"COPY (SELECT * FROM {_read(file, delimiter, columns)}) TO {quote_text(str(target))} (FORMAT parquet)"
        )
        unread = _unread(connection, file)
        if as_typed:
            target = _typed(connection, target, unread)
    return SourceTable(name, (str(target),), {str(target): file.name}, unread)


def _header(file: Path) -> tuple[str, list[str]]:
    opener = gzip.open if file.name.endswith(".gz") else open
    try:
        with opener(file, "rt", encoding="utf-8-sig", errors="replace", newline="") as lines:
            line = lines.readline()
            delimiter = max(DELIMITERS, key=line.count)
            columns = next(csv.reader([line], delimiter=delimiter), [])
    except (OSError, EOFError, zlib.error) as error:
        raise DataGateError(f"{file.name} cannot be read: {error}. Copy or export it again.") from None
    if not columns:
        raise DataGateError(f"{file.name} is empty: it has no header line.")
    names = [column.strip() or f"column{number}" for number, column in enumerate(columns, 1)]
    if len({column.lower() for column in names}) < len(names):
        raise DataGateError(f"{file.name} names a column twice in its header line ({', '.join(names)}).")
    return delimiter, names


def _read(file: Path, delimiter: str, columns: list[str]) -> str:
    types = ", ".join(f"{quote_text(column)}: 'VARCHAR'" for column in columns)
    return (
        f"read_csv({quote_text(str(file))}, auto_detect = false, header = true, delim = {quote_text(delimiter)}, "
        f"quote = '\"', escape = '\"', columns = {{{types}}}, store_rejects = true, rejects_table = 'broken', "
        "rejects_scan = 'scanned', rejects_limit = 0)"
    )


def _unread(connection: duckdb.DuckDBPyConnection, file: Path) -> tuple[UnreadableLine, ...]:
    rows = connection.execute(
        "SELECT line, any_value(error_type), any_value(error_message), any_value(csv_line) FROM broken "
        "GROUP BY line ORDER BY line"
    ).fetchall()
    for line, _, message, _ in rows:
        if "unterminated quote" in message.lower():
            raise DataGateError(
                f"{file.name}, line {line}: a quoted value is never closed, so nothing after it can be read; "
                "mend the line."
            )
    return tuple(UnreadableLine(file.name, line, reason, (text or "")[:200]) for line, reason, _, text in rows)


COLUMN_TYPES = ("BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "BOOLEAN")
"""What a text may evidently be, the narrowest first; a number that would not be written back the same stays text."""


def _typed(connection: duckdb.DuckDBPyConnection, texts: Path, unread: tuple[UnreadableLine, ...]) -> Path:
    """The same rows with the type that every text of a column has; identifiers with leading zeros stay texts.

    Raises:
        DataGateError: some lines are no rows; a mapping could not say what became of them.
    """
    if unread:
        first = unread[0]
        raise DataGateError(f"{first.file}, line {first.line} is not a row ({first.reason.lower()}): mend it first.")
    rows = f"read_parquet({quote_text(str(texts))})"
    columns = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()]
    chosen = ", ".join(f"{_kind(connection, rows, quote_name(name))} AS {quote_name(name)}" for name in columns)
    target = texts.with_name(f"{texts.stem}.typed.parquet")
    connection.execute(f"COPY (SELECT {chosen} FROM {rows}) TO {quote_text(str(target))} (FORMAT parquet)")
    return target


def _kind(connection: duckdb.DuckDBPyConnection, rows: str, column: str) -> str:
    padded = f"regexp_matches({column}, '^[+-]?0[0-9]')"
    fits = [
        f"TRY_CAST({column} AS {kind}) IS NOT NULL AND NOT {_unfaithful(kind, column, padded)}" for kind in COLUMN_TYPES
    ]
    tests = ", ".join(f"coalesce(bool_and({fit}), false)" for fit in fits)
    matches = connection.execute(f"SELECT {tests} FROM {rows} WHERE {column} IS NOT NULL").fetchall()[0]
    kind = next((kind for kind, fits in zip(COLUMN_TYPES, matches, strict=True) if fits), None)
    return f"CAST({column} AS {kind})" if kind else column


def _unfaithful(kind: str, column: str, padded: str) -> str:
    """When a text is of a type only by losing something."""
    return {
        "BIGINT": f"({padded} OR {column} <> CAST(TRY_CAST({column} AS BIGINT) AS VARCHAR))",
        "DOUBLE": padded,
        "DATE": f"length({column}) > 10",
        "BOOLEAN": f"(lower({column}) NOT IN ('true', 'false'))",
    }.get(kind, "false")
