"""The health scores a CRM would show: a weekly computed one, and a now-and-then opinion of the account manager.

Both see satisfaction through noise and a lasting bias of their own; the manager is an optimist. Most scores are known
within a day, some weeks later. After a notice, managers sometimes overwrite the month before it: read without
``known_at`` such a score predicts the loss perfectly, and is a leak.
"""

import numpy as np

from pipelines.simulator.clock import DAY, Flags, Floats, Ints, office_hours, working_day
from pipelines.simulator.pending_rows import PendingRows, synced
from pipelines.simulator.population.account_state import State
from pipelines.simulator.population.population import Population

_CRM, _MANAGER = 0, 1


class Health:
    """The scores of one block of accounts."""

    def __init__(self, people: Population, state: State, pending: PendingRows, generator: np.random.Generator) -> None:
        self._people, self._state, self._pending, self._random = people, state, pending, generator

    def week(self, monday: int, noticed_now: Flags) -> None:
        """This week's scores, and what is rewritten because of the notices given in it."""
        self._computed(monday)
        self._opinion(monday)
        self._rewritten(monday, noticed_now)

    def _computed(self, monday: int) -> None:
        people, state, random = self._people, self._state, self._random
        felt = 0.7 * state.satisfaction + 0.3 * state.mood
        score = np.clip(58 + 16 * felt + people.health_bias + random.normal(0, 2.5, people.size), 0, 100)
        at = (monday + people.number % 5) * DAY + 3 * 3600
        lag = (random.integers(2, 18, people.size) * 3600).astype(np.int64)
        late = np.where(random.random(people.size) < 0.03, random.integers(14, 60, people.size) * DAY, 0)
        present = state.running & ~state.fresh & (random.random(people.size) < 0.92)
        who = np.flatnonzero(present)
        state.last_score[who] = np.round(score[who], 1)
        self._write(who, at[who], np.round(score[who], 1), _CRM, at[who] + lag[who] + late[who])

    def _opinion(self, monday: int) -> None:
        people, state, random = self._people, self._state, self._random
        score = np.clip(64 + 13 * state.mood + people.optimism + random.normal(0, 7.0, people.size), 0, 100)
        at = office_hours(random, working_day(random, monday, people.size))
        late = np.where(random.random(people.size) < 0.06, random.integers(30, 100, people.size) * DAY, 0)
        present = state.running & ~state.fresh & (random.random(people.size) < 0.18)
        who = np.flatnonzero(present)
        self._write(who, at[who], np.round(score[who] / 5) * 5, _MANAGER, at[who] + late[who])

    def _rewritten(self, monday: int, noticed_now: Flags) -> None:
        random, size = self._random, self._people.size
        at = (monday - random.integers(7, 35, size)) * DAY + 9 * 3600
        known = (monday + random.integers(8, 30, size)) * DAY + 15 * 3600
        old = self._state.started < at
        who = np.flatnonzero(noticed_now & old & (random.random(size) < 0.35))
        score = np.round(random.uniform(5, 35, size) / 5) * 5
        self._write(who, at[who], score[who], _MANAGER, known[who])

    def _write(self, who: Ints, measured: Ints, score: Floats, source: int, known: Ints) -> None:
        self._pending.add(
            "health_scores",
            account=self._people.number[who],
            measured=measured,
            score=score,
            source=np.full(who.size, source),
            known=synced(known),
        )
