"""Which kind of learner do these events carry?

Trees need events to be better than a straight line; a straight line needs some to be better than a rule of thumb. The
kinds are compared on the same later cutoffs by log-loss, with accounts drawn again, and the simpler kind stays unless
the richer one is shown to be better: where events are few, the burden of proof is on the trees; where they are many,
on the straight line.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.backtest import Walk
from models.bootstrap import Estimate, draw_counts, interval, sums_by_account
from models.examples import Examples

LEARNT_FROM = 20  # different events, for a regression to be fitted at all
TREES_FROM = 150  # different events, from which trees are the usual choice

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
            return Choice("lightgbm", f"trees beat the logistic regression even on {events} events: {told} better.")
        return Choice("logistic", f"{events} different events, and trees are not shown to be better: {told} better.")
    if gain.high < 0:
        return Choice("logistic", f"the logistic regression is better than trees: {told} for trees.")
    return Choice("lightgbm", f"{events} different events; against the logistic regression {told} better.")


def _share(value: float) -> str:
    return f"{100 * value:+.1f} %"


def _gain(walk: Walk, examples: Examples) -> Estimate:
    """By which share the trees' log-loss is lower than the logistic regression's."""
    tested = examples.labelled.take(walk.places)
    accounts = np.unique(tested.account, return_inverse=True)[1]
    weight = examples.weight[walk.places]
    losses = [weight * _loss(walk.probabilities[kind], tested.happened) for kind in ("logistic", "lightgbm")]
    counts = draw_counts(int(accounts.max()) + 1)
    plain, grown = (counts @ sums_by_account(accounts, np.column_stack(losses), counts.shape[1])).T
    return interval((plain - grown) / plain)


def _loss(probability: Floats, happened: NDArray[np.bool_]) -> Floats:
    return np.asarray(-np.where(happened, np.log(probability), np.log1p(-probability)))
