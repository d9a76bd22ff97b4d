"""Time of all features, compared with a bare scan of the same columns and time range (the *floor*).

    python benchmarks/features_race.py DATA [--cutoffs 52] [--repeat 5]

DATA is a folder of Parquet as `rescue simulate` writes it. Prints medians as a Markdown table: wall seconds, processor
seconds and peak memory, and multiples of the floor. The history has no home, so nothing is kept from an earlier run.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb

from features.catalogue import FEATURES
from features.contract import TABLES
from features.frame import build
from features.history.history import History
from features.history.versions import contract_columns

REACH = timedelta(days=180)
"""The longest window over usage."""

UNREAD = frozenset({"name", "subject", "body", "event_id", "group"})
"""Columns that no feature reads."""


def opened(folder: Path) -> History:
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
    return History.from_relations(connection, present=frozenset(columns), columns=columns)


def floor(history: History, cutoffs: list[date]) -> None:
    """Scan and sum what the catalogue reads, and nothing more."""
    for name in sorted(history.present):
        read = [column for column in TABLES[name].columns if column.name in history.columns[name] - UNREAD]
        sums = ", ".join(_summed(column.name, str(column.kind)) for column in read)
        usage = f"WHERE day >= DATE '{min(cutoffs) - REACH}' AND day < DATE '{max(cutoffs)}'"
        span = usage if name == "usage_daily" else ""
        history.connection.cursor().execute(f"SELECT {sums} FROM {name} {span}").fetchall()


def race(run: Callable[[], None], repeat: int) -> tuple[float, float]:
    """Median wall and processor seconds."""
    walls, processors = [], []
    for _ in range(repeat):
        wall, processor = time.perf_counter(), time.process_time()
        run()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return statistics.median(walls), statistics.median(processors)


def main() -> None:
    """Run the race and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--cutoffs", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    until = opened(given.data).until
    cutoffs = [until - timedelta(days=7 * step) for step in range(given.cutoffs)]

    def features() -> None:
        build(opened(given.data), cutoffs, features=FEATURES)

    took, processor = race(features, given.repeat)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # before the floor, which keeps what it has read
    history = opened(given.data)
    least, least_processor = race(lambda: floor(history, cutoffs), given.repeat)
    print("| | wall s | processor s | × floor (wall) | × floor (processor) | peak GiB |\n|---|---|---|---|---|---|")
    print(f"| floor | {least:.2f} | {least_processor:.2f} | 1 | 1 | |")
    ratio, ratio_processor = took / least, processor / least_processor
    print(
        f"| {len(FEATURES)} features, {given.cutoffs} cutoffs | {took:.2f} | {processor:.2f} | {ratio:.1f} | "
        f"{ratio_processor:.1f} | {peak:.1f} |"
    )


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
