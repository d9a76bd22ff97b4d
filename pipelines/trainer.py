"""Train, register and gate the risk models: one frame over many cutoffs, one model a risk.

Rows are account × weekly cutoff. Where a source is so large that a frame of every week would not fit, the weeks are
thinned evenly, and the report says so; the newest matured cutoffs are always kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from features import frame as frames
from features.contract import TABLES
from features.errors import DataGateError
from features.labels import label

if TYPE_CHECKING:
    from features.history import History
    from models.registry import Registry
    from models.risks import Risk
    from models.training import Trained

MOST_ROWS = 1_200_000
"""A frame of about a hundred features and so many rows is trained on in some 4 GiB."""

EVENTS = frozenset({"usage_daily", "tickets", "health_scores", "invoices"})

WARM_UP = 90
"""Days of history before the first cutoff, so that its windows are not half empty; a quarter of a shorter source."""


@dataclass(frozen=True)
class Registered:
    """A trained model in the registry, and whether it is champion now and why."""

    risk: str
    version: str
    champion: bool
    because: str
    trained: Trained

    def summary(self) -> str:
        """One line for a person."""
        pooled = self.trained.evaluation.pooled
        return (
            f"{self.risk}: version {self.version} ({self.trained.kind}; {self.trained.rows:,} rows, "
            f"{self.trained.events:,} events, through {self.trained.through}): {self.because}. "
            f"{self.trained.evaluation.verdict} Judged on {pooled.rows:,} later rows with {pooled.events:,} events."
        )

    def to_json(self) -> dict[str, Any]:
        """What ``rescue train --json`` prints of it."""
        return {
            "risk": self.risk,
            "version": self.version,
            "kind": self.trained.kind,
            "champion": self.champion,
            "because": self.because,
            "rows": self.trained.rows,
            "events": self.trained.events,
            "through": self.trained.through.isoformat(),
            "evaluation": self.trained.evaluation.to_json(),
        }


def training_cutoffs(history: History, through: date, every: int = 7, most_rows: int = MOST_ROWS) -> list[date]:
    """Weekly cutoffs up to ``through``, thinned evenly where accounts × weeks would exceed ``most_rows``.

    Raises:
        DataGateError: the source is too short for a single cutoff.
    """
    first = _observed_from(history)
    span = (through - first).days
    start = first + timedelta(days=min(WARM_UP, span // 4))
    weeks = [through - timedelta(days=back) for back in range(0, (through - start).days + 1, every)]
    if span < 28 or not weeks:
        raise DataGateError(
            f"The source spans {span} days ({first} to {through}): too short to train on; 28 is the least."
        )
    step = max(1, -(-len(weeks) * len(history.accounts) // most_rows))
    return sorted(weeks[::step])


def _observed_from(history: History) -> date:
    """The day from which there is something to learn from: accounts and contracts may be older than any event."""
    events = sorted(EVENTS & history.present)
    if not events:
        return history.first
    oldest = [f"SELECT min(CAST({TABLES[name].event_time} AS DATE)) AS day FROM {name}" for name in events]
    found: date = history.query(f"SELECT min(day) AS day FROM ({' UNION ALL '.join(oldest)})").column("day")[0].as_py()
    return found


def train(
    history: History,
    risks: Sequence[Risk],
    registry: Registry,
    *,
    source: Mapping[str, object],
    through: date | None = None,
    tune: int = 0,
    memory: str = "4GiB",
    tell: Callable[[str], None],
) -> list[Registered]:
    """Fit each risk, register it as challenger, and let the gate decide whether it becomes champion."""
    from models import training

    through = min(through or history.until, history.until)
    cutoffs = training_cutoffs(history, through)
    tell(f"Training on {len(cutoffs)} cutoffs from {cutoffs[0]} to {cutoffs[-1]}, {len(history.accounts):,} accounts")
    frame = frames.build(history, cutoffs, memory=memory)
    found = []
    for risk in risks:
        labels = label(history, cutoffs, risk.label)
        trained = training.fit(frame, labels, risk, through=through, tune=tune, progress=_naming(risk, tell))
        version = registry.log(trained, source=source)
        found.append(_admit(registry, risk.name, version, trained))
        tell(f"{risk.title}: {trained.kind}, version {version}; {found[-1].because}")
    return found


def _naming(risk: Risk, tell: Callable[[str], None]) -> Callable[[str], None]:
    return lambda words: tell(f"{risk.name}: {words}")


def _admit(registry: Registry, risk: str, version: str, trained: Trained) -> Registered:
    """The first model of a risk becomes champion at once, for there is nothing to lose; later ones meet the gate."""
    if registry.version_of(risk, "champion") is None:
        registry.promote(risk, version, by="rescue")
        return Registered(risk, version, True, "champion, as the first of its risk", trained)
    return Registered(risk, version, False, "challenger; `rescue promote` puts it before the gate", trained)
