"""Numbers of the succession of contracts for features: arrays by cutoff and account.

A night asks at one or two cutoffs, and shares the answer with eligibility and candidates. A training run asks at a
hundred: then each account's numbers are computed once for every day on which something about its contracts changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.arrow import to_int64, to_numpy
from features.history.history import History
from features.history.versions import EPOCH
from features.succession.contract_details import NUMBERS, contract_details
from features.succession.contract_status import AT_ONCE, questions_through_time
from features.succession.contract_versions import NUMBERED_ACCOUNTS
from features.succession.succession import FEW_CUTOFFS, contracts_at

_Floats = NDArray[np.float64]
_Ints = NDArray[np.signedinteger[Any]]


@dataclass(frozen=True)
class _Value:
    """A column of ``NUMBERS``, where it is a day counted until (1) or since (−1) the cutoff; else as it is."""

    column: str
    counted: int = 0
    without_contracts: float = np.nan

    def at(self, days: _Ints, column: _Floats) -> _Floats:
        """The value at cutoffs, from the column by cutoff and account."""
        if not self.counted:
            return column
        return column - days[:, None] if self.counted > 0 else days[:, None] - column


VALUES: Mapping[str, _Value] = {
    "renews_in_days": _Value("renewal_day", counted=1),
    "renewal_overdue_days": _Value("overdue_day", counted=-1),
    "first_end_in_days": _Value("first_end_day", counted=1),
    "endings": _Value("endings", without_contracts=0.0),
    "partial_loss_share": _Value("partial_loss"),
}
"""What a feature may measure; of an account that never had a contract only the number of its endings is known."""


def succession_values(history: History, name: str, days: _Ints, accounts: _Ints) -> _Floats:
    """One of ``VALUES`` by cutoff (days since 1970) and account (dense numbers, ascending); NaN where unknown."""
    value = VALUES[name]
    if len(days) > FEW_CUTOFFS:
        changes = history.cached("succession_changes", lambda: Changes.of(history))
        return value.at(days, changes.numbers[name][changes.places(days, accounts)])
    values = np.full((len(days), len(accounts)), value.without_contracts)
    for place, day in enumerate(days.tolist() if len(accounts) else []):
        rows = contracts_at(history, EPOCH + timedelta(days=day))
        account = to_int64(rows.column("account"))
        column = np.minimum(np.searchsorted(accounts, account), len(accounts) - 1)
        here = accounts[column] == account
        values[place, column[here]] = to_numpy(rows.column(value.column))[here]
    return value.at(days, values)


@dataclass(frozen=True)
class Changes:
    """The numbers of accounts from each day on at which they change, ordered by account and day.

    ``numbers`` has each of ``VALUES``, and behind them that of an account without contracts.
    """

    account: _Ints
    since: _Ints
    numbers: Mapping[str, _Floats]
    _last: dict[tuple[bytes, bytes], _Ints] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, history: History) -> "Changes":
        """The changes of all accounts; also to no contract at all, when the last one moved to another account.

        Of several moments of a day the last decides: each cutoff is a midnight.
        """
        day = f"CAST(instant - {AT_ONCE} AS DATE)"
        rows = history.query(f"""
            WITH {NUMBERED_ACCOUNTS}, {questions_through_time(history, "of_moment")},
            question AS (SELECT account, max(instant) AS instant FROM of_moment GROUP BY account, {day}),
            {contract_details(history)}
            SELECT question.account, {day} - DATE '1970-01-01' AS since, {NUMBERS}
            FROM question LEFT JOIN contract_detail AS d USING (account, instant)
            ORDER BY question.account, question.instant
        """)
        numbers = {
            name: np.append(to_numpy(rows.column(value.column)), value.without_contracts)
            for name, value in VALUES.items()
        }
        return cls(to_int64(rows.column("account")), to_int64(rows.column("since")), numbers)

    def places(self, days: _Ints, accounts: _Ints) -> _Ints:
        """The place of the numbers of some accounts (ascending) at each cutoff; −1 before the first ones.

        The places for the cutoffs and accounts that were asked for last are not computed again.
        """
        key = days.tobytes(), accounts.tobytes()
        places = self._last.get(key)
        if places is None:
            places = self._places(days, accounts)
            self._last.clear()
            self._last[key] = places
        return places

    def _places(self, days: _Ints, accounts: _Ints) -> _Ints:
        places = np.full((len(days) + 1, len(accounts)), -1, np.int32)
        if len(accounts):
            first, end = np.searchsorted(self.account, (accounts[0], accounts[-1] + 1)).tolist()
            account = self.account[first:end]
            column = np.searchsorted(accounts, account)
            change = np.flatnonzero(accounts[column] == account)
            cutoff = np.searchsorted(days, self.since[first:end], side="right")
            places[cutoff[change], column[change]] = change + first  # of one day and account the last is kept
        last: _Ints = np.maximum.accumulate(places[:-1], axis=0)
        return last
