"""How rules do on tickets that they were not learned from: precision, recall, lift, intervals and a test.

The tickets of one account resemble each other, so intervals draw accounts, and the test of a rule sums by account. Many
rules are proposed at once; by chance alone some would look good on the later months too. So the p-values are corrected
(Holm), and a rule that does not pass is not proposed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from models.evaluation.bootstrap import Estimate, draw_counts, interval

if TYPE_CHECKING:
    from pipelines.path_design.issues.ticket_outcomes import TicketFlags, TicketNumbers

LEAST_CLUSTERS = 10
"""Accounts with a ticket under a rule, below which it is not tested."""


@dataclass(frozen=True)
class RuleFigures:
    """How a set of rules did on later tickets.

    ``tickets`` fulfil a rule, ``found`` of them have the outcome. ``p_value`` is that of a precision above the base
    rate, before correction; 1 where too few accounts have such a ticket.
    """

    tickets: int
    found: int
    precision: Estimate
    recall: Estimate
    lift: Estimate
    p_value: float


def evaluate_rule(
    holds: TicketFlags, outcome: TicketFlags, cluster: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> RuleFigures:
    """The figures of a rule on tickets that it was not learned from."""
    _, places = np.unique(cluster, return_inverse=True)
    units = int(places.max()) + 1 if len(places) else 0
    sums = [
        np.bincount(places, weights=part.astype(float), minlength=units)
        for part in (holds, holds & outcome, outcome, np.ones(len(outcome)))
    ]
    drawn = draw_counts(units) if units else np.ones((1, 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        under, found, events, total = (drawn @ part for part in sums)
        precision, recall = found / under, found / events
        lift = np.minimum(precision / (events / total), len(outcome) / outcome.sum())
    return RuleFigures(
        tickets=int(holds.sum()),
        found=int((holds & outcome).sum()),
        precision=interval(precision),
        recall=interval(recall),
        lift=interval(lift),
        p_value=_p_value(*(np.asarray(part, dtype=np.float64) for part in sums)),
    )


def _p_value(under: TicketNumbers, found: TicketNumbers, events: TicketNumbers, total: TicketNumbers) -> float:
    """One-sided: whether more tickets under the rule have the outcome than of all tickets, summed by account."""
    if np.count_nonzero(under) < LEAST_CLUSTERS:
        return 1.0
    base, share = events.sum() / total.sum(), under.sum() / total.sum()
    excess = (found - base * under) - share * (events - base * total)
    spread = float(np.sqrt(np.square(excess).sum()))
    return float(norm.sf(excess.sum() / spread)) if spread > 0 else 1.0


def significant(p_values: Sequence[float]) -> list[bool]:
    """Which of several tests pass together, by Holm's correction at 5%."""
    passed = [False] * len(p_values)
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[place] > 0.05 / (len(p_values) - rank):
            break
        passed[place] = True
    return passed


def precision_at_recall(
    scores: TicketNumbers, outcome: TicketFlags, recall: float, weights: TicketNumbers | None = None
) -> float:
    """The precision of the tickets with the highest scores, as many as find this share of the outcomes.

    Of tickets with equal scores, the needed part is taken with the precision that they have together. NaN where there
    are no outcomes.
    """
    weight = np.ones(len(scores)) if weights is None else weights
    levels, places = np.unique(-scores, return_inverse=True)
    number = np.bincount(places, weights=weight, minlength=len(levels))
    found = np.bincount(places, weights=weight * outcome, minlength=len(levels))
    needed = recall * found.sum()
    if needed <= 0:
        return float("nan")
    last = int(np.searchsorted(np.cumsum(found), needed - 1e-9))
    part = (needed - found[:last].sum()) / found[last]
    return float(needed / (number[:last].sum() + part * number[last]))


def precision_estimate(
    scores: TicketNumbers, outcome: TicketFlags, cluster: np.ndarray[tuple[int], np.dtype[np.int64]], recall: float
) -> tuple[Estimate, Estimate]:
    """The precision at this recall and its ratio to the base rate, with intervals.

    A draw's own base rate may be lower than that of the sample; no ratio is reported above the highest of the sample.
    """
    _, places = np.unique(cluster, return_inverse=True)
    units = int(places.max()) + 1
    values, lifts = [], []
    for counts in draw_counts(units):
        weights = counts[places]
        values.append(precision_at_recall(scores, outcome, recall, weights))
        lifts.append(values[-1] / (float((weights * outcome).sum()) / float(weights.sum())))
    return interval(np.array(values)), interval(np.minimum(lifts, len(outcome) / outcome.sum()))
