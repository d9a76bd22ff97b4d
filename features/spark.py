"""The engine for data that one machine is too small for: the same aggregates, grouped by a Spark cluster.

The accepted rows are handed to the cluster as temporary views, each group of measures is one distributed query, and
what comes back is small: a number for each account, cutoff and measure. The driver does the arithmetic on it, as it
does for the embedded engine. A cluster is named by its master (``local[2]``, ``spark://host:7077``), a Spark Connect
server by its URL (``sc://host``), and ``databricks`` is the workspace of the Databricks Connect profile.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from features import expressions
from features.contract import TABLES
from features.errors import UsageError
from features.history import History
from features.measures import Aggregate, Ago, Measure
from features.relations import NUMBERED, number_accounts
from features.scope import Scope
from features.spark_sql import ZERO_WITHOUT_ROWS, grouped_query, groups, relation_query
from features.windows import Cutoffs, Floats, Ints

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
LOCAL_SETTINGS = {"spark.sql.shuffle.partitions": "4", "spark.driver.memory": "2g", "spark.log.level": "ERROR"}


class SparkEngine:
    """Aggregates by Spark. It keeps the views of the history that it was asked about last."""

    def __init__(self, session: SparkSession) -> None:
        self.session = session
        self._loaded: History | None = None

    @classmethod
    def connect(cls, master: str = "local[2]") -> SparkEngine:
        """An engine on the cluster of that name.

        Raises:
            UsageError: the extra ``spark`` is not installed, or Java is missing for a cluster that needs it here.
        """
        return cls(_session(master))

    def aggregates(self, history: History, days: Ints, scope: Scope, wanted: Iterable[Measure]) -> SparkAggregates:
        """See :class:`features.engine.Engine`."""
        measures = tuple(wanted)
        asked = np.unique(np.concatenate([days - past for past in sorted(_looks_back(measures))]))
        parts = [part for measure in measures for part in measure.parts() if isinstance(part, Aggregate)]
        told = [part for part in parts if not expressions.lacking(part, history)]
        self._load(history, {part.stream.relation for part in told})
        answers = Answers(self.session, asked, scope)
        answers.find(told)
        return SparkAggregates(answers, Cutoffs(days))

    def _load(self, history: History, relations: set[str]) -> None:
        """Hand the history's rows to the cluster, as views under the contract's names, and relations over them."""
        if history is not self._loaded:
            number_accounts(history)
            for name in (*TABLES, NUMBERED):
                self._view(name, history.query(f"SELECT * FROM {name}"))
            self._loaded = history
        for relation in relations:
            self.session.sql(relation_query(relation, history)).createOrReplaceTempView(f"rows_{relation}")

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
    """Whether a Spark that starts in this machine would find no Java."""
    return shutil.which("java") is None


def _looks_back(measures: Iterable[Measure]) -> set[int]:
    """How many days before the cutoff some measure is asked again; 0 is the cutoff itself."""
    found = {0}
    for measure in measures:
        for part in measure.parts():
            if isinstance(part, Ago):
                found |= {part.days + further for further in _looks_back([part.inner])}
    return found


def _session(master: str) -> SparkSession:
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)  # only Arrow is used
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError("The engine spark needs an extra that is not installed: uv sync --extra spark.") from None
    if master == "databricks":
        return _databricks()
    if master.startswith("sc://"):
        return _configured(SparkSession.builder.remote(master), SETTINGS)
    if java_is_missing():
        raise UsageError("The engine spark needs Java 17 on this machine: install it (make system), or name a server.")
    local = LOCAL_SETTINGS if master.startswith("local") else {}
    return _configured(SparkSession.builder.appName("rescue").master(master), SETTINGS | local)


def _configured(builder: Any, settings: Mapping[str, str]) -> SparkSession:
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _databricks() -> SparkSession:
    try:
        from databricks.connect import DatabricksSession  # type: ignore[import-untyped]  # it publishes none
    except ImportError:
        raise UsageError("The engine databricks needs Databricks Connect: pip install databricks-connect.") from None
    session = DatabricksSession.builder.getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    return session
