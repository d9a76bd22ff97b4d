"""Time of all features, compared with a bare scan of the same columns and time range (the *floor*).

    python benchmarks/features_race.py DATA [--cutoffs 1 52] [--repeat 5]

DATA is a folder of Parquet as `rescue simulate` writes it. Prints medians as a Markdown table: wall seconds, processor
seconds and peak memory, and multiples of the floor, which is measured in turn with the features. The history has no
home, so nothing is kept from an earlier run; `validated` has the keys that occur more than once, which the validation
of a night has found before, and the others look for them.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb

from features.catalogue import FEATURES
from features.contract import TABLES
from features.engine.allocator import share_freed_memory
from features.engine.table_rows.corrections import repeated_keys
from features.frame import build
from features.history.history import History
from features.history.repeated_keys import RepeatedKeys
from features.history.versions import contract_columns

REACH = timedelta(days=180)
"""The longest window over usage."""

UNREAD = frozenset({"name", "subject", "body", "event_id", "group"})
"""Columns that no feature reads."""


def opened(folder: Path, repeated: Mapping[str, RepeatedKeys] | None = None) -> History:
    """The folder's tables as they are: a race is about features, not about admission."""
    connection = duckdb.connect()
    columns = {}
    for name, table in TABLES.items():
        place = folder / f"{name}.parquet"
        files = str(place if place.exists() else folder / name / "**" / "*.parquet")
        if not place.exists() and not (folder / name).is_dir():
            continue
        described = connection.execute(f"DESCRIBE SELECT * FROM read_parquet('{files}')").fetchall()
        columns[name] = frozenset(row[0] for row in described) & frozenset(table.names)
        chosen = contract_columns(table, columns[name])
        connection.execute(f"CREATE VIEW {name} AS SELECT {chosen} FROM read_parquet('{files}')")
    return History.from_relations(connection, present=frozenset(columns), columns=columns, repeated_keys=repeated or {})


def floor(history: History, cutoffs: list[date]) -> None:
    """Scan and sum what the catalogue reads, and nothing more."""
    for name in sorted(history.present):
        read = [column for column in TABLES[name].columns if column.name in history.columns[name] - UNREAD]
        sums = ", ".join(_summed(column.name, str(column.kind)) for column in read)
        usage = f"WHERE day >= DATE '{min(cutoffs) - REACH}' AND day < DATE '{max(cutoffs)}'"
        span = usage if name == "usage_daily" else ""
        history.connection.cursor().execute(f"SELECT {sums} FROM {name} {span}").fetchall()


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - processor


def medians(times: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Of wall and of processor seconds."""
    walls, processors = zip(*times, strict=True)
    return statistics.median(walls), statistics.median(processors)


def race(run: Callable[[], object], repeat: int) -> tuple[float, float]:
    """Median wall and processor seconds."""
    return medians([timed(run) for _ in range(repeat)])


def compare(data: Path, count: int, repeat: int, repeated: Mapping[str, RepeatedKeys]) -> list[str]:
    """The rows of the table for so many cutoffs."""
    until = opened(data).until
    cutoffs = [until - timedelta(days=7 * step) for step in range(count)]
    runs: dict[str, Callable[[], object]] = {
        "features": lambda: build(opened(data), cutoffs, features=FEATURES),
        "features, validated": lambda: build(opened(data, repeated), cutoffs, features=FEATURES),
        "floor": lambda: floor(opened(data), cutoffs),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for _ in range(repeat):
        for name, run in runs.items():
            times[name].append(timed(run))
    least, least_processor = medians(times["floor"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    rows = []
    for name in reversed(runs):
        took, processor = medians(times[name])
        rows.append(
            f"| {count} cutoffs, {name} | {took:.2f} | {processor:.2f} | {took / least:.1f} | "
            f"{processor / least_processor:.1f} | {peak:.1f} |"
        )
    return rows


def main() -> None:
    """Run the race and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--cutoffs", type=int, nargs="+", default=[1])
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    share_freed_memory()  # as every command does
    history = opened(given.data)
    repeated = {name: repeated_keys(name, history) for name in sorted(history.versioned - {"usage_daily"})}
    print(f"{len(FEATURES)} features\n")
    print("| | wall s | processor s | × floor (wall) | × floor (processor) | peak GiB |\n|---|---|---|---|---|---|")
    for count in given.cutoffs:
        for row in compare(given.data, count, given.repeat, repeated):
            print(row, flush=True)


def _summed(name: str, kind: str) -> str:
    expressions = {
        "VARCHAR": f'strlen("{name}")',
        "TIMESTAMP": f'epoch_us("{name}")',
        "DATE": f"\"{name}\" - DATE '1970-01-01'",
        "BOOLEAN": f'CAST("{name}" AS INTEGER)',
    }
    return f"sum({expressions.get(kind, name)})"


if __name__ == "__main__":
    main()
