"""The engine for data too large for one machine: the same aggregates, grouped by a Spark cluster.

The accepted rows become temporary views of the cluster, each group of measures is one distributed query, and its result
is small: a number for each account, cutoff and measure. The driver does the arithmetic on it, as for the embedded
engine. Rows that several queries read are computed once and cached by the cluster.

A cluster is named by its master (``local[2]``, ``spark://host:7077``), a Spark Connect server by its URL
(``sc://host``), and ``databricks`` is the workspace of the Databricks Connect profile.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, ref

import numpy as np
import pyarrow as pa

from features.definitions.measures import Aggregate, Ago, Measure
from features.engine.account_range import Scope
from features.engine.spark.spark_sql import ZERO_WITHOUT_ROWS, grouped_query, groups, relation_query
from features.engine.table_rows import expressions
from features.engine.table_rows.relations import NUMBERED, number_accounts
from features.engine.windows import Cutoffs, Floats, Ints
from features.errors import UsageError, extra_command
from features.history.history import History

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SESSION_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
DRIVER_SETTINGS = {
    "spark.driver.memory": "2g",
    "spark.log.level": "ERROR",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.warehouse.dir": str(Path(tempfile.gettempdir()) / "rescue-spark"),
}
"""For a driver in this process: it writes nothing to the current folder."""

LOCAL_SETTINGS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
}
"""Without a cluster there is little data: planning, shuffling and compiling a query would cost more than its rows."""


@contextmanager
def _without_pandas_warning() -> Iterator[None]:
    """Without PySpark's warning about the installed pandas, which is not used here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield


class SparkEngine:
    """Aggregates by Spark. It keeps the rows of the last history in the cluster."""

    def __init__(self, session: SparkSession) -> None:
        self.session = session
        self._loaded: ReferenceType[History] | None = None  # weak: an engine outlives a night's history
        self._relations: dict[str, DataFrame] = {}

    @classmethod
    @cache
    def connect(cls, master: str = "local[2]") -> SparkEngine:
        """The engine on the cluster of that name; one for all nights of a process, so that rows are sent once.

        Raises:
            UsageError: the extra ``spark`` is not installed, Java is missing where the driver runs here, or there is
                no such cluster.
        """
        return cls(_session(master))

    @_without_pandas_warning()
    def aggregates(self, history: History, days: Ints, scope: Scope, wanted: Iterable[Measure]) -> SparkAggregates:
        """See :class:`features.engine.engines.Engine`."""
        measures = tuple(wanted)
        cutoffs = np.unique(np.concatenate([days - past for past in sorted(_looks_back(measures))]))
        parts = [part for measure in measures for part in measure.parts if isinstance(part, Aggregate)]
        known = [part for part in parts if not expressions.lacks_column(part, history)]
        self._load(history, {part.stream.relation for part in known})
        answers = Answers(self.session, cutoffs, scope)
        answers.compute(known)
        return SparkAggregates(answers, Cutoffs(days))

    def _load(self, history: History, relations: set[str]) -> None:
        """Send the history's rows to the cluster under the contract's names, and cache the relations there."""
        if self._loaded is None or self._loaded() is not history:
            self._unload()
            number_accounts(history)
            for name in (*history.columns, NUMBERED):
                self._view(name, history.query(f"SELECT * FROM {name}"))
            self._loaded = ref(history)
        for relation in sorted(relations - self._relations.keys()):
            rows = self.session.sql(relation_query(relation, history)).cache()
            rows.createOrReplaceTempView(f"rows_{relation}")
            self._relations[relation] = rows

    def _unload(self) -> None:
        while self._relations:
            self._relations.popitem()[1].unpersist()
        self._loaded = None

    def _view(self, name: str, rows: pa.Table) -> None:
        self.session.createDataFrame(rows).createOrReplaceTempView(name)


@dataclass
class Answers:
    """The aggregates at every cutoff that any measure needs, as arrays by cutoff and account."""

    session: SparkSession
    days: Ints
    scope: Scope
    numbers: dict[Aggregate, Floats] = field(default_factory=dict)
    texts: dict[Aggregate, Any] = field(default_factory=dict)

    def compute(self, measures: Iterable[Aggregate]) -> None:
        """Compute the measures, one query for each group."""
        cutoffs = pa.table({"cutoff": pa.array(self.days.astype(np.int32))})
        self.session.createDataFrame(cutoffs).createOrReplaceTempView("cutoffs")
        for group in groups(measures):
            query = f"SELECT * FROM ({grouped_query(group)}) WHERE {self.scope.condition}"
            self._store(group, self.session.sql(query).toArrow())

    def _store(self, group: list[Aggregate], rows: pa.Table) -> None:
        cutoff = np.searchsorted(self.days, rows.column("cutoff").to_numpy())
        account = self.scope.places(rows.column("account").to_numpy())
        for place, measure in enumerate(group):
            column = rows.column(f"m{place}")
            if measure.how == "text":
                texts = np.full((len(self.days), len(self.scope)), None, dtype=object)
                texts[cutoff, account] = column.to_pylist()
                self.texts[measure] = texts
            else:
                empty = 0.0 if measure.how in ZERO_WITHOUT_ROWS else np.nan
                values = np.full((len(self.days), len(self.scope)), empty)
                values[cutoff, account] = column.to_numpy()
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


def java_is_missing() -> bool:
    """Whether Spark would find no Java on this machine."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which(str(Path(home, "bin", "java")) if home else "java") is None


def _looks_back(measures: Iterable[Measure]) -> set[int]:
    """The days before the cutoff at which some measure is computed again; 0 is the cutoff itself."""
    days = {0}
    for measure in measures:
        for part in measure.parts:
            if isinstance(part, Ago):
                days |= {part.days + further for further in _looks_back([part.inner])}
    return days


def _session(master: str) -> SparkSession:
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError(f"The engine spark needs an extra that is not installed: {extra_command('spark')}.") from None
    if master == "databricks":
        return _databricks()
    if master.startswith("sc://"):
        if find_spec("grpc") is None:  # without it PySpark may end the process
            raise UsageError(f"Spark at {master} cannot be reached without its client: pip install 'pyspark[connect]'.")
        return _start(SparkSession.builder.remote(master), master, SESSION_SETTINGS)
    if java_is_missing():
        raise UsageError("The engine spark needs Java 17 on this machine: install it (make system), or name a server.")
    settings = SESSION_SETTINGS | DRIVER_SETTINGS | (LOCAL_SETTINGS if master.startswith("local") else {})
    return _start(SparkSession.builder.appName("rescue").master(master), master, settings)


def _start(builder: Any, master: str, settings: Mapping[str, str]) -> SparkSession:
    from pyspark.errors import PySparkException

    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        with _without_pandas_warning():
            return builder.getOrCreate()
    except PySparkException as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise UsageError(f"Spark at {master} cannot be reached or did not start: {reason}.") from None


def _databricks() -> SparkSession:
    try:
        from databricks.connect import DatabricksSession  # type: ignore[import-untyped]  # it publishes none
    except ImportError:
        raise UsageError("The engine databricks needs Databricks Connect: pip install databricks-connect.") from None
    session = DatabricksSession.builder.getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    return session
