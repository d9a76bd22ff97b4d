"""What counts as the event, and when its verdict falls: the settings of one risk's label."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from features.errors import UsageError

ACTIVITY = ("invoices", "usage_daily", "tickets")
"""The tables whose rows may count as a sign of life."""


@dataclass(frozen=True)
class LabelRule:
    """When a risk has come true, seen from a cutoff ``T``; every length is in days.

    The event counts in ``(T + lead, T + lead + horizon]``. By ``contract``, a decision to leave may still be taken
    back, or another subscription start, within ``grace`` days, so its verdict falls that much later. By ``silence``,
    an account is watched if one of ``active_on`` showed a sign of life in the ``active`` days before ``T``.
    """

    risk: str
    kind: Literal["escalation", "contract", "silence"]
    horizon: int
    lead: int = 0
    grace: int = 30
    active: int = 180
    active_on: tuple[str, ...] = ACTIVITY

    def __post_init__(self) -> None:
        if self.horizon < 1 or self.active < 1 or min(self.lead, self.grace) < 0:
            raise UsageError(
                f"The label of {self.risk} needs horizon and active of at least 1 day, lead and grace of at least 0."
            )
        if not self.active_on or not set(self.active_on) <= set(ACTIVITY):
            raise UsageError(f"The label of {self.risk}: active_on takes one or more of {', '.join(ACTIVITY)}.")

    @property
    def ripening(self) -> int:
        """Days from the cutoff to the verdict: all that the label depends on is over by then."""
        return self.lead + self.horizon + (self.grace if self.kind == "contract" else 0)

    def verdict(self, cutoff: date) -> date:
        """The day whose first instant settles the cutoff's label; it is known once the data pass that instant."""
        return cutoff + timedelta(days=self.ripening)
