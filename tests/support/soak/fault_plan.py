"""What happens on each night of a soak, drawn from a seed: the same inputs for every run, and faults for one of them.

*Inputs* change what a correct run does too: rows that arrive late, a feed that stops for some nights, another policy,
retraining, people who act or leave. *Faults* must change nothing: attempts that are killed, stopped, starved of disk or
refused, clocks that jump, locks, broken exports.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

LATE_TABLES = ("health_scores", "invoices", "ticket_events", "usage_daily")
FAULTS = (
    "kill at a statement",
    "kill after a step",
    "kill at a moment",
    "interrupted",
    "full disk",
    "truncated export",
    "missing table",
    "lock held",
    "connections cut",
    "two at once",
    "clock jumps in the night",
    "clock ahead for the timers",
    "clock behind for the timers",
)
"""Every kind of fault, by its name in the report."""
STEPS = ("validate", "models", "features", "score", "decide", "outcomes", "record", "timers")


@dataclass(frozen=True)
class PlannedFault:
    """One fault: its kind, and a number that says where (a statement, a second, a size)."""

    kind: str
    where: float


@dataclass(frozen=True)
class NightPlan:
    """One night: the day counted from the first one, its inputs, and the faults before it succeeds.

    ``late`` has the tables whose newest rows are not there yet; ``stopped`` the days since the feed of usage stopped.
    """

    number: int
    late: tuple[str, ...] = ()
    stopped: int = 0
    policy: int = 0
    retrain: bool = False
    leaver: bool = False
    actions: int = 0
    faults: tuple[PlannedFault, ...] = field(default=())


def plan_nights(nights: int, seed: int, kinds: Sequence[str] = FAULTS, *, each: bool = False) -> list[NightPlan]:
    """The plan of so many nights; with ``each``, every kind of fault happens once, spread over the nights."""
    dice = random.Random(seed)
    stops = _stops(nights, dice)
    every = [kinds[place::nights] for place in range(nights)] if each else None
    plans = []
    for number in range(nights):
        chosen = every[number] if every else dice.choices(kinds, k=dice.choice((0, 1, 1, 2, 3)))
        faults = tuple(PlannedFault(kind, dice.random()) for kind in chosen)
        late = tuple(table for table in LATE_TABLES if dice.random() < 0.2)
        plans.append(
            NightPlan(
                number,
                late=late,
                stopped=stops[number],
                policy=number * 4 // nights,
                retrain=nights > 20 and number == nights // 2,
                leaver=number == nights * 3 // 4,
                actions=dice.randrange(1_000_000),
                faults=faults,
            )
        )
    return plans


def _stops(nights: int, dice: random.Random) -> list[int]:
    """By night, since how many days the feed of usage has been stopped; two or three stops of up to nine nights."""
    days = [0] * nights
    for _ in range(max(1, nights // 20)):
        first = dice.randrange(1, nights)
        for back, night in enumerate(range(first, min(nights, first + dice.randint(2, 9))), 1):
            days[night] = back
    return days
