"""What a simulated world is made from: the same settings give the same rows on every machine."""

from dataclasses import dataclass
from datetime import date, timedelta

from features.errors import UsageError

UNTIL = date(2026, 7, 1)
WORLDS = ("real", "plain")


@dataclass(frozen=True, kw_only=True)
class SimulatorSettings:
    """How many accounts live how long, and how their source recorded it.

    ``until`` is the first day that the source does not know; ``months`` are counted back from it. ``by_user`` writes
    one usage row a pseudonymous user instead of one with the number of distinct ``users``. ``rescues`` is how many
    accounts a team works a month from the second year on (their ``outcomes`` come with it). ``flaws`` is the share of
    bad rows added. ``world`` is "real", with the situations that real sources have, or "plain", without them.
    """

    accounts: int
    months: int
    seed: int = 7
    until: date = UNTIL
    by_user: bool = False
    rescues: int = 0
    flaws: float = 0.001
    world: str = "real"

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated, in one sentence."""
        if not 1 <= self.accounts <= 1_000_000:
            raise UsageError(f"--accounts has to be between 1 and 1,000,000, not {self.accounts}")
        if not 1 <= self.months <= 120:
            raise UsageError(f"--months has to be between 1 and 120, not {self.months}")
        if self.world not in WORLDS:
            raise UsageError(f"--world has to be one of {', '.join(WORLDS)}, not {self.world!r}")
        if self.seed < 0:
            raise UsageError(f"--seed has to be 0 or more, not {self.seed}")
        if self.rescues < 0:
            raise UsageError(f"--rescues has to be 0 or more, not {self.rescues}")
        if not 0 <= self.flaws < 0.05:
            raise UsageError(f"the share of bad rows has to be at least 0 and below .05, not {self.flaws}")

    @property
    def start(self) -> date:
        """The first day that the source knows: ``months`` calendar months before ``until``."""
        month = self.until.year * 12 + self.until.month - 1 - self.months
        return date(month // 12, month % 12 + 1, 1)

    @property
    def first_monday(self) -> date:
        """The first Monday that the source knows: the accounts are simulated from there on."""
        return self.start + timedelta(days=-self.start.weekday() % 7)
