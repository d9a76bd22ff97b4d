"""The engine for data too large for one machine: the same aggregates, grouped by a Spark cluster.

Where the cluster has validated the rows of a source, they never leave it; the rows of any other history become
temporary views of the cluster. Each group of measures is one distributed query, and its result is small: a number for
each account, cutoff and measure. Rows that several queries read are computed once and kept by the cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, finalize

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.definitions.measures import Aggregate, Ago, Measure
from features.engine.account_range import Scope
from features.engine.spark.cluster_quarantine import write_bad_rows
from features.engine.spark.cluster_tables import copy_table, read_cluster_table
from features.engine.spark.executor_watch import watch_executors
from features.engine.spark.spark_connection import Relations, SparkConnection
from features.engine.spark.spark_errors import explain_cluster_errors
from features.engine.spark.spark_session import (
    forget_session,
    is_alive,
    is_cluster,
    start_session,
    without_pandas_warning,
)
from features.engine.spark.spark_sql import ZERO_WITHOUT_ROWS, grouped_query, groups
from features.engine.table_rows import expressions
from features.engine.table_rows.relations import NUMBERED, number_accounts, relation_rows
from features.engine.windows import Cutoffs, Floats, Ints
from features.history.history import History
from features.source_table import ClusterTable, SourceTable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class SparkEngine:
    """Aggregates by Spark, of histories whose rows are on the cluster and of others, whose rows are sent there."""

    def __init__(self, session: SparkSession, master: str = "") -> None:
        self.session, self.master = session, master
        self._sent: WeakKeyDictionary[History, SparkConnection] = WeakKeyDictionary()
        self._unused: list[Relations] = []
        self._lock = RLock()

    @classmethod
    def connect(cls, master: str = "local[2]", own: Iterable[tuple[str, str]] = ()) -> SparkEngine:
        """The engine on the cluster of that name; one for all nights of a process.

        Raises:
            UsageError: the extra ``spark`` is not installed, Java is missing where the driver runs here, or there is
                no such cluster.
        """
        settings = tuple(own)
        engine = _engine(master, settings)
        if not is_alive(engine.session):  # its cluster went away during an earlier night
            forget_session(engine.session)
            _engine.cache_clear()
            engine = _engine(master, settings)
        return engine

    def open(self) -> SparkConnection:
        """A connection for one history; what the cluster keeps for histories that are gone is freed."""
        with self._lock:
            while self._unused:
                SparkConnection(self.session, self.master, self._unused.pop()).close()
        return SparkConnection(self.session, self.master)

    def read_table(self, connection: SparkConnection, table: SourceTable) -> SourceTable:
        """A table of a source as the cluster reads it (:mod:`features.engine.spark.cluster_tables`)."""
        return read_cluster_table(connection, table)

    def copy_table(self, table: ClusterTable, target: Path) -> None:
        """Write a small table of the cluster to a Parquet file of this machine."""
        copy_table(self.open(), table, target)

    def has(self, history: History) -> bool:
        """Whether the rows of a history are on this cluster."""
        connection: object = history.connection
        return isinstance(connection, SparkConnection)

    def write_bad_rows(self, history: History, queries: Mapping[str, str], rows: int, place: str) -> None:
        """Write the bad rows of a night (:mod:`features.engine.spark.cluster_quarantine`)."""
        write_bad_rows(self.connection_of(history), queries, rows, place)

    def forget(self, history: History) -> None:
        """Free what the cluster keeps for a history, as soon as nobody has it any more."""
        relations = self.connection_of(history).relations
        finalize(history, self._unused.append, relations)

    def connection_of(self, history: History) -> SparkConnection:
        """The relations of a history on the cluster; the rows of one that is not there are sent."""
        connection: object = history.connection
        if isinstance(connection, SparkConnection):
            return connection
        with self._lock:
            if history not in self._sent:
                sent = self.open()
                number_accounts(history)
                for name in (*history.columns, NUMBERED):
                    sent.register(name, history.query(f"SELECT * FROM {name}"))
                self._sent[history] = sent
                finalize(history, self._unused.append, sent.relations)
            return self._sent[history]

    @without_pandas_warning()
    def aggregates(self, history: History, days: Ints, scope: Scope, wanted: Iterable[Measure]) -> SparkAggregates:
        """See :class:`features.engine.engine_protocol.Engine`."""
        measures = tuple(wanted)
        cutoffs = all_cutoffs(days, measures)
        answers = Answers(cutoffs, scope)
        known = known_aggregates(history, measures)
        for group, rows in self.grouped(history, cutoffs, known):
            with explain_cluster_errors(self.master):
                answers.store(group, rows.where(scope.condition).toArrow())
        return SparkAggregates(answers, Cutoffs(days))

    def grouped(
        self, history: History, cutoffs: Ints, measures: Iterable[Aggregate]
    ) -> list[tuple[list[Aggregate], DataFrame]]:
        """By group of measures, the rows ``cutoff``, ``account``, ``m0``, ``m1`` … on the cluster."""
        connection = self.connection_of(history)
        wanted = groups(measures)
        with self._lock, explain_cluster_errors(self.master):
            number_accounts(history)
            for relation in sorted({group[0].stream.relation for group in wanted}):
                self._relation(connection, relation, history).createOrReplaceTempView(f"rows_{relation}")
            days = pa.table({"cutoff": pa.array(cutoffs.astype(np.int32))})
            self.session.createDataFrame(days).createOrReplaceTempView("cutoffs")
            return [(group, self.session.sql(grouped_query(group))) for group in wanted]

    def _relation(self, connection: SparkConnection, relation: str, history: History) -> DataFrame:
        """Every version of a relation's rows, with the days between which it held; computed once."""
        name = f"rows_{relation}"
        if name not in connection.relations.rows:
            connection.set_rows(name, connection.query_rows(relation_rows(relation, history)), keep=True)
        return connection.relations.rows[name]


@cache
def _engine(master: str, own: tuple[tuple[str, str], ...]) -> SparkEngine:
    session = start_session(master, dict(own))
    if is_cluster(master):
        watch_executors(session)
    return SparkEngine(session, master)


def known_aggregates(history: History, measures: Iterable[Measure]) -> list[Aggregate]:
    """The aggregates inside these measures of which the source has all columns."""
    parts = [part for measure in measures for part in measure.parts if isinstance(part, Aggregate)]
    return [part for part in parts if not expressions.lacks_column(part, history)]


def all_cutoffs(days: Ints, measures: Sequence[Measure]) -> Ints:
    """The cutoffs, and those before them at which some measure is computed again; ascending."""
    return np.unique(np.concatenate([days - past for past in sorted(_looks_back(measures))]))


def is_text(measure: Aggregate) -> bool:
    """Whether the answers of a measure are texts."""
    return measure.how == "text"


@dataclass
class Answers:
    """The aggregates at every cutoff that any measure needs, as arrays by cutoff and account."""

    days: Ints
    scope: Scope
    numbers: dict[Aggregate, Floats] = field(default_factory=dict)
    texts: dict[Aggregate, Any] = field(default_factory=dict)

    def store(self, group: Sequence[Aggregate], rows: pa.Table) -> None:
        """Take over the answers of one group, with the columns ``cutoff``, ``account``, ``m0``, ``m1`` and so on."""
        cutoff = np.searchsorted(self.days, rows.column("cutoff").to_numpy())
        account = self.scope.places(rows.column("account").to_numpy())
        for place, measure in enumerate(group):
            column = rows.column(f"m{place}")
            if is_text(measure):
                texts = np.full((len(self.days), len(self.scope)), None, dtype=object)
                texts[cutoff, account] = column.to_pylist()
                self.texts[measure] = texts
            else:
                empty = 0.0 if measure.how in ZERO_WITHOUT_ROWS else np.nan
                values = np.full((len(self.days), len(self.scope)), empty)
                values[cutoff, account] = pc.fill_null(column, np.nan).to_numpy()
                self.numbers[measure] = values


@dataclass(frozen=True)
class SparkAggregates:
    """Some cutoffs of the answers."""

    answers: Answers
    cutoffs: Cutoffs

    @property
    def scope(self) -> Scope:
        """The accounts of these rows."""
        return self.answers.scope

    @property
    def shape(self) -> tuple[int, int]:
        """The number of cutoffs and of accounts."""
        return len(self.cutoffs), len(self.scope)

    def aggregate(self, measure: Aggregate) -> Floats:
        """The numbers; NaN where no row has a value, or the source lacks the column."""
        values = self.answers.numbers.get(measure)
        return np.full(self.shape, np.nan) if values is None else values[self._places]

    def text(self, measure: Aggregate) -> pa.Array:
        """The texts of all accounts at the first cutoff, then at the next; null where there is none."""
        texts = self.answers.texts.get(measure)
        return pa.nulls(np.prod(self.shape), pa.string()) if texts is None else pa.array(texts[self._places].ravel())

    def at(self, days: Ints) -> SparkAggregates:
        """The same answers at other cutoffs."""
        return SparkAggregates(self.answers, Cutoffs(days))

    def chunks(self, width: int) -> Iterator[SparkAggregates]:
        """All accounts at once: the answers are small."""
        yield self

    @property
    def _places(self) -> Ints:
        return np.searchsorted(self.answers.days, self.cutoffs.days)


def _looks_back(measures: Iterable[Measure]) -> set[int]:
    """The days before the cutoff at which some measure is computed again; 0 is the cutoff itself."""
    days = {0}
    for measure in measures:
        for part in measure.parts:
            if isinstance(part, Ago):
                days |= {part.days + further for further in _looks_back([part.inner])}
    return days
