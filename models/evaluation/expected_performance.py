"""How good a night's ranking will turn out to be, before anybody knows what happened.

A label takes weeks or months to mature, and a model that has become worse should not wait for it. If the probabilities
are calibrated, they say themselves how well they rank: outcomes are drawn from them many times, and each draw is
evaluated like a real night. The middle is the estimate, and 95% of the draws are the range in which the later figure
lies. (Confidence-based performance estimation; Garg et al. 2022.) It cannot see that the probabilities are wrong:
calibration on matured nights does that, and the drift of the inputs gives the first hint.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from models.data.arrays import Floats, Ints
from models.evaluation.bootstrap import Estimate
from models.evaluation.evaluation_rows import EvaluationRows, Scores
from models.evaluation.statistics.ranking_metrics import ranking_draws

OUTCOMES = 400
"""How often the outcomes of a night are drawn."""
OUTCOMES_OF_MANY = 40
"""How often those of many nights together are drawn, for a mean."""


def expected_figures(probability: Floats, rank: Floats, capacity: int, seed: int = 7) -> Mapping[str, Estimate]:
    """``auc``, ``average_precision``, ``precision_at_capacity`` and ``events`` of one night, each with its 95% range.

    Args:
        probability: of each account, calibrated.
        rank: what the accounts are ordered by, the highest first; equal values count by their expectation.
        capacity: how many accounts are flagged.
        seed: of the draws.
    """
    order = np.argsort(-rank, kind="stable")
    group = np.cumsum(np.diff(-rank[order], prepend=-np.inf) > 0) - 1
    size = np.bincount(group).astype(np.float64)
    draw = np.random.default_rng(seed)
    drawn = [_figures(draw.random(len(order)) < probability[order], group, size, capacity) for _ in range(OUTCOMES)]
    return {name: _range([figures[name] for figures in drawn if name in figures]) for name in _NAMES}


def expected_ranking(rows: EvaluationRows, scores: Scores, capacity: int) -> Mapping[str, Estimate]:
    """What the probabilities of several nights promised of their ranking: the mean over drawn outcomes, by figure.

    The range is that of the draws, each row drawn by itself; the rows of an account resemble each other in truth, so it
    is too narrow to test with.
    """
    if scores.probability is None:
        return {}
    draw, drawn = np.random.default_rng(7), []
    for _ in range(OUTCOMES_OF_MANY):
        event = draw.random(len(rows)) < scores.probability
        figures = ranking_draws(replace(rows, event=event, draws=0), scores.rank, capacity)
        drawn.append({name: float(values[0]) for name, values in figures.items() if np.isfinite(values[0])})
    return {name: _range([figures[name] for figures in drawn if name in figures]) for name in _NAMES[:3]}


_NAMES = ("auc", "average_precision", "precision_at_capacity", "events")


def _figures(
    event: np.ndarray[tuple[int], np.dtype[np.bool_]], group: Ints, size: Floats, capacity: int
) -> dict[str, float]:
    """The figures of one draw; those that need an event are left out where there is none."""
    positive = np.bincount(group, weights=event, minlength=len(size))
    events, above = float(positive.sum()), np.cumsum(size) - size
    flagged = np.clip((min(capacity, len(group)) - above) / size, 0.0, 1.0)
    figures = {"events": events, "precision_at_capacity": float((positive * flagged).sum()) / min(capacity, len(group))}
    if events == 0 or events == len(group):
        return figures
    found = np.cumsum(positive)
    negative_below = (len(group) - events) - (above - (found - positive)) - (size - positive) / 2
    figures["auc"] = float((positive * negative_below).sum() / (events * (len(group) - events)))
    figures["average_precision"] = float((positive * found / (above + size)).sum() / events)
    return figures


def _range(drawn: list[float]) -> Estimate:
    if not drawn:
        return Estimate(np.nan, np.nan, np.nan)
    low, value, high = np.quantile(drawn, [0.025, 0.5, 0.975]).tolist()
    return Estimate(value, low, high)
