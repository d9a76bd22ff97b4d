"""How often the gate decides rightly: simulated comparisons of two models whose true difference in AUC is known.

Each round draws a world with about so many accounts with an event, a champion of AUC 0.75 within a night, and a
challenger that differs by a known amount; both see the accounts' risk through noise that they share in part. The rounds
of a cell differ in their seed only. Intervals are 95% (Wilson's). The last columns compare the power that the gate
reports, averaged over the rounds, with what happened.

    python -m benchmarks.gate_rates [--rounds 200] [--events 50,100,200,400]

At 200 rounds it takes about ten minutes of one core.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.worlds.gate_world import comparison_world

from models.promotion.comparison import Mode
from models.promotion.gate import Promotion, evaluate_challenger
from models.promotion.power import Power

CHAMPION = 0.75
Z = 1.96


@dataclass(frozen=True)
class Cell:
    """One setting: what the gate asks, the true difference, and how much of the noise both models share."""

    mode: Mode
    difference: float
    alike: float


CELLS = (
    Cell("challenge", 0.0, 0.0),
    Cell("challenge", 0.0, 0.8),
    Cell("challenge", -0.05, 0.8),
    Cell("challenge", 0.03, 0.8),
    Cell("refresh", 0.0, 0.5),
    Cell("refresh", 0.0, 0.8),
    Cell("refresh", 0.0, 0.95),
    Cell("refresh", -0.03, 0.5),
    Cell("refresh", -0.03, 0.8),
    Cell("refresh", -0.03, 0.95),
)


def rounds_of(cell: Cell, events: int, rounds: int) -> Iterator[Promotion]:
    """The gate's decision in every round."""
    for seed in range(rounds):
        comparison = comparison_world(
            seed,
            events=events,
            champion=CHAMPION,
            difference=cell.difference,
            alike=cell.alike,
            mode=cell.mode,
            draws=400,
        )
        yield evaluate_challenger(comparison, risk="churn", challenger="2", champion="1")


def wilson(hits: int, rounds: int) -> tuple[float, float]:
    """The 95% interval of a share."""
    share, scale = hits / rounds, 1 + Z**2 / rounds
    centre = share + Z**2 / 2 / rounds
    half = Z * np.sqrt(share * (1 - share) / rounds + (Z / 2 / rounds) ** 2)
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def expected(cell: Cell, power: Power) -> float | None:
    """The share of promotions that the reported power says, for the differences that it is about."""
    if cell.difference == power.good:
        return power.promote_good
    return 1 - power.refuse_bad if cell.difference == power.bad else None


def line(cell: Cell, events: int, rounds: int) -> str:
    """One row of the table."""
    decisions = list(rounds_of(cell, events, rounds))
    hits = sum(decision.promoted for decision in decisions)
    low, high = wilson(hits, rounds)
    powers = [decision.power for decision in decisions if decision.power]
    reported = [share for power in powers if (share := expected(cell, power)) is not None]
    needed = [power.needed for power in powers if power.needed]
    failed = [check.code for decision in decisions for check in decision.checks if not check.passed]
    most = max(set(failed), key=failed.count) if failed else ""
    return (
        f"| {cell.mode} | {cell.difference:+.2f} | {cell.alike:.2f} | {events} | {hits / rounds:.1%} "
        f"[{low:.1%}, {high:.1%}] | {f'{np.mean(reported):.0%}' if reported else '–'} "
        f"| {np.median(needed) if needed else np.nan:.0f} | {most} |"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--events", default="50,100,200,400")
    options = parser.parse_args(arguments)
    print(
        "| mode | difference in AUC | noise shared | events | promoted | power reported | needed | refused mostly by |"
    )
    print("|---|---:|---:|---:|---|---:|---:|---|")
    for cell in CELLS:
        for events in map(int, options.events.split(",")):
            print(line(cell, events, options.rounds), flush=True)


if __name__ == "__main__":
    main()
