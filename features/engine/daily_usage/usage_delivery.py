"""How usage was delivered: with which usual delay, and for which accounts anything else ever happened.

Where the table keeps versions, most rows of a day arrive together, the same night or the next. An account all of whose
rows came with the usual delay, each in one version, is *regular*: at every cutoff its days are either all known or all
not yet. The others have rows that came late, early or twice, and need to be looked at row by row.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from features.arrow import whole
from features.definitions.measures import Aggregate, reach
from features.engine.corrections import settled
from features.engine.daily_usage.day_sums import UsageDays
from features.engine.daily_usage.usage_partitions import usage_partitions
from features.engine.relations import NUMBERED
from features.engine.windows import Ints
from features.history.history import History


@dataclass(frozen=True)
class UsageDelivery:
    """The usual delay in days (0: known when the day is over), and the accounts that do not keep to it, ascending.

    ``rows`` is where the rows of the others are; ``days``, where there is that, gives their sums for the days
    ``[first, end)``, so that rows need not be read.
    """

    lag: int
    irregular: Ints
    rows: str = "SELECT * FROM usage_daily"
    days: Callable[[int, int], Sequence[UsageDays]] | None = None


PROMPT = UsageDelivery(0, np.array([], dtype=np.int64))


def known_before(history: History, cutoff: int, wanted: Iterable[Aggregate]) -> UsageDelivery:
    """Usage as it was known at one cutoff: there is one state of each row, so every account is regular."""
    partitions = usage_partitions(history)
    if partitions is not None:
        return UsageDelivery(0, PROMPT.irregular, days=partial(partitions.known_before, cutoff))
    if "usage_daily" not in history.versioned:
        return PROMPT
    days = reach(part for part in wanted if part.stream.relation == "usage_daily")
    rows = settled("usage_daily", history, since=None if days is None else cutoff - days)
    return UsageDelivery(0, PROMPT.irregular, f"SELECT * FROM ({rows}) WHERE known < {cutoff} AND {cutoff} <= replaced")


def delivery(history: History) -> UsageDelivery:
    """How a history's usage was delivered; looked up once."""
    if "usage_daily" not in history.versioned:
        return PROMPT
    return history.derived("usage_delivery", lambda: _measured(history))


def _measured(history: History) -> UsageDelivery:
    lag = "greatest(0, coalesce(CAST(known_at AS DATE) - day, 0))"
    usual = history.query(f"SELECT coalesce(mode({lag}), 0) AS usual FROM usage_daily").column("usual")[0].as_py()
    key = "hash(account_id, day, feature, user_id)"  # two keys with one hash make an account irregular, never wrong
    found = history.query(
        f"SELECT DISTINCT account FROM ("
        f"SELECT account_id FROM usage_daily WHERE {lag} <> {usual} UNION ALL "
        f"SELECT any_value(account_id) FROM usage_daily GROUP BY {key} HAVING count(*) > 1"
        f") JOIN {NUMBERED} USING (account_id) ORDER BY account"
    )
    return UsageDelivery(int(usual), whole(found.column("account")))
