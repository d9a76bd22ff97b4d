"""The revenue that a closed case saved or lost, as every report counts it, and what was recorded with the case.

There is one figure under one name. It is the amount that was recorded when the case was closed, else the revenue at
stake, else its estimate; and an account that is saved (or lost) again within 90 days counts only with what is more than
before. So the figures of a list add up to those of the overview and of the weekly report.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from serving.handoff.render import amount
from serving.store.case_states import State
from serving.store.tables import Case

AMOUNT_TITLES = {State.SAVED: "Revenue saved", State.LOST: "Revenue lost"}


@dataclass(frozen=True)
class OutcomeAmount:
    """What one case saved or lost: the figure that counts (None: unknown), and what was recorded.

    ``estimated`` is whether nothing was recorded and the revenue was unknown.
    """

    title: str
    counted: float | None
    recorded: float | None
    estimated: bool
    currency: str

    @property
    def value(self) -> str:
        """The figure that counts."""
        return "unknown" if self.counted is None else amount(self.counted, self.currency)

    @property
    def note(self) -> str:
        """Why the figure is not what was recorded, and whether it is an estimate; empty where neither is so."""
        parts = ["estimated"] if self.estimated and self.counted is not None else []
        if self.counted is not None and self.recorded is not None and round(self.counted) != round(self.recorded):
            recorded, part = amount(self.recorded, self.currency), "the rest" if round(self.counted) else "all of it"
            parts.append(f"of {recorded}: {part} was counted before")
        return ", ".join(parts)


def outcome_amount(case: Case, counted: float | None, currency: str) -> OutcomeAmount | None:
    """The figure of a case; None of one that was neither saved nor lost. ``counted`` is that of the reports."""
    title = AMOUNT_TITLES.get(State(case.state))
    if title is None:
        return None
    known = case.outcome_amount if case.outcome_amount is not None else case.at_stake
    recorded = known if known is not None else case.estimated_revenue
    return OutcomeAmount(title, counted, recorded, known is None, case.outcome_currency or currency)


def amounts_together(sums: Mapping[tuple[str, str], float]) -> str:
    """The sums of a list by outcome and currency: "Together: revenue saved 31,821 EUR."; empty without any."""
    parts = [f"{AMOUNT_TITLES[State(state)].lower()} {amount(sums[state, code], code)}" for state, code in sorted(sums)]
    return f"Together: {', '.join(parts)}." if parts else ""
