"""Ranking figures within a cutoff, exact on every draw of units.

A team asks which of tonight's accounts to call. Pooled over nights, a score that merely follows a changing base rate
looks as if it ranked accounts: .57 where every single night had .5. So each figure compares accounts of one cutoff
only, and is averaged over cutoffs, weighted by their events (precision at capacity: by the accounts flagged).

Ties count by their expected value. In the AUC, two equal scores count half. At capacity, the capacity that is left is
shared by all rows of equal score, each flagged in part. In the average precision, rows of equal score are one group
that is found at once, at the precision of its end (as scikit-learn does).

Rows without an event between two neighbouring scores with events are alike to all these figures. They are merged, so
that what is left is about twice as large as the number of rows with an event, and every draw is computed from it
without rounding a score.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from models.data.arrays import Bools, Floats, Ints
from models.evaluation.evaluation_rows import EvaluationRows

CHUNK = 8_000_000
"""Numbers held at one time in each array (64 MB): as many draws are computed together as fit."""
ROUNDING = 1e-9


@dataclass(frozen=True)
class RankedDraws:
    """Rows in groups of falling score within each cutoff, and their weights in some draws of units.

    Arrays of groups hold the groups with an event only (groups × draws); ``cutoff`` is each group's cutoff,
    ``with_event`` the cutoffs that have such groups, and ``begins`` the first group of each of these.

    Attributes:
        positive: weight of the rows with the event.
        weight: weight of all rows of the group.
        above: weight of all rows of the cutoff with a higher score.
        size: weight of all rows of each cutoff, cutoffs × draws.
        revenue: revenue of the rows with the event.
        pair_group, pair_event, event_weight: see :class:`RankedRows`.
    """

    positive: Floats
    weight: Floats
    above: Floats
    size: Floats
    revenue: Floats
    cutoff: Ints
    begins: Ints
    with_event: Ints
    pair_group: Ints
    pair_event: Ints
    event_weight: Floats

    @cached_property
    def _within(self) -> Ints:
        """For each group the place of its cutoff among those with an event."""
        return np.searchsorted(self.with_event, self.cutoff)

    def _by_cutoff(self, groups: Floats) -> Floats:
        if not len(self.begins):
            return np.zeros((0, groups.shape[1]))
        return np.add.reduceat(groups, self.begins, axis=0)

    @cached_property
    def _positives(self) -> Floats:
        return self._by_cutoff(self.positive)

    @cached_property
    def _negatives(self) -> Floats:
        size = self.size[self.with_event]
        negatives = size - self._positives
        return np.where(negatives > ROUNDING * size, negatives, 0.0)

    @cached_property
    def _positives_above(self) -> Floats:
        total = np.cumsum(self.positive, axis=0) - self.positive
        return total - total[self.begins][self._within] if len(self.begins) else total

    @cached_property
    def _comparable(self) -> Floats:
        """Events of the cutoffs that have rows with and without the event; 0 for the others."""
        return np.where(self._negatives > 0, self._positives, 0.0)

    def auc(self) -> Floats:
        """Area under the ROC curve of each cutoff, averaged by its events."""
        ranked_lower = (
            self._negatives[self._within] - (self.above - self._positives_above) - (self.weight - self.positive) / 2
        )
        pairs = self._by_cutoff(self.positive * ranked_lower)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = np.where(self._comparable > 0, pairs / self._negatives, 0.0).sum(axis=0)
            return np.asarray(np.clip(shares / self._comparable.sum(axis=0), 0.0, 1.0))

    def average_precision(self) -> Floats:
        """Precision at each event averaged within each cutoff, averaged by its events."""
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = (self._positives_above + self.positive) / (self.above + self.weight)
            counted = np.where(self._comparable[self._within] > 0, self.positive, 0.0)
            total = np.where(counted > 0, counted * precision, 0.0).sum(axis=0)
            return np.asarray(np.clip(total / self._comparable.sum(axis=0), 0.0, 1.0))

    def flagged(self, capacity: Floats) -> Floats:
        """Which share of each group is flagged where ``capacity`` (by cutoff) of the highest scores are."""
        left = capacity[self.cutoff][:, None] - self.above
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.weight > 0, np.clip(left / self.weight, 0.0, 1.0), 0.0)

    def at_capacity(self, capacity: Floats) -> dict[str, Floats]:
        """Precision, recall, lift, caught events and revenue where ``capacity`` accounts of each cutoff are flagged."""
        share = self.flagged(capacity)
        hits, chosen = self._by_cutoff(self.positive * share), np.minimum(capacity[:, None], self.size)
        events = self._positives.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            over_chance = self.size[self.with_event] / chosen[self.with_event]
            return {
                "precision_at_capacity": hits.sum(axis=0) / chosen.sum(axis=0),
                "recall_at_capacity": hits.sum(axis=0) / events,
                "lift_at_capacity": np.where(hits > 0, hits * over_chance, 0.0).sum(axis=0) / events,
                "caught_at_capacity": self._caught(share),
                "revenue_at_capacity": (self.revenue * share).sum(axis=0) / self.revenue.sum(axis=0),
            }

    def _caught(self, share: Floats) -> Floats:
        """Of the different events, the share that is flagged at one cutoff at least."""
        if not len(self.pair_event):
            return np.full(share.shape[1], np.nan)
        first = np.flatnonzero(np.diff(self.pair_event, prepend=-1))
        missed = np.multiply.reduceat(1.0 - share[self.pair_group], first, axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((self.event_weight * (1.0 - missed)).sum(axis=0) / self.event_weight.sum(axis=0))


class RankedRows:
    """Rows in the order of one score, made ready for every draw of their units.

    ``pair_group`` and ``pair_event`` list, ordered by event, the groups that show each different event.
    """

    def __init__(self, rows: EvaluationRows, score: Floats) -> None:
        self.rows = rows
        order = np.lexsort((-score, rows.day))
        day, ranked, event = rows.day[order], score[order], rows.event[order]
        begins_cutoff = np.diff(day, prepend=day[:1] - 1) != 0
        begins_tie = begins_cutoff | (np.diff(ranked, prepend=ranked[:1]) != 0)
        tie = np.cumsum(begins_tie) - 1
        has_event = np.bincount(tie, weights=event) > 0
        begins_group = begins_cutoff[begins_tie] | has_event | np.r_[True, has_event[:-1]]
        group_of_row = (np.cumsum(begins_group) - 1)[tie]
        self._place(order, group_of_row, has_event[begins_group])
        self.cutoff = (np.cumsum(begins_cutoff) - 1)[begins_tie][begins_group]
        self.cutoff_ends = np.flatnonzero(np.diff(self.cutoff, append=self.cutoff[-1] + 1))

    def _place(self, order: Ints, group_of_row: Ints, group_has_event: Bools) -> None:
        rows = self.rows
        self.event_groups = np.flatnonzero(group_has_event)
        units, weight = rows.unit_places[order], rows.weight[order]
        self.total = _matrix(weight, group_of_row, units, (len(group_has_event), rows.counts.shape[1]))
        shown = rows.event[order]
        own = np.searchsorted(self.event_groups, group_of_row[shown])
        shape = (len(self.event_groups), rows.counts.shape[1])
        self.positive = _matrix(weight[shown], own, units[shown], shape)
        revenue = np.nan_to_num(rows.revenue[order][shown])
        self.revenue = _matrix(weight[shown] * revenue, own, units[shown], shape)
        self._place_events(rows.event_number[order][shown], own, weight[shown], units[shown])

    def _place_events(self, number: Ints, group: Ints, weight: Floats, units: Ints) -> None:
        known = number >= 0
        event = np.unique(number[known], return_inverse=True)[1]
        count = int(event.max(initial=-1)) + 1
        key = np.unique(event * max(1, len(self.event_groups)) + group[known])
        self.pair_event, self.pair_group = np.divmod(key, max(1, len(self.event_groups)))
        pairs_of_event = np.bincount(self.pair_event, minlength=count)
        mean_weight = np.bincount(event, weights=weight[known], minlength=count) / np.maximum(1, pairs_of_event)
        unit_of_event = np.zeros(count, dtype=np.int64)
        unit_of_event[event] = units[known]
        self.event_units, self.mean_weight = unit_of_event, mean_weight

    def chunks(self, counts: Floats) -> Iterator[RankedDraws]:
        """The weights of all draws of ``counts`` (draws × units), some draws at a time."""
        step = max(1, CHUNK // max(1, self.total.shape[0]))
        for start in range(0, len(counts), step):
            yield self._drawn(np.ascontiguousarray(counts[start : start + step].T))

    def _drawn(self, counts: Floats) -> RankedDraws:
        total = self.total @ counts
        running = np.cumsum(total, axis=0)
        ends = running[self.cutoff_ends]
        before = np.vstack([np.zeros((1, counts.shape[1])), ends[:-1]])
        groups, cutoff = self.event_groups, self.cutoff[self.event_groups]
        with_event, begins = np.unique(cutoff, return_index=True)
        above = running[groups] - total[groups] - before[cutoff]
        return RankedDraws(
            positive=self.positive @ counts,
            weight=total[groups],
            above=above,
            size=ends - before,
            revenue=self.revenue @ counts,
            cutoff=cutoff,
            begins=begins,
            with_event=with_event,
            pair_group=self.pair_group,
            pair_event=self.pair_event,
            event_weight=counts[self.event_units] * self.mean_weight[:, None],
        )


def ranking_draws(rows: EvaluationRows, score: Floats, capacity: int | None = None) -> dict[str, Floats]:
    """Every ranking figure of a score on the sample (first) and on each draw, by name.

    ``auc`` and ``average_precision``; with a ``capacity`` of accounts a night also the figures ``…_at_capacity``.
    """
    ranked = RankedRows(rows, score)
    limits = None if capacity is None else np.full(len(ranked.cutoff_ends), float(capacity))
    parts = []
    for drawn in ranked.chunks(rows.counts):
        figures = {"auc": drawn.auc(), "average_precision": drawn.average_precision()}
        parts.append(figures if limits is None else {**figures, **drawn.at_capacity(limits)})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def at_shares(rows: EvaluationRows, score: Floats, shares: Floats) -> dict[str, Floats]:
    """The figures ``…_at_capacity`` where each share of every cutoff's accounts is flagged, a value a share."""
    ranked = RankedRows(rows, score)
    (drawn,) = ranked.chunks(np.ones((1, rows.counts.shape[1])))
    found = [drawn.at_capacity(share * drawn.size[:, 0]) for share in shares]
    return {name: np.asarray([figures[name][0] for figures in found]) for name in found[0]}


def _matrix(weight: Floats, group: Ints, unit: Ints, shape: tuple[int, int]) -> Any:
    """Sums of weights, groups × units, as a sparse matrix."""
    from scipy.sparse import coo_array

    return coo_array((weight, (group, unit)), shape=shape).tocsr()
