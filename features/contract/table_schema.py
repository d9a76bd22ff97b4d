"""What can be declared of a table: the vocabulary in which the contract is written.

A property of a table that other modules depend on is a field here, with its rule. A module that compares a table's name
instead of reading such a field would have to be found and edited for every new table.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class ColumnType(StrEnum):
    """How a column is stored once accepted; the value is DuckDB's name of the type."""

    TEXT = "VARCHAR"
    NUMBER = "DOUBLE"
    WHOLE = "BIGINT"
    FLAG = "BOOLEAN"
    INSTANT = "TIMESTAMP"
    DAY = "DATE"


@dataclass(frozen=True)
class Column:
    """One column: its type, whether a row without it is invalid, and its closed range where it has one.

    ``values`` are the values that are understood (lower case); ``rescue check`` counts all others. ``few_values`` says
    that a source holds only a few different ones, so that an engine may work on each combination once. ``free_text``
    is what people wrote: it is kept in quarantine and never printed.
    """

    name: str
    kind: ColumnType
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    few_values: bool = False
    free_text: bool = False


@dataclass(frozen=True)
class Reference:
    """The table that a row must belong to, and the column that names its row there."""

    table: str
    column: str


@dataclass(frozen=True)
class Period:
    """Two columns of which the end must not lie before the start, compared at a precision.

    Precision ``day``: an invoice written at noon may be due on the same day, at midnight.
    """

    start: str
    end: str
    precision: Literal["microsecond", "day"] = "microsecond"


OF_ACCOUNT = Reference("accounts", "account_id")
"""The parent of nearly every table."""


@dataclass(frozen=True)
class Table:
    """One canonical table.

    Attributes:
        name: the name of the table in a source.
        title: what its rows are called in a sentence, plural.
        cost: what a night cannot know without the table, for ``rescue check``.
        optional: whether many sources lack the table, so that a night does not report it as missing.
        gap: what a hand-off says where the source lacks the table; empty where it says nothing.
        columns: the columns, in the contract's order.
        key: the columns that identify a record; several rows of one key are its versions, ordered by ``known_at``.
        own_id: the column that identifies a record instead of the key, in rows that have a value there.
        event_time: the column that says when a record happened. It takes the place of ``known_at`` where the source
            has none. Without one, a row that has no ``known_at`` was always known.
        future_times: columns that may lie after the row's own ``known_at`` (terms, due dates, ends). In a
            current-state source they are read as null while they are not before the cutoff.
        scheduled: those of ``future_times`` that are known in advance and are read as they are (a due date is known
            when the invoice is issued).
        announced: whether the event itself may lie after ``known_at``: next month's subscription is known when it is
            signed.
        periods: pairs of columns of which the end must not lie before the start.
        parent: the table that a row must belong to, ``None`` for accounts.
        stopped_after: days without any new row for any account after which the feed counts as stopped, and what is
            measured from it is null; ``None`` where a feed may rest for any time.
        feature_prefix: the word for the table in the features ``has_<word>`` and ``<word>_feed_age_days``; empty
            where the table has no such features.
        external_rows: SQL condition of the rows that the customer's systems wrote. What the rescue team wrote does
            not show how far a source reaches: an outcome of today makes no label mature.
        bounds_latest: whether its newest ``known_at`` limits how late a row may have happened in a table that has no
            ``known_at``. Usage does not: it is most of a source, and is not read twice.
        shows_activity: SQL condition of the rows that show that an account is active; ``None`` where no row does.
        starts_observation: whether its oldest row marks the day from which there is something to learn. Accounts and
            contracts may be older than any event.
        bytes_per_account: memory that an account's rows take once read and while they are read, as measured over two
            years; zero where the engine does not hold rows of the table by account.
    """

    name: str
    title: str
    cost: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    event_time: str | None = None
    own_id: str | None = None
    optional: bool = False
    gap: str = ""
    future_times: tuple[str, ...] = ()
    scheduled: tuple[str, ...] = ()
    announced: bool = False
    periods: tuple[Period, ...] = ()
    parent: Reference | None = OF_ACCOUNT
    stopped_after: int | None = None
    feature_prefix: str = ""
    external_rows: str = "true"
    bounds_latest: bool = True
    shows_activity: str | None = None
    starts_observation: bool = False
    bytes_per_account: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Every column name, in the contract's order."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """The columns without which a row is invalid and the table is unusable."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def few_values(self) -> tuple[str, ...]:
        """The columns that hold only a few different values."""
        return tuple(column.name for column in self.columns if column.few_values)

    @property
    def by_day(self) -> bool:
        """Whether the event is a whole day: what happened on it is known when it is over."""
        return self.event_time is not None and self.column(self.event_time).kind is ColumnType.DAY

    def column(self, name: str) -> Column:
        """The column of that name; ``KeyError`` where the contract has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name!r}")


def text(name: str, *, required: bool = False, few_values: bool = False, free_text: bool = False) -> Column:
    """A column of text."""
    return Column(name, ColumnType.TEXT, required, few_values=few_values, free_text=free_text)


def instant(name: str, *, required: bool = False) -> Column:
    """A column of instants, UTC."""
    return Column(name, ColumnType.INSTANT, required)


ACCOUNT_ID = text("account_id", required=True)
KNOWN_AT = instant("known_at")
"""When our copy learned the row."""
