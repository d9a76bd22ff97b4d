"""How often a signal is reported where there is none, and found where there is one.

    PYTHONPATH=tests python benchmarks/null_worlds.py [--draws 200] [--world NAME]

Worlds without signal (`tests/support/worlds/null_worlds.py`) are simulated as arrays; three small learners walk forward
through time, and the luckiest of them on the tested rows is evaluated. *Signal reported* is the verdict of the product:
the test within nights at its level, and an interval of the AUC above a half. For comparison: by the interval alone, and
by the AUC over all nights together. *Lead shown* is a lead over the best of three baselines. Goals: a signal reported
in at most 5% of the draws without signal, and in at least 90% with an AUC of .60 and 500 events.
"""

import argparse
import time

import numpy as np
from support.worlds.null_worlds import WORLDS, Finding, evaluate_world

SIGNALS = {
    "AUC .60, 500 events": {"effect": 0.36, "accounts": 640},
    "AUC .60, 250 events": {"effect": 0.36, "accounts": 320},
    "AUC .70, 50 events": {"effect": 0.74, "accounts": 60},
}
"""A feature that acts on the hazard, by what its own AUC is and how many different events are tested on."""


def main() -> None:
    """Simulate and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--world", choices=list(WORLDS), action="append")
    given = parser.parse_args()
    print("| world | different events | AUC | signal reported | by the interval alone | lead shown |")
    print("|---|---:|---:|---:|---:|---:|")
    for name in given.world or WORLDS:
        print_line(name, [evaluate_world(name, seed) for seed in range(given.draws)])
    for title, size in {} if given.world else SIGNALS.items():
        print_line(title, [evaluate_world("persistent", seed, **size) for seed in range(given.draws)])


def print_line(title: str, draws: list[Finding | None]) -> None:
    """One line of the table."""
    found = [finding for finding in draws if finding is not None]
    shares = (
        np.mean([finding.signal for finding in found]),
        np.mean([finding.auc.low > 0.5 for finding in found]),
        np.mean([finding.lead_shown for finding in found]),
    )
    events, auc = np.mean([finding.events for finding in found]), np.mean([finding.auc.value for finding in found])
    print(f"| {title} | {events:.0f} | {auc:.3f} | {' | '.join(f'{share:.1%}' for share in shares)} |", flush=True)


if __name__ == "__main__":
    started = time.process_time()
    main()
    print(f"\n{time.process_time() - started:.0f} s of processor time")
