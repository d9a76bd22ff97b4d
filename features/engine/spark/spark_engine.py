"""The engine for data that one machine is too small for: the same aggregates, grouped by a Spark cluster.

The accepted rows are handed to the cluster as temporary views, each group of measures is one distributed query, and
what comes back is small: a number for each account, cutoff and measure. The driver does the arithmetic on it, as it
does for the embedded engine. What several queries read is computed once and kept by the cluster.

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

from features.contract import TABLES
from features.definitions.measures import Aggregate, Ago, Measure
from features.engine import expressions
from features.engine.account_range import Scope
from features.engine.relations import NUMBERED, number_accounts
from features.engine.spark.spark_sql import ZERO_WITHOUT_ROWS, grouped_query, groups, relation_query
from features.engine.windows import Cutoffs, Floats, Ints
from features.errors import UsageError
from features.history.history import History

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
HERE = {
    "spark.driver.memory": "2g",
    "spark.log.level": "ERROR",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.warehouse.dir": str(Path(tempfile.gettempdir()) / "rescue-spark"),
}
"""Where the driver runs in this process: it leaves nothing in the folder that it was started from."""

LOCAL = {
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
def _only_arrow() -> Iterator[None]:
    """Without PySpark's warning of the installed pandas, through which no row of ours goes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield


class SparkEngine:
    """Aggregates by Spark. It keeps the rows of the history that it was asked about last."""

    def __init__(self, session: SparkSession) -> None:
        self.session = session
        self._loaded: ReferenceType[History] | None = None  # weak: an engine outlives the nights it worked for
        self._relations: dict[str, DataFrame] = {}

    @classmethod
    @cache
    def connect(cls, master: str = "local[2]") -> SparkEngine:
        """The engine on the cluster of that name; one for all nights of a process, so that their rows go there once.

        Raises:
            UsageError: the extra ``spark`` is not installed, Java is missing where the driver runs here, or there is
                no such cluster.
        """
        return cls(_session(master))

    @_only_arrow()
    def aggregates(self, history: History, days: Ints, scope: Scope, wanted: Iterable[Measure]) -> SparkAggregates:
        """See :class:`features.engine.engines.Engine`."""
        measures = tuple(wanted)
        asked = np.unique(np.concatenate([days - past for past in sorted(_looks_back(measures))]))
        parts = [part for measure in measures for part in measure.parts if isinstance(part, Aggregate)]
        told = [part for part in parts if not expressions.lacks_column(part, history)]
        self._load(history, {part.stream.relation for part in told})
        answers = Answers(self.session, asked, scope)
        answers.find(told)
        return SparkAggregates(answers, Cutoffs(days))

    def _load(self, history: History, relations: set[str]) -> None:
        """Hand the history's rows to the cluster under the contract's names; what it makes of them, it keeps."""
        if self._loaded is None or self._loaded() is not history:
            self._forget()
            number_accounts(history)
            for name in (*TABLES, NUMBERED):
                self._view(name, history.query(f"SELECT * FROM {name}"))
            self._loaded = ref(history)
        for relation in sorted(relations - self._relations.keys()):
            rows = self.session.sql(relation_query(relation, history)).cache()
            rows.createOrReplaceTempView(f"rows_{relation}")
            self._relations[relation] = rows

    def _forget(self) -> None:
        while self._relations:
            self._relations.popitem()[1].unpersist()
        self._loaded = None

    def _view(self, name: str, rows: pa.Table) -> None:
        self.session.createDataFrame(rows).createOrReplaceTempView(name)


@dataclass
class Answers:
    """The aggregates at every cutoff that any measure looks at, as arrays by cutoff and account."""

    session: SparkSession
    days: Ints
    scope: Scope
    numbers: dict[Aggregate, Floats] = field(default_factory=dict)
    texts: dict[Aggregate, Any] = field(default_factory=dict)

    def find(self, measures: Iterable[Aggregate]) -> None:
        """Answer the measures, one query a group."""
        asked = pa.table({"cutoff": pa.array(self.days.astype(np.int32))})
        self.session.createDataFrame(asked).createOrReplaceTempView("asked")
        for group in groups(measures):
            query = f"SELECT * FROM ({grouped_query(group)}) WHERE {self.scope.condition}"
            self._keep(group, self.session.sql(query).toArrow())

    def _keep(self, group: list[Aggregate], found: pa.Table) -> None:
        cutoff = np.searchsorted(self.days, found.column("cutoff").to_numpy())
        account = self.scope.places(found.column("account").to_numpy())
        for place, measure in enumerate(group):
            column = found.column(f"m{place}")
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
        """Whose rows these are."""
        return self.answers.scope

    @property
    def shape(self) -> tuple[int, int]:
        """How many cutoffs, how many accounts."""
        return len(self.cutoffs), len(self.scope)

    def aggregate(self, measure: Aggregate) -> Floats:
        """The numbers; NaN where no row says anything, or the source lacks the column."""
        found = self.answers.numbers.get(measure)
        return np.full(self.shape, np.nan) if found is None else found[self._places]

    def text(self, measure: Aggregate) -> pa.Array:
        """The texts of all accounts at the first cutoff, then at the next; null where there is none."""
        found = self.answers.texts.get(measure)
        return pa.nulls(np.prod(self.shape), pa.string()) if found is None else pa.array(found[self._places].ravel())

    def at(self, days: Ints) -> SparkAggregates:
        """The same answers at other cutoffs."""
        return SparkAggregates(self.answers, Cutoffs(days))

    def pieces(self, width: int) -> Iterator[SparkAggregates]:
        """All accounts at once: the answers are here already, and small."""
        yield self

    @property
    def _places(self) -> Ints:
        return np.searchsorted(self.answers.days, self.cutoffs.days)


def java_is_missing() -> bool:
    """Whether a Spark that starts in this machine would find no Java, where Spark looks for it."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which(str(Path(home, "bin", "java")) if home else "java") is None


def _looks_back(measures: Iterable[Measure]) -> set[int]:
    """How many days before the cutoff some measure is asked again; 0 is the cutoff itself."""
    found = {0}
    for measure in measures:
        for part in measure.parts:
            if isinstance(part, Ago):
                found |= {part.days + further for further in _looks_back([part.inner])}
    return found


def _session(master: str) -> SparkSession:
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError(
            "The engine spark needs an extra that is not installed: "
            "`.venv/bin/uv sync --frozen --inexact --no-dev --extra spark`."
        ) from None
    if master == "databricks":
        return _databricks()
    if master.startswith("sc://"):
        if find_spec("grpc") is None:  # PySpark's own answer to this may be to end the process
            raise UsageError(f"Spark at {master} cannot be reached without its client: pip install 'pyspark[connect]'.")
        return _started(SparkSession.builder.remote(master), master, SETTINGS)
    if java_is_missing():
        raise UsageError("The engine spark needs Java 17 on this machine: install it (make system), or name a server.")
    settings = SETTINGS | HERE | (LOCAL if master.startswith("local") else {})
    return _started(SparkSession.builder.appName("rescue").master(master), master, settings)


def _started(builder: Any, master: str, settings: Mapping[str, str]) -> SparkSession:
    from pyspark.errors import PySparkException

    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        with _only_arrow():
            return builder.getOrCreate()
    except PySparkException as error:
        said = str(error).strip().splitlines()[0].rstrip(".")
        raise UsageError(f"Spark at {master} cannot be reached or did not start: {said}.") from None


def _databricks() -> SparkSession:
    try:
        from databricks.connect import DatabricksSession  # type: ignore[import-untyped]  # it publishes none
    except ImportError:
        raise UsageError("The engine databricks needs Databricks Connect: pip install databricks-connect.") from None
    session = DatabricksSession.builder.getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    return session
