"""The same twelve usage features in other tools: one function per tool, each given Parquet and cutoffs.

Runs in its own environment (`make bench` fills it), because none of these libraries is a dependency:

    python benchmarks/contenders.py NAME DATA OUT CUTOFF [CUTOFF …]

Writes ``account_id``, ``as_of`` and the twelve features to OUT, and prints its wall and processor seconds and its peak
memory as JSON, those of an engine that it started included. Imports are not counted. The twelve are events, minutes,
days with use and features in use over 7, 28 and 90 days before each cutoff; accounts without a row in 90 days may be
left out.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import contender_getml

WINDOWS = (7, 28, 90)
COLUMNS = ("account_id", "day", "feature", "events", "minutes")


def stored(data: Path) -> Path:
    """The usage of a folder as `rescue simulate` writes it: one file or, if it is large, a folder of files."""
    file = data / "usage_daily.parquet"
    return file if file.exists() else data / "usage_daily"


def files(data: Path) -> str:
    """The same as a pattern."""
    found = stored(data)
    return str(found if found.is_file() else found / "**" / "*.parquet")


def expressions(day: str, cutoff: str) -> str:
    """The twelve features as SQL aggregates with filters."""
    parts = []
    for width in WINDOWS:
        inside = f"FILTER ({day} >= {cutoff} - {width})"
        used = f"FILTER ({day} >= {cutoff} - {width} AND events > 0)"
        parts += [
            f"coalesce(sum(events) {inside}, 0) AS usage_events_{width}d",
            f"coalesce(sum(minutes) {inside}, 0) AS usage_minutes_{width}d",
            f"count(DISTINCT {day}) {used} AS usage_active_days_{width}d",
            f"count(DISTINCT feature) {used} AS usage_features_{width}d",
        ]
    return ", ".join(parts)


def duckdb_sql(data: Path, cutoffs: list[date]) -> Any:
    """The best SQL found: bits of days and of features in one aggregate, a query for each cutoff."""
    import duckdb

    connection = duckdb.connect()
    connection.execute(
        f"CREATE TABLE features AS SELECT feature, CAST(1 AS BIGINT) << (row_number() OVER () - 1) AS bit "
        f"FROM (SELECT DISTINCT feature FROM '{files(data)}')"
    )
    return connection.sql(" UNION ALL ".join(_bits(data, cutoff) for cutoff in cutoffs)).to_arrow_table()


def _bits(data: Path, cutoff: date) -> str:
    day = f"DATE '{cutoff}'"
    parts = []
    for width in WINDOWS:
        inside = f"FILTER (day >= {day} - {width})"
        used = f"FILTER (day >= {day} - {width} AND events > 0)"
        bit = f"CAST(1 AS HUGEINT) << ({day} - day)"
        parts += [
            f"coalesce(sum(events) {inside}, 0) AS usage_events_{width}d",
            f"coalesce(sum(minutes) {inside}, 0) AS usage_minutes_{width}d",
            f"coalesce(bit_count(bit_or({bit}) {used}), 0) AS usage_active_days_{width}d",
            f"coalesce(bit_count(bit_or(bit) {used}), 0) AS usage_features_{width}d",
        ]
    return (
        f"SELECT account_id, {day} AS as_of, {', '.join(parts)} FROM '{files(data)}' JOIN features USING (feature) "
        f"WHERE day < {day} AND day >= {day} - 90 GROUP BY account_id"
    )


def duckdb_range_join(data: Path, cutoffs: list[date]) -> Any:
    """What is written first: cutoffs joined with the rows of their windows, then grouped."""
    import duckdb

    connection = duckdb.connect(config={"memory_limit": "12GB", "max_temp_directory_size": "20GB"})
    values = ", ".join(f"(DATE '{cutoff}')" for cutoff in cutoffs)
    return connection.sql(
        f"SELECT account_id, as_of, {expressions('day', 'as_of')} FROM (VALUES {values}) AS cutoffs(as_of) "
        f"JOIN '{files(data)}' ON day < as_of AND day >= as_of - 90 GROUP BY account_id, as_of"
    ).to_arrow_table()


def _standard_sql(table: str, cutoffs: list[date]) -> str:
    """The twelve features in the SQL that most engines share, a query for each cutoff."""
    queries = []
    for cutoff in cutoffs:
        parts = []
        for width in WINDOWS:
            inside = f"day >= DATE '{cutoff - timedelta(days=width)}'"
            used = f"FILTER (WHERE {inside} AND events > 0)"
            parts += [
                f"sum(events) FILTER (WHERE {inside}) AS usage_events_{width}d",
                f"sum(minutes) FILTER (WHERE {inside}) AS usage_minutes_{width}d",
                f"count(DISTINCT day) {used} AS usage_active_days_{width}d",
                f"count(DISTINCT feature) {used} AS usage_features_{width}d",
            ]
        span = f"day < DATE '{cutoff}' AND day >= DATE '{cutoff - timedelta(days=90)}'"
        queries.append(
            f"SELECT account_id, DATE '{cutoff}' AS as_of, {', '.join(parts)} FROM {table} WHERE {span} "
            "GROUP BY account_id"
        )
    return " UNION ALL ".join(queries)


def clickhouse(data: Path, cutoffs: list[date]) -> Any:
    """ClickHouse in this process (chDB)."""
    import chdb

    return chdb.query(_standard_sql(f"file('{Path(files(data)).resolve()}', Parquet)", cutoffs), "ArrowTable")


def datafusion(data: Path, cutoffs: list[date]) -> Any:
    """Apache DataFusion."""
    from datafusion import SessionContext

    context = SessionContext()
    context.register_parquet("usage_daily", str(stored(data)))
    return context.sql(_standard_sql("usage_daily", cutoffs)).to_arrow_table()


def polars(data: Path, cutoffs: list[date]) -> Any:
    """Polars, lazily, a query a cutoff, all collected at once."""
    import polars as pl

    usage = pl.scan_parquet(files(data), hive_partitioning=False).select(COLUMNS)
    queries = []
    for cutoff in cutoffs:
        aggregates = []
        for width in WINDOWS:
            inside = pl.col("day") >= cutoff - timedelta(days=width)
            used = inside & (pl.col("events") > 0)
            aggregates += [
                pl.col("events").filter(inside).sum().cast(pl.Int64).alias(f"usage_events_{width}d"),
                pl.col("minutes").filter(inside).cast(pl.Float64).sum().alias(f"usage_minutes_{width}d"),
                pl.col("day").filter(used).n_unique().cast(pl.Int64).alias(f"usage_active_days_{width}d"),
                pl.col("feature").filter(used).n_unique().cast(pl.Int64).alias(f"usage_features_{width}d"),
            ]
        span = (pl.col("day") < cutoff) & (pl.col("day") >= cutoff - timedelta(days=90))
        queries.append(usage.filter(span).group_by("account_id").agg(aggregates).with_columns(as_of=pl.lit(cutoff)))
    return pl.concat(pl.collect_all(queries)).to_arrow()


def pandas(data: Path, cutoffs: list[date]) -> Any:
    """pandas: read once, then a group-by for each cutoff and window."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.dataset as ds

    first = min(cutoffs) - timedelta(days=90)
    read = ds.dataset(str(stored(data)), format="parquet")
    usage = read.to_table(columns=list(COLUMNS), filter=ds.field("day") >= first).to_pandas()
    usage["day"] = pd.to_datetime(usage["day"])
    usage["minutes"] = usage["minutes"].astype("float64")
    for name in ("account_id", "feature"):
        usage[name] = usage[name].astype("category")
    frames = []
    for cutoff in cutoffs:
        columns = {}
        for width in WINDOWS:
            inside = usage[(usage.day < str(cutoff)) & (usage.day >= str(cutoff - timedelta(days=width)))]
            sums = inside.groupby("account_id", observed=False)[["events", "minutes"]].sum()
            used = inside[inside.events > 0].groupby("account_id", observed=False)
            columns[f"usage_events_{width}d"] = sums["events"]
            columns[f"usage_minutes_{width}d"] = sums["minutes"]
            columns[f"usage_active_days_{width}d"] = used["day"].nunique()
            columns[f"usage_features_{width}d"] = used["feature"].nunique()
        frames.append(pd.DataFrame(columns).assign(as_of=cutoff).reset_index().astype({"account_id": "str"}))
    return pa.Table.from_pandas(pd.concat(frames), preserve_index=False)


def featuretools(data: Path, cutoffs: list[date]) -> Any:
    """Cutoff times and training windows; with last-time indexes, or its windows are empty in silence."""
    import featuretools as ft
    import pandas as pd
    import pyarrow as pa
    import pyarrow.dataset as ds

    first = min(cutoffs) - timedelta(days=90)
    read = ds.dataset(str(stored(data)), format="parquet")
    usage = read.to_table(columns=list(COLUMNS), filter=ds.field("day") >= first).to_pandas()
    usage["row"] = range(len(usage))
    usage["time"] = pd.to_datetime(usage["day"])
    usage["day"] = usage["day"].astype(str).where(usage.events > 0).astype("category")
    usage["feature"] = usage["feature"].where(usage.events > 0).astype("category")
    accounts = pd.DataFrame({"account_id": sorted(usage["account_id"].unique())})
    entities = ft.EntitySet("usage")
    entities.add_dataframe(dataframe=accounts, dataframe_name="accounts", index="account_id")
    types = {"day": "Categorical", "feature": "Categorical"}
    entities.add_dataframe(dataframe=usage, dataframe_name="usage", index="row", time_index="time", logical_types=types)
    entities.add_relationship("accounts", "account_id", "usage", "account_id")
    entities.add_last_time_indexes()
    wanted = {
        "usage_events": ft.Feature(
            entities["usage"].ww["events"], parent_dataframe_name="accounts", primitive=ft.primitives.Sum
        ),
        "usage_minutes": ft.Feature(
            entities["usage"].ww["minutes"], parent_dataframe_name="accounts", primitive=ft.primitives.Sum
        ),
        "usage_active_days": ft.Feature(
            entities["usage"].ww["day"], parent_dataframe_name="accounts", primitive=ft.primitives.NumUnique
        ),
        "usage_features": ft.Feature(
            entities["usage"].ww["feature"], parent_dataframe_name="accounts", primitive=ft.primitives.NumUnique
        ),
    }
    frames = []
    for cutoff in cutoffs:
        columns = {}
        for width in WINDOWS:
            found = ft.calculate_feature_matrix(
                list(wanted.values()),
                entities,
                cutoff_time=pd.Timestamp(cutoff) - pd.Timedelta("1us"),
                training_window=f"{width} days",
            )
            for name, feature in wanted.items():
                columns[f"{name}_{width}d"] = found[feature.get_name()].astype("float64").fillna(0)
        frames.append(pd.DataFrame(columns).assign(as_of=cutoff).reset_index().astype({"account_id": "str"}))
    return pa.Table.from_pandas(pd.concat(frames), preserve_index=False)


def getml(data: Path, cutoffs: list[date]) -> AbstractContextManager[Callable[[], Any]]:
    """getML, its engine started and its data loaded before the clock starts."""
    return contender_getml.loaded(stored(data), cutoffs)


def rescue(data: Path, cutoffs: list[date]) -> Any:
    """Ours, on the same twelve."""
    from features_race import opened

    from features.catalogue import FEATURES
    from features.frame import build

    names = {f"usage_{what}_{width}d" for what in ("events", "minutes", "active_days", "features") for width in WINDOWS}
    return build(opened(data), cutoffs, features=[feature for feature in FEATURES if feature.name in names])


@contextmanager
def plainly(make: Callable[[Path, list[date]], Any], data: Path, cutoffs: list[date]) -> Iterator[Callable[[], Any]]:
    """Nothing is done before the clock starts."""
    yield lambda: make(data, cutoffs)


CONTENDERS: dict[str, tuple[Callable[..., AbstractContextManager[Callable[[], Any]]], tuple[str, ...]]] = {
    "rescue": (partial(plainly, rescue), ("features_race", "features.frame", "pyarrow.compute", "numpy.ma")),
    "duckdb_sql": (partial(plainly, duckdb_sql), ("duckdb", "pyarrow")),
    "duckdb_range_join": (partial(plainly, duckdb_range_join), ("duckdb", "pyarrow")),
    "polars": (partial(plainly, polars), ("polars", "pyarrow")),
    "pandas": (partial(plainly, pandas), ("pandas", "numpy.rec", "pyarrow.dataset", "pyarrow.fs")),
    "clickhouse": (partial(plainly, clickhouse), ("chdb", "pyarrow.fs")),
    "datafusion": (partial(plainly, datafusion), ("datafusion",)),
    "featuretools": (partial(plainly, featuretools), ("featuretools", "pyarrow.dataset", "pyarrow.fs")),
    "getml": (getml, ("getml", "pandas", "pyarrow.dataset")),
}
"""Each way, and what is imported before the clock starts."""


def family() -> list[int]:
    """This process and all that came of it."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rsplit(")", 1)[1].split()[1])
    found = [os.getpid()]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def processor(processes: list[int]) -> float:
    """Processor seconds of these processes; to a hundredth where they are others than this one."""
    others = [Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split() for process in processes[1:]]
    return time.process_time() + sum(int(part[11]) + int(part[12]) for part in others) / os.sysconf("SC_CLK_TCK")


def peak(processes: list[int]) -> float:
    """The most memory that each held, in GiB, together (getrusage would tell the parent's where that was higher)."""
    statuses = [Path(f"/proc/{process}/status").read_text() for process in processes]
    return sum(int(status.split("VmHWM:")[1].split()[0]) for status in statuses) / 2**20


def main() -> None:
    """Run a contender once."""
    name, data, out, *cutoffs = sys.argv[1:]
    prepare, modules = CONTENDERS[name]
    for module in modules:
        __import__(module)
    with prepare(Path(data), [date.fromisoformat(cutoff) for cutoff in cutoffs]) as run:
        processes = family()
        began, used = time.perf_counter(), processor(processes)
        found = run()
        took = {"wall": time.perf_counter() - began, "processor": processor(processes) - used}
        took["peak"] = peak(processes)
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = [pa.string() if pa.types.is_string_view(field.type) else field.type for field in found.schema]
    pq.write_table(found.cast(pa.schema(list(zip(found.schema.names, kinds, strict=True)))), out)
    print(json.dumps(took))


if __name__ == "__main__":
    main()
