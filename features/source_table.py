"""A source's table before the contract looks at it: Parquet files, whatever the source was.

A folder's Parquet files are read where they stand; everything else (CSV, databases, mappings) is brought to Parquet
first by ``pipelines.sources``. So a row always has a place, its file and its number in it, and one reader serves all.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import duckdb

from features.errors import DataGateError, RescueError


@dataclass(frozen=True)
class Unread:
    """A line of a text file that is not a row: too many columns, too few, bytes that are no text."""

    file: str
    line: int
    reason: str
    text: str


@dataclass(frozen=True)
class RawTable:
    """One table as the source gives it.

    ``files`` are paths of Parquet files, ``labels`` what a person calls them where that is something else (the CSV
    file they were made of), ``unread`` the lines that never became rows, ``prints`` a text a file that changes when
    the file does, where the source can tell. ``chosen`` is SQL of the columns, where they are not taken as they are.
    """

    name: str
    files: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()
    partitioned: bool = False
    prints: Mapping[str, str] = field(default_factory=dict)
    chosen: str = ""
    _types: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def label(self) -> str:
        """What messages call the table's file."""
        labels = [self.labels.get(file, file) for file in self.files]
        return labels[0] if len(labels) == 1 else f"{self.name}/ ({len(labels)} files)"

    @property
    def relation(self) -> str:
        """The rows, as SQL that can stand in ``FROM``; columns of files that differ are matched by name."""
        files = ", ".join(quoted(file) for file in self.files)
        hive = "true" if self.partitioned else "false"
        found = f"read_parquet([{files}], hive_partitioning = {hive}, union_by_name = true)"
        return f"(SELECT {self.chosen}, filename, file_row_number FROM {found})" if self.chosen else found

    def types(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        """DuckDB's type of every column, by the name that the source gives it: the files are asked once."""
        if not self._types:
            rows = connection.cursor().execute(f"DESCRIBE SELECT * FROM {self.relation}").fetchall()
            self._types.update({str(row[0]): str(row[1]) for row in rows})
        return self._types

    def part(self, connection: duckdb.DuckDBPyConnection, files: Sequence[str], types: Mapping[str, str]) -> "RawTable":
        """Some of the files, their columns brought to the types that they have among all of them."""
        found = replace(self, files=tuple(files), chosen="")
        own = {name.lower(): kind for name, kind in found.types(connection).items()}
        if all(own.get(name) == kind for name, kind in types.items()):
            return found
        given = {name: identifier(name) if name in own else "NULL" for name in types}
        return replace(
            found, chosen=", ".join(f"CAST({given[name]} AS {types[name]}) AS {identifier(name)}" for name in types)
        )


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def reading(label: str) -> Iterator[None]:
    """Turn what DuckDB says of a file that cannot be read into a sentence that names it.

    Raises:
        DataGateError: the block failed in DuckDB while it read ``label``.
        RescueError: it needed more memory than it may use.
    """
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise RescueError(f"Checking {label} takes more memory than it may use: raise the setting memory.") from None
    except duckdb.Error as error:
        if _broken(error) or isinstance(error, duckdb.InvalidInputException):
            raise DataGateError(f"{label} cannot be read: {_said(error)}. Export it again.") from None
        raise


@contextmanager
def reading_again() -> Iterator[None]:
    """The same for rows that were admitted, of which only a file that has broken since cannot be read.

    Raises:
        DataGateError: a file of the source is not what it was.
    """
    try:
        yield
    except duckdb.Error as error:
        if not _broken(error):
            raise
        said = f"A file of the source can no longer be read: {_said(error)}."
        raise DataGateError(f"{said} Export it again; `rescue check` says which it is.") from None


def _broken(error: duckdb.Error) -> bool:
    """Whether a file is at fault: what is said of a broken page of Parquet comes as no kind of error at all."""
    told = isinstance(error, duckdb.IOException | duckdb.SerializationException) or "Failed to read file" in str(error)
    return told or type(error) is duckdb.Error


def _said(error: duckdb.Error) -> str:
    first = "".join(sign for sign in str(error).partition("\n")[0] if sign.isprintable())
    return first.strip().rstrip(".: ")
