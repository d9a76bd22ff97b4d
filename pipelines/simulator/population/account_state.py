"""The state of each account of a block on a Monday: everything that next week depends on, hidden and visible."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipelines.simulator.clock import NEVER, Flags, Floats, Ints
from pipelines.simulator.population.population import Population
from pipelines.simulator.population.satisfaction import JUMPS

RING: Final = 16
"""Weeks ahead for which it is known which tickets stay open."""


@dataclass
class State:
    """One entry an account. Instants are seconds, ``renews`` is a day; ``NEVER`` where there is none.

    ``jumped`` is account × kind of jump of the week before; ``open_urgent`` is account × week modulo ``RING``.
    ``relief`` multiplies the hazard of leaving while the week is before the day ``relief_until``.
    """

    satisfaction: Floats
    mood: Floats
    jumped: Flags
    pressure: Floats
    open_urgent: Ints
    running: Flags
    noticed: Flags
    fresh: Flags
    contract_number: Ints
    started: Ints
    renews: Ints
    ends: Ints
    takes_back: Ints
    returns: Ints
    seats: Ints
    addon: Flags
    manager: Ints
    advocates_lost: Ints
    tickets: Ints
    last_ticket: Ints
    last_opened: Ints
    last_solved: Ints
    invoices: Ints
    next_invoice: Ints
    disputed: Ints
    last_score: Floats
    relief: Floats
    relief_until: Ints

    def open_now(self, week: int) -> Floats:
        """Urgent tickets open on the Monday of that week."""
        return self.open_urgent[:, week % RING].astype(np.float64)


def initial_state(people: Population, satisfaction: Floats, mood: Floats) -> State:
    """The state before any account has a contract."""
    size = people.size

    def whole(value: int) -> Ints:
        return np.full(size, value, dtype=np.int64)

    def no() -> Flags:
        return np.zeros(size, dtype=np.bool_)

    return State(
        satisfaction=satisfaction,
        mood=mood,
        jumped=np.zeros((size, len(JUMPS)), dtype=np.bool_),
        pressure=np.zeros(size),
        open_urgent=np.zeros((size, RING), dtype=np.int64),
        running=no(),
        noticed=no(),
        fresh=no(),
        contract_number=whole(0),
        started=whole(NEVER),
        renews=whole(NEVER),
        ends=whole(NEVER),
        takes_back=whole(NEVER),
        returns=whole(NEVER),
        seats=people.seats.copy(),
        addon=people.addon.copy(),
        manager=people.manager.copy(),
        advocates_lost=whole(0),
        tickets=whole(0),
        last_ticket=whole(-1),
        last_opened=whole(NEVER),
        last_solved=whole(NEVER),
        invoices=whole(0),
        next_invoice=whole(NEVER),
        disputed=whole(NEVER),
        last_score=np.full(size, np.nan),
        relief=np.ones(size),
        relief_until=whole(NEVER),
    )
