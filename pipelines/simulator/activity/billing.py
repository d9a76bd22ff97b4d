"""Invoices: issued by the contract's rhythm, paid sooner or later, now and then disputed and partly credited.

An invoice is one version without ``paid_at`` and, once it is paid, another with it. Unhappy accounts pay later and
dispute more; who has left pays last of all, or never.
"""

from typing import Final

import numpy as np

from pipelines.simulator.clock import DAY, NEVER, Flags, Floats, Ints, add_months, office_hours
from pipelines.simulator.pending_rows import PendingRows, synced
from pipelines.simulator.population.account_state import State
from pipelines.simulator.population.population import MONTHLY, Population

_DUE: Final = 30
_RHYTHM: Final = np.array([1, 3, 12])


class Billing:
    """The invoices of one block of accounts."""

    def __init__(self, people: Population, state: State, pending: PendingRows, generator: np.random.Generator) -> None:
        self._people, self._state, self._pending, self._random = people, state, pending, generator
        usual = _RHYTHM[generator.choice(3, people.size, p=[0.25, 0.35, 0.40])]
        self._months: Ints = np.where(people.contract == MONTHLY, 1, usual)

    def week(self, monday: int) -> None:
        """Issue what falls due this week, and decide when it will be paid."""
        state = self._state
        self._schedule(monday)
        due = state.running & (state.next_invoice >= monday) & (state.next_invoice < monday + 7)
        due &= (state.ends == NEVER) | (state.ends > (monday + 7) * DAY)
        issued = state.next_invoice * DAY + 5 * 3600
        amount = np.round(self._people.price * state.seats * self._months / 12, 2)
        delay, disputed = self._delay()
        who = np.flatnonzero(due)
        state.next_invoice[who] = add_months(state.next_invoice, self._months)[who]
        state.invoices[who] += 1
        self._issue(who, issued, amount, delay)
        self._dispute(np.flatnonzero(due & disputed), issued, amount)

    def _schedule(self, monday: int) -> None:
        """New contracts are invoiced a day after they start, running ones on their anniversary."""
        state = self._state
        new = state.running & ((state.next_invoice == NEVER) | (state.next_invoice < monday))
        state.next_invoice[new] = np.maximum(state.started // DAY + 1, monday)[new]
        running = new & (state.started // DAY < monday - 7)
        months = self._random.integers(0, 12, state.running.size) % self._months
        spread = self._random.integers(0, 28, state.running.size)
        state.next_invoice[running] = (add_months(np.full(months.size, monday), months) + spread)[running]

    def _delay(self) -> tuple[Floats, Flags]:
        people, state, random = self._people, self._state, self._random
        days = 17 * np.exp(0.45 * people.punctual - 0.30 * state.satisfaction + random.normal(0, 0.45, people.size))
        disputed = random.random(people.size) < 0.02 * np.exp(-0.7 * state.satisfaction)
        days = days + np.where(disputed, 35.0, 0.0) + np.where(state.noticed, 20.0, 0.0)
        return days, disputed

    def _issue(self, who: Ints, issued: Ints, amount: Floats, delay: Floats) -> None:
        paid = office_hours(self._random, issued // DAY + 1 + np.minimum(delay, 400).astype(np.int64))
        self._write(who, self._state.invoices, issued, issued, np.full(paid.size, NEVER), amount)
        defaults = self._state.noticed & (self._random.random(paid.size) < 0.3)
        payers = who[~defaults[who]]
        self._write(payers, self._state.invoices, paid, issued, paid, amount)

    def _dispute(self, who: Ints, issued: Ints, amount: Floats) -> None:
        """A dispute shows in billing tickets, and half of them end in a credit note."""
        state, random = self._state, self._random
        state.disputed[who] = issued[who] // DAY
        credited = who[random.random(who.size) < 0.5]
        state.invoices[credited] += 1
        share = random.uniform(0.1, 0.6, state.running.size)
        at = issued + (random.uniform(10, 45, state.running.size) * DAY).astype(np.int64)
        self._write(credited, state.invoices, at, at, at, -np.round(amount * share, 2))

    def _write(self, who: Ints, number: Ints, known: Ints, issued: Ints, paid: Ints, amount: Floats) -> None:
        self._pending.add(
            "invoices",
            account=self._people.number[who],
            invoice=number[who],
            issued=issued[who],
            due=issued[who] + _DUE * DAY,
            paid=paid[who],
            amount=amount[who],
            known=synced(known[who]),
        )
