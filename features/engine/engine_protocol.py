"""The interface of an engine: it turns rows into numbers by cutoff and account.

A feature is a measure, and a measure is arithmetic on *aggregates* of rows. Only aggregates read data, so an engine
computes these and nothing else; the definitions, the arithmetic, the state of feeds and the shape of the frame are the
same for every engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import pyarrow as pa

from features.definitions.measures import Aggregate, Measure
from features.engine.account_range import Scope
from features.engine.windows import Cutoffs, Floats, Ints
from features.history.history import History


class Aggregates(Protocol):
    """The aggregates of some accounts at sorted cutoffs; an array has a row a cutoff and a column an account."""

    @property
    def scope(self) -> Scope:
        """The accounts of these rows."""

    @property
    def cutoffs(self) -> Cutoffs:
        """The cutoffs, as days since 1970."""

    @property
    def shape(self) -> tuple[int, int]:
        """The number of cutoffs and of accounts."""

    def aggregate(self, measure: Aggregate) -> Floats:
        """The numbers; NaN where no row has a value."""

    def text(self, measure: Aggregate) -> pa.Array:
        """The texts of all accounts at the first cutoff, then at the next; null where there is none."""

    def at(self, days: Ints) -> Aggregates:
        """The same accounts at other cutoffs, which some wanted measure needs."""

    def chunks(self, width: int) -> Iterator[Aggregates]:
        """The same rows, not read again, for ``width`` accounts at a time; an engine may return them all at once."""


class Engine(Protocol):
    """Computes the aggregates of a history."""

    def aggregates(self, history: History, days: Ints, scope: Scope, wanted: Iterable[Measure]) -> Aggregates:
        """The aggregates that the wanted measures need, for these accounts at these sorted cutoffs."""
