"""The arithmetic behind the pictures: what is flagged and found by share of accounts, and shares with intervals."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.arrays import Floats
from models.evaluation.evaluate import Tested

BINS = 10


def column(tested: Tested, name: str) -> Floats:
    """A column of the test rows as numbers."""
    return np.asarray(tested.scored[name].to_numpy(zero_copy_only=False), dtype=np.float64)


def capacity_share(tested: Tested) -> float:
    """The team's capacity as a share of the accounts of a cutoff, at most all of them."""
    cutoffs = len(tested.scored["as_of"].unique())
    return float(min(1.0, tested.evaluation.capacity * cutoffs / max(1, tested.scored.num_rows)))


def places(tested: Tested, score: Floats) -> tuple[Floats, Floats]:
    """Place of each row among those of its cutoff (0 = highest score), and how many rows its cutoff has."""
    days = tested.scored["as_of"].to_numpy().astype("datetime64[D]").astype(np.int64)
    order = np.lexsort((-score, days))
    begins = np.flatnonzero(np.r_[True, np.diff(days[order]) != 0])
    sizes = np.diff(np.r_[begins, len(days)])
    place, size = np.empty(len(days)), np.empty(len(days))
    place[order] = np.arange(len(days)) - np.repeat(begins, sizes)
    size[order] = np.repeat(sizes, sizes)
    return place, size


def found(tested: Tested, score: Floats, shares: Floats) -> Floats:
    """Share of the events found when each share of every cutoff's accounts is flagged."""
    place, size = places(tested, score)
    event = column(tested, "event") * column(tested, "weight")
    rank = (place + 0.5) / size
    return np.asarray([event[rank <= share].sum() / event.sum() for share in shares])


def at_capacity(tested: Tested) -> tuple[float, float]:
    """Precision and recall of the model when the team's capacity is flagged on every night."""
    chosen = places(tested, column(tested, "rank_score"))[0] < tested.evaluation.capacity
    event, weight = column(tested, "event"), column(tested, "weight")
    hits = (event * weight)[chosen].sum()
    return float(hits / weight[chosen].sum()), float(hits / (event * weight).sum())


def by_group(tested: Tested) -> tuple[Floats, Floats, Floats, Floats]:
    """Ten groups by probability: mean probability, observed share, and the interval of the share."""
    order = np.argsort(column(tested, "probability"), kind="stable")
    parts = [part for part in np.array_split(order, BINS) if part.size]
    found = [share(tested, part) for part in parts]
    expected, seen, low, high = np.asarray(found).T
    return expected, seen, low, high


def share(tested: Tested, rows: NDArray[Any]) -> tuple[float, float, float, float]:
    """Mean probability, observed share and its 95% interval, accounts (not rows) taken as the evidence."""
    weight = column(tested, "weight")[rows]
    expected = float(np.average(column(tested, "probability")[rows], weights=weight))
    seen = float(np.average(column(tested, "event")[rows], weights=weight))
    evidence = len(np.unique(tested.scored["account_id"].to_numpy(zero_copy_only=False)[rows]))
    centre, z = (seen + 1.92 / evidence) / (1 + 3.84 / evidence), 1.96
    half = z * np.sqrt(seen * (1 - seen) / evidence + 0.9604 / evidence**2) / (1 + 3.84 / evidence)
    low, high = min(seen, centre - half), max(seen, centre + half)
    return expected, seen, float(low), float(high)
