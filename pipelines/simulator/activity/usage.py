"""What accounts do with the product, day by day and feature by feature.

Satisfied accounts have more of their seats at work; new accounts take months to adopt; weekends, August and the turn
of the year are quiet; an outage empties a day. A few users do most of the work, and when the advocate leaves it is
the busiest one who is gone. One draw gives both shapes of the table: rows with the number of distinct users, or one
row a user.
"""

from typing import Final

import numpy as np

from pipelines.simulator.clock import DAY, NEVER, WEEKDAYS, Flags, Floats, Ints, Numbers, season
from pipelines.simulator.pending_rows import PendingRows
from pipelines.simulator.population.account_state import State
from pipelines.simulator.population.population import Population

_BUSY: Final = 0.115  # the part of seats at work on an ordinary weekday of an ordinary account
_SLOPE: Final = 0.48
_DEPTH: Final = np.array([9.0, 3.0, 5.0, 22.0, 4.0, 7.0])  # events a user and day, by feature
_MINUTES: Final = np.array([2.2, 2.6, 1.2, 0.1, 1.1, 0.4])  # minutes an event


class Usage:
    """The usage of one block of accounts: ``generator`` says how many users a day has, ``detail`` who and how long."""

    def __init__(
        self,
        people: Population,
        state: State,
        pending: PendingRows,
        generator: np.random.Generator,
        detail: np.random.Generator,
        *,
        by_user: bool,
    ) -> None:
        self._people, self._state, self._pending = people, state, pending
        self._random, self._detail, self._by_user = generator, detail, by_user
        self._outage_ahead: Flags = np.zeros(people.size, dtype=np.bool_)

    def week(self, monday: int) -> None:
        """The rows of seven days."""
        at_work = self._at_work(monday)
        for weekday, usual in enumerate(WEEKDAYS):
            day = monday + weekday
            open_today = self._open_on(day)
            busy = self._random.gamma(6.0, 1 / 6.0, self._people.size)
            expected = at_work * usual * season(day) * busy * open_today
            if weekday == 4:
                expected = expected * np.where(self._outage_ahead, 0.5, 1.0)
            users = self._random.poisson(expected[:, None] * self._people.shares)
            self._record(day, np.minimum(users, self._state.seats[:, None]))

    def note_outage(self, outage: Flags) -> None:
        """Who suffers an outage at the end of the week that is about to be written."""
        self._outage_ahead = outage

    def _at_work(self, monday: int) -> Floats:
        """Users expected on an ordinary weekday."""
        people, state = self._people, self._state
        weeks = np.maximum(monday - state.started // DAY, 0) / 7
        adopted = 1 - 0.7 * np.exp(-(weeks + 1) / 9)
        leaving = np.where(state.noticed, 0.65, 1.0)
        lost = 0.9 ** np.minimum(state.advocates_lost, 3)
        habit = np.exp(people.adoption + _SLOPE * state.satisfaction)
        users: Floats = _BUSY * state.seats * habit * adopted * leaving * lost
        return users

    def _open_on(self, day: int) -> Flags:
        state = self._state
        begun = state.running & (state.started // DAY <= day)
        running: Flags = begun & ((state.ends == NEVER) | (state.ends // DAY > day))
        return running

    def _record(self, day: int, users: Ints) -> None:
        who, feature = np.nonzero(users)
        count = users[who, feature]
        people, detail = self._people, self._detail
        user = np.empty(0, dtype=np.int64)
        if self._by_user:
            who, feature, user = self._users(who, feature, count)
            count = np.ones(who.size, dtype=np.int64)
        events = count + detail.poisson(count * (_DEPTH[feature] - 1))
        rows: dict[str, Numbers] = {
            "account": people.number[who].astype(np.int32),
            "day": np.full(who.size, day, dtype=np.int32),
            "feature": feature.astype(np.int8),
            "events": events.astype(np.int32),
            "minutes": np.rint(events * _MINUTES[feature] * detail.uniform(0.6, 1.4, who.size)).astype(np.float32),
        }
        if self._by_user:
            self._pending.add("usage_daily", **rows, user=user, known=self._arrival(who.size, day))
        else:
            known = np.full(who.size, (day + 1) * DAY - 1)  # a day is known once it is over
            self._pending.add("usage_daily", **rows, users=count.astype(np.int32), known=known)

    def _users(self, who: Ints, feature: Ints, count: Ints) -> tuple[Ints, Ints, Ints]:
        """One entry a distinct user: the busiest seats are drawn most."""
        who, feature = np.repeat(who, count), np.repeat(feature, count)
        rank = (self._state.seats[who] * self._detail.random(who.size) ** 2.2).astype(np.int64)
        user = np.where(rank == 0, self._state.advocates_lost[who] * 1000, rank)
        _, first = np.unique((who * 64 + feature) * 100_000 + user, return_index=True)
        return who[first], feature[first], user[first]

    def _arrival(self, size: int, day: int) -> Ints:
        """Usage arrives in the night; one row in two hundred comes days late."""
        late = np.where(self._detail.random(size) < 0.005, self._detail.integers(1, 6, size), 0)
        return (day + 1 + late) * DAY + 2 * 3600
