"""The whole policy over past nights, each with what was known then: what an analyst chooses thresholds by.

A replay flatters itself in one way that is easy to miss: by scoring the past with a model that has learned from it. So
unless the champion's last training label was settled before the first night, a model of the same making is trained on
what was known then; where that cannot be, the champion is used and the output says so. What happened afterwards is the
label of each night, and where it is not settled yet, it counts neither for nor against.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from features.errors import UsageError
from features.labels import label
from models import risks
from pipelines import assembly
from pipelines.candidates import candidates
from pipelines.freshness import stale_feeds
from pipelines.intake import Opened, open_data
from pipelines.replay_models import Knowing, scorers
from pipelines.scoring import Scored, score
from pipelines.settings import Settings
from serving.policy import with_reasons
from serving.replay import PastNight, replay

if TYPE_CHECKING:
    from features.history import History
    from models.contracts import Reason
    from models.registry import Champion
    from models.risks import Risk
    from pipelines.console import Steps
    from pipelines.lessons import Build
    from serving.policy import Policy
    from serving.replay_figures import Replayed

MOST_ROWS = 200_000
"""Accounts × nights whose features are held at once."""

TRUTH = ["account_id", "risk", "event", "event_at"]


@dataclass(frozen=True)
class Replay:
    """What each policy did over the nights, by its name; ``models`` says by risk what scored them."""

    first: date
    last: date
    models: Mapping[str, str]
    warnings: tuple[str, ...]
    done: Mapping[str, Replayed]

    def to_json(self) -> dict[str, Any]:
        """Plain values: figures, and each night's counts, by policy."""
        return {
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "models": dict(self.models),
            "warnings": list(self.warnings),
            "policies": {name: _json(done) for name, done in self.done.items()},
        }


def replay_nights(
    settings: Settings,
    policies: Mapping[str, Policy],
    first: date,
    last: date,
    steps: Steps,
    *,
    champion: bool = False,
) -> Replay:
    """Run each policy over the nights from ``first`` to ``last``, on a queue that is empty before the first.

    ``champion`` scores with the champion even where it has learned from these nights: quicker, and it flatters.

    Raises:
        UsageError: the nights do not lie within the data.
        DataGateError: the source is not fit to be read.
    """
    with tempfile.TemporaryDirectory(prefix="rescue-") as scratch:
        with steps.step("admit", f"Reading {settings.data} and checking its rows"):
            opened = open_data(settings, Path(scratch))
        nights = _nights(opened.history, first, last)
        known = risks.for_history(opened.history, opened.risk_settings)
        build = assembly.build(settings)
        with steps.step("models", "Choosing models that knew nothing of these nights"):
            knowing = Knowing(opened.history, assembly.registry(settings), build, steps.tell, champion)
            models, warnings = scorers(knowing, known, first)
        with steps.step("replay", f"Replaying {len(nights)} nights"):
            past = _Past(opened, known, {risk: found.model for risk, found in models.items()}, build, policies)
            done = replay(past.nights(nights), policies)
    return Replay(first, last, {risk: found.told for risk, found in models.items()}, warnings, done)


@dataclass(frozen=True)
class _Past:
    """The nights as they were, one after the other; features are built for as many at once as memory allows."""

    opened: Opened
    known: Mapping[str, Risk]
    models: Mapping[str, Champion]
    build: Build
    policies: Mapping[str, Policy]

    def nights(self, days: Sequence[date]) -> Iterator[PastNight]:
        """Each night with its candidates, and with what came of them."""
        at_once = max(1, MOST_ROWS // max(1, len(self.opened.history.accounts)))
        for begin in range(0, len(days), at_once):
            chosen = days[begin : begin + at_once]
            frame, truth = self.build(self.opened.history, chosen), self._truth(chosen)
            yield from (PastNight(day, self._candidates(_on(frame, day), day), _on(truth, day)) for day in chosen)

    def _candidates(self, frame: pa.Table, day: date) -> pa.Table:
        history = self.opened.history
        scored = score(history, frame, day, self.models, stale_feeds(history, day))
        rows = candidates(history.as_of(day), frame, scored.scores)
        return with_reasons(rows, self._reasons(scored))

    def _reasons(self, scored: Scored) -> dict[tuple[str, str], tuple[Reason, ...]]:
        """Reasons of the accounts that any of the policies may raise, for the routing by skill."""
        from models.reasons import explain

        found: dict[tuple[str, str], tuple[Reason, ...]] = {}
        for risk, champion in self.models.items():
            enters = [rule.enter for one in self.policies.values() if (rule := one.rules.risks.get(risk)) is not None]
            noticed = _above(scored.scores, risk, min(enters, default=1.0))
            frame = scored.frames[risk]
            rows = frame.filter(pc.is_in(frame["account_id"], value_set=noticed))
            told = explain(champion.model, rows)
            found.update(zip(((name, risk) for name in rows["account_id"].to_pylist()), told, strict=True))
        return found

    def _truth(self, days: Sequence[date]) -> pa.Table:
        tables = []
        for name, risk in self.known.items():
            found = label(self.opened.history, days, risk.label)
            named = found.append_column("risk", pa.array([name] * found.num_rows, pa.string()))
            tables.append(named.select(["as_of", *TRUTH]))
        return pa.concat_tables(tables)


def _above(scores: pa.Table, risk: str, enter: float) -> pa.Array:
    chosen = pc.and_(pc.equal(scores["risk"], risk), pc.greater_equal(scores["probability"], enter))
    return scores.filter(chosen)["account_id"].combine_chunks()


def _on(rows: pa.Table, day: date) -> pa.Table:
    return rows.filter(pc.equal(rows["as_of"], pa.scalar(day, pa.date32())))


def _nights(history: History, first: date, last: date) -> list[date]:
    if last < first:
        raise UsageError(f"--to {last} lies before --from {first}.")
    if first <= history.first or last > history.until:
        raise UsageError(
            f"The nights from {first} to {last} do not lie within the data, which answer those after {history.first} "
            f"up to {history.until}."
        )
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _json(done: Replayed) -> dict[str, Any]:
    figures = asdict(done.figures())
    nights = [{**night._asdict(), "as_of": night.as_of.isoformat()} for night in done.nights]
    return {**figures, "each_night": nights}
