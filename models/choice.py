"""Which kind of learner do these events carry?

Trees need events to add to a straight line; a straight line needs some to be better than a rule of thumb. The kinds are
compared on the same later cutoffs by log-loss, with accounts drawn again, and the simpler kind stays unless the richer
one is shown to be better: where events are few, the burden of proof is on the blend of trees and line; where they are
many, on the line alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.backtest import Walk
from models.bootstrap import Estimate, draw_counts, interval, sums_by_account
from models.examples import Examples

LEARNT_FROM = 20  # different events, for a regression to be fitted at all
TREES_FROM = 150  # different events, from which the blend is the usual choice

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """The kind, and a sentence that says why."""

    kind: str
    because: str


def choose(walk: Walk, examples: Examples) -> Choice:
    """The kind of learner for these tested rows."""
    events = examples.labelled.events
    if events < LEARNT_FROM and "rule" in walk.margins:
        return Choice("rule", f"{events} different events are too few to learn from ({LEARNT_FROM} at least).")
    gain = _gain(walk, examples)
    told = f"log-loss on later cutoffs {_share(gain.value)} (95 %: {_share(gain.low)} to {_share(gain.high)})"
    if events < TREES_FROM:
        if gain.low > 0:
            return Choice("blend", f"trees add to the logistic regression even on {events} events: {told} better.")
        return Choice("logistic", f"{events} different events, and trees are not shown to add to it: {told} better.")
    if gain.high < 0:
        return Choice("logistic", f"the logistic regression is better without trees: {told} with them.")
    counted = f"trees count {walk.share:.0%}, the logistic regression {1 - walk.share:.0%}"
    return Choice(
        "blend", f"{events} different events; {counted}; against the logistic regression alone {told} better."
    )


def _share(value: float) -> str:
    return f"{100 * value:+.1f} %"


def _gain(walk: Walk, examples: Examples) -> Estimate:
    """By which share the blend's log-loss is lower than that of the logistic regression alone."""
    tested = examples.labelled.take(walk.places)
    accounts = np.unique(tested.account, return_inverse=True)[1]
    weight = examples.weight[walk.places]
    losses = [weight * _loss(walk.probabilities[kind], tested.happened) for kind in ("logistic", "blend")]
    counts = draw_counts(int(accounts.max()) + 1)
    plain, both = (counts @ sums_by_account(accounts, np.column_stack(losses), counts.shape[1])).T
    return interval((plain - both) / plain)


def _loss(probability: Floats, happened: NDArray[np.bool_]) -> Floats:
    return np.asarray(-np.where(happened, np.log(probability), np.log1p(-probability)))
