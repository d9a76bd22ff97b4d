"""Do labels still arrive? A source that no longer delivers an event looks like a quiet time, and a model learns that.

The events of the last year give a rate and their pauses. If chance gives a pause as long as the present one less than
once in a thousand at that rate, and no earlier pause was half as long, events have probably stopped to arrive and not
to happen. The second condition is for events that come in batches, such as contracts that end with a quarter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import log
from typing import TYPE_CHECKING

import numpy as np

from features.labels.labels import label
from serving.night_report.monitor_report import LabelReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from features.history.history import History
    from features.labels.label_rule import LabelRule

LOOKBACK_DAYS = 365
CHANCE = 0.001
FEWEST_EVENTS_SEEN = 5
"""Events without which no rate is computed."""


@dataclass(frozen=True)
class LabelFlow:
    """The events of the last year as they happened, until the last day of which all labels are mature."""

    moments: Sequence[datetime]
    known_until: date

    def report(self) -> LabelReport:
        """The flow as a part of a report."""
        if not self.moments:
            return LabelReport(events=0, last_event=None, known_until=self.known_until, expected=0.0, stopped=False)
        days = np.array([moment.timestamp() / 86_400 for moment in self.moments])
        end = datetime.combine(self.known_until, datetime.min.time()).timestamp() / 86_400
        pause = max(0.0, end - float(days[-1]))
        observed = max(1.0, float(days[-1] - days[0]))
        expected = (len(days) - 1) / observed * pause
        longest = float(np.diff(days).max()) if len(days) > 1 else np.inf
        return LabelReport(
            events=len(days),
            last_event=self.moments[-1].date(),
            known_until=self.known_until,
            expected=round(expected, 1),
            stopped=len(days) >= FEWEST_EVENTS_SEEN and expected > -log(CHANCE) and pause > 2 * longest,
        )

    def after(self, day: date) -> int:
        """How many of the events happened on or after a day."""
        return sum(moment.date() >= day for moment in self.moments)


def measure_label_flow(history: History, rule: LabelRule) -> LabelFlow:
    """The events of the eligible accounts in windows that follow one another, back from the newest mature one."""
    window = timedelta(days=rule.lead + rule.horizon)
    last = history.until - timedelta(days=rule.maturity + 1)
    count = max(2, LOOKBACK_DAYS // window.days)
    cutoffs = sorted(day for number in range(count) if (day := last - number * window) > history.first)
    known_until = last + window
    if not cutoffs:
        return LabelFlow((), known_until)
    rows = label(history, cutoffs, rule)
    happened = rows.filter(rows["event_at"].is_valid())
    events = {(row["account_id"], row["event_at"]) for row in happened.select(["account_id", "event_at"]).to_pylist()}
    return LabelFlow(sorted(at for _, at in events), known_until)
