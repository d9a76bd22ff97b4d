"""Tickets, what happens to them, and escalations.

Unhappy accounts open more tickets and more of them are urgent; outages and onboarding add to the load. Pressure, the
fading sum of recent tickets and breached service levels, and urgent tickets still open make an escalation likelier.
"""

from typing import Final

import numpy as np

from pipelines.simulator.activity.ticket_threads import TicketEvents, Tickets, threads
from pipelines.simulator.activity.vocabulary import ACTORS, CATEGORIES, KINDS, TEAMS, URGENT, VALUES
from pipelines.simulator.clock import DAY, NEVER, Flags, Floats, Ints, office_hours, working_day
from pipelines.simulator.pending_rows import PendingRows, synced
from pipelines.simulator.population import hazards
from pipelines.simulator.population.account_state import RING, State
from pipelines.simulator.population.population import Population

STAYS_OPEN: Final = np.array([0.40, 0.30, 0.35, 0.45])  # chance to be open still a week later, by priority

_OUTAGE, _BILLING, _COMPLAINT = (CATEGORIES.index(name) for name in ("outage", "billing", "complaint"))
_FRIENDLY = (CATEGORIES.index("how_to"), CATEGORIES.index("feature"))
_USUAL = np.array([0.26, 0.22, 0.09, 0.01, 0.10, 0.12, 0.12, 0.07, 0.01])
_SERVED_AFTER_END = 14 * DAY
_RECENT = 28 * DAY


def ticket_rate(people: Population, state: State, monday: int) -> Floats:
    """Tickets expected this week, given the state on its Monday; none in the week of the first contract."""
    new = state.started > (monday - 56) * DAY
    outage = state.jumped[:, 0]
    trouble = np.exp(-0.32 * state.satisfaction) * (1 + 1.6 * outage) * (1 + 0.5 * new)
    served = served_at(state, monday) & (state.started < monday * DAY)
    rate: Floats = np.where(served, people.ticket_rate * trouble, 0.0)
    return rate


def served_at(state: State, monday: int) -> Flags:
    """Who may write to support: whoever has a contract, and for two weeks after its end."""
    after: Flags = (state.ends != NEVER) & (state.ends + _SERVED_AFTER_END >= monday * DAY)
    return state.running | after


def urgent_share(satisfaction: Floats) -> Floats:
    """The share of tickets that are urgent."""
    share: Floats = 1 / (1 + np.exp(2.3 + 0.45 * satisfaction))
    return share


def breach_share(satisfaction: Floats) -> Floats:
    """The share of tickets whose service level is breached."""
    share: Floats = 1 / (1 + np.exp(2.2 + 0.30 * satisfaction))
    return share


def load_ahead(people: Population, state: State, week: int, monday: int) -> tuple[Floats, Floats]:
    """Expectation and variance of next Monday's load on the account, given this Monday's state."""
    rate = ticket_rate(people, state, monday)
    urgent, breach = urgent_share(state.satisfaction), breach_share(state.satisfaction)
    stays, weight = STAYS_OPEN[URGENT], hazards.OPEN_WEIGHT
    heavy = hazards.TICKET_WEIGHT + hazards.BREACH_WEIGHT
    new_pressure = rate * (hazards.TICKET_WEIGHT + hazards.BREACH_WEIGHT * breach)
    open_next = stays * (state.open_now(week) + rate * urgent)
    mean = hazards.pressure_load(hazards.FADES * state.pressure + new_pressure, open_next)
    pressure_spread = rate * ((1 - breach) * hazards.TICKET_WEIGHT**2 + breach * heavy**2)
    open_spread = weight**2 * (state.open_now(week) * stays * (1 - stays) + rate * urgent * stays)
    return mean, pressure_spread + open_spread


class Support:
    """The support desk of one block of accounts."""

    def __init__(self, people: Population, state: State, pending: PendingRows, generator: np.random.Generator) -> None:
        self._people, self._state, self._pending, self._random = people, state, pending, generator

    def week(self, week: int, monday: int, chance: Floats) -> None:
        """The tickets and escalations of a week; ``chance`` is one uniform number an account, for escalating."""
        state = self._state
        load = hazards.pressure_load(state.pressure, state.open_now(week))
        hazard = hazards.escalation_hazard(self._people.segment, state.satisfaction, load)
        served = served_at(state, monday) & (state.started < monday * DAY)
        escalating = np.flatnonzero((chance < -np.expm1(-hazard)) & served)
        tickets = self._open(week, monday)
        self._escalate(monday, escalating)
        self._press(week, tickets)
        self._remember(tickets)

    def _open(self, week: int, monday: int) -> Tickets:
        state, random = self._state, self._random
        who = np.repeat(np.arange(self._people.size), random.poisson(ticket_rate(self._people, state, monday)))
        mood = state.satisfaction[who]
        day = monday + random.choice(7, who.size, p=[0.21, 0.2, 0.19, 0.18, 0.16, 0.03, 0.03])
        opened = office_hours(random, day)
        opened = opened[np.lexsort((opened, who))]
        usual = random.choice(3, who.size, p=[0.3, 0.5, 0.2])
        priority = np.where(random.random(who.size) < urgent_share(mood), URGENT, usual)
        weeks_open = np.minimum(random.geometric(1 - STAYS_OPEN[priority]) - 1, RING - 2)
        ends = (monday + 7 * weeks_open) * DAY
        floor = np.where(weeks_open == 0, opened, ends)
        solved = floor + (random.random(who.size) * (ends + 7 * DAY - floor)).astype(np.int64)
        tickets = Tickets(
            who=who,
            number=self._numbers(who),
            opened=opened,
            solved=np.maximum(solved, opened + 1200),
            priority=priority,
            category=self._categories(who, monday),
            weeks_open=weeks_open,
            breached=random.random(who.size) < breach_share(mood),
            mood=mood,
        )
        self._record(tickets)
        return tickets

    def _numbers(self, who: Ints) -> Ints:
        """A running number within the account; ``who`` is ascending."""
        counts = np.bincount(who, minlength=self._people.size)
        first = np.concatenate([[0], np.cumsum(counts)[:-1]])
        numbers: Ints = self._state.tickets[who] + np.arange(who.size) - first[who] + 1
        self._state.tickets += counts
        return numbers

    def _categories(self, who: Ints, monday: int) -> Ints:
        state, random = self._state, self._random
        category = random.choice(len(CATEGORIES), who.size, p=_USUAL)
        special = random.random(who.size)
        unhappy = 0.06 * np.exp(-0.9 * state.satisfaction[who])
        category = np.where(special > 1 - unhappy, _COMPLAINT, category)
        category = np.where((special < 0.55) & state.jumped[who, 0], _OUTAGE, category)
        disputing = (state.disputed[who] > monday - 21) & (special < 0.6)
        return np.where(disputing, _BILLING, category).astype(np.int64)

    def _press(self, week: int, tickets: Tickets) -> None:
        """What this week's tickets weigh next Monday, and which urgent ones will be open on which Monday."""
        state, size = self._state, self._people.size
        weight = hazards.TICKET_WEIGHT + hazards.BREACH_WEIGHT * tickets.breached
        state.pressure = hazards.FADES * state.pressure + np.bincount(tickets.who, weight, size)
        state.open_urgent[:, week % RING] = 0
        urgent = tickets.priority == URGENT
        for ahead in range(1, int(tickets.weeks_open.max(initial=0)) + 1):
            still = tickets.who[urgent & (tickets.weeks_open >= ahead)]
            state.open_urgent[:, (week + ahead) % RING] += np.bincount(still, minlength=size)

    def _remember(self, tickets: Tickets) -> None:
        """The newest ticket of each account: later entries win."""
        state = self._state
        state.last_ticket[tickets.who] = tickets.number
        state.last_opened[tickets.who] = tickets.opened
        state.last_solved[tickets.who] = tickets.solved

    def _escalate(self, monday: int, who: Ints) -> None:
        """Escalate the account's newest ticket of the last four weeks, reopened if need be, or a new complaint."""
        state, random = self._state, self._random
        at = office_hours(random, working_day(random, monday, who.size))
        known = state.last_opened[who] >= at - _RECENT
        fresh, old = who[~known], who[known]
        complaint = self._complain(monday, fresh, at[~known])
        again = old[state.last_solved[old] < at[known]]
        moment = at[known][state.last_solved[old] < at[known]]
        self._event(
            again, state.last_ticket[again], moment - random.integers(1800, 14400, again.size), "reopened", "open"
        )
        self._event(old, state.last_ticket[old], at[known], "escalated", "management")
        self._event(fresh, complaint.number, at[~known], "escalated", "management")
        calm = random.random(who.size) < 0.8
        ticket = np.zeros(who.size, dtype=np.int64)
        ticket[known], ticket[~known] = state.last_ticket[old], complaint.number
        later = at + (random.uniform(1.0, 10.0, who.size) * DAY).astype(np.int64)
        self._event(who[calm], ticket[calm], later[calm], "deescalated", "support")
        self._remember(complaint)

    def _complain(self, monday: int, who: Ints, escalated: Ints) -> Tickets:
        random = self._random
        opened = np.maximum(escalated - random.integers(3600, 30 * 3600, who.size), monday * DAY + 3600)
        tickets = Tickets(
            who=who,
            number=self._numbers(who),
            opened=opened,
            solved=escalated + (random.uniform(1.0, 12.0, who.size) * DAY).astype(np.int64),
            priority=np.full(who.size, URGENT),
            category=np.full(who.size, _COMPLAINT),
            weeks_open=np.zeros(who.size, dtype=np.int64),
            breached=np.zeros(who.size, dtype=np.bool_),
            mood=self._state.satisfaction[who] - 0.7,
        )
        self._record(tickets)
        return tickets

    def _record(self, tickets: Tickets) -> None:
        size = tickets.who.size
        self._pending.add(
            "tickets",
            account=self._people.number[tickets.who],
            ticket=tickets.number,
            opened=tickets.opened,
            channel=self._random.choice(4, size, p=[0.46, 0.32, 0.14, 0.08]),
            category=tickets.category,
            priority=tickets.priority,
            tone=self._tone(tickets),
            words=self._random.integers(0, 2**62, size),
            known=synced(tickets.opened),
        )
        for events in threads(self._random, tickets):
            self._events(tickets.who, tickets.number, events)

    def _tone(self, tickets: Tickets) -> Ints:
        """From 0, content, to 3, angry: a question or a request is friendlier than a complaint."""
        friendly = np.isin(tickets.category, _FRIENDLY)
        noise = self._random.normal(0, 0.6, tickets.who.size)
        return np.clip(np.rint(1.2 - tickets.mood - friendly + noise), 0, 3).astype(np.int64)

    def _event(self, who: Ints, number: Ints, at: Ints, kind: str, value: str) -> None:
        """One kind of event on these tickets, by an agent of the support team."""
        code = np.full(who.size, VALUES.index(value))
        self._events(who, number, TicketEvents(np.arange(who.size), at, kind, code))

    def _events(self, who: Ints, number: Ints, what: TicketEvents) -> None:
        self._pending.add(
            "ticket_events",
            account=self._people.number[who[what.which]],
            ticket=number[what.which],
            occurred=what.at,
            kind=np.full(what.at.size, KINDS.index(what.kind)),
            value=what.value,
            actor=np.full(what.at.size, ACTORS.index(what.actor)),
            team=np.full(what.at.size, TEAMS.index(what.team)),
            known=synced(what.at),
        )
