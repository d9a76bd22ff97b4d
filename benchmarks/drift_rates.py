"""How often does drift alarm where nothing moved, and how often is a real shift found?

``python benchmarks/drift_rates.py [--rounds 2000]``

Three kinds of worlds without a shift: scores that are drawn anew on both days; the same accounts on both days, whose
scores last (correlation 0.8); and a hundred features, of which none moved. The rule of before (the index against 0.1,
less what chance alone would give) is shown beside the present one.
"""

import argparse
from collections.abc import Callable

import numpy as np

from pipelines.monitoring.drift import DRIFTED, MOVED, NIGHT_LEVEL, Shift, first_alarms, measure_shift

LEVEL = NIGHT_LEVEL / 2
"""Scores and features of one risk share the level of a night."""
SIZES = ((200, 50), (2_000, 200))
FEATURES = 100
Sample = Callable[[np.random.Generator, int, int, float], tuple[np.ndarray, np.ndarray]]


def strangers(draw: np.random.Generator, then: int, now: int, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Other accounts on both days."""
    return draw.normal(size=then), draw.normal(shift, size=now)


def lasting(draw: np.random.Generator, then: int, now: int, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """The same accounts: those of the second day are among those of the first."""
    own = draw.normal(size=then)
    first, second = (np.sqrt(0.8) * own + np.sqrt(0.2) * draw.normal(size=then) for _ in range(2))
    return first, second[:now] + shift


def index_of_before(then: np.ndarray, now: np.ndarray) -> bool:
    """The index over tenths of the reference, less its expectation, against 0.1."""
    edges = np.unique(np.quantile(then, np.linspace(0, 1, 11)[1:-1]))
    counts = [np.bincount(np.searchsorted(edges, part, side="right"), minlength=10) + 0.5 for part in (then, now)]
    shares = [count / count.sum() for count in counts]
    index = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
    return index - len(edges) * (1 / len(then) + 1 / len(now)) > 0.1


def alarming(shift: Shift | None) -> bool:
    """Whether scores alarm."""
    return shift is not None and shift.alarming(LEVEL, MOVED)


def rate(draws: Sample, then: int, now: int, shift: float, rounds: int) -> tuple[float, float]:
    """The share of rounds that alarm, by the present rule and by the one of before."""
    draw = np.random.default_rng(11)
    pairs = [draws(draw, then, now, shift) for _ in range(rounds)]
    present = np.mean([alarming(measure_shift(*pair)) for pair in pairs])
    return float(present), float(np.mean([index_of_before(*pair) for pair in pairs]))


def rate_of_features(then: int, now: int, rounds: int) -> float:
    """The share of rounds in which one of many features alarms, without a limit of size."""
    draw = np.random.default_rng(12)
    alarms = 0
    for _ in range(rounds):
        shifts = {str(number): measure_shift(*strangers(draw, then, now, 0.0)) for number in range(FEATURES)}
        alarms += bool(first_alarms(shifts, LEVEL, 0.0))
    return alarms / rounds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=2000)
    rounds = parser.parse_args().rounds
    print(f"Levels: {LEVEL:.1%} for scores, as much for all features; limits {MOVED} and {DRIFTED}; {rounds} rounds.")
    print("| accounts then, now | shift | alarms | rule of before |\n|---|---|---|---|")
    for then, now in SIZES:
        for name, draws in (("none", strangers), ("none, same accounts", lasting)):
            print(f"| {then:,}, {now:,} | {name} | {{:.1%}} | {{:.1%}} |".format(*rate(draws, then, now, 0.0, rounds)))
        features = rate_of_features(then, now, rounds // 10)
        print(f"| {then:,}, {now:,} | none, {FEATURES} features, no limit of size | {features:.1%} | – |")
        for name, draws in (("half a standard deviation", strangers), ("half, same accounts", lasting)):
            print(f"| {then:,}, {now:,} | {name} | {{:.1%}} | {{:.1%}} |".format(*rate(draws, then, now, 0.5, rounds)))


if __name__ == "__main__":
    main()
