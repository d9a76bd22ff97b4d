"""Features on the executors: the aggregates of some accounts arrive as Arrow batches, and leave as rows of the frame.

The definitions, the arithmetic and the shape of a frame are those of every engine: an executor runs the same functions
as the embedded engine, on a few thousand accounts at a time. What they need of all accounts together is small, is
computed beforehand, and travels with the function or as rows of its own: the age of each feed, the contracts of each
account, and the number of accounts in its group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import date_array
from features.definitions.feature import Feature
from features.definitions.measures import Aggregate, Measure, Siblings, Succession
from features.engine.account_range import Scope
from features.engine.evaluate import Evaluation, evaluate_features
from features.engine.feeds import Feeds, FeedStates
from features.engine.spark.spark_engine import (
    Answers,
    SparkAggregates,
    SparkEngine,
    all_cutoffs,
    is_text,
    known_aggregates,
)
from features.engine.spark.spark_errors import explain_cluster_errors
from features.engine.spark.spark_session import without_pandas_warning
from features.engine.windows import Cutoffs, Flags, Floats, Ints
from features.history.history import History

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

ACCOUNTS_AT_ONCE = 4_000
"""Accounts whose features an executor computes at once: some hundred megabytes."""

OF_ALL, WANTED = -1, -2
"""The numbers of groups whose rows hold what was computed for all accounts beforehand, and which rows are wanted."""

RowsFunction = Callable[[pa.Table], pa.Table]
"""A function that executors run on some rows."""


@dataclass(frozen=True)
class GivenStates(FeedStates):
    """What was computed beforehand: by table and cutoff the age of a feed, by name and cutoff numbers of accounts."""

    ages: Mapping[tuple[str, int], float]
    limits: Mapping[str, float]
    names: tuple[tuple[str, int], ...]
    numbers: Mapping[tuple[str, int], Floats] = field(default_factory=dict)

    def age(self, table: str, days: Ints) -> Floats:
        """See :class:`FeedStates`."""
        return np.array([self.ages.get((table, day), np.nan) for day in days.tolist()])

    def limit(self, table: str) -> float:
        """See :class:`FeedStates`."""
        return self.limits.get(table, np.inf)

    def siblings(self, days: Ints, accounts: Ints) -> Floats:
        """See :class:`FeedStates`."""
        return self.succession(Siblings.__name__, days, accounts)

    def succession(self, name: str, days: Ints, accounts: Ints) -> Floats:
        """See :class:`FeedStates`; the accounts are always those of the batch."""
        return np.array([self.numbers[name, day] for day in days.tolist()]).reshape(len(days), len(accounts))


@dataclass(frozen=True)
class AccountFeatures:
    """The function that executors run: from the aggregates of accounts to their rows of the frame at the cutoffs."""

    days: Ints
    cutoffs: Ints
    groups: tuple[tuple[Aggregate, ...], ...]
    states: GivenStates
    features: tuple[Feature, ...]
    known: Measure
    only_wanted: bool = False

    def __call__(self, rows: pa.Table) -> pa.Table:
        """The rows of the frame of some accounts, ordered by cutoff and account; with the account's number."""
        codes = np.unique(rows["account"].to_numpy()).astype(np.int64)
        answers = Answers(self.cutoffs, Scope(codes))
        for number, group in enumerate(self.groups):
            answers.store(group, _columns(rows.filter(pc.equal(rows["part"], number)), group))
        states = self._given(rows.filter(pc.equal(rows["part"], OF_ALL)), codes)
        evaluation = Evaluation(SparkAggregates(answers, Cutoffs(self.days)), states)
        known = evaluation.value(self.known) > 0
        if self.only_wanted:
            known &= self._wanted(rows.filter(pc.equal(rows["part"], WANTED)), codes)
        places = np.flatnonzero(known)
        values = evaluate_features(evaluation, self.features, lambda: places)
        keys = {
            "account": pa.array(codes[places % len(codes)]),
            "as_of": date_array(self.days[places // len(codes)]),
        }
        return pa.table(keys | values)

    def _wanted(self, rows: pa.Table, codes: Ints) -> Flags:
        wanted = np.zeros((len(self.days), len(codes)), dtype=np.bool_)
        places = np.searchsorted(codes, rows["account"].to_numpy())
        wanted[np.searchsorted(self.days, rows["cutoff"].to_numpy()), places] = True
        return wanted

    def _given(self, rows: pa.Table, codes: Ints) -> GivenStates:
        values = np.full((len(codes), len(self.states.names)), np.nan)
        place = np.searchsorted(codes, rows["account"].to_numpy())
        values[place] = _matrix(rows["numbers"], len(self.states.names))
        numbers = {name: values[:, number] for number, name in enumerate(self.states.names)}
        return GivenStates(self.states.ages, self.states.limits, self.states.names, numbers)


def _columns(rows: pa.Table, group: Sequence[Aggregate]) -> pa.Table:
    """The rows of a group with a column a measure."""
    texts = [place for place, measure in enumerate(group) if is_text(measure)]
    numbers = [place for place, measure in enumerate(group) if not is_text(measure)]
    matrix = _matrix(rows["numbers"], len(numbers))
    columns: dict[str, Any] = {"cutoff": rows["cutoff"], "account": rows["account"]}
    columns |= {f"m{place}": matrix[:, column] for column, place in enumerate(numbers)}
    for column, place in enumerate(texts):
        columns[f"m{place}"] = pc.list_element(rows["texts"], column)
    return pa.table(columns)


def _matrix(lists: pa.ChunkedArray, width: int) -> Floats:
    """Lists of one length as an array, NaN where one is null."""
    values = pc.fill_null(pc.list_flatten(lists).cast(pa.float64()), np.nan)
    return np.asarray(values.to_numpy()).reshape(len(lists), width)


def build_on_cluster(
    engine: SparkEngine,
    history: History,
    days: Ints,
    features: Sequence[Feature],
    known: Measure,
    *,
    wanted: Flags | None = None,
    name: str = "night_frame",
) -> DataFrame:
    """The frame at these cutoffs, kept on the cluster under a name: ``account_id``, ``as_of``, then each feature.

    ``known`` is above nought for accounts that are known at a cutoff; others have no row, and of these accounts only
    the rows that are ``wanted`` (cutoffs × accounts), where that is given.
    """
    measures = (known, *(feature.measure for feature in features))
    cutoffs = all_cutoffs(days, measures)
    groups = engine.grouped(history, cutoffs, known_aggregates(history, measures))
    states, given = _given_states(history, features, measures, cutoffs)
    function = AccountFeatures(
        days, cutoffs, tuple(tuple(group) for group, _ in groups), states, tuple(features), known, wanted is not None
    )
    with explain_cluster_errors(engine.master):
        parts = [_long_rows(number, group, rows) for number, (group, rows) in enumerate(groups)]
        if wanted is not None:
            given = pa.concat_tables([given, _wanted_rows(wanted, days, given.schema)])
        rows = engine.session.createDataFrame(
            given, "account int, cutoff int, part int, numbers array<double>, texts array<string>"
        )
        for part in parts:
            rows = rows.unionAll(part)
        computed = map_rows(_by_range(rows, len(history.accounts), len(cutoffs)), function, _schema(features))
        ids = engine.connection_of(history).rows_of("dense_accounts").selectExpr("account_id", "account")
        frame = computed.join(ids, "account").select("account_id", "as_of", *(f"`{it.name}`" for it in features))
        engine.connection_of(history).set_rows(name, frame, keep=True)
        return engine.connection_of(history).rows_of(name)


def _wanted_rows(wanted: Flags, days: Ints, schema: pa.Schema) -> pa.Table:
    cutoff, account = np.nonzero(wanted)
    columns = {
        "account": pa.array(account.astype(np.int32)),
        "cutoff": pa.array(days[cutoff].astype(np.int32)),
        "part": pa.array(np.full(len(account), WANTED, np.int32)),
        "numbers": pa.nulls(len(account), schema.field("numbers").type),
        "texts": pa.nulls(len(account), schema.field("texts").type),
    }
    return pa.table(columns, schema=schema)


def _given_states(
    history: History, features: Sequence[Feature], measures: Sequence[Measure], cutoffs: Ints
) -> tuple[GivenStates, pa.Table]:
    """What has to be computed beforehand, and its rows by account."""
    tables = frozenset(table for feature in features for table in feature.sources)
    feeds = Feeds.of(history, tables)
    days = cutoffs.tolist()
    ages = {
        (name, day): age for name in sorted(tables) for day, age in zip(days, feeds.age(name, cutoffs), strict=True)
    }
    parts = {part for measure in measures for part in measure.parts}
    names = [Siblings.__name__] if any(isinstance(part, Siblings) for part in parts) else []
    names += sorted({part.name for part in parts if isinstance(part, Succession)})
    codes = np.arange(len(history.accounts), dtype=np.int64)
    columns = [
        values
        for name in names
        for values in (
            feeds.siblings(cutoffs, codes) if name == Siblings.__name__ else feeds.succession(name, cutoffs, codes)
        )
    ]
    numbers = np.array(columns).T.reshape(len(codes), len(columns))
    lists = pa.ListArray.from_arrays(
        pa.array(np.arange(len(codes) + 1, dtype=np.int32) * len(columns)), pa.array(numbers.ravel())
    )
    rows = pa.table(
        {
            "account": pa.array(codes.astype(np.int32)),
            "cutoff": pa.array(np.full(len(codes), days[-1], np.int32)),
            "part": pa.array(np.full(len(codes), OF_ALL, np.int32)),
            "numbers": lists,
            "texts": pa.nulls(len(codes), pa.list_(pa.string())),
        }
    )
    limits = {name: feeds.limit(name) for name in tables}
    return GivenStates(ages, limits, tuple((name, day) for name in names for day in days)), rows


def _long_rows(number: int, group: Sequence[Aggregate], rows: DataFrame) -> DataFrame:
    """The answers of a group as lists, so that the rows of all groups have the same columns."""
    numbers = ", ".join(f"CAST(m{place} AS DOUBLE)" for place, measure in enumerate(group) if not is_text(measure))
    texts = ", ".join(f"m{place}" for place, measure in enumerate(group) if is_text(measure))
    return rows.selectExpr(
        "CAST(account AS INT) AS account",
        "CAST(cutoff AS INT) AS cutoff",
        f"{number} AS part",
        f"CAST(ARRAY({numbers}) AS ARRAY<DOUBLE>) AS numbers",
        f"CAST(ARRAY({texts}) AS ARRAY<STRING>) AS texts",
    )


def _by_range(rows: DataFrame, accounts: int, cutoffs: int) -> DataFrame:
    """The rows of one range of accounts in one partition, a range to each; of many cutoffs fewer accounts at once."""
    at_once = max(50, ACCOUNTS_AT_ONCE // max(1, cutoffs // 8))
    ranges = max(1, -(-accounts // at_once))
    return rows.selectExpr("*", f"CAST(account / {at_once} AS INT) AS range").repartition(ranges, "range")


def map_rows(rows: DataFrame, function: RowsFunction, schema: pa.Schema) -> DataFrame:
    """The results of a function that executors run on the rows of each range (or partition) at once."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        parts = list(batches)
        if not parts:
            return
        table = pa.Table.from_batches(parts)
        ranges = pc.unique(table["range"]).to_pylist() if "range" in table.column_names else [None]
        for one in ranges:
            part = table if one is None else table.filter(pc.equal(table["range"], one))
            if part.num_rows:
                yield from function(part).cast(schema).to_batches()

    with without_pandas_warning():
        return rows.mapInArrow(run, _spark_schema(schema))


def map_relation(
    engine: SparkEngine, history: History, names: tuple[str, str], function: RowsFunction, schema: pa.Schema
) -> None:
    """Make a relation of a history on the cluster out of another one (``names``), by a function that executors run."""
    source, target = names
    connection = engine.connection_of(history)
    with explain_cluster_errors(engine.master):
        connection.set_rows(target, map_rows(connection.rows_of(source), function, schema), keep=True)


def _schema(features: Sequence[Feature]) -> pa.Schema:
    kinds = {"category": pa.string()}
    fields = [pa.field(feature.name, kinds.get(feature.kind, pa.float64())) for feature in features]
    return pa.schema([("account", pa.int32()), ("as_of", pa.date32()), *fields])


def _spark_schema(schema: pa.Schema) -> StructType:
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(schema)
