"""The door for engines: what turns rows into numbers by cutoff and account.

A feature is a measure, and a measure is arithmetic on *aggregates* of rows. Only aggregates touch data, so an engine
answers these and nothing else; the definitions, the arithmetic, the silence of feeds and the shape of the frame are
the same whichever engine runs. ``cube`` is the embedded one, ``spark`` the one for data too large for a machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import pyarrow as pa

from features.definitions.measures import Aggregate, Measure
from features.engine.account_range import Scope
from features.engine.cube import Cube
from features.engine.windows import Cutoffs, Floats, Ints
from features.history.history import History


class Aggregates(Protocol):
    """The aggregates of some accounts at sorted cutoffs; an array has a row a cutoff and a column an account."""

    @property
    def scope(self) -> Scope:
        """Whose rows these are."""

    @property
    def cutoffs(self) -> Cutoffs:
        """The cutoffs, as days since 1970."""

    @property
    def shape(self) -> tuple[int, int]:
        """How many cutoffs, how many accounts."""

    def aggregate(self, measure: Aggregate) -> Floats:
        """The numbers; NaN where no row says anything."""

    def text(self, measure: Aggregate) -> pa.Array:
        """The texts of all accounts at the first cutoff, then at the next; null where there is none."""

    def at(self, days: Ints) -> Aggregates:
        """The same accounts at other cutoffs, which some wanted measure looks back to."""

    def pieces(self, width: int) -> Iterator[Aggregates]:
        """The same rows, not read again, for so many accounts at a time; an engine may give them all at once."""


class Engine(Protocol):
    """What answers a history's aggregates."""

    def aggregates(self, history: History, days: Ints, scope: Scope, wanted: Iterable[Measure]) -> Aggregates:
        """The aggregates that the wanted measures need, for these accounts at these sorted cutoffs."""


def create_engine(name: str, master: str = "local[2]") -> Engine:
    """The engine of that name (``duckdb`` or ``spark``); ``master`` is where Spark runs."""
    if name == "spark":
        from features.engine.spark.spark_engine import SparkEngine

        return SparkEngine.connect(master)
    return EmbeddedEngine()


class EmbeddedEngine:
    """This process: one pass of DuckDB over each source, then arithmetic on arrays."""

    def aggregates(self, history: History, days: Ints, scope: Scope, wanted: Iterable[Measure]) -> Cube:
        """See :class:`Engine`."""
        return Cube(history, days, scope, wanted)
