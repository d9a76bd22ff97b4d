"""One block of accounts and the order in which a week happens to it.

Each subject draws from a random stream of its own, so that how usage is written does not change who leaves, and an
account's life depends neither on how many accounts there are nor on what is done for the others.
"""

from typing import Final

import numpy as np

from pipelines.simulator import truth
from pipelines.simulator.activity.billing import Billing
from pipelines.simulator.activity.contracts import Contracts
from pipelines.simulator.activity.health import Health
from pipelines.simulator.activity.support import Support
from pipelines.simulator.activity.usage import Usage
from pipelines.simulator.clock import DAY, Flags, Floats, Ints, day_of, office_hours
from pipelines.simulator.pending_rows import PendingRows, synced
from pipelines.simulator.population.account_state import State, initial_state
from pipelines.simulator.population.names import companies
from pipelines.simulator.population.population import BLOCK, draw
from pipelines.simulator.population.satisfaction import BURN_IN, JUMPS, step
from pipelines.simulator.simulator_settings import SimulatorSettings

STREAMS: Final = ("people", "life", "contracts", "support", "health", "billing", "usage", "users", "names")
_MANAGERS: Final = 100_000  # beyond the numbers of the first managers


def stream(seed: int, block: int, subject: str) -> np.random.Generator:
    """The random stream of one subject of one block."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(block, STREAMS.index(subject))))


class Block:
    """``BLOCK`` accounts, moved forward a week at a time; their rows go to the pending."""

    def __init__(self, settings: SimulatorSettings, block: int, pending: PendingRows) -> None:
        self._pending = pending
        self._start = day_of(settings.start)
        streams = {subject: stream(settings.seed, block, subject) for subject in STREAMS}
        self._life = streams["life"]
        self.people = draw(streams["people"], block, day_of(settings.first_monday), day_of(settings.until))
        self.names = companies(streams["names"], self.people.industry)
        self.state = self._settled()
        self._contracts = Contracts(self.people, self.state, pending, streams["contracts"])
        self._support = Support(self.people, self.state, pending, streams["support"])
        self._health = Health(self.people, self.state, pending, streams["health"])
        self._billing = Billing(self.people, self.state, pending, streams["billing"])
        usage, detail = streams["usage"], streams["users"]
        self._usage = Usage(self.people, self.state, pending, usage, detail, by_user=settings.by_user)
        self._introduce(settings)

    def _settled(self) -> State:
        """Hidden state after enough weeks to have forgotten where it began."""
        satisfaction, mood = self.people.fit.copy(), self.people.fit.copy()
        for _ in range(BURN_IN):
            satisfaction, mood = step(satisfaction, mood, self.people.fit, *self._increments())
        return initial_state(self.people, satisfaction, mood)

    def _increments(self) -> tuple[Floats, Flags]:
        noise = self._life.standard_normal(self.people.size)
        chances = np.array([jump.chance for jump in JUMPS])
        return noise, self._life.random((self.people.size, len(JUMPS))) < chances

    def _introduce(self, settings: SimulatorSettings) -> None:
        created = office_hours(self._life, self.people.created)
        self.created = created
        everyone = np.arange(self.people.size)
        self._account_rows(everyone, np.maximum(synced(created), self._start * DAY))
        self._contracts.load(day_of(settings.first_monday), self._start * DAY)

    def _account_rows(self, who: Ints, known: Ints) -> None:
        people = self.people
        self._pending.add(
            "accounts",
            account=people.number[who],
            parent=people.group[who],
            segment=people.segment[who],
            industry=people.industry[who],
            region=people.region[who],
            manager=self.state.manager[who],
            created=self.created[who],
            known=known,
        )

    def week(self, week: int, monday: int) -> None:
        """Everything from this Monday to the next; first what is true on it."""
        self._write_truth(week, monday)
        noise, jumped = self._increments()
        escalates = self._life.random(self.people.size)
        noticed_before = self.state.noticed.copy()
        self._contracts.week(monday)
        self._usage.note_outage(jumped[:, 0])
        self._usage.week(monday)
        self._support.week(week, monday, escalates)
        self._health.week(monday, self.state.noticed & ~noticed_before)
        self._billing.week(monday)
        self._contracts.close(monday + 7)
        self._turn(monday, noise, jumped)

    def _turn(self, monday: int, noise: Floats, jumped: Flags) -> None:
        """Satisfaction and mood of next Monday, and what the jumps leave behind."""
        state = self.state
        state.satisfaction, state.mood = step(state.satisfaction, state.mood, self.people.fit, noise, jumped)
        state.jumped = jumped
        state.advocates_lost += jumped[:, 2] & state.running
        who = np.flatnonzero(jumped[:, 1] & state.running)
        state.manager[who] = _MANAGERS + self.people.number[who] // 40 + 7 * (monday // 7 % 11)
        self._account_rows(who, np.full(who.size, (monday + 7) * DAY - 3 * 3600))

    def _write_truth(self, week: int, monday: int) -> None:
        state, people = self.state, self.people
        who = np.flatnonzero(state.running)
        open_to_leave = ~state.noticed[who]
        churn = np.full(who.size, np.nan)
        churn[open_to_leave] = truth.churn(people, state, monday, who[open_to_leave])
        self._pending.add(
            "truth",
            account=people.number[who],
            day=np.full(who.size, monday),
            churn=churn,
            escalation=truth.escalation(people, state, week, monday, who),
            satisfaction=state.satisfaction[who],
            mood=state.mood[who],
            fit=people.fit[who],
            known=np.full(who.size, monday * DAY),
        )

    def relieve(self, number: Ints, effect: float, until: int) -> None:
        """Multiply the hazard of leaving of these accounts by ``effect`` until that day."""
        own = number[(number // BLOCK) == self.people.number[0] // BLOCK] % BLOCK
        self.state.relief[own], self.state.relief_until[own] = effect, until

    def visible_score(self) -> Floats:
        """Each account's last computed health score; infinite where it has no contract, gave notice or was relieved."""
        state = self.state
        open_to_it = state.running & ~state.noticed & (state.relief >= 1)
        return np.where(open_to_it & np.isfinite(state.last_score), state.last_score, np.inf)
