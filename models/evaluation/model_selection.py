"""Which kind of learner do these events carry?

Trees need events to add to a straight line; a straight line needs some to be better than a rule of thumb. The kinds are
compared on the same later cutoffs, with accounts drawn again. Where events are few, the burden of proof is on the blend
of trees and line, and the line gives way to the rule where that is shown to rank better; where they are many, the
burden is on the line alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.data.arrays import Floats
from models.data.examples import Examples
from models.evaluation.bootstrap import Estimate, draw_counts, interval, sums_by_account
from models.evaluation.metrics import Rows, ahead
from models.evaluation.walk_forward import Walk

LEARNT_FROM = 20  # different events, for a regression to be fitted at all
TREES_FROM = 150  # different events, from which the blend is the usual choice


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
    value, low, high = (f"{-100 * share:+z.1f}%" for share in (gain.value, gain.high, gain.low))
    told = f"with trees, log-loss on later cutoffs changes by {value} (95%: {low} to {high})"
    if events < TREES_FROM:
        return _of_few(walk, examples, gain.low > 0, told)
    if gain.high < 0:
        return Choice("logistic", f"the logistic regression is better without trees: {told}.")
    counted = f"trees count {walk.share:.0%} and the logistic regression {1 - walk.share:.0%}"
    return Choice("blend", f"{counted}; {told} against the latter alone; {events} different events were learned from.")


def _of_few(walk: Walk, examples: Examples, trees_add: bool, told: str) -> Choice:
    """Where a regularised model needs more events than there are."""
    events = examples.labelled.events
    few = f"{events} different events are fewer than trees need ({TREES_FROM})"
    if "rule" in walk.margins and (behind := _ahead_of_rule(walk, examples)).high < 0:
        return Choice(
            "rule",
            f"{few}, and the rule of thumb ranks better than the logistic regression: average precision "
            f"{-behind.value:+.3f} (95%: {-behind.high:+.3f} to {-behind.low:+.3f}).",
        )
    if trees_add:
        return Choice("blend", f"{few}, and yet they add to the logistic regression; {told}.")
    return Choice("logistic", f"{few}, and they are not shown to add to the logistic regression; {told}.")


def _ahead_of_rule(walk: Walk, examples: Examples) -> Estimate:
    """By how much average precision the logistic regression is ahead of the rule that is trusted most."""
    tested = examples.labelled.take(walk.places)
    unknown = np.full(len(walk.places), np.nan)
    weight = examples.weight[walk.places]
    rows = Rows(tested.happened, weight, tested.day, tested.account, tested.event, unknown)
    return ahead(rows, walk.margins["logistic"], walk.margins["rule"])


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
