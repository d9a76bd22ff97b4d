"""Past nights as they were: the candidates by what was known then, and the outcomes.

The cost of reading depends on the passes over the data more than on the number of nights. So features, scores and
labels are computed for several nights at a time, as many as fit in memory, and only possible cases are explained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from features.labels.labels import label
from pipelines.night.candidate_table import build_candidates
from pipelines.night.scoring import NightScores, score_accounts
from pipelines.night.uplift_scores import NO_UPLIFT, UpliftModels, score_uplift
from serving.policy.replay.replay import PastNight

if TYPE_CHECKING:
    from features.frame import FrameBuilder
    from features.history.history import History
    from models.registry.registry import Champion
    from models.risks.risk import Risk
    from serving.policy.decision.decide import FirstReasons
    from serving.policy.definition.tickets.ticket_filter import TicketFilter

MOST_ROWS_AT_ONCE = 300_000
"""Accounts × nights whose features are held at once."""

OUTCOME_COLUMNS = ["account_id", "risk", "event", "event_at"]


@dataclass(frozen=True)
class PastNights:
    """Past nights of a history: its risks, and the models that score them.

    ``conditions`` are the columns that the conditions of the policies read, and ``competitors`` the names of the
    settings, which are evidence in tickets. ``uplift`` are the uplift models, for policies that rank by them.
    """

    history: History
    known: Mapping[str, Risk]
    models: Mapping[str, Champion]
    build: FrameBuilder
    conditions: frozenset[str]
    competitors: tuple[str, ...] = ()
    uplift: UpliftModels = NO_UPLIFT
    tickets: tuple[TicketFilter, ...] = ()

    def nights(self, days: Sequence[date]) -> Iterator[PastNight]:
        """Each night in the order of ``days``, with its candidates and their outcomes."""
        at_once = max(1, MOST_ROWS_AT_ONCE // max(1, len(self.history.accounts)))
        for begin in range(0, len(days), at_once):
            yield from self._several(days[begin : begin + at_once])

    def _several(self, days: Sequence[date]) -> Iterator[PastNight]:
        frame, truth = self.build(self.history, days), self._truth(days)
        scored = score_accounts(self.history, frame, days, self.models, ())
        rows = build_candidates(
            self.history, frame, scored.scores, self.competitors, needed=self.conditions, tickets=self.tickets
        )
        rows, _ = score_uplift(rows, scored, self.uplift)
        for day in days:
            outcomes = truth.filter(pc.equal(truth["as_of"], day))
            yield PastNight(day, _on(rows, day), outcomes, self._first_reasons(scored, _on(frame, day), day))

    def _first_reasons(self, scored: NightScores, portfolio: pa.Table, day: date) -> FirstReasons:
        from models.explain.event_rarity import EventRarity
        from models.explain.reasons import leading_groups

        rarity = EventRarity.of(portfolio)
        frames = {risk: _on(frame, day) for risk, frame in scored.frames.items()}

        def first_reasons(accounts: Sequence[str]) -> dict[tuple[str, str], str | None]:
            found: dict[tuple[str, str], str | None] = {}
            wanted = pa.array(accounts, pa.string())
            for risk, frame in frames.items():
                rows = frame.filter(pc.is_in(frame["account_id"], value_set=wanted))
                groups = leading_groups(self.models[risk].model, rows, rarity)
                found |= {(account, risk): group for account, group in zip(_ids(rows), groups, strict=True)}
            return found

        return first_reasons

    def _truth(self, days: Sequence[date]) -> pa.Table:
        tables = []
        for name, risk in self.known.items():
            found = label(self.history, days, risk.label)
            named = found.append_column("risk", pa.array([name] * found.num_rows, pa.string()))
            tables.append(named.select(["as_of", *OUTCOME_COLUMNS]))
        return pa.concat_tables(tables)


def _on(rows: pa.Table, day: date) -> pa.Table:
    """The rows of one cutoff, of rows that are ordered by it: a view, without a copy."""
    count = pc.sum(pc.equal(rows["as_of"], day)).as_py() or 0
    return rows.slice(pc.index(rows["as_of"], day).as_py(), count) if count else rows.slice(0, 0)


def _ids(rows: pa.Table) -> list[str]:
    found: list[str] = rows["account_id"].to_pylist()
    return found
