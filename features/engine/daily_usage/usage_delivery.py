"""How usage was delivered: the usual delay, and the accounts with rows that had another delay or several versions.

Where the table keeps versions, most rows of a day arrive together, the same night or the next. An account all of whose
rows arrived with the usual delay, each in one version, is *regular*: at every cutoff the rows of a day are either all
known or all unknown. The others have rows that arrived late, early or twice, and need to be counted row by row.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from features.arrow import to_int64
from features.definitions.measures import Aggregate, lookback_days
from features.engine.daily_usage.day_sums import DaySums
from features.engine.daily_usage.usage_partitions import usage_partitions
from features.engine.table_rows.corrections import version_intervals
from features.engine.table_rows.relations import NUMBERED
from features.engine.windows import Ints
from features.history.history import History


@dataclass(frozen=True)
class UsageDelivery:
    """The usual delay in days (0: known when the day is over), and the accounts with other delays, ascending.

    ``rows`` is the query of the rows of the others; ``days``, if any, gives their sums for the days ``[first, end)``,
    so that rows need not be read.
    """

    lag: int
    irregular: Ints
    rows: str = "SELECT * FROM usage_daily"
    days: Callable[[int, int], Sequence[DaySums]] | None = None


PROMPT_DELIVERY = UsageDelivery(0, np.array([], dtype=np.int64))


def delivery_at(history: History, cutoff: int, wanted: Iterable[Aggregate]) -> UsageDelivery:
    """Usage as it was known at one cutoff: there is one state of each row, so every account is regular."""
    partitions = usage_partitions(history)
    if partitions is not None:
        return UsageDelivery(0, PROMPT_DELIVERY.irregular, days=partial(partitions.known_before, cutoff))
    if "usage_daily" not in history.versioned:
        return PROMPT_DELIVERY
    days = lookback_days(part for part in wanted if part.stream.relation == "usage_daily")
    rows = version_intervals("usage_daily", history, since=None if days is None else cutoff - days)
    known = f"SELECT * FROM ({rows}) WHERE known < {cutoff} AND {cutoff} <= replaced"
    return UsageDelivery(0, PROMPT_DELIVERY.irregular, known)


def measure_delivery(history: History) -> UsageDelivery:
    """How a history's usage was delivered; measured once."""
    if "usage_daily" not in history.versioned:
        return PROMPT_DELIVERY
    return history.cached("usage_delivery", lambda: _measure(history))


def _measure(history: History) -> UsageDelivery:
    lag = "greatest(0, coalesce(CAST(known_at AS DATE) - day, 0))"
    usual = history.query(f"SELECT coalesce(mode({lag}), 0) AS usual FROM usage_daily").column("usual")[0].as_py()
    key = "hash(account_id, day, feature, user_id)"  # two keys with one hash make an account irregular, never wrong
    irregular = history.query(
        f"SELECT DISTINCT account FROM ("
        f"SELECT account_id FROM usage_daily WHERE {lag} <> {usual} UNION ALL "
        f"SELECT any_value(account_id) FROM usage_daily GROUP BY {key} HAVING count(*) > 1"
        f") JOIN {NUMBERED} USING (account_id) ORDER BY account"
    )
    return UsageDelivery(int(usual), to_int64(irregular.column("account")))
