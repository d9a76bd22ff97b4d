"""Rescued is not safe: what a model may learn from a row whose account the team acted on.

A rescued account that stayed would, without the rescue, perhaps have left. A model that counts it as "stayed" learns
that the worst accounts are safe, ranks them last, and nobody rescues them any more: the better the team, the worse its
next model. So rows with an action between cutoff and end of the window teach nothing; their outcome is not the one that
is predicted.

Leaving them out is not enough: of the accounts in trouble only those remain that recovered before they were flagged.
The random hold-out corrects this: accounts that were flagged and left alone by chance are weighted in place of the
treated ones, each for as many as the coin chose for treatment. (Inverse probability of censoring weights; Robins &
Finkelstein 2000.) Without a hold-out there is nothing to repair it with, and the model's card says so.
"""

from dataclasses import dataclass

import numpy as np

from models.data.arrays import Bools, Floats
from models.data.examples import Labelled
from models.data.findings import Finding

MAX_WEIGHT = 10.0


@dataclass(frozen=True)
class Untreated:
    """The rows to learn from, the weight of each, and what a report says about them."""

    keep: Bools
    weight: Floats
    note: Finding | None = None


def untreated(labelled: Labelled) -> Untreated:
    """Leave treated rows out and weight hold-out rows in their place; every other row counts once."""
    keep = ~labelled.treated
    treated, held = int(labelled.treated.sum()), int((labelled.holdout & keep).sum())
    weight = np.ones(len(labelled))
    if held:
        weight[labelled.holdout] = min(MAX_WEIGHT, (treated + held) / held)
    return Untreated(keep, weight[keep], _note(treated, held, len(labelled)))


def _note(treated: int, held: int, rows: int) -> Finding | None:
    if not treated:
        return None
    return Finding("treated_rows_left_out", {"treated": treated, "rows": rows, "holdout_rows": held})
