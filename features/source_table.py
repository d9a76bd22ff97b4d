"""A source's table before validation: Parquet files, for every kind of source.

A folder's Parquet files are read in place; everything else (CSV, databases, mappings) is first written as Parquet by
``pipelines.sources``. So every row has a place, its file and its number there, and one reader is enough.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import duckdb
import pyarrow as pa

from features.errors import DataGateError, RescueError, is_disk_full
from features.quoting import quote_name, quote_text


@dataclass(frozen=True)
class UnreadableLine:
    """A line of a text file that is not a row: it has too many columns, too few, or bytes that are no text.

    ``column`` is set where the line is a row and one value of it is not of the type that a mapping computes with.
    """

    file: str
    line: int
    reason: str
    text: str
    column: str | None = None


@dataclass(frozen=True)
class FileNote:
    """How a file was read, where that is not evident: its encoding, lines above its header, renamed columns.

    ``unusable_value`` is set for a query of a mapping: the reason why some values are read as missing.
    ``changed_columns`` are columns that are new, gone or of another type since the table was last read, in words.
    """

    file: str
    encoding: str | None = None
    skipped_lines: int = 0
    renamed_columns: tuple[str, ...] = ()
    unusable_value: str | None = None
    changed_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class LakeFiles:
    """The Parquet files that hold the rows of a table now, and its columns, where a log says both.

    Below the folder ``root``, where it is not empty, names of folders are values of columns (``month=2026-01``).
    """

    files: tuple[str, ...]
    columns: pa.Schema
    root: str = ""


@dataclass(frozen=True)
class ClusterTable:
    """A table that a cluster reads itself: by its name in the cluster's catalog, or by a format and a place.

    ``files`` gives the table's files to a cluster that does not know the format.
    """

    place: str
    format: str = ""
    files: Callable[[], LakeFiles] | None = None


@dataclass(frozen=True)
class SourceTable:
    """One table as the source has it.

    ``files`` are paths of Parquet files, ``labels`` their names in messages where these differ (the CSV file that one
    was made from), ``unreadable_lines`` the lines that could not become rows, ``fingerprints`` a text for each file
    that changes with its content, where the source has one. ``select_list`` is SQL of the columns, where they are not
    read as they are. ``untyped`` is whether it was made from files whose values are texts, whatever they mean;
    ``notes`` are on how these files were read. ``cluster`` is a table that a cluster reads, whose rows come before
    those of the files. ``view`` is the relation of rows that a cluster has read, with columns ``filename`` and
    ``file_row_number``; its connection is that of the cluster (:meth:`on_cluster`).
    """

    name: str
    files: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    unreadable_lines: tuple[UnreadableLine, ...] = ()
    partitioned: bool = False
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    select_list: str = ""
    untyped: bool = False
    notes: tuple[FileNote, ...] = ()
    cluster: ClusterTable | None = None
    view: str = ""
    _types: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def on_cluster(self, view: str, types: Mapping[str, str]) -> "SourceTable":
        """The table as a cluster reads it; ``types`` are DuckDB's of the columns of the view there."""
        table = replace(self, view=view, fingerprints={}, select_list="")
        table._types.update(types)
        return table

    @property
    def label(self) -> str:
        """The name of the table's file in messages."""
        if self.cluster:
            return self.cluster.place
        labels = [self.labels.get(file, file) for file in self.files]
        return labels[0] if len(labels) == 1 else f"{self.name}/ ({len(labels)} files)"

    @property
    def relation(self) -> str:
        """The rows, as SQL for ``FROM``; columns of several files are matched by name."""
        if self.view:
            return self.view
        files = ", ".join(quote_text(file) for file in self.files)
        hive = "true" if self.partitioned else "false"
        relation = f"read_parquet([{files}], hive_partitioning = {hive}, union_by_name = true)"
        return (
            f"(SELECT {self.select_list}, filename, file_row_number FROM {relation})" if self.select_list else relation
        )

    @property
    def select_all(self) -> str:
        """SQL of the rows with the columns of the source, and not their file and number."""
        places = " EXCLUDE (filename, file_row_number)" if self.select_list else ""
        return f"SELECT *{places} FROM {self.relation}"

    def types(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        """DuckDB's type of every column, by its name in the source; read from the files once."""
        if not self._types:
            rows = connection.cursor().execute(f"DESCRIBE {self.select_all}").fetchall()
            self._types.update({str(row[0]): str(row[1]) for row in rows})
        return self._types

    def select_files(
        self, connection: duckdb.DuckDBPyConnection, files: Sequence[str], types: Mapping[str, str]
    ) -> "SourceTable":
        """Some of the files, their columns cast to the types that they have over all files."""
        part = replace(self, files=tuple(files), select_list="")
        own = {name.lower(): kind for name, kind in part.types(connection).items()}
        if all(own.get(name) == kind for name, kind in types.items()):
            return part
        columns = {name: quote_name(name) if name in own else "NULL" for name in types}
        casts = (f"CAST({columns[name]} AS {kind}) AS {quote_name(name)}" for name, kind in types.items())
        return replace(part, select_list=", ".join(casts))


@contextmanager
def explain_read_errors(label: str) -> Iterator[None]:
    """Turn DuckDB's error about a file that cannot be read into a sentence that names the file.

    Raises:
        DataGateError: the block failed in DuckDB while it read ``label``.
        RescueError: reading needed more memory than it may use.
    """
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise RescueError(f"Checking {label} takes more memory than it may use: raise the setting memory.") from None
    except duckdb.Error as error:
        if _is_file_error(error) or isinstance(error, duckdb.InvalidInputException):
            raise DataGateError(f"{label} cannot be read: {_first_line(error)}. Export it again.") from None
        raise


@contextmanager
def explain_changed_files() -> Iterator[None]:
    """The same for rows that were validated: they can only fail to be read when their file has changed since.

    Raises:
        DataGateError: a file of the source can no longer be read.
        RescueError: a query needed more memory than it may use.
    """
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise RescueError("A query takes more memory than it may use: raise the setting memory.") from None
    except duckdb.Error as error:
        if not _is_file_error(error):
            raise
        problem = f"A file of the source can no longer be read: {_first_line(error)}."
        raise DataGateError(f"{problem} Export it again; `rescue check` names the file.") from None


def _is_file_error(error: duckdb.Error) -> bool:
    """Whether the cause is a file: DuckDB reports a damaged Parquet page with its base class of errors."""
    if is_disk_full(error):  # of this machine: the file is as it should be
        return False
    known = isinstance(error, duckdb.IOException | duckdb.SerializationException)
    message = any(text in str(error) for text in ("Failed to read file", "No magic bytes"))
    return known or message or type(error) is duckdb.Error


def _first_line(error: duckdb.Error) -> str:
    first = "".join(sign for sign in str(error).partition("\n")[0] if sign.isprintable())
    return first.strip().rstrip(".: ")
