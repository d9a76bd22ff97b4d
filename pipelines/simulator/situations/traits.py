"""Which account is in which situation, and from which day on: drawn once, by account.

The draw of an account depends on the seed and its own number alone, so an account is in the same situation in a larger
world.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from pipelines.simulator.population.population import BLOCK
from pipelines.simulator.simulator_settings import SimulatorSettings

Names = npt.NDArray[np.str_]

CONTRACTS: Final = {
    "term_records": 0.18,  # each renewal is a new contract, as many CRMs enter it; an early one is entered in advance
    "upgrade_records": 0.08,  # a change of seats ends the contract and begins another on the same day
    "late_renewal": 0.06,  # the new renewal date is entered days or weeks after the old one has passed
    "downgrade": 0.03,  # at a renewal the customer keeps a small part of the contract
    "add_on": 0.05,  # a small contract beside the large one, which often ends before it
    "co_term": 0.02,  # a second contract, which is merged into the next term of the first
    "pause": 0.02,  # the next term begins two to four weeks after the last one ended
    "merged": 0.01,  # the account gets a new record under the same parent
    "acquired": 0.015,  # the parent changes
}
TYPES: Final = {"trial": 0.02, "internal": 0.005, "test": 0.005, "free": 0.02, "partner": 0.01}
USAGE: Final = {"school": 0.04, "bot": 0.02}
HELP_DESK: Final = {"status_only": 0.10, "day_granular": 0.05, "imported": 0.02}
LANGUAGES: Final = {"de": 0.14, "fr": 0.08, "es": 0.06}
OWNER_LEAVES: Final = 0.03
CONVERTED: Final = 0.5
"""The share of trials that become customers."""

USUAL: Final = "usual"
NOT_PAYING: Final = ("trial", "internal", "test", "free")
"""Types of accounts that have a contract and are sent no invoice."""


@dataclass(frozen=True)
class Traits:
    """One entry per account: the situation it is in of each kind (``usual`` for most), and the day of its change."""

    contract: Names
    type: Names
    usage: Names
    help_desk: Names
    language: Names
    owner_leaves: npt.NDArray[np.bool_]
    converts: npt.NDArray[np.bool_]
    day: list[date]

    @classmethod
    def draw(cls, settings: SimulatorSettings) -> "Traits":
        """The situations of all accounts of a world."""
        blocks = [_block(settings, block) for block in range(-(-settings.accounts // BLOCK))]
        rolls = np.concatenate(blocks, axis=1)[:, : settings.accounts]
        days = (settings.until - settings.start).days
        types = _chosen(rolls[1], TYPES)
        return cls(
            contract=_chosen(rolls[0], CONTRACTS),
            type=types,
            usage=_chosen(rolls[2], USAGE),
            help_desk=_chosen(rolls[3], HELP_DESK),
            language=_chosen(rolls[6], LANGUAGES),
            owner_leaves=rolls[4] < OWNER_LEAVES,
            converts=(types == "trial") & (rolls[7] < CONVERTED),
            day=[settings.start + timedelta(days=int(days * (0.2 + 0.7 * roll))) for roll in rolls[5]],
        )


def _block(settings: SimulatorSettings, block: int) -> npt.NDArray[np.float64]:
    generator = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(2**23, block)))
    return generator.random((8, BLOCK))


def _chosen(roll: npt.NDArray[np.float64], shares: dict[str, float]) -> Names:
    bounds = np.cumsum(list(shares.values()))
    names = np.array([*shares, USUAL])
    chosen: Names = names[np.searchsorted(bounds, roll, side="right")]
    return chosen
