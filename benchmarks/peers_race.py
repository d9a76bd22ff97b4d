"""Other ways to compute the same twelve usage features, side by side, checked to be equal.

    python benchmarks/peers_race.py DATA --python .venv-peers/bin/python [--cutoffs 24] [--repeat 5] [--limit 600]

DATA is a folder of Parquet as `rescue simulate --flaws 0` writes it: the contenders do not treat negative counts. Each
run is its own process; the contenders take turns, so that other load on the machine affects them equally. Prints a
Markdown table of medians. A contender that takes more than a minute runs once; one that exceeds the limit is marked and
left out of further turns.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import duckdb
from contenders import files

HERE = Path(__file__).parent
ORDER = (
    "rescue",
    "duckdb_sql",
    "clickhouse",
    "datafusion",
    "polars",
    "pandas",
    "duckdb_range_join",
    "getml",
    "featuretools",
)
Took = dict[str, float]
LONG = 60
"""Seconds of a run that is not repeated."""


def run(name: str, given: argparse.Namespace, cutoffs: list[str], out: Path) -> Took | str:
    """One run of one contender: what it took, or why there is nothing."""
    python = sys.executable if name == "rescue" else given.python
    command = [python, str(HERE / "contenders.py"), name, str(given.data), str(out), *cutoffs]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(HERE), str(HERE.parent)))}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, text=True, start_new_session=True, **pipes) as process:
        try:
            said, complained = process.communicate(timeout=given.limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with the engine that it may have started
            return f"not done in {given.limit} s"
    if process.returncode:
        return f"failed: {(complained.strip().splitlines() or [f'signal {-process.returncode}'])[-1][:80]}"
    took: Took = json.loads(said.splitlines()[-1])
    return took


def differences(ours: Path, theirs: Path) -> int:
    """Numbers of theirs that are not ours, to 1e-6 of the value (some sum minutes as 32-bit numbers)."""
    names = [
        f"usage_{what}_{width}d" for what in ("events", "minutes", "active_days", "features") for width in (7, 28, 90)
    ]
    unequal = " + ".join(
        f"count(*) FILTER (abs(coalesce(o.{name}, 0) - coalesce(t.{name}, 0)) > 1e-6 * greatest(1, abs(o.{name})))"
        for name in names
    )
    found = duckdb.sql(
        f"SELECT {unequal} FROM '{ours}' AS o LEFT JOIN '{theirs}' AS t "
        "ON o.account_id = t.account_id AND CAST(o.as_of AS DATE) = CAST(t.as_of AS DATE)"
    ).fetchall()
    return int(found[0][0])


def race(given: argparse.Namespace, cutoffs: list[str]) -> dict[str, list[Took] | str]:
    """All runs of all contenders, turn by turn."""
    found: dict[str, list[Took] | str] = {name: [] for name in given.contenders}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(given.repeat):
            for name, so_far in found.items():
                out = Path(folder) / f"{name}.parquet"
                if isinstance(so_far, list) and any(run["wall"] > LONG for run in so_far):
                    continue
                took = run(name, given, cutoffs, out) if isinstance(so_far, list) else so_far
                if isinstance(so_far, list) and isinstance(took, dict):
                    so_far.append(took)
                    wrong = 0 if turn else differences(Path(folder) / "rescue.parquet", out)
                    if wrong:
                        found[name] = f"{wrong} numbers differ"
                elif isinstance(took, str):
                    found[name] = took
                print(f"{turn + 1}/{given.repeat} {name}: {took}", file=sys.stderr, flush=True)
    return found


def table(found: dict[str, list[Took] | str]) -> str:
    """The medians as Markdown, with multiples of ours."""
    titles = ("", "wall s", "processor s", "× ours (wall)", "× ours (processor)", "peak GiB", "runs")
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    ours = found["rescue"]
    assert isinstance(ours, list)
    for name, runs in found.items():
        if isinstance(runs, str):
            lines.append(f"| {name} | {runs} | | | | | |")
            continue
        wall, processor, peak = (statistics.median(run[part] for run in runs) for part in ("wall", "processor", "peak"))
        wall_ours, processor_ours = (statistics.median(run[part] for run in ours) for part in ("wall", "processor"))
        lines.append(
            f"| {name} | {wall:.2f} | {processor:.2f} | {wall / wall_ours:.1f} | {processor / processor_ours:.1f} "
            f"| {peak:.2f} | {len(runs)} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run the race and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--python", required=True, help="the interpreter of the peers' environment")
    parser.add_argument("--cutoffs", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--limit", type=int, default=600)
    parser.add_argument("--contenders", nargs="+", default=ORDER)
    given = parser.parse_args()
    newest = duckdb.read_parquet(files(given.data)).max("day").fetchall()
    last: date = newest[0][0] + timedelta(days=1)
    cutoffs = [str(last - timedelta(days=7 * step)) for step in range(given.cutoffs)]
    print(table(race(given, cutoffs)))


if __name__ == "__main__":
    main()
