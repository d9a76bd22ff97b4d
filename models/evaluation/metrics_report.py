"""How good is it? Answered on cutoffs that no training row had seen, at the capacity the team has, with intervals.

Every panel holds the same figures for the model and, beside it, for the rules of thumb and the logistic regression on
the same rows. Figures come with a 95% interval from drawing *accounts* again (`models.evaluation.bootstrap`). The
JSON keys:

``risk, kind, capacity, signal, verdict, warnings, unproven``; ``pooled``, ``origins[]``, ``unseen_accounts``,
``segments[]`` are panels: ``name, first, last, rows, accounts, cutoffs, events, base_rate`` and ``scorers`` → scorer →
figure → ``{value, low, high}``.

Scorers are ``model``, ``logistic`` and the rules (`models.learners.baselines`). Figures are described in
`models.evaluation.metrics.FIGURES`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.history.versions import EPOCH
from models.data.arrays import Floats
from models.evaluation import metrics
from models.evaluation.bootstrap import Estimate
from models.evaluation.metrics import Rows
from models.learners.baselines import RULES

MODEL, LOGISTIC, RULE = "model", "logistic", "rule_"
TITLES = {rule.name: rule.title for rule in RULES}
LEAK_AUC = 0.95
MIN_SEGMENT_EVENTS = 20


@dataclass(frozen=True)
class Scores:
    """One scorer's word on each row: what it ranks by, and a probability where it has one."""

    rank: Floats
    probability: Floats | None = None

    def take(self, chosen: NDArray[np.bool_]) -> "Scores":
        """Those of the chosen rows."""
        return Scores(self.rank[chosen], None if self.probability is None else self.probability[chosen])


@dataclass(frozen=True)
class Panel:
    """All figures of all scorers on one set of rows.

    ``events`` counts different events (an account and when it happened), ``rows`` account × cutoff. ``scorers`` maps a
    scorer's name to its figures; a rule of thumb has no probabilities, so it lacks the figures that need one.
    """

    name: str
    first: date
    last: date
    rows: int
    accounts: int
    cutoffs: int
    events: int
    base_rate: float
    scorers: Mapping[str, Mapping[str, Estimate]]

    def to_json(self) -> dict[str, Any]:
        """Plain data with the keys that this module documents."""
        figures = {
            scorer: {name: estimate.to_json() for name, estimate in found.items()}
            for scorer, found in self.scorers.items()
        }
        return {**vars(self), "first": self.first.isoformat(), "last": self.last.isoformat(), "scorers": figures}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Panel":
        """What :meth:`to_json` wrote."""
        scorers = {
            scorer: {name: Estimate.from_json(estimate) for name, estimate in figures.items()}
            for scorer, figures in data["scorers"].items()
        }
        dates = {name: date.fromisoformat(data[name]) for name in ("first", "last")}
        return cls(**{**data, **dates, "scorers": scorers})


@dataclass(frozen=True)
class Evaluation:
    """What a model was worth on later cutoffs.

    ``signal`` says whether it tells more than the base rate does, and ``verdict`` the same in a sentence. ``origins``
    is one panel a test period, ``pooled`` all of them together, ``unseen_accounts`` the same learner on accounts that
    none of its training rows came from, ``segments`` one panel a segment. ``unproven`` says so where the model is not
    shown to be ahead of the best rule of thumb, empty where it is.
    """

    risk: str
    kind: str
    capacity: int
    signal: bool
    verdict: str
    pooled: Panel
    origins: tuple[Panel, ...]
    unseen_accounts: Panel | None = None
    segments: tuple[Panel, ...] = ()
    warnings: tuple[str, ...] = ()
    unproven: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data with the keys that this module documents."""
        return {
            **vars(self),
            "pooled": self.pooled.to_json(),
            "origins": [panel.to_json() for panel in self.origins],
            "unseen_accounts": self.unseen_accounts.to_json() if self.unseen_accounts else None,
            "segments": [panel.to_json() for panel in self.segments],
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Evaluation":
        """What :meth:`to_json` wrote."""
        unseen = data["unseen_accounts"]
        panels = {
            "pooled": Panel.from_json(data["pooled"]),
            "origins": tuple(Panel.from_json(panel) for panel in data["origins"]),
            "unseen_accounts": Panel.from_json(unseen) if unseen else None,
            "segments": tuple(Panel.from_json(panel) for panel in data["segments"]),
        }
        return cls(**{**data, **panels, "warnings": tuple(data["warnings"])})


def judge(name: str, rows: Rows, scorers: Mapping[str, Scores], capacity: int) -> Panel:
    """All figures of all scorers on these rows."""
    return Panel(
        name=name,
        first=EPOCH + timedelta(days=int(rows.day.min())),
        last=EPOCH + timedelta(days=int(rows.day.max())),
        rows=len(rows.day),
        accounts=len(np.unique(rows.account)),
        cutoffs=len(np.unique(rows.day)),
        events=len(np.unique(rows.event[rows.event >= 0])),
        base_rate=float(np.average(rows.happened, weights=rows.weight)),
        scorers={scorer: _figures(rows, scores, capacity) for scorer, scores in scorers.items()},
    )


def by_part(
    labels: NDArray[Any], rows: Rows, scorers: Mapping[str, Scores], capacity: int, fewest: int = 1
) -> tuple[Panel, ...]:
    """A panel for each label (an origin, a segment) that has at least ``fewest`` different events."""
    panels = []
    for label in np.unique(labels):
        chosen = labels == label
        if len(np.unique(rows.event[chosen & (rows.event >= 0)])) >= fewest:
            own = {name: scores.take(chosen) for name, scores in scorers.items()}
            panels.append(judge(str(label), rows.take(chosen), own, capacity))
    return tuple(panels)


def has_signal(panel: Panel) -> tuple[bool, str]:
    """Whether the model ranks later rows better than chance, beyond what the draw explains; also as a sentence.

    Probabilities that were worse than the base rate do not make it worthless: those of the first periods were
    calibrated on hardly any events. :func:`suspicions` tells of them.
    """
    figures = panel.scorers[MODEL]
    auc, skill = figures["auc"], figures["log_loss_skill"]
    told = f"AUC {auc.value:.2f} ({auc.low:.2f} to {auc.high:.2f}), log-loss skill {skill.value:.3f}"
    if auc.low <= 0.5 or not np.isfinite(auc.low):
        return False, f"No signal was found: on later cutoffs it tells no more than the base rate does ({told})."
    if skill.value > 0:
        return True, f"It tells more than the base rate does: {told}."
    return True, f"It ranks better than chance, but its probabilities were no better than the base rate: {told}."


def unproven(rows: Rows, scorers: Mapping[str, Scores]) -> str | None:
    """What has to be said where the model is not shown to be ahead of the best rule of thumb; None where it is."""
    ruled = {name.removeprefix(RULE): scores.rank for name, scores in scorers.items() if name.startswith(RULE)}
    told = {name: metrics.ranking(rows, rank)["average_precision"].value for name, rank in ruled.items()}
    if not told:
        return None
    best = max(told, key=lambda name: told[name])
    lead = metrics.ahead(rows, scorers[MODEL].rank, ruled[best])
    if lead.low > 0:
        return None
    return (
        f"On later cutoffs it was not shown to find more than the rule of thumb '{TITLES.get(best, best)}' "
        f"(ahead by {lead.value:+.3f} of average precision, 95%: {lead.low:+.3f} to {lead.high:+.3f}); "
        "more events would tell."
    )


def suspicions(panel: Panel, capacity: int) -> list[str]:
    """What a careful reader should ask about these figures."""
    figures, found = panel.scorers[MODEL], []
    auc, skill = figures["auc"].value, figures["log_loss_skill"].value
    if figures["auc"].low > 0.5 and skill <= 0:
        found.append(
            "Trust its order more than its probabilities: on later cutoffs they were off. More events mend that."
        )
    if auc > LEAK_AUC:
        found.append(f"An AUC of {auc:.3f} is a leak until shown otherwise: look for a feature that knows the outcome.")
    if panel.rows / panel.cutoffs < 2 * capacity:
        found.append(
            f"The capacity of {capacity} is more than half of the {panel.rows / panel.cutoffs:.0f} accounts of a "
            "night, so figures at capacity say little."
        )
    return found


def _figures(rows: Rows, scores: Scores, capacity: int) -> dict[str, Estimate]:
    figures = {**metrics.ranking(rows, scores.rank), **metrics.at_capacity(rows, scores.rank, capacity)}
    return figures if scores.probability is None else {**figures, **metrics.probabilistic(rows, scores.probability)}
