"""What a feature is computed from, as data: rows of a source, picked, windowed, counted, and combined.

A measure says *what* is computed and never how: the definitions stay importable in milliseconds, any engine can read
them, and a measure that two features use is computed once. Every measure is a number for each account at each cutoff,
or unknown: a division by zero, the latest of no rows, a source that is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Literal

from features.errors import UsageError


@dataclass(frozen=True)
class Measure:
    """A number for each account at each cutoff."""

    def __add__(self, other: Measure | float) -> Measure:
        return Arithmetic("+", self, _measure(other))

    def __sub__(self, other: Measure | float) -> Measure:
        return Arithmetic("-", self, _measure(other))

    def __mul__(self, other: Measure | float) -> Measure:
        return Arithmetic("*", self, _measure(other))

    def __truediv__(self, other: Measure | float) -> Measure:
        return Arithmetic("/", self, _measure(other))

    def where_equal(self, left: Measure | float, right: Measure | float) -> Measure:
        """The measure where the other two are equal, and unknown elsewhere."""
        return self * Arithmetic("=", _measure(left), _measure(right))

    @property
    def inner_measures(self) -> tuple[Measure, ...]:
        """The measures that this one is directly made of."""
        values = (getattr(self, part.name) for part in fields(self))
        inner = (part for value in values for part in (value if isinstance(value, tuple) else (value,)))
        return tuple(part for part in inner if isinstance(part, Measure))

    @cached_property
    def parts(self) -> tuple[Measure, ...]:
        """This measure and every measure inside it."""
        return (self, *(part for measure in self.inner_measures for part in measure.parts))


@dataclass(frozen=True)
class Number(Measure):
    """The same number everywhere."""

    value: float


@dataclass(frozen=True)
class Arithmetic(Measure):
    """Two measures, combined; unknown where either is unknown, or where it would divide by zero.

    With ``=`` it is 1 where both are equal, and unknown elsewhere.
    """

    sign: Literal["+", "-", "*", "/", "="]
    left: Measure
    right: Measure


@dataclass(frozen=True)
class Ago(Measure):
    """The measure, computed with what was known that many days before the cutoff."""

    inner: Measure
    days: int


@dataclass(frozen=True)
class FeedAge(Measure):
    """Days since the newest row that the whole source had delivered, whichever account it was for."""

    table: str


@dataclass(frozen=True)
class FeedAlive(Measure):
    """1 where the source is there and its feed has not stopped, else 0."""

    table: str


@dataclass(frozen=True)
class Siblings(Measure):
    """How many known accounts belong to the same parent, this one included."""

    table: str = "accounts"


@dataclass(frozen=True)
class Succession(Measure):
    """What the succession of an account's contracts says: one of ``features.succession.succession_values.VALUES``."""

    name: str
    table: str = "subscriptions"


@dataclass(frozen=True)
class Function(Measure):
    """What a function of Python makes of other measures, for accounts for which all of them are known.

    The function gets one array a measure, all of one length, and returns one finite number for each element.
    """

    function: Callable[..., object]
    inputs: tuple[Measure, ...]

    def __repr__(self) -> str:
        name = getattr(self.function, "__qualname__", type(self.function).__qualname__)
        return f"Function({name}, {self.inputs!r})"


@dataclass(frozen=True)
class AgainstPortfolio(Measure):
    """The measure minus its median over the accounts of the segment that are known at the cutoff.

    In a segment where fewer than ``least`` accounts have a value, the median of all accounts is used.
    """

    inner: Measure
    least: int = 20


How = Literal["count", "sum", "min", "max", "distinct", "value", "text", "trend", "top", "newest", "oldest", "ahead"]


@dataclass(frozen=True)
class Aggregate(Measure):
    """The rows of a stream that are valid at the cutoff, aggregated to one number for each account.

    ``within`` keeps rows that happened in that many days before the cutoff (before the stream's ``shift``); ``where``
    keeps rows of that condition after picking; ``of`` is the SQL expression that is summed, compared or counted.
    """

    how: How
    stream: Stream
    of: str | None = None
    within: int | None = None
    where: str | None = None
    by: str | None = None


@dataclass(frozen=True)
class Stream:
    """Rows of one source, each of an account and with a time; a row with an end is valid until then.

    ``relation`` is where the rows are (see ``relations``), ``table`` the source that must be there for them. ``only``
    selects rows; ``pick`` then keeps the latest or first row of each ``by`` as known at the cutoff. ``shift`` moves the
    window back by that many days. ``until`` is the column with a row's end.
    """

    relation: str
    table: str
    at: str
    only: str | None = None
    pick: Literal["latest", "first"] | None = None
    by: str | None = None
    until: str | None = None
    shift: int = 0

    def where(self, condition: str) -> Stream:
        """Only the rows for which the SQL condition is true."""
        return replace(self, only=f"({self.only}) AND ({condition})" if self.only else condition)

    def latest(self, by: str = "account") -> Stream:
        """Of each account (or ticket, or source …) the row that happened last."""
        return replace(self, pick="latest", by=by)

    def first(self, by: str = "account") -> Stream:
        """Of each account (or ticket …) the row that happened first."""
        return replace(self, pick="first", by=by)

    def before(self, days: int) -> Stream:
        """The stream as of that many days earlier by event time, from what is known at the cutoff."""
        return replace(self, shift=days)

    def count(self, within: int | None = None, where: str | None = None) -> Measure:
        """How many rows."""
        return Aggregate("count", self, None, within, where)

    def total(self, of: str, within: int | None = None, where: str | None = None) -> Measure:
        """The sum of an additive column; a count of distinct things is not one, and is refused."""
        if of in DISTINCT_COUNTS:
            raise UsageError(
                f"{of!r} counts distinct {of} a row, and the same ones come back on other days, so it cannot be "
                f"summed: use distinct({DISTINCT_COUNTS[of]!r}) or highest({of!r})."
            )
        return Aggregate("sum", self, of, within, where)

    def mean(self, of: str, within: int | None = None, where: str | None = None) -> Measure:
        """The mean over the rows that have a value."""
        known = f"({where}) AND ({of}) IS NOT NULL" if where else f"({of}) IS NOT NULL"
        return self.total(of, within, where) / self.count(within, known)

    def lowest(self, of: str, within: int | None = None, where: str | None = None) -> Measure:
        """The smallest value."""
        return Aggregate("min", self, of, within, where)

    def highest(self, of: str, within: int | None = None, where: str | None = None) -> Measure:
        """The largest value."""
        return Aggregate("max", self, of, within, where)

    def distinct(self, of: str, within: int | None = None, where: str | None = None) -> Measure:
        """How many different values (``row(a, b)``: pairs), counted exactly; a missing one is not a value."""
        parts = of.removeprefix("row(").removesuffix(")").split(", ") if of.startswith("row(") else [of]
        known = " AND ".join(f"({part}) IS NOT NULL" for part in parts) + (f" AND ({where})" if where else "")
        return Aggregate("distinct", self, of, within, known)

    def trend(self, of: str, within: int) -> Measure:
        """The slope of the least-squares line through the rows, in units a day."""
        return Aggregate("trend", self, of, within, None)

    def value(self, of: str) -> Measure:
        """The value on the account's picked row."""
        return Aggregate("value", self if self.pick else self.latest(), of, None, None)

    def text(self, of: str) -> Measure:
        """The text on the account's picked row: a category."""
        return Aggregate("text", self if self.pick else self.latest(), of, None, None)

    def top(self, of: str, by: str, within: int) -> Measure:
        """The largest sum that any one value of ``by`` has."""
        return Aggregate("top", self, of, within, None, by)

    def since(self, within: int | None = None, where: str | None = None) -> Measure:
        """Days from the newest of the rows to the cutoff: 1 is yesterday."""
        return Aggregate("newest", self, self.at, within, where)

    def oldest(self, where: str | None = None, of: str | None = None) -> Measure:
        """Days from the oldest of the rows (by their own time, or by ``of``) to the cutoff."""
        return Aggregate("oldest", self, of or self.at, None, where)

    def ahead(self, of: str) -> Measure:
        """Days from the cutoff to the nearest of the times."""
        return Aggregate("ahead", self, of)


def lookback_days(parts: Iterable[Aggregate]) -> int | None:
    """How many days before a cutoff the oldest row lies that any of these reads; ``None`` where there is no limit."""
    days = [None if part.within is None else part.stream.shift + part.within for part in parts]
    return None if None in days else max((number for number in days if number is not None), default=0)


def relations(measures: Iterable[Measure]) -> frozenset[str]:
    """The relations whose rows these measures look at."""
    parts = (part for measure in measures for part in measure.parts)
    return frozenset(part.stream.relation for part in parts if isinstance(part, Aggregate))


DISTINCT_COUNTS = {"users": "user_id"}
"""Columns that are themselves counts of distinct things, and the column that would count them exactly."""


def calculate(function: Callable[..., object], *inputs: Measure) -> Measure:
    """The function of these measures; unknown where one of them is (see :class:`Function`)."""
    return Function(function, inputs)


def change(now: Measure, then: Measure) -> Measure:
    """By what share ``now`` differs from ``then``: −0.4 is a fall of 40%."""
    return now / then - 1


def _measure(value: Measure | float) -> Measure:
    return value if isinstance(value, Measure) else Number(float(value))
