"""Rescued is not safe: what a row may teach whose account the team acted on.

A rescued account that stayed would, without the rescue, perhaps have left. A model that counts it as "stayed" learns
that the worst accounts are safe, ranks them last, and nobody rescues them any more: the better the team, the worse its
next model. So rows with an action between cutoff and end of the window teach nothing; their outcome is not the one that
is predicted.

Leaving them out alone would still flatter: what remains of the accounts in trouble are those that recovered before
anybody noticed. The random hold-out is what repairs this: accounts flagged and left alone, by a coin, stand in for the
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
    """The rows that may teach, each with the number of rows it stands for, and what is to be said about it."""

    keep: Bools
    weight: Floats
    note: Finding | None = None


def untreated(labelled: Labelled) -> Untreated:
    """Leave treated rows out and let hold-out rows stand for them; everything else counts once."""
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
