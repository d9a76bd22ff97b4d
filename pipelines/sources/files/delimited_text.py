"""CSV and its relatives to Parquet: texts stay texts, and every line that is not a row is reported with its number.

DuckDB would guess the dialect and, given a broken quote, guess a different one in silence. So encoding, header line,
delimiter and columns are decided before, the quote is always ``"``, and other lines are reported: a line with too many
or too few fields, or with bytes that are no text, goes to quarantine; a quote that is never closed makes the rest of
the file unreadable.
"""

from pathlib import Path

import duckdb

from features.duckdb_connection import open_duckdb
from features.errors import DataGateError
from features.quoting import quote_text
from features.source_table import FileNote, SourceTable, UnreadableLine, explain_read_errors
from pipelines.sources.files.header_line import Header, read_header
from pipelines.sources.files.input_limits import check_unreadable
from pipelines.sources.files.text_encoding import UTF8, decode_file

SHOWN = 200
"""Characters of an unreadable line that are kept."""


def stage_delimited(table: str, file: Path, label: str, target: Path) -> SourceTable:
    """The rows of a delimited text as the Parquet file ``target``; empty fields are missing values.

    Raises:
        DataGateError: the file cannot be read; the sentence names it and, where it can, the line.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    decoded = decode_file(file, label, target.with_suffix(".utf8"))
    header = read_header(decoded.path, label, table)
    with explain_read_errors(label):
        unreadable = _copy_text(decoded.path, header, label, target)
    encoding = decoded.encoding if decoded.encoding != UTF8 else None
    note = FileNote(label, encoding, header.skipped_lines, header.renamed)
    notes = () if note == FileNote(label) else (note,)
    return SourceTable(table, (str(target),), {str(target): label}, unreadable, untyped=True, notes=notes)


def _copy_text(file: Path, header: Header, label: str, target: Path) -> tuple[UnreadableLine, ...]:
    """The same as :func:`_copy_rows`; where lines end in two ways and that fails, as lines with one end."""
    try:
        return _copy_rows(file, header, label, target)
    except (duckdb.InvalidInputException, DataGateError):  # such a line with a quote counts as one that is not closed
        if not _mixes_line_ends(file):
            raise
    target.unlink(missing_ok=True)
    return _copy_rows(_with_one_line_end(file, target.with_suffix(".lines")), header, label, target)


def _copy_rows(file: Path, header: Header, label: str, target: Path) -> tuple[UnreadableLine, ...]:
    """Write the rows of a text as Parquet; the lines that are no rows."""
    with open_duckdb(files=[file, target], scratch=target.parent / "spill") as connection:
        rows = _read_csv(file, header)
        connection.execute(f"COPY (SELECT * FROM {rows}) TO {quote_text(str(target))} (FORMAT parquet)")
        return _unreadable_lines(connection, label)


def _mixes_line_ends(file: Path) -> bool:
    r"""Whether some lines end with ``\r\n`` and others with ``\n``: DuckDB reads no such file."""
    with file.open("rb") as lines:
        ends = {line.endswith(b"\r\n") for line in lines if line.endswith(b"\n")}
    return len(ends) > 1


def _with_one_line_end(file: Path, target: Path) -> Path:
    r"""The same lines in ``target``, all with the end ``\n``."""
    with file.open("rb") as lines, target.open("wb") as copy:
        copy.writelines(line[:-2] + b"\n" if line.endswith(b"\r\n") else line for line in lines)
    return target


def _read_csv(file: Path, header: Header) -> str:
    types = ", ".join(f"{quote_text(column)}: 'VARCHAR'" for column in header.columns)
    return (
        f"read_csv({quote_text(str(file))}, auto_detect = false, header = true, skip = {header.skipped_lines}, "
        f"delim = {quote_text(header.delimiter)}, quote = '\"', escape = '\"', columns = {{{types}}}, "
        "compression = 'none', store_rejects = true, rejects_table = 'broken', rejects_scan = 'scanned', "
        "rejects_limit = 0)"
    )


def _unreadable_lines(connection: duckdb.DuckDBPyConnection, label: str) -> tuple[UnreadableLine, ...]:
    ((count,),) = connection.execute("SELECT count(DISTINCT line) FROM broken").fetchall()
    check_unreadable(count, label)
    rows = connection.execute(
        "SELECT line, any_value(error_type), any_value(error_message), any_value(csv_line) FROM broken "
        "GROUP BY line ORDER BY line"
    ).fetchall()
    for line, _, message, _ in rows:
        if "unterminated quote" in message.lower():
            raise DataGateError(
                f"{label}, line {line}: a quoted value is never closed, so nothing after it can be read. "
                "Correct the line."
            )
    return tuple(UnreadableLine(label, line, reason, (text or "")[:SHOWN]) for line, reason, _, text in rows)
