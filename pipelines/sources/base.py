"""What every source can do, whatever it is made of."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from features.source_table import SourceTable
from pipelines.sources.files.folder_contents import UnreadFile


class Source(Protocol):
    """A place that holds tables, the contract's or its own."""

    @property
    def name(self) -> str:
        """What the person who runs a command calls it; never a password."""

    @property
    def title(self) -> str:
        """Its name in records that other people read, without the folders of this machine."""

    def tables(self) -> tuple[str, ...]:
        """The names of all its tables, known to the contract or not."""

    def unread_files(self) -> tuple[UnreadFile, ...]:
        """Its files that belong to no table, and why; a database has none."""

    def stage(self, names: Sequence[str], scratch: Path) -> list[SourceTable]:
        """These tables as Parquet: read in place where they are, else written under ``scratch``.

        Raises:
            DataGateError: a file or table cannot be read; the sentence names it.
        """

    def fingerprint(self) -> dict[str, str]:
        """By table, a text that changes when the table does; cheap, without reading its rows."""


@runtime_checkable
class QualifiedSource(Protocol):
    """A source whose tables lie in schemas, or belong to sources with names."""

    def addresses(self, name: str) -> tuple[tuple[str, ...], ...]:
        """How a query can name a table: alone, or after its schema, or after the name of its source."""


def table_addresses(source: Source, name: str) -> tuple[tuple[str, ...], ...]:
    """How a query over this source can name one of its tables."""
    return source.addresses(name) if isinstance(source, QualifiedSource) else ((name,),)


@runtime_checkable
class FileSource(Protocol):
    """A source whose tables are files."""

    def files_of(self, name: str) -> str:
        """The file of a table, or the first of several, in messages."""


@runtime_checkable
class ColumnSource(Protocol):
    """A source that can leave out the columns that nobody reads."""

    def stage_columns(self, columns: Mapping[str, Collection[str] | None], scratch: Path) -> list[SourceTable]:
        """Like ``stage``: by table the columns that are read, in lower case, or ``None`` for all of them."""


def stage_columns(source: Source, columns: Mapping[str, Collection[str] | None], scratch: Path) -> list[SourceTable]:
    """These tables with at least these columns; those of files are read in place, with all they have."""
    if isinstance(source, ColumnSource):
        return source.stage_columns(columns, scratch)
    return source.stage(list(columns), scratch)


@runtime_checkable
class ClusterReadable(Protocol):
    """A source some of whose tables a cluster reads itself."""

    def stage_for_cluster(self, names: Sequence[str], scratch: Path) -> list[SourceTable]:
        """Like ``stage``, for a cluster: a table that it reads itself is not written by this machine."""


def stage_for_cluster(source: Source, names: Sequence[str], scratch: Path) -> list[SourceTable]:
    """These tables of any source for a cluster."""
    if isinstance(source, ClusterReadable):
        return source.stage_for_cluster(names, scratch)
    return source.stage(names, scratch)
