"""Two scorers on the same rows: how far apart they are, and how sure one can be.

Challenger and champion are measured on the same drawn accounts (:mod:`models.evaluation.bootstrap`), so what makes a
quarter hard
for both cancels out. A figure is an array with one value a draw, the sample itself first; a difference is the
challenger's minus the other's, oriented so that more is better.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.arrays import Floats
from models.evaluation.bootstrap import draw_counts, sums_by_account

CHUNK = 8_000_000
"""Weights held at one time (64 MB): as many draws are taken together as fit."""


@dataclass(frozen=True)
class Scored:
    """One scorer on the rows: the probability, and the finer score that it ranks by."""

    probability: Floats
    rank_score: Floats


@dataclass(frozen=True)
class Rows:
    """Rows that are later than what either model learned from, with their outcome; every array has one value a row.

    ``accounts`` and ``cutoffs`` are dense numbers from 0; ``rules`` holds the score of each rule of thumb; ``capacity``
    is how many accounts of one cutoff the team can work. ``champion`` is None where there is none yet.
    """

    accounts: NDArray[np.int64]
    cutoffs: NDArray[np.int64]
    event: NDArray[np.bool_]
    segment: NDArray[np.str_]
    challenger: Scored
    champion: Scored | None
    rules: Mapping[str, Floats] = field(default_factory=dict)
    capacity: int = 20

    @property
    def count(self) -> int:
        """How many accounts the rows belong to."""
        return int(self.accounts.max()) + 1 if self.accounts.size else 0


class Draws:
    """The accounts of ``rows`` drawn again, and the figures of any score on every draw."""

    def __init__(self, rows: Rows, draws: int, seed: int) -> None:
        self.rows = rows
        self.counts = draw_counts(rows.count, draws, seed)

    def ranking(self, score: Floats) -> tuple[Floats, Floats]:
        """Area under the ROC curve and average precision of ``score`` on every draw; ties count half."""
        event, group = self.rows.event, _groups(score, self.rows.event)
        positive, negative = (self._by_group(group, chosen) for chosen in (event, ~event))
        parts = [_ranked(positive @ counts, negative @ counts) for counts in self._chunks(positive.shape[0])]
        auc, precision = zip(*parts, strict=True)
        return np.concatenate(auc), np.concatenate(precision)

    def caught(self, score: Floats) -> Floats:
        """Share of the events among the ``capacity`` highest scores of their cutoff, on every draw."""
        top = top_of_cutoff(score, self.rows.cutoffs, self.rows.capacity)
        return self._ratio(self.rows.event & top, self.rows.event)

    def log_loss(self, probability: Floats, rows: NDArray[np.bool_] | None = None) -> Floats:
        """Mean log loss on every draw, as a share of that of the rows' own base rate (0 is perfect, 1 is no skill)."""
        mask = np.ones(len(probability), dtype=bool) if rows is None else rows
        base = self._ratio(self.rows.event & mask, mask)
        loss = self._ratio(np.where(mask, _loss(probability, self.rows.event), 0.0), mask)
        return loss / _loss_of_rate(base)

    def off_by(self, probability: Floats) -> Floats:
        """|ln(events observed / events expected)| on every draw: 0 where the probabilities add up to what happened."""
        with np.errstate(divide="ignore"):
            return np.abs(np.log(self._ratio(self.rows.event, probability)))

    def _ratio(self, above: NDArray[np.generic], below: NDArray[np.generic]) -> Floats:
        columns = np.column_stack([above, below]).astype(np.float64)
        sums = self.counts @ sums_by_account(self.rows.accounts, columns, self.rows.count)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(sums[:, 0] / sums[:, 1])

    def _by_group(self, group: NDArray[np.int64], chosen: NDArray[np.bool_]) -> Any:
        """How many of the chosen rows of each account are in each group: a sparse matrix, groups × accounts."""
        from scipy.sparse import coo_array

        places = (group[chosen], self.rows.accounts[chosen])
        return coo_array((np.ones(len(places[0])), places), shape=(int(group.max()) + 1, self.rows.count)).tocsr()

    def _chunks(self, groups: int) -> Iterator[Floats]:
        """How often each account was drawn, accounts × some of the draws."""
        step = max(1, CHUNK // max(1, groups))
        for start in range(0, len(self.counts), step):
            yield self.counts[start : start + step].T


def top_of_cutoff(score: Floats, cutoffs: NDArray[np.int64], capacity: int) -> NDArray[np.bool_]:
    """Whether each row is among the ``capacity`` highest scores of its cutoff; ties go to the earlier row."""
    order = np.lexsort((-score, cutoffs))
    first = np.r_[True, np.diff(cutoffs[order]) != 0]
    begins = np.flatnonzero(first)
    place = np.arange(len(score)) - np.repeat(begins, np.diff(np.r_[begins, len(score)]))
    top = np.zeros(len(score), dtype=bool)
    top[order] = place < capacity
    return top


def _groups(score: Floats, event: NDArray[np.bool_]) -> NDArray[np.int64]:
    """A number of each row, rising with its score: odd where an event has that very score, even between two of them.

    Rows without an event that lie between the same two events are alike to both figures, and events are few.
    """
    steps = np.unique(score[event])
    return np.asarray(np.searchsorted(steps, score, side="left") + np.searchsorted(steps, score, side="right"))


def _ranked(positive: Floats, negative: Floats) -> tuple[Floats, Floats]:
    """AUC and average precision from weights with and without an event, groups in rising order × draws."""
    events, others = positive.sum(axis=0), negative.sum(axis=0)
    below = np.cumsum(negative, axis=0) - negative / 2
    above = np.cumsum(positive[::-1], axis=0)
    flagged = above + np.cumsum(negative[::-1], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        auc = (positive * below).sum(axis=0) / (events * others)
        precision = np.where(flagged > 0, above / flagged, 0.0)
        return auc, (positive[::-1] * precision).sum(axis=0) / events


def _loss(probability: Floats, event: NDArray[np.bool_]) -> Floats:
    return np.asarray(-np.log(np.where(event, probability, 1 - probability)))


def _loss_of_rate(rate: Floats) -> Floats:
    """The log loss of always saying the base rate; NaN where nothing or everything happened."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(-(rate * np.log(rate) + (1 - rate) * np.log1p(-rate)))
