"""What everybody in the demo works with: the use cases, the simulated time, chance, and counts of what was done."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from random import Random

from pipelines.demo.demo_clock import DemoClock
from serving.cases.cases import Cases


@dataclass(frozen=True)
class WorkContext:
    """What everybody works with. ``counts`` are the actions taken and ``refused`` those that the app refused."""

    cases: Cases
    clock: DemoClock
    seed: int
    until: date
    names: Mapping[str, str]
    counts: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    rescued: list[str] = field(default_factory=list)

    def chance(self, *about: object) -> Random:
        """Random numbers that depend on the seed and on these values alone."""
        return Random("|".join(map(str, (self.seed, *about))))  # noqa: S311 - a demo guards nothing
