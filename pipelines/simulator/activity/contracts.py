"""The life of subscriptions: start, renewal (also early), change of seats, notice, withdrawal of a notice, end, return.

Each change writes a new version of the subscription's row, known when it happened: a notice is a version whose
``ended_at`` lies ahead, a withdrawn notice one whose ``ended_at`` is empty again.
"""

from typing import Final

import numpy as np

from pipelines.simulator.clock import DAY, NEVER, Flags, Floats, Ints, add_months, office_hours, working_day
from pipelines.simulator.pending_rows import PendingRows, synced
from pipelines.simulator.population import hazards
from pipelines.simulator.population.account_state import State
from pipelines.simulator.population.population import ANNUAL, MANUAL, MONTHLY, MULTI_YEAR, Population

TAKEN_BACK: Final = 0.12
BACK_WITHIN_GRACE: Final = 0.03
BACK_LATER: Final = 0.10
MIDTERM_WEEKS: Final = 20
ADDON: Final = 90  # the number of an account's add-on contract
_RENEWAL_HOUR = 6 * 3600


def weeks_left(state: State, monday: int) -> Ints:
    """Whole weeks from this Monday to the renewal."""
    return (state.renews - monday) // 7


def may_be_taken_back(contract: Ints, left: Ints) -> Flags:
    """Whether a notice given now leaves time to be withdrawn."""
    leaves_time: Flags = (contract == MONTHLY) | ((contract != MANUAL) & (left >= 5))
    return leaves_time


class Contracts:
    """The subscriptions of one block."""

    def __init__(self, people: Population, state: State, pending: PendingRows, generator: np.random.Generator) -> None:
        self._people, self._state, self._pending, self._random = people, state, pending, generator

    def load(self, day: int, known: int) -> None:
        """The contracts that run on the first Monday; our copy learns all of them at the instant ``known``."""
        people, state = self._people, self._state
        who = np.flatnonzero(people.created < day)
        begins = people.first_term[who]
        state.renews[who] = _first_after(begins, people.term[who], day)
        state.started[who] = office_hours(self._random, people.created)[who]
        state.running[who] = True
        state.contract_number[who] = 1
        self._write(who, np.full(who.size, known))

    def week(self, monday: int) -> None:
        """Everything that happens to contracts from this Monday to the next."""
        state = self._state
        decided = self._decide(monday)
        left = weeks_left(state, monday)
        lapsing = decided & (self._people.contract == MANUAL) & (left == 0)
        quiet = ~decided & state.running & ~state.noticed
        self._withdraw(monday)
        renewed = self._renew(monday, lapsing)
        self._give_notice(monday, decided, left, lapsing)
        self._renew_early(monday, quiet & ~renewed, left)
        self._change_seats(monday, quiet & ~renewed)
        self._begin(monday)

    def close(self, monday: int) -> None:
        """Contracts that ended before this Monday no longer run."""
        state = self._state
        over = state.running & (state.ends != NEVER) & (state.ends < monday * DAY)
        state.running[over] = False
        state.fresh[:] = False

    def _decide(self, monday: int) -> Flags:
        people, state = self._people, self._state
        level = hazards.churn_log_hazard(people.contract, people.segment, weeks_left(state, monday))
        relief = np.where(state.relief_until > monday, state.relief, 1.0)
        hazard = hazards.churn_hazard(level, state.mood) * relief
        decided: Flags = (self._random.random(people.size) < -np.expm1(-hazard)) & state.running & ~state.noticed
        return decided

    def _renew(self, monday: int, lapsing: Flags) -> Flags:
        state, people = self._state, self._people
        due = state.running & (state.renews >= monday) & (state.renews < monday + 7) & ~lapsing
        due &= (state.ends == NEVER) | (state.ends > state.renews * DAY + DAY)
        who = np.flatnonzero(due)
        at = state.renews[who] * DAY + _RENEWAL_HOUR
        state.renews[who] = add_months(state.renews[who], people.term[who])
        self._write(who, synced(at))
        return due

    def _give_notice(self, monday: int, decided: Flags, left: Ints, lapsing: Flags) -> None:
        state, people = self._state, self._people
        notice = office_hours(self._random, working_day(self._random, monday, people.size))
        early = self._random.random(people.size)
        soon = notice // DAY + 30 + (early * 45).astype(np.int64)
        ends = np.where((left > MIDTERM_WEEKS) & (early < 0.7), soon, state.renews)
        ends = np.where(people.contract == MONTHLY, add_months(state.renews, 1), ends) * DAY + _RENEWAL_HOUR
        last_day = state.renews * DAY + _RENEWAL_HOUR
        notice = np.where(lapsing, last_day, notice)
        notice = np.where((people.contract == MONTHLY) & (left == 0), monday * DAY + 6 * DAY + 12 * 3600, notice)
        who = np.flatnonzero(decided)
        state.ends[who] = np.where(lapsing, last_day, ends)[who]
        state.noticed[who] = True
        self._plan_return(decided, notice, left)
        self._write(who, synced(notice[who]))

    def _plan_return(self, decided: Flags, notice: Ints, left: Ints) -> None:
        """Who will withdraw the notice, and who will come back after the end."""
        state, people = self._state, self._people
        roll, when, back, pause = self._random.random((4, people.size))
        withdraws = decided & (roll < TAKEN_BACK) & may_be_taken_back(people.contract, left)
        state.takes_back[withdraws] = (notice + ((8 + when * 16) * DAY).astype(np.int64))[withdraws]
        at_once, later = (
            decided & (back < BACK_WITHIN_GRACE),
            decided & (back >= BACK_WITHIN_GRACE) & (back < BACK_LATER),
        )
        days = np.where(at_once, 7 + pause * 18, 60 + pause * 180).astype(np.int64)
        returning = (at_once | later) & ~withdraws
        state.returns[returning] = (state.ends // DAY + days)[returning]

    def _withdraw(self, monday: int) -> None:
        state = self._state
        due = (state.takes_back >= monday * DAY) & (state.takes_back < (monday + 7) * DAY) & state.running
        who = np.flatnonzero(due)
        at = state.takes_back[who]
        state.ends[who] = state.takes_back[who] = state.returns[who] = NEVER
        state.noticed[who] = False
        self._write(who, synced(at))

    def _renew_early(self, monday: int, able: Flags, left: Ints) -> None:
        state, people = self._state, self._people
        low, high = hazards.EARLY_WEEKS
        fixed = (people.contract == ANNUAL) | (people.contract == MULTI_YEAR)
        chosen = self._random.random(people.size) < hazards.EARLY_CHANCE
        who = np.flatnonzero(chosen & able & fixed & (left >= low) & (left <= high) & ~state.noticed)
        state.renews[who] = add_months(state.renews[who], people.term[who])
        self._write(who, synced(office_hours(self._random, working_day(self._random, monday, people.size))[who]))

    def _change_seats(self, monday: int, able: Flags) -> None:
        state, people = self._state, self._people
        roll, by = self._random.random((2, people.size))
        growing = roll < 0.012 * np.exp(0.5 * state.mood)
        shrinking = roll > 1 - 0.006 * np.exp(-0.8 * state.mood)
        factor = np.where(growing, 1.1 + 0.4 * by, 0.9 - 0.4 * by)
        changing = able & ~state.noticed & (growing | shrinking) & (state.started < monday * DAY - 60 * DAY)
        who = np.flatnonzero(changing)
        state.seats[who] = np.maximum(2, np.rint(state.seats * factor))[who]
        self._write(who, synced(office_hours(self._random, working_day(self._random, monday, people.size))[who]))
        self._drop_addons(monday, able & ~changing)

    def _drop_addons(self, monday: int, able: Flags) -> None:
        state, people = self._state, self._people
        dropped = self._random.random(people.size) < 0.003
        who = np.flatnonzero(able & dropped & state.addon & ~state.noticed)
        at = office_hours(self._random, working_day(self._random, monday, people.size))[who]
        self._write_addon(who, synced(at), at + 30 * DAY)
        state.addon[who] = False

    def _begin(self, monday: int) -> None:
        """First contracts of accounts created this week, and new ones of those who come back."""
        state, people = self._state, self._people
        begins = np.where(state.contract_number == 0, people.created, state.returns)
        due = ~state.running & (begins >= monday) & (begins < monday + 7)
        at = office_hours(self._random, np.where(due, begins, monday))
        who = np.flatnonzero(due)
        state.running[who] = state.fresh[who] = True
        state.noticed[who] = False
        state.contract_number[who] += 1
        state.started[who] = at[who]
        state.ends[who] = state.returns[who] = NEVER
        state.renews[who] = add_months(begins[who], people.term[who])
        state.satisfaction[who] = people.fit[who] + 0.3
        state.mood[who] = people.fit[who] + 0.3
        self._write(who, synced(at[who]))

    def _write(self, who: Ints, known: Ints) -> None:
        state = self._state
        self._version(who, known, state.contract_number[who], state.seats[who], state.ends[who], 1.0)
        also = state.addon[who]
        self._write_addon(who[also], known[also], state.ends[who][also])

    def _write_addon(self, who: Ints, known: Ints, ends: Ints) -> None:
        seats = np.maximum(1, self._state.seats[who] // 2)
        self._version(who, known, self._state.contract_number[who] + ADDON - 1, seats, ends, 0.35)

    def _version(self, who: Ints, known: Ints, number: Ints, seats: Ints, ends: Ints, price: float) -> None:
        state, people = self._state, self._people
        revenue: Floats = np.round(people.price[who] * price * seats, 2)
        self._pending.add(
            "subscriptions",
            account=people.number[who],
            number=number,
            plan=np.where(number >= ADDON, 4, people.plan[who]),
            seats=seats,
            arr=revenue,
            auto_renew=people.contract[who] != MANUAL,
            started=state.started[who],
            renews=state.renews[who] * DAY + _RENEWAL_HOUR,
            ended=ends,
            known=known,
        )


def _first_after(begins: Ints, term: Ints, day: int) -> Ints:
    """The first end of a term at least three weeks after that day, for terms that began so."""
    ends = add_months(begins, term)
    while (late := ends < day + 21).any():
        ends = np.where(late, add_months(ends, term), ends)
    return ends
