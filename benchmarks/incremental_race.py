"""A night with the caches of the night before, compared with the same night on an empty home.

    python benchmarks/incremental_race.py DATA [--repeat 5]

DATA is a folder of Parquet as `rescue simulate` writes it, with usage by month. The newest day of usage is
removed, one night is run, the day is added again, and the next night is run: with the caches, and on an empty home. The
day is added once as its own file, and once in a new version of its month's file. Each night is a fresh process.
Prints medians as a Markdown table: processor seconds of validation and of features, of usage alone and of all.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

STEPS = ("validation of usage", "validation of all", "features of usage", "features of all", "wall, all of it")


def night(data: Path, home: Path) -> None:
    """Run the two steps that read the source, and print the seconds that each took (this process's whole work)."""
    from features.catalogue import FEATURES
    from features.frame import build
    from features.validation import validate
    from pipelines.sources import open_source, validate_rows

    spent = dict.fromkeys(STEPS, 0.0)
    validate_table = validate.validate_table

    def timed(*given: object, **named: object) -> object:
        begin = time.process_time()
        result = validate_table(*given, **named)  # type: ignore[arg-type]
        if given[1].name == "usage_daily":  # type: ignore[attr-defined]
            spent["validation of usage"] = time.process_time() - begin
        return result

    validate.validate_table = timed  # type: ignore[assignment]
    usage = [feature for feature in FEATURES if set(feature.sources) == {"usage_daily"}]
    with tempfile.TemporaryDirectory() as scratch:
        wall, begin = time.perf_counter(), time.process_time()
        history = validate_rows(open_source(str(data)), Path(scratch), state=home).require_fit().history
        spent["validation of all"] = time.process_time() - begin
        cutoff, begin = history.until, time.process_time()
        build(history, [cutoff], features=usage)
        spent["features of usage"] = time.process_time() - begin
        wall, begin, aside = time.perf_counter() - wall, time.process_time(), time.perf_counter()
        build(history, [cutoff], loop_guard=True)
        spent["features of all"] = time.process_time() - begin
        spent["wall, all of it"] = wall + time.perf_counter() - aside
    print(json.dumps(spent))


def medians(runs: list[dict[str, float]]) -> dict[str, float]:
    """The median of each step."""
    return {step: statistics.median(run[step] for run in runs) for step in STEPS}


def run(data: Path, home: Path) -> dict[str, float]:
    """One night in a process of its own."""
    command = [sys.executable, __file__, str(data), "--night", str(home)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found


class Source:
    """A copy of the data that lacks the newest day of usage, and two ways to bring it."""

    def __init__(self, data: Path, to: Path) -> None:
        shutil.copytree(data, to, ignore=shutil.ignore_patterns("truth.parquet"))
        self.folder = to
        self.month = sorted((to / "usage_daily").rglob("*.parquet"))[-1]
        self.whole = data / self.month.relative_to(to)
        self.own = self.month.with_name("newest.parquet")
        self._write(self.month, "<")

    def as_a_file_of_its_own(self) -> None:
        """The day comes in a file beside its month's."""
        self._write(self.own, "=")

    def in_its_months_file(self) -> None:
        """The month's file is replaced by one that has the day."""
        self.own.unlink(missing_ok=True)
        shutil.copyfile(self.whole, self.month)

    def _write(self, file: Path, days: str) -> None:
        rows = f"read_parquet('{self.whole}', hive_partitioning = false)"
        chosen = f"SELECT * FROM {rows} WHERE day {days} (SELECT max(day) FROM {rows}) ORDER BY day, account_id"
        duckdb.execute(f"COPY ({chosen}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")


def raced(data: Path, place: Path, repeat: int) -> dict[str, list[dict[str, float]]]:
    """The seconds of every night, by what it started from."""
    source, home = Source(data, place / "source"), place / "home"
    run(source.folder, home)
    found = {}
    for name, arrives in (("own file", source.as_a_file_of_its_own), ("month's file", source.in_its_months_file)):
        arrives()
        cached, empty = [], []
        for number in range(repeat):
            again = shutil.copytree(home, place / f"{name}-{number}")
            cached.append(run(source.folder, again))
            empty.append(run(source.folder, place / f"{name}-{number}-empty"))
            shutil.rmtree(again)
        found |= {f"empty home; the day in its {name}": empty, f"cached; the day in its {name}": cached}
    return found


def main() -> None:
    """Run the race and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--night", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.night:
        night(given.data, given.night)
        return
    with tempfile.TemporaryDirectory() as place:
        found = raced(given.data, Path(place), given.repeat)
    print(f"| processor seconds | {' | '.join(STEPS)} |\n|---|{'---|' * len(STEPS)}")
    for name, runs in found.items():
        print(f"| {name} | {' | '.join(f'{seconds:.2f}' for seconds in medians(runs).values())} |")


if __name__ == "__main__":
    main()
