"""What can be declared of a table: the vocabulary in which the contract is written.

A property of a table that other modules depend on is a field here, with its rule. A module that compares a table's name
instead of reading such a field would have to be found and edited for every new table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from features.contract.vocabulary import Vocabulary


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
    """One column.

    Attributes:
        name: its name.
        kind: its type.
        required: whether a table without it cannot be used, and a row without a value is invalid.
        meaning: what it says, where its name does not.
        empty_means: what an empty value of a required column says ("not measured then"); the row is then valid.
        absent_means: what it means that a source lacks the column, where that is the same as an empty value in every
            row. Without it, whatever uses the column is unknown.
        minimum: the lowest number allowed.
        maximum: the highest number allowed.
        vocabulary: the words that are understood; ``rescue check`` counts all others.
        vocabularies: the same by the word of another column, for values whose meaning depends on it.
        few_values: whether a source holds only a few different values, so that an engine may work on each combination
            once.
        free_text: whether people wrote it: it is kept in quarantine, never printed, and no word in it means "empty".
        changing: whether a value changes without a time of its own, so that it is known of a cutoff only where the
            table has versions (``known_at``). In a current-state source it is unknown.
    """

    name: str
    kind: ColumnType
    required: bool = False
    meaning: str = ""
    empty_means: str = ""
    absent_means: str = ""
    minimum: float | None = None
    maximum: float | None = None
    vocabulary: Vocabulary | None = None
    vocabularies: Mapping[str, Vocabulary] = field(default_factory=dict)
    few_values: bool = False
    free_text: bool = False
    changing: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """The words that are understood; empty where every value is."""
        return self.vocabulary.words if self.vocabulary else ()


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
        other_names: what other systems call the table.
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
        overwrites: the columns that an export without ``known_at`` shows as they are today, because systems overwrite
            them: at past cutoffs they are not what was known then. By default none of a table of events, and all
            values of a table without an event time.
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
    other_names: tuple[str, ...] = ()
    optional: bool = False
    gap: str = ""
    future_times: tuple[str, ...] = ()
    scheduled: tuple[str, ...] = ()
    overwrites: tuple[str, ...] | None = None
    announced: bool = False
    periods: tuple[Period, ...] = ()
    parent: Reference | None = OF_ACCOUNT
    stopped_after: int | None = None
    feature_prefix: str = ""
    external_rows: str = "true"
    shows_activity: str | None = None
    starts_observation: bool = False
    bytes_per_account: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Every column name, in the contract's order."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """The columns without which the table cannot be used."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def few_values(self) -> tuple[str, ...]:
        """The columns that hold only a few different values."""
        return tuple(column.name for column in self.columns if column.few_values)

    @property
    def overwritten(self) -> tuple[str, ...]:
        """The columns that are of today at every cutoff where a source has no ``known_at`` (``overwrites``)."""
        if self.overwrites is not None or self.event_time is not None:
            return self.overwrites or ()
        fixed = {*self.key, self.own_id, *self.future_times, ACCOUNT_ID.name, KNOWN_AT.name}
        return tuple(name for name in self.names if name not in fixed)

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


def text(
    name: str,
    meaning: str = "",
    *,
    required: bool = False,
    absent_means: str = "",
    few_values: bool = False,
    free_text: bool = False,
) -> Column:
    """A column of text."""
    return Column(
        name,
        ColumnType.TEXT,
        required,
        meaning,
        absent_means=absent_means,
        few_values=few_values,
        free_text=free_text,
    )


def record_columns(*, source: bool = True) -> tuple[Column, ...]:
    """The columns that say where a row comes from, so that pages can link back to its record; no feature reads them."""
    own = (text("source", "the system that the row is from"),) if source else ()
    return (
        *own,
        text("record_id", "the id of the record in that system, where it is not the row's own"),
        text("url", "the address of the record there; only http and https become links"),
    )


def word(
    name: str, vocabulary: Vocabulary, meaning: str = "", *, required: bool = False, absent_means: str = ""
) -> Column:
    """A column of the words of a vocabulary."""
    return Column(
        name,
        ColumnType.TEXT,
        required,
        meaning,
        absent_means=absent_means,
        vocabulary=vocabulary,
        few_values=True,
    )


def instant(name: str, meaning: str = "", *, required: bool = False, absent_means: str = "") -> Column:
    """A column of instants, UTC."""
    return Column(name, ColumnType.INSTANT, required, meaning, absent_means=absent_means)


ACCOUNT_ID = text("account_id", "the account that the row belongs to", required=True)
KNOWN_AT = instant(
    "known_at",
    "when our copy learned the row",
    absent_means="the table is current state: a row counts from when it happened",
)
