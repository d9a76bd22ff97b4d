"""The frame of a night on a cluster: the features of every account stay there, and chosen columns or rows come back.

The same rows as :func:`features.frame.build`, for sources whose accounts times features do not have to fit into the
memory of one machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import reduce
from typing import TYPE_CHECKING

import pyarrow as pa

from features.catalogue import field_metadata
from features.definitions.feature import Feature
from features.definitions.health import without_rescue_entries
from features.engine.late_feeds import KNOWN, cutoff_days, cutoff_groups, described_features
from features.engine.portfolio import Portfolio, compares_with_portfolio, own_values
from features.engine.spark.account_batches import build_on_cluster, map_rows
from features.engine.spark.spark_errors import explain_cluster_errors
from features.engine.windows import Flags

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from features.engine.spark.spark_engine import SparkEngine
    from features.history.history import History


FRAMES = ("night_frame", "night_portfolio", "night_compared")
"""The names of the relations that a frame is made of."""


@dataclass(frozen=True)
class ClusterFrame:
    """Rows of a frame that a cluster keeps; ``schema`` are the columns of the frame, ``rows`` may have further ones."""

    engine: SparkEngine
    history: History
    rows: DataFrame
    schema: pa.Schema

    @property
    def column_names(self) -> list[str]:
        """The columns of the frame."""
        return list(self.schema.names)

    def columns(self, names: Sequence[str]) -> pa.Table:
        """Some columns of all rows, ordered by cutoff and account."""
        with explain_cluster_errors(self.engine.master):
            found = self.rows.select(*(f"`{name}`" for name in names)).toArrow()
        return self._typed(found)

    def take(self) -> pa.Table:
        """All rows, in the memory of this process, where only some were wanted; the cluster frees what it kept."""
        try:
            return self.columns(self.column_names)
        finally:
            self.engine.connection_of(self.history).release(*FRAMES)

    def of_accounts(self, accounts: Sequence[str]) -> pa.Table:
        """The rows of some accounts with all columns of the frame, ordered by cutoff and account."""
        if not accounts:
            return self.schema.empty_table()
        with explain_cluster_errors(self.engine.master):
            wanted = self.engine.session.createDataFrame(pa.table({"account_id": sorted(set(accounts))}))
            found = self.rows.join(wanted, "account_id", "left_semi").select(*(f"`{it}`" for it in self.schema.names))
            return self._typed(found.toArrow())

    def map(self, function: Callable[[pa.Table], pa.Table], schema: pa.Schema) -> DataFrame:
        """The results of a function that the executors run on their rows, as frames with this schema."""
        own = self.schema

        def with_types(rows: pa.Table) -> pa.Table:
            return function(rows.select(own.names).cast(own))

        return map_rows(self.rows, with_types, schema)

    def with_columns(self, function: Callable[[pa.Table], pa.Table], further: pa.Schema) -> ClusterFrame:
        """The frame with the further columns that the executors compute of its rows; they are kept too."""
        own = self.schema

        def appended(rows: pa.Table) -> pa.Table:
            found = function(rows)
            return pa.table([*rows.columns, *found.columns], names=[*rows.column_names, *found.column_names])

        whole = pa.schema([*own, *further])
        connection = self.engine.connection_of(self.history)
        with explain_cluster_errors(self.engine.master):
            connection.set_rows("night_scores", self.map(appended, whole), keep=True)
        return replace(self, rows=connection.rows_of("night_scores"))

    def collect(self, rows: DataFrame) -> pa.Table:
        """Rows of the cluster, in the memory of this process."""
        with explain_cluster_errors(self.engine.master):
            found: pa.Table = rows.toArrow()
        return found

    def _typed(self, found: pa.Table) -> pa.Table:
        """The columns with the declarations that the frame's have, and in its order."""
        keys = [name for name in ("as_of", "account_id") if name in found.column_names]
        ordered = found.sort_by([(name, "ascending") for name in keys]) if keys else found
        fields = [
            self.schema.field(name) if name in self.schema.names else found.schema.field(name)
            for name in found.column_names
        ]
        return ordered.cast(pa.schema(fields)).combine_chunks()


def build_cluster_frame(
    engine: SparkEngine,
    history: History,
    cutoffs: Sequence[date],
    features: Sequence[Feature],
    *,
    loop_guard: bool,
    rows: Flags | None = None,
) -> ClusterFrame:
    """See :func:`features.frame.build`; of features that compare accounts only the medians come back.

    Raises:
        UsageError: there is no cutoff.
    """
    guarded = [without_rescue_entries(feature) for feature in features] if loop_guard else list(features)
    relative = [feature for feature in guarded if compares_with_portfolio(feature)]
    own = own_values(relative)
    groups = cutoff_groups(history, cutoff_days(cutoffs), guarded)
    absolute = [*(feature for feature in guarded if feature not in relative), *own]

    def whole(columns: Sequence[Feature], only: Flags | None, name: str) -> DataFrame:
        parts = [
            build_on_cluster(
                engine,
                history,
                group.days,
                group.measured(columns),
                KNOWN,
                wanted=only if only is None else only[group.places],
                name=f"{name}_{number}" if number else name,
            )
            for number, group in enumerate(groups)
        ]
        return reduce(lambda rows, more: rows.unionAll(more), parts)

    found = whole(absolute, rows, "night_frame")
    frame = ClusterFrame(engine, history, found, _frame_schema(described_features(groups, absolute)))
    if not relative:
        return frame
    whole = found if rows is None else whole(own, None, "night_portfolio")
    portfolio = Portfolio.of_medians(_medians(engine, whole, own), relative)
    schema = _frame_schema(described_features(groups, guarded))

    def compare(part: pa.Table) -> pa.Table:
        compared = portfolio.compare(part)
        return pa.table({name: compared[name] if name in compared else part[name] for name in schema.names})

    connection = engine.connection_of(history)
    with explain_cluster_errors(engine.master):
        connection.set_rows("night_compared", frame.map(compare, schema))
    return ClusterFrame(engine, history, connection.rows_of("night_compared"), schema)


def _medians(engine: SparkEngine, rows: DataFrame, own: Sequence[Feature]) -> pa.Table:
    """The medians by cutoff and segment, and by cutoff, as :meth:`Portfolio.of_medians` reads them.

    ``own`` are the extra columns of :func:`own_values`: the segment, then the value of each feature.
    """
    segment, *values = (f"`{feature.name}`" for feature in own)
    medians = (f"percentile({it}, 0.5) AS m{place}, count({it}) AS n{place}" for place, it in enumerate(values))
    with explain_cluster_errors(engine.master):
        rows.createOrReplaceTempView("portfolio_rows")
        found = engine.session.sql(
            f"SELECT as_of, {segment} AS segment, grouping({segment}) = 1 AS whole, {', '.join(medians)} "
            f"FROM portfolio_rows GROUP BY GROUPING SETS ((as_of, {segment}), (as_of))"
        )
        table: pa.Table = found.toArrow()
    return table


def _frame_schema(features: Sequence[Feature]) -> pa.Schema:
    fields = [
        pa.field(it.name, pa.string() if it.kind == "category" else pa.float64(), metadata=field_metadata(it))
        for it in features
    ]
    return pa.schema([pa.field("account_id", pa.string()), pa.field("as_of", pa.date32()), *fields])
