"""The twelve usage features in getML: its FastProp, with three joins and a memory each.

Its engine comes with the package and is started in its own folder. FastProp has no option to choose aggregations per
column: besides the twelve it computes sums and counts of time differences, distinct counts of numbers and mean times
between rows, 39 columns in all. Loading and fitting are not timed, only the transformation.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

WINDOWS = (7, 28, 90)
MADE = {
    'SUM( t2."events" )': "usage_events",
    'SUM( t2."minutes" )': "usage_minutes",
    'COUNT( DISTINCT t2."day" )': "usage_active_days",
    'COUNT( DISTINCT t2."feature" )': "usage_features",
}


@contextmanager
def loaded(stored: Path, cutoffs: list[date]) -> Iterator[Callable[[], Any]]:
    """Start the engine, load this usage and fit; what is given makes the features. The engine is stopped in the end."""
    import getml

    with tempfile.TemporaryDirectory() as home:
        getml.engine.launch(home_directory=home, launch_browser=False, in_memory=True, quiet=True)
        try:
            getml.set_project("usage")
            usage, accounts = _usage(stored, cutoffs)
            population = _population(accounts, cutoffs)
            pipeline, rows = _pipeline(population, usage)
            yield lambda: _named(pipeline.transform(rows, df_name="found"), pipeline)
        finally:
            getml.engine.shutdown()


def _usage(stored: Path, cutoffs: list[date]) -> tuple[Any, list[str]]:
    import getml
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    columns = ["account_id", "day", "feature", "events", "minutes"]
    first = min(cutoffs) - timedelta(days=90)
    read = ds.dataset(str(stored), format="parquet").to_table(columns=columns, filter=ds.field("day") >= first)
    used = pc.greater(read["events"], 0)
    rows = pa.table(
        {
            "account_id": read["account_id"],
            "at": read["day"].cast(pa.timestamp("us")),
            "events": read["events"].cast(pa.float64()),
            "minutes": read["minutes"].cast(pa.float64()),
            "day": pc.if_else(used, read["day"].cast(pa.string()), None),
            "feature": pc.if_else(used, read["feature"], None),
        }
    )
    roles = {
        "join_key": ["account_id"],
        "time_stamp": ["at"],
        "numerical": ["events", "minutes"],
        "categorical": ["day", "feature"],
    }
    return getml.data.DataFrame.from_arrow(rows, name="usage", roles=roles), pc.unique(read["account_id"]).to_pylist()


def _population(accounts: list[str], cutoffs: list[date]) -> Any:
    """Every account at each cutoff; a target without meaning, because it does not fit without one."""
    import getml
    import pandas as pd

    rows = [(account, pd.Timestamp(cutoff)) for cutoff in cutoffs for account in accounts]
    population = pd.DataFrame(rows, columns=["account_id", "at"])
    population["target"] = [float(place % 2) for place in range(len(population))]
    population["at"] -= pd.Timedelta("1s")  # a row of the cutoff's own day is not before it
    roles = {"join_key": ["account_id"], "time_stamp": ["at"], "target": ["target"]}
    return getml.data.DataFrame.from_pandas(population, name="population", roles=roles)


def _pipeline(population: Any, usage: Any) -> tuple[Any, Any]:
    import getml
    from getml.feature_learning import FastProp, loss_functions
    from getml.feature_learning.aggregations import COUNT_DISTINCT, SUM

    model = getml.data.DataModel(population.to_placeholder("population"))
    model.add(getml.data.to_placeholder(usage=[usage] * len(WINDOWS)))
    for width, placeholder in zip(WINDOWS, model.usage, strict=True):
        model.population.join(placeholder, on="account_id", time_stamps="at", memory=getml.data.time.days(width))
    learner = FastProp(
        aggregation=[SUM, COUNT_DISTINCT],
        loss_function=loss_functions.SquareLoss,
        num_features=100,
        sampling_factor=0.0,
    )
    container = getml.data.Container(train=population)
    container.add(usage=usage)
    pipeline = getml.Pipeline(data_model=model, feature_learners=[learner])
    pipeline.fit(container.train, check=False)
    return pipeline, container.train


def _named(found: Any, pipeline: Any) -> Any:
    """The twelve, by our names, out of all that it made; which is which stands in its SQL."""
    import pyarrow as pa
    import pyarrow.compute as pc

    made = found.to_arrow()
    columns = {
        "account_id": made["account_id"],
        "as_of": pc.add(made["at"].cast(pa.timestamp("us")), pa.scalar(timedelta(seconds=1))).cast(pa.date32()),
    }
    for feature in pipeline.features:
        sql = str(feature.sql)
        what = next((name for text, name in MADE.items() if f"SELECT {text}" in sql), None)
        width = re.search(r"at, '\+(\d+)\.0+ days'", sql.split("WHERE")[1])
        if what and width:
            columns[f"{what}_{width[1]}d"] = made[feature.name]
    return pa.table(columns)
