"""Rescued is not safe: what a model may learn from a row whose account the team acted on.

A rescued account that stayed would, without the rescue, perhaps have left. A model that counts it as "stayed" learns
that the worst accounts are safe, ranks them last, and nobody rescues them any more: the better the team, the worse its
next model. So rows with an action between cutoff and end of the window teach nothing; their outcome is not the one that
is predicted.

Leaving them out is not enough: of the accounts in trouble only those remain that recovered before they were flagged.
The random hold-out corrects this: a row that was left alone by chance counts for all rows that took part in the same
draw, the inverse of the probability with which it was left alone. (Inverse probability of censoring weights; Robins &
Finkelstein 2000.) The weights are not capped, because a cap is a bias towards safe; the effective sample size says
what they cost. Without a hold-out there is nothing to repair it with, and the model's card says so.

Which rows took part in a draw is known exactly where the outcomes record the draws (``draw_probability``): those held
out, those acted on, and those selected on which nobody acted. The last are left out too, because *why* nobody acted may
have to do with the risk. Elsewhere every row acted on is taken to have had the same chance of being held out, which is
estimated by accounts, draw by draw. Accounts that never can be held out are not represented by any row.
"""

from dataclasses import dataclass

import numpy as np

from models.data.arrays import Bools, Floats, Ints
from models.data.examples import Labelled
from models.data.findings import Finding

STRATA = 2
"""Groups of rows by how long after the cutoff the draw was."""
MIN_HELD_ACCOUNTS = 5
"""Accounts held out that a group needs; a smaller one joins the next."""


@dataclass(frozen=True)
class Untreated:
    """The rows to learn from, the weight of each, and what a report says about them."""

    keep: Bools
    weight: Floats
    note: Finding | None = None


def untreated(labelled: Labelled) -> Untreated:
    """Leave out rows that were acted on or selected, weight hold-out rows in their place; others count once.

    The weights of the hold-out rows are in the ratio of the inverse probabilities, and add up to the number of rows
    that took part in a draw: how many these were is known, so chance need not decide it. They do so for early and for
    late draws in the window apart: an account that the team still protects is drawn late, and has lived until then.
    """
    left_alone = labelled.holdout & ~labelled.treated
    probability = _held_probability(labelled)
    held = left_alone & (probability < 1)
    exempt = labelled.held_probability == 0
    drawn = held | (labelled.treated | (labelled.selected & (labelled.held_probability < 1))) & ~exempt
    keep = ~labelled.treated
    weight = np.ones(len(labelled))
    if held.any():
        stratum, inverse = _strata(labelled, drawn, held), 1 / probability
        wanted = np.bincount(stratum[drawn])
        present = np.bincount(stratum[held], weights=inverse[held], minlength=len(wanted))
        weight[held] = inverse[held] * (wanted / np.maximum(present, 1e-300))[stratum[held]]
        keep &= ~drawn | held
    return Untreated(keep, weight[keep], _note(labelled, held, labelled.treated & exempt, keep, weight))


def effective_size(account: Ints, weight: Floats) -> float:
    """How many accounts of equal weight carry as much evidence (Kish 1965); an account counts with its rows' mean.

    An account's rows repeat each other, so it is the unit. 0 without rows.
    """
    if not len(account):
        return 0.0
    places = np.unique(account, return_inverse=True)[1]
    mean = np.bincount(places, weights=weight) / np.bincount(places)
    return float(mean.sum() ** 2 / (mean**2).sum())


def _strata(labelled: Labelled, drawn: Bools, held: Bools) -> Ints:
    """The group of each row that took part in a draw, by how long after the cutoff it was; each has hold-out rows."""
    after = labelled.decided_after
    if np.isnan(after[drawn]).any():
        return np.zeros(len(labelled), dtype=np.int64)
    bounds: list[float] = []
    for bound in np.unique(np.quantile(after[drawn], np.arange(1, STRATA) / STRATA)).tolist():
        inside = held & (after < bound) & (after >= (bounds[-1] if bounds else -np.inf))
        beyond = held & (after >= bound)
        if min(len(np.unique(labelled.unit[part])) for part in (inside, beyond)) >= MIN_HELD_ACCOUNTS:
            bounds.append(bound)
    return np.searchsorted(np.asarray(bounds), np.nan_to_num(after), side="right").astype(np.int64)


def _held_probability(labelled: Labelled) -> Floats:
    """The probability of every held-out row to be left alone: as recorded, else estimated; 1 for all others."""
    probability = np.where(labelled.holdout, labelled.held_probability, 1.0)
    unknown = np.isnan(probability)
    if unknown.any():
        draws = np.where(labelled.held_draws < 0, labelled.holdout, labelled.held_draws)
        chances = np.cumprod([1.0, *_chances(labelled, draws)])
        probability[unknown] = chances[np.minimum(draws[unknown], len(chances) - 1)]
    return np.asarray(np.maximum(probability, np.finfo(float).tiny))


def _chances(labelled: Labelled, draws: Ints) -> list[float]:
    """The share of accounts held out at the first draw of a window, at the second of those held out before, ….

    An account that is drawn once for all is certain to be held out again, one that is drawn anew each time is not; the
    shares differ accordingly. An account whose rows differ counts in parts.
    """
    chances: list[float] = []
    for number in range(1, int(draws.max(initial=0)) + 1):
        held = draws >= number
        at_risk = held | (labelled.treated & (draws == number - 1))
        places = np.unique(labelled.unit[at_risk], return_inverse=True)[1]
        share = np.bincount(places, weights=held[at_risk]) / np.bincount(places)
        chances.append(float(share.mean()))
    return chances


def _note(labelled: Labelled, held: Bools, never_drawn: Bools, keep: Bools, weight: Floats) -> Finding | None:
    treated = int(labelled.treated.sum())
    if not treated:
        return None
    numbers = {
        "treated": treated,
        "rows": len(labelled),
        "holdout_rows": int(held.sum()),
        "holdout_accounts": len(np.unique(labelled.account[held])),
        "not_acted_on": int((~labelled.treated & ~keep).sum()),
        "never_drawn": int(never_drawn.sum()),
        "accounts": len(np.unique(labelled.account[keep])),
        "effective_accounts": effective_size(labelled.unit[keep], weight[keep]),
    }
    return Finding("treated_rows_left_out", numbers)
