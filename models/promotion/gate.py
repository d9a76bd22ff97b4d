"""May this challenger become champion?

A new model that merely differs would be promoted half of the time by any rule that looks at one figure, and every
change of champion costs trust: reviewers see other accounts for no reason. So the burden is on the challenger. On later
rows that neither model learned from, and on the same drawn accounts, it must be *not worse* by each of four figures,
*better* by at least one, keep its calibration, let no segment suffer, and beat the best baseline. Where the data has no
signal, nothing passes, and the decision says why.

Every check is a code with numbers; `models.reports.gate_text` renders the sentences.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.data.arrays import Floats
from models.evaluation.bootstrap import Estimate, interval, lower_bound
from models.evaluation.evaluation_rows import EvaluationRows, Scores
from models.evaluation.probability_metrics import log_loss_draws, observed_to_expected_draws
from models.evaluation.ranking_metrics import ranking_draws
from models.promotion.comparison import Comparison

TOLERANCES: Mapping[str, float] = {
    "auc": 0.02,
    "average_precision": 0.02,
    "recall_at_capacity": 0.03,
    "log_loss_skill": 0.02,
}
"""What is compared, and by how much the challenger may at worst be behind and still count as not worse."""

ALPHA = 0.05
MIN_ACCOUNTS = 50
"""Accounts with an event that are needed to tell two models apart."""
MIN_SEGMENT_ACCOUNTS_COMPARED = 30
OFF_BY = 0.1
"""A shift of the mean probability of less than about 10% is not held against a challenger."""


@dataclass(frozen=True)
class Check:
    """One question of the gate: its code, the answer, the numbers it rests on, and the difference where there is one.

    ``subject`` is the figure or the segment that the question is about, empty where there is only one of its kind.
    """

    code: str
    passed: bool
    parameters: Mapping[str, Any] = field(default_factory=dict)
    difference: Estimate | None = None
    subject: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        difference = self.difference.to_json() if self.difference else None
        return {**vars(self), "parameters": dict(self.parameters), "difference": difference}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Check":
        """What :meth:`to_json` wrote."""
        difference = data["difference"]
        return cls(**{**data, "difference": Estimate.from_json(difference) if difference else None})


@dataclass(frozen=True)
class Promotion:
    """The gate's decision: every check, and by them whether the challenger may become champion."""

    risk: str
    challenger: str
    champion: str | None
    checks: tuple[Check, ...]

    @property
    def promoted(self) -> bool:
        """Whether every check was passed."""
        return all(check.passed for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Plain data, for ``--json``."""
        checks = [check.to_json() for check in self.checks]
        return {**vars(self), "promoted": self.promoted, "checks": checks}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Promotion":
        """What :meth:`to_json` wrote."""
        checks = tuple(Check.from_json(check) for check in data["checks"])
        return cls(data["risk"], data["challenger"], data["champion"], checks)


def evaluate_challenger(
    comparison: Comparison, *, risk: str, challenger: str, champion: str | None = None
) -> Promotion:
    """The gate's decision on a comparison; equal input gives an equal decision.

    Args:
        comparison: rows later than what either model learned from, scored by both and by the baselines.
        risk: the risk's name.
        challenger: the challenger's version.
        champion: the champion's version, where there is one.
    """
    return Promotion(risk, challenger, champion, tuple(_checks(comparison)))


def _checks(comparison: Comparison) -> Iterator[Check]:
    if comparison.differing:
        differing = {name: list(pair) for name, pair in comparison.differing.items()}
        yield Check("same_question", False, {"differing": differing})
        return
    enough = _enough_events(comparison.rows)
    yield enough
    if not enough.passed:
        return
    own = _figures(comparison, comparison.challenger)
    yield _signal(own)
    yield from _best_baseline(comparison, own)
    if comparison.champion is None:
        yield _calibrated(comparison)
        return
    others = _figures(comparison, comparison.champion)
    differences = {name: own[name] - others[name] for name in TOLERANCES}
    yield from _not_worse(differences)
    yield _some_better(differences)
    yield _calibration_kept(comparison, comparison.champion)
    yield from _segments(comparison, comparison.champion)


def _figures(comparison: Comparison, scores: Scores) -> dict[str, Floats]:
    ranking = ranking_draws(comparison.rows, scores.rank, comparison.capacity)
    return {**ranking, "log_loss_skill": log_loss_draws(comparison.rows, _probability(scores))}


def _probability(scores: Scores) -> Floats:
    assert scores.probability is not None  # noqa: S101 - champion and challenger give probabilities, baselines do not
    return scores.probability


def _enough_events(rows: EvaluationRows) -> Check:
    accounts = rows.units_with_event if len(rows) else 0
    numbers = {"accounts_with_event": accounts, "rows": len(rows), "needed": MIN_ACCOUNTS}
    return Check("enough_events", accounts >= MIN_ACCOUNTS, numbers)


def _signal(own: Mapping[str, Floats]) -> Check:
    auc = interval(own["auc"])
    return Check("signal", auc.low > 0.5, {"auc": auc.to_json()})


def _best_baseline(comparison: Comparison, own: Mapping[str, Floats]) -> Iterator[Check]:
    """Against the baseline with the best average precision: ahead by average precision or AUC, with room for two."""
    ranked = {name: ranking_draws(comparison.rows, score) for name, score in comparison.baselines.items()}
    if not ranked:
        return
    best = max(ranked, key=lambda name: float(ranked[name]["average_precision"][0]))
    leads = {name: own[name] - ranked[best][name] for name in ("auc", "average_precision")}
    passed = any(lower_bound(lead, ALPHA / 2) > 0 for lead in leads.values())
    yield Check("best_baseline", passed, {"baseline": best}, interval(leads["average_precision"]))


def _not_worse(differences: Mapping[str, Floats]) -> Iterator[Check]:
    for name, difference in differences.items():
        passed = lower_bound(difference, ALPHA) >= -TOLERANCES[name]
        yield Check("not_worse", passed, {"tolerance": TOLERANCES[name]}, interval(difference), name)


def _some_better(differences: Mapping[str, Floats]) -> Check:
    """Better by some figure, with the chance of being wrong shared out among the four."""
    better = [name for name, difference in differences.items() if lower_bound(difference, ALPHA / len(TOLERANCES)) > 0]
    return Check("some_better", bool(better), {"figures": better})


def _calibration_kept(comparison: Comparison, champion: Scores) -> Check:
    worse = _off_by(comparison.rows, comparison.challenger) - _off_by(comparison.rows, champion)
    passed = not (worse[0] > OFF_BY and lower_bound(worse, ALPHA) > 0)
    return Check("calibration_kept", passed, {"off_by": float(np.expm1(worse[0]))}, interval(-worse))


def _calibrated(comparison: Comparison) -> Check:
    """For a first champion: the events expected are those observed, give or take what chance allows."""
    off = _off_by(comparison.rows, comparison.challenger)
    passed = bool(off[0] <= OFF_BY or lower_bound(off, ALPHA) <= 2 * OFF_BY)
    return Check("calibrated", passed, {"off_by": float(np.expm1(off[0]))})


def _off_by(rows: EvaluationRows, scores: Scores) -> Floats:
    """|ln(events observed / events expected)| on every draw: 0 where the probabilities add up to what happened."""
    with np.errstate(divide="ignore"):
        return np.abs(np.log(observed_to_expected_draws(rows, _probability(scores))))


def _segments(comparison: Comparison, champion: Scores) -> Iterator[Check]:
    """No segment with enough events to tell may lose log loss for certain; the chance of error is shared out."""
    masks = {str(segment): comparison.segment == segment for segment in np.unique(comparison.segment)}
    parts = {name: (mask, comparison.rows.take(mask)) for name, mask in masks.items()}
    known = {name: part for name, part in parts.items() if part[1].units_with_event >= MIN_SEGMENT_ACCOUNTS_COMPARED}
    for name, (mask, rows) in known.items():
        own, other = (
            log_loss_draws(rows, _probability(scores.take(mask))) for scores in (comparison.challenger, champion)
        )
        gain = own - other
        passed = not (gain[0] < -TOLERANCES["log_loss_skill"] / 2 and lower_bound(-gain, ALPHA / len(known)) > 0)
        yield Check("segment", passed, {}, interval(gain), name)
