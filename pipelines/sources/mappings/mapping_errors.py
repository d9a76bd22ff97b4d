"""The message about a query of a mapping that fails: its file and line, the cause, and the nearest name."""

import re
from collections.abc import Iterable
from pathlib import Path

import duckdb

from features.errors import UsageError, suggest_name

_LINE = re.compile(r"LINE (\d+):")
_COLUMN = re.compile(r'Referenced column "([^"]+)" (?:not found|was not found)', re.IGNORECASE)
_IN_TABLE = re.compile(r'(?:Table|Values list) "([^"]+)" does not have a column named "([^"]+)"')
_TABLE = re.compile(r"Table with name ([^!]+?) does not exist")
_FUNCTION = re.compile(r"(?:argument types|name) '([^'( ]+)")
LONGEST = 240
"""Characters of DuckDB's own message that are shown."""


class MissingInputError(UsageError):
    """A query reads a table that the source does not have; ``target`` is the table of the contract that it makes.

    It is wrong usage where the mapping is new, and a problem of the data where earlier nights could run the query.
    """

    def __init__(self, message: str, target: str = "") -> None:
        """The sentence, and the table; none where no query of the mapping can be run."""
        super().__init__(message)
        self.target = target


def query_error(
    error: duckdb.Error, file: str, sql: str, lines_before: int, tables: Iterable[str], columns: Iterable[str]
) -> UsageError:
    """The error of the query ``sql`` in ``file`` as a message; ``tables`` and ``columns`` are those of the source.

    ``lines_before`` are the lines of the file before the query, which DuckDB does not see.
    """
    text = str(error)
    line = _line_of(text, sql)
    place = f"{file}, line {line + lines_before}" if line else file
    if isinstance(error, duckdb.PermissionException):
        return UsageError(f"{file} reads more than the source's own tables, which no mapping may.")
    if table := _TABLE.search(text):
        text = f"{place}: the source has no table {table[1]!r}; {suggest_name(table[1], tables)}"
        return MissingInputError(text, Path(file).stem)
    if column := _COLUMN.search(text) or _IN_TABLE.search(text):
        return UsageError(f"{place}: there is no column {column[column.lastindex or 1]!r}; {_hint(column, columns)}")
    cause = " ".join(text.partition("LINE ")[0].partition("Candidate functions")[0].split())
    kind, _, message = cause.partition(": ")
    return UsageError(f"{place} fails: {(message or kind)[:LONGEST].rstrip('. ')}.")


def _line_of(message: str, sql: str) -> int | None:
    """The line of the query that the message names, else the first one with the function or operator at fault."""
    if line := _LINE.search(message):
        return int(line[1])
    function = _FUNCTION.search(message)
    lines = sql.splitlines() if function else []
    return next((place for place, text in enumerate(lines, 1) if function and function[1] in text.lower()), None)


def _hint(column: re.Match[str], columns: Iterable[str]) -> str:
    return suggest_name(column[column.lastindex or 1], columns)
