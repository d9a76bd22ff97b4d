"""Which values of a feature say that something bad happened, recently: events, as opposed to levels.

"Health score 31.9 on average over four weeks" is a level: it does not say what happened, and nobody can call a customer
about it. "Use fell 41% against the four weeks before" is an event. A value counts where it is possible (a fall of more
than 100% is not) and not older than the windows of its feature, at most :data:`RECENT_DAYS` days.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal

import numpy as np
import pyarrow as pa

from models.data.arrays import Bools, Floats

RECENT_DAYS = 90
"""What happened longer ago explains nothing about tonight."""
USAGE, USAGE_FEED_AGE = "usage_", "usage_feed_age_days"
FRESH_DAYS = 3
"""Days without new usage of any account after which less use is no event: the rows of those days are missing."""


@dataclass(frozen=True)
class AdverseRange:
    """The values of a feature that are an adverse event, both ends included, and which of them are worse.

    Where ``fell`` names another feature, they count only for accounts for which that one is below zero, or unknown: 74
    people who stopped are no event where 80 others began.
    """

    least: float
    most: float = inf
    worse: Literal["more", "less", "same"] = "more"
    fell: str | None = None


_FALL = AdverseRange(-1.0, -0.3, "less")
_SOME = AdverseRange(1.0)
_RECENT = AdverseRange(0.0, 28.0, "same")

ADVERSE_EVENTS: Mapping[str, AdverseRange] = {
    # a cancellation, or a contract that was not renewed
    "contract_notices": _SOME,
    "contract_notice_ends_in_days": AdverseRange(0.0, worse="less"),
    "contract_partial_loss_share": AdverseRange(0.01, 1.0),
    "contract_renewal_overdue_days": AdverseRange(1.0),
    "contract_overdue_renewals": _SOME,
    "contract_arr_change_90d": AdverseRange(-1.0, -0.05, "less"),
    "contract_seats_change_90d": AdverseRange(-1.0, -0.05, "less"),
    # what customers wrote
    "text_cancel_28d": _SOME,
    "text_cancel_90d": _SOME,
    "text_since_cancel_days": AdverseRange(0.0, RECENT_DAYS, "same"),
    "text_rival_90d": _SOME,
    "text_manager_28d": _SOME,
    "text_manager_90d": _SOME,
    # escalations and tickets that nobody answers
    "escalations_open": _SOME,
    "escalations_28d": _SOME,
    "escalations_90d": _SOME,
    "escalation_oldest_open_days": AdverseRange(0.0),
    "escalation_recency_days": _RECENT,
    "ticket_sla_breaches_28d": _SOME,
    "ticket_sla_breaches_90d": _SOME,
    "tickets_open_urgent": _SOME,
    "tickets_urgent_28d": _SOME,
    "tickets_urgent_90d": AdverseRange(2.0),
    "ticket_longest_wait_days": AdverseRange(3.0),
    "tickets_reopened_90d": _SOME,
    "tickets_opened_vs_normal": AdverseRange(1.0),
    "tickets_opened_change_28d": AdverseRange(1.0),
    # people who left
    "contacts_champions_left_90d": _SOME,
    "contacts_champion_left_days": AdverseRange(0.0, RECENT_DAYS, "same"),
    # use that stopped or fell
    "usage_recency_days": AdverseRange(14.0),
    "usage_events_change_28d": _FALL,
    "usage_events_vs_portfolio": AdverseRange(-inf, -0.3, "less"),
    "usage_events_vs_normal": _FALL,
    "usage_events_change_90d": _FALL,
    "usage_minutes_change_28d": _FALL,
    "usage_active_days_change_28d": _FALL,
    "usage_users_change_28d": AdverseRange(-1.0, -0.2, "less"),
    "usage_users_lost_28d": AdverseRange(1.0, fell="usage_users_change_28d"),
    "usage_features_change_28d": _FALL,
    "usage_features_lost_28d": AdverseRange(1.0, fell="usage_features_change_28d"),
    # invoices that are not paid
    "invoices_overdue": _SOME,
    "invoices_overdue_days": AdverseRange(1.0),
    "invoices_overdue_amount": AdverseRange(0.01),
    "invoices_overdue_share_of_arr": AdverseRange(0.001),
    # the score of the CRM itself
    "health_change_28d": AdverseRange(-100.0, -5.0, "less"),
    "health_change_90d": AdverseRange(-100.0, -5.0, "less"),
}
"""By feature, the most telling first."""


def adverse_flags(name: str, rows: pa.Table) -> Bools:
    """In which rows the value of a feature is an adverse event: bool[n]."""
    limits = ADVERSE_EVENTS.get(name)
    if limits is None or name not in rows.column_names:
        return np.zeros(rows.num_rows, dtype=np.bool_)
    values = float_values(name, rows)
    flags = (values >= limits.least) & (values <= limits.most)
    if limits.fell is not None and limits.fell in rows.column_names:
        flags &= ~(float_values(limits.fell, rows) >= 0)
    if name.startswith(USAGE) and USAGE_FEED_AGE in rows.column_names:
        flags &= ~(float_values(USAGE_FEED_AGE, rows) > FRESH_DAYS)
    return np.asarray(flags, dtype=np.bool_)


def is_adverse(name: str, row: Mapping[str, object]) -> bool:
    """Whether the value of a feature is an adverse event of one account, given all its features."""
    limits, value = ADVERSE_EVENTS.get(name), row.get(name)
    if limits is None or not isinstance(value, int | float) or not limits.least <= value <= limits.most:
        return False
    net = row.get(limits.fell or "")
    return not (isinstance(net, int | float) and net >= 0) and not days_without_usage_rows(name, row)


def days_without_usage_rows(name: str, row: Mapping[str, object]) -> float:
    """For a feature of usage: the days before the cutoff of which no rows are known; 0 while the feed is fresh."""
    age = row.get(USAGE_FEED_AGE)
    stopped = name.startswith(USAGE) and name != USAGE_FEED_AGE and isinstance(age, int | float) and age > FRESH_DAYS
    return float(age) if stopped and isinstance(age, int | float) else 0.0


def float_values(name: str, rows: pa.Table) -> Floats:
    """A numeric column of the frame, missing values as NaN: float64[n]."""
    return np.asarray(rows[name].cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
