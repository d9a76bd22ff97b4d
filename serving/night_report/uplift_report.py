"""Whether the priority may use the uplift of a risk, as part of reports.

An uplift model estimates by how much a rescue lowers an account's probability of the event. It is trained only when
somebody asks for it, so reports have nothing about it otherwise.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from serving.night_report.effect_report import DifferenceReport
from serving.night_report.queue_case import ReportPart

UpliftCode = Literal["better", "not_better", "same_for_all", "too_few_units", "no_model", "unavailable"]


class UpliftReport(ReportPart):
    """What the newest uplift model of a risk showed. Figures are events prevented by 100 accounts with a place.

    ``lead`` is the Qini coefficient of the order by uplift minus that of the order by risk, which are ``by_uplift`` and
    ``by_risk``: what an order prevents beyond a random one, as the mean over all shares of accounts that are worked.
    """

    risk: str
    code: UpliftCode
    version: str = ""
    until: date | None = Field(default=None, description="the model knows nothing of this day or later")
    worked: int = Field(default=0, description="settled accounts, with one account a group")
    held_out: int = 0
    needed: int = Field(default=0, description="settled accounts that each group needs, with `too_few_units`")
    needed_events: int = Field(default=0, description="events that each group needs, with `too_few_units`")
    by_uplift: DifferenceReport | None = None
    by_risk: DifferenceReport | None = None
    lead: DifferenceReport | None = None
    detectable: float | None = Field(default=None, description="smallest lead that is found with 80% by so many")
    accounts_needed: int | None = Field(
        default=None, description="settled accounts by which a lead as large as the present one is found with 80%"
    )
    columns: dict[str, float] = Field(
        default_factory=dict, description="what the effect depends on: its change by one standard deviation"
    )
    text: str = Field(default="", description="the message of an error or a warning of the registry")

    @property
    def usable(self) -> bool:
        """Whether the priority may use it."""
        return self.code == "better"
