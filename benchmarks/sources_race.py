"""A night over three sources, compared with a night over the same rows in one folder.

    python benchmarks/sources_race.py [--accounts 2000] [--months 24] [--runs 5]

A company is simulated and its tables are divided: accounts, contracts, contacts and health in `crm`, tickets in `desk`,
usage and invoices in `product`. A first night in one folder trains the models. Then the next two nights are run from
copies of this home, the first without cached results, over the folder and the three sources in turn, each in a fresh
process. Printed are medians: processor seconds of the whole process, and seconds of the step that reads and validates.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from statistics import median

PARTS = {
    "crm": ("accounts", "subscriptions", "contacts", "links", "health_scores"),
    "desk": ("tickets", "ticket_events"),
    "product": ("usage_daily", "invoices"),
}


def rescue(*arguments: str) -> float:
    """Run a command, and answer its processor seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "pipelines", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "RESCUE_CURRENCY__CODE": "USD"})
    if done.returncode:
        raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def divide(data: Path, to: Path) -> None:
    """Put each table into the folder of its source."""
    for name, tables in PARTS.items():
        (to / name).mkdir(parents=True)
        for entry in data.iterdir():
            if entry.stem in tables:
                (shutil.copytree if entry.is_dir() else shutil.copy2)(entry, to / name / entry.name)


def main() -> None:
    """Run the nights and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=2_000)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rescue-sources-race-") as place:
        folder = Path(place)
        data = folder / "data"
        rescue("simulate", "--accounts", str(given.accounts), "--months", str(given.months), "--flaws", "0",
               "--out", str(data))  # fmt: skip
        divide(data, folder / "sources")
        until = date(2026, 7, 1)
        rescue(
            "nightly", "--data", str(data), "--home", str(folder / "home"), "--as-of", str(until - timedelta(days=1))
        )
        ways = {
            "one folder": ["--data", str(data)],
            "three sources": [it for name in PARTS for it in ("--data", f"{name}={folder / 'sources' / name}")],
        }
        cold, warm, steps = ({way: [] for way in ways} for _ in range(3))
        for _ in range(given.runs):
            for way, options in ways.items():
                home = folder / "run"
                shutil.rmtree(home, ignore_errors=True)
                shutil.copytree(folder / "home", home)
                shutil.rmtree(home / "state", ignore_errors=True)
                cold[way].append(rescue("nightly", *options, "--home", str(home), "--as-of", str(until)))
                warm[way].append(rescue("nightly", *options, "--home", str(home), "--as-of", str(until + timedelta(1))))
                report = json.loads((home / "nights" / str(until) / "report.json").read_text())
                steps[way].append(report["seconds"]["validate"])
        print(f"| {given.accounts:,} accounts | night, processor s | next night, processor s | validate, wall s |")
        print("|---|---:|---:|---:|")
        for way in ways:
            print(f"| {way} | {median(cold[way]):.1f} | {median(warm[way]):.1f} | {median(steps[way]):.1f} |")
        one, several = ways
        ratios = (median(it[several]) / median(it[one]) for it in (cold, warm, steps))
        print("| ratio |", " | ".join(f"{ratio:.2f}" for ratio in ratios), "|")


if __name__ == "__main__":
    main()
