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

from models.data.arrays import Bools

RECENT_DAYS = 90
"""What happened longer ago explains nothing about tonight."""


@dataclass(frozen=True)
class AdverseRange:
    """The values of a feature that are an adverse event, both ends included, and which of them are worse."""

    least: float
    most: float = inf
    worse: Literal["more", "less", "same"] = "more"


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
    "usage_users_lost_28d": _SOME,
    "usage_features_change_28d": _FALL,
    "usage_features_lost_28d": _SOME,
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
    values = rows[name].cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.asarray((values >= limits.least) & (values <= limits.most), dtype=np.bool_)


def is_adverse(name: str, value: object) -> bool:
    """Whether one value of a feature is an adverse event."""
    limits = ADVERSE_EVENTS.get(name)
    return limits is not None and isinstance(value, int | float) and limits.least <= value <= limits.most
