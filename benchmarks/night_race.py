"""The night by step and by size, with the exponents of growth; features beside a bare scan of their columns.

    python benchmarks/night_race.py WORLD HOME [WORLD HOME ...] [--nights 5] [--train]

Each WORLD is a folder of Parquet as `rescue simulate --flaws 0` writes it, each HOME one with trained models of it
(`rescue train`); both stay as they are. A first night in a copy of the home finds nothing kept. Every further night is
a process of its own, a day later: first on the same source, then each time with the ten files of one more day. The
sizes take turns, so that other load on the machine affects them equally. Prints Markdown tables of medians: processor
and wall seconds by step, peak memory, and the exponents between the smallest and the largest world. Modules are
compiled once, as on every machine that does not forbid it: without, each night takes about .35 s longer. With
``--train``, each world is also trained once.
"""

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from features_race import floor, opened, race
from worlds import GrowingSource

FIRST, UNCHANGED, NEW_FILES = "nothing kept (one night)", "unchanged source", "ten new files"
KINDS = FIRST, UNCHANGED, NEW_FILES
OTHER, WHOLE, FLOOR = "imports and the rest", "all", "bare scan of the features' columns"
Taken = dict[str, tuple[float, float]]
"""Processor and wall seconds by step."""


def run_command(arguments: list[str]) -> None:
    """Run one command of `rescue` in this process, and print what each of its steps took as JSON."""
    from pipelines import console
    from pipelines.__main__ import main

    taken: Taken = {}
    timed = console.Steps.step

    @contextmanager
    def step(steps: console.Steps, name: str, text: str) -> Iterator[None]:
        processor, wall = time.process_time(), time.perf_counter()
        with timed(steps, name, text):
            yield
        before = taken.get(name, (0.0, 0.0))
        taken[name] = before[0] + time.process_time() - processor, before[1] + time.perf_counter() - wall

    console.Steps.step = step  # type: ignore[assignment,method-assign]
    sys.argv = ["rescue", *arguments]
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
    print(json.dumps({"steps": taken, "processor": time.process_time(), "peak": _peak()}))


def _peak() -> float:
    """The most memory of this process so far, in GiB; without what the process had that started it."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**20


class Run:
    """One command in a process of its own: its steps, the rest, all of it (processor and wall), and peak memory."""

    def __init__(self, *arguments: str) -> None:
        begin = time.perf_counter()
        command = [sys.executable, __file__, "--command", *arguments]
        compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=compiled)
        if done.returncode:
            raise SystemExit(f"{' '.join(arguments)} failed: {done.stderr.strip().splitlines()[-1:]}")
        wall = time.perf_counter() - begin
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        self.peak: float = found["peak"]
        self.taken: Taken = {name: (both[0], both[1]) for name, both in found["steps"].items()}
        steps = [sum(both[place] for both in self.taken.values()) for place in (0, 1)]
        self.taken[OTHER] = found["processor"] - steps[0], wall - steps[1]
        self.taken[WHOLE] = found["processor"], wall


class World:
    """A copy of a home, and a source that grows by the files of a day; the rows themselves are not copied."""

    def __init__(self, data: Path, home: Path, place: Path) -> None:
        self.data, self.home = data, Path(shutil.copytree(home, place / "home"))
        self.source = GrowingSource(data, place / "source")
        self.accounts = self.source.accounts
        self.night: date = self.source.last_day + timedelta(days=2)
        self.runs: dict[str, list[Run]] = {}

    def run_night(self, kind: str) -> None:
        """The night of the next day; ``kind`` is the list that it counts in."""
        source, home = str(self.source.folder), str(self.home)
        run = Run("nightly", "--data", source, "--home", home, "--as-of", str(self.night))
        self.night += timedelta(days=1)
        self.runs.setdefault(kind, []).append(run)

    def scan(self) -> tuple[float, float]:
        """Processor and wall seconds of a bare scan of what the features read."""
        history = opened(self.data)
        wall, processor = race(lambda: floor(history, [history.until]), 3)
        return processor, wall

    def train(self, folder: Path) -> None:
        """Train both risks in a new home, and print what it took."""
        run = Run("train", "--data", str(self.data), "--home", str(folder / f"train-{self.accounts}"))
        processor, wall = run.taken[WHOLE]
        took = f"{processor:.0f} s of processor, {wall:.0f} s of wall time, {run.peak:.1f} GiB"
        print(f"\nTraining on {self.accounts:,} accounts: {took}")


def raced(worlds: list[World], nights: int) -> None:
    """Run every night of every world, turn by turn."""
    for kind in (FIRST, *[UNCHANGED] * nights, *[NEW_FILES] * nights):
        for world in worlds:
            if kind == NEW_FILES:
                world.source.add_day()
            world.run_night(kind)


def table(worlds: list[World], kind: str) -> str:
    """The medians of one kind of night by step, for every world, with the exponents of growth."""
    small, large = worlds[0], worlds[-1]
    sizes = [f"{world.accounts:,}" for world in worlds]
    heads = [*(f"{size}: processor s | wall s" for size in sizes), "exponent (processor)", "exponent (wall)"]
    lines = [f"| {kind} | {' | '.join(heads)} |", "|---" * (2 * len(worlds) + 3) + "|"]
    for step in large.runs[kind][0].taken:
        found = [_median(world.runs[kind], step) for world in worlds]
        if step not in (OTHER, WHOLE) and found[-1][0] < 0.05:
            continue
        growth = (_exponent(small, large, found[0][place], found[-1][place]) for place in (0, 1))
        lines.append(f"| {step} | {' | '.join(f'{p:.2f} | {w:.2f}' for p, w in found)} | {' | '.join(growth)} |")
    peaks = (f"{statistics.median(run.peak for run in world.runs[kind]):.2f} GiB | " for world in worlds)
    return "\n".join([*lines, f"| peak memory | {' | '.join(peaks)} | | |"])


def _median(runs: list[Run], step: str) -> tuple[float, float]:
    processor, wall = (statistics.median(run.taken.get(step, (0, 0))[place] for run in runs) for place in (0, 1))
    return processor, wall


def _exponent(small: World, large: World, first: float, last: float) -> str:
    if large.accounts == small.accounts or min(first, last) <= 0:
        return ""
    return f"{math.log(last / first) / math.log(large.accounts / small.accounts):.2f}"


def main() -> None:
    """Run the race and print its tables."""
    if sys.argv[1:2] == ["--command"]:
        run_command(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairs", nargs="+", type=Path, metavar="WORLD HOME")
    parser.add_argument("--nights", type=int, default=5)
    parser.add_argument("--train", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pairs = list(zip(given.pairs[::2], given.pairs[1::2], strict=True))
        worlds = [World(data, home, Path(folder) / str(place)) for place, (data, home) in enumerate(pairs)]
        worlds.sort(key=lambda world: world.accounts)
        raced(worlds, given.nights)
        for kind in KINDS:
            print(table(worlds, kind), end="\n\n")
        print(f"| accounts | {FLOOR}: processor s | wall s | × of the features {' | × '.join(KINDS)} |")
        print("|---" * (3 + len(KINDS)) + "|")
        for world in worlds:
            processor, wall = world.scan()
            times = (f"{_median(world.runs[kind], 'features')[0] / processor:.1f} | " for kind in KINDS)
            print(f"| {world.accounts:,} | {processor:.2f} | {wall:.2f} | {''.join(times)}")
        for world in worlds if given.train else ():
            world.train(Path(folder))


if __name__ == "__main__":
    main()
