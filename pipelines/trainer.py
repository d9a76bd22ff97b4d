"""Train, register and gate the risk models: one frame over many cutoffs, one model a risk.

Rows are account × weekly cutoff. Where a source is so large that a frame of every week would not fit, the weeks are
thinned evenly, and the report says so; the newest matured cutoffs are always kept.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features import frame as frames
from features.contract import TABLES
from features.errors import DataGateError, UsageError
from features.labels import label
from models import risks
from pipelines import assembly
from pipelines.intake import open_data
from pipelines.settings import Settings, writable_home

if TYPE_CHECKING:
    import pyarrow as pa

    from features.history import History
    from models.registry import Registry
    from models.risks import Risk
    from models.training import Trained
    from pipelines.console import Steps

Build = Callable[["History", Sequence[date]], "pa.Table"]
"""A way to build the frame of a history at some cutoffs (see ``assembly.build``)."""

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
    wanted: Sequence[Risk],
    registry: Registry,
    *,
    source: Mapping[str, object],
    through: date | None = None,
    tune: int = 0,
    build: Build = frames.build,
    tell: Callable[[str], None],
) -> list[Registered]:
    """Fit each risk, register it as challenger, and let the gate decide whether it becomes champion."""
    from models import training

    through = min(through or history.until, history.until)
    cutoffs = training_cutoffs(history, through)
    tell(f"Training on {len(cutoffs)} cutoffs from {cutoffs[0]} to {cutoffs[-1]}, {len(history.accounts):,} accounts")
    frame = build(history, cutoffs)
    found = []
    for risk in wanted:
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


def train_from(settings: Settings, risk: str, through: date | None, tune: int, steps: Steps) -> list[Registered]:
    """Train ``risk`` (or ``all``) on the settings' source and register what came of it.

    Raises:
        UsageError: the source has no such risk.
        DataGateError: the source is not fit to be read.
        NotLearnableError: it is too short, or too little happened in it.
    """
    writable_home(settings)
    with tempfile.TemporaryDirectory(prefix="rescue-") as scratch:
        with steps.step("admit", f"Reading {settings.data} and checking its rows"):
            opened = open_data(settings, Path(scratch))
        wanted = _chosen(risks.for_history(opened.history, opened.risk_settings), risk)
        return train(
            opened.history,
            wanted,
            assembly.registry(settings),
            source=opened.facts(),
            through=through,
            tune=tune,
            build=assembly.build(settings),
            tell=steps.tell,
        )


def _chosen(known: Mapping[str, Risk], risk: str) -> list[Risk]:
    if risk == "all":
        return list(known.values())
    if risk in known:
        return [known[risk]]
    near = get_close_matches(risk, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)} and all."
    raise UsageError(f"This source has no risk {risk!r}; {hint}")
