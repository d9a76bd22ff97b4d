"""A world of accounts that can be moved forward and acted upon.

``advance`` returns what our copy of the source learned in between, so a caller can train on it, choose whom to
rescue, call ``rescue`` and go on: the accounts' further life then differs, and so does the truth.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.errors import UsageError
from pipelines.simulator.activity.vocabulary import ACTIONS, VERDICTS
from pipelines.simulator.block import Block
from pipelines.simulator.clock import DAY, Ints, day_of, office_hours
from pipelines.simulator.encode import Encoder
from pipelines.simulator.pending_rows import PendingRows, synced
from pipelines.simulator.population.population import BLOCK, MONTHLY
from pipelines.simulator.simulator_settings import SimulatorSettings

EFFECT = 0.5
"""What a rescue leaves of the hazard of leaving."""
RELIEF_DAYS = 182
"""How long a rescue lasts."""


class Simulation:
    """Accounts living from ``settings.start`` on. ``today`` is the first day that has not been simulated yet."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self.settings = settings
        self.today = settings.start
        self._pending = PendingRows(settings.accounts)
        self._blocks = [Block(settings, block, self._pending) for block in range(-(-settings.accounts // BLOCK))]
        self._encoder = Encoder([name for block in self._blocks for name in block.names])
        self._monday = day_of(settings.first_monday)
        self._week = 0
        self._random = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(2**20,)))

    @property
    def accounts(self) -> list[str]:
        """The ids of all accounts, in the order of their numbers."""
        ids: list[str] = self._encoder.ids[: self.settings.accounts].to_pylist()
        return ids

    @property
    def monthly(self) -> list[str]:
        """The accounts whose contract runs from month to month."""
        contracts = np.concatenate([block.people.contract for block in self._blocks])[: self.settings.accounts]
        return [account for account, contract in zip(self.accounts, contracts, strict=True) if contract == MONTHLY]

    def advance(
        self, until: date, *, tick: Callable[[], None] = lambda: None, after: timedelta = timedelta(0)
    ) -> dict[str, pa.Table]:
        """Live on to ``until`` and return the rows that became known before it, by table, ``truth`` among them.

        ``tick`` is called after each block's week. With ``after``, rows that become known so long after midnight are
        returned too. Rows once returned are not returned again.
        """
        if until < self.today:
            raise UsageError(f"the simulation is at {self.today} and cannot go back to {until}")
        while self._monday < day_of(until):
            for block in self._blocks:
                block.week(self._week, self._monday)
                tick()
            self._monday += 7
            self._week += 1
        self.today = until
        released = self._pending.release(day_of(until) * DAY + int(after.total_seconds()))
        return {name: self._encoder.table(name, rows) for name, rows in released.items()}

    def rescue(
        self,
        accounts: Sequence[str],
        *,
        effect: float = EFFECT,
        holdout: Sequence[bool] | None = None,
        recorded: bool = True,
    ) -> None:
        """Rescue these accounts today: their hazard of leaving is multiplied by ``effect`` for half a year.

        Accounts that are held out get no rescue. In both cases ``outcomes`` has a row, unless the rescues are not
        ``recorded``, because a queue records them. Effective from the next Monday on.
        """
        number = self._numbers(accounts)
        held_out = np.zeros(number.size, dtype=np.bool_) if holdout is None else np.asarray(holdout, dtype=np.bool_)
        for block in self._blocks:
            block.relieve(number[~held_out], effect, day_of(self.today) + RELIEF_DAYS)
        if recorded:
            self._record_rescues(number, held_out)

    def worst(self, count: int) -> list[str]:
        """The accounts a team without a model would work: running, no notice known, lowest health score seen."""
        score = np.concatenate([block.visible_score() for block in self._blocks])[: self.settings.accounts]
        chosen = np.argsort(score, kind="stable")[:count]
        ids: list[str] = self._encoder.ids.take(pa.array(chosen[np.isfinite(score[chosen])])).to_pylist()
        return ids

    def _numbers(self, accounts: Sequence[str]) -> Ints:
        places = pc.index_in(pa.array(accounts, pa.string()), value_set=self._encoder.ids[: self.settings.accounts])
        if places.null_count:
            unknown = next(
                account for account, place in zip(accounts, places.to_pylist(), strict=True) if place is None
            )
            raise UsageError(f"the simulation has no account {unknown!r}")
        numbers: Ints = places.to_numpy(zero_copy_only=False).astype(np.int64)
        return numbers

    def _record_rescues(self, number: Ints, held_out: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> None:
        decided = office_hours(self._random, day_of(self.today) + self._random.integers(0, 3, number.size))
        action = self._random.integers(1, len(ACTIONS), number.size)
        verdict = self._random.choice(np.arange(1, len(VERDICTS)), number.size, p=[0.6, 0.25, 0.15])
        self._pending.add(
            "outcomes",
            account=number,
            action=np.where(held_out, 0, action),
            verdict=np.where(held_out, 0, verdict),
            decided=decided,
            holdout=held_out,
            known=synced(decided),
        )
