"""Numbers of the succession of contracts for features: arrays by cutoff and account.

A night asks at one or two cutoffs, and shares the answer with eligibility and candidates. A training run asks at a
hundred: then each account's numbers are computed once for every interval in which nothing about its contracts changes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.arrow import number_array, to_int64, to_numpy
from features.history.history import History
from features.history.versions import EPOCH
from features.succession.contract_details import NUMBERS, contract_details
from features.succession.contract_status import AT_ONCE, questions_through_time
from features.succession.contract_versions import NUMBERED_ACCOUNTS
from features.succession.succession import FEW_CUTOFFS, contracts_at

_Floats = NDArray[np.float64]
_Ints = NDArray[np.signedinteger[Any]]


def _ahead(column: str) -> Callable[[pa.Table, int], _Floats]:
    return lambda rows, day: to_numpy(rows.column(column)) - day


VALUES: Mapping[str, Callable[[pa.Table, int], _Floats]] = {
    "renews_in_days": _ahead("renewal_day"),
    "renewal_overdue_days": lambda rows, day: day - to_numpy(rows.column("overdue_day")),
    "first_end_in_days": _ahead("first_end_day"),
    "endings": lambda rows, day: to_numpy(rows.column("endings")),
    "partial_loss_share": lambda rows, day: to_numpy(rows.column("partial_loss")),
}
"""What a feature may measure, from the rows of some accounts and the cutoff (days since 1970)."""

WITHOUT_CONTRACTS = {"endings": 0.0}
"""The value of an account that never had a contract; of the others it is not known."""


def succession_values(history: History, name: str, days: _Ints, accounts: _Ints) -> _Floats:
    """One of ``VALUES`` by cutoff (days since 1970) and account (dense numbers, ascending); NaN where unknown."""
    values = np.full((len(days), len(accounts)), WITHOUT_CONTRACTS.get(name, np.nan))
    if not len(accounts):
        return values
    few = len(days) <= FEW_CUTOFFS
    changes = None if few else history.cached("succession_changes", lambda: Changes.of(history)).between(accounts)
    for place, day in enumerate(days.tolist()):
        rows = changes.at(day) if changes else contracts_at(history, EPOCH + timedelta(days=day))
        account = to_int64(rows.column("account"))
        column = np.minimum(np.searchsorted(accounts, account), len(accounts) - 1)
        here = accounts[column] == account
        values[place, column[here]] = VALUES[name](rows, day)[here]
    return values


@dataclass(frozen=True)
class Changes:
    """The numbers of accounts from each day on at which they change, ordered by account and time."""

    rows: pa.Table
    account: _Ints
    since: _Ints

    @classmethod
    def of(cls, history: History) -> "Changes":
        """The changes of all accounts; also to no contract at all, when the last one moved to another account."""
        rows = history.query(f"""
            WITH {NUMBERED_ACCOUNTS}, {questions_through_time(history)}, {contract_details(history)}
            SELECT question.account, CAST(question.instant - {AT_ONCE} AS DATE) - DATE '1970-01-01' AS since, {NUMBERS}
            FROM question LEFT JOIN contract_detail AS d USING (account, instant)
            ORDER BY question.account, question.instant
        """).combine_chunks()
        return cls(rows, to_int64(rows.column("account")), to_int64(rows.column("since")))

    def between(self, accounts: _Ints) -> "Changes":
        """Those of the accounts from the first to the last of these."""
        first, end = np.searchsorted(self.account, (accounts[0], accounts[-1] + 1)).tolist()
        return Changes(self.rows.slice(first, end - first), self.account[first:end], self.since[first:end])

    def at(self, day: int) -> pa.Table:
        """The row of each account that holds at a cutoff: the last that began before it."""
        begun = np.flatnonzero(self.since < day)
        last = np.ones(len(begun), bool)
        last[:-1] = self.account[begun[1:]] != self.account[begun[:-1]]
        return self.rows.take(number_array(begun[last]))
