"""Is a ranking better than chance? A permutation test within nights, in closed form.

An interval that is drawn from accounts promises too much where events are few or scores are tied: of ten events, all in
the group of the 90% most common scores, every draw looks the same. The question has an exact answer instead. If a score
says nothing, the outcomes of an account could as well belong to any other account that was scored on the same nights.
So the histories of outcomes change hands among accounts, whole, because the rows of an account resemble each other. The
statistic is the AUC within nights; its variance over all such exchanges needs no draws (the product of two covariances
between nights, as in Mantel's test). The tail is that of Pearson's type III, which allows for the skewness that few
events in a small group of equal scores cause (Mielke and Berry, Permutation Methods, 2001). Where the unit is a group
of accounts, whose outcomes resemble each other, the variation from group to group counts if it is larger.

A model is chosen from a few learners, and is trained again every month. So the level is 1%, not 5%.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.data.arrays import Floats, Ints
from models.evaluation.evaluation_rows import EvaluationRows

SIGNAL_LEVEL = 0.01
"""Chance of a signal where there is none."""
TOGETHER_UNITS = 4096
"""Units whose rows are spread out as a table of nights at one time."""


@dataclass(frozen=True)
class SignalTest:
    """How probable so good a ranking is by chance; NaN where there is nothing to rank."""

    p_value: float

    @property
    def shown(self) -> bool:
        """Whether the ranking is better than chance."""
        return self.p_value < SIGNAL_LEVEL

    def to_json(self) -> dict[str, float | None]:
        """``{"p_value", "level"}``; a test that is not defined has no p-value."""
        return {"p_value": self.p_value if np.isfinite(self.p_value) else None, "level": SIGNAL_LEVEL}


def compare_with_chance(rows: EvaluationRows, score: Floats) -> SignalTest:
    """The test of a score on these rows; the order of the rows does not matter."""
    night = np.unique(rows.day, return_inverse=True)[1]
    total, events = (np.bincount(night, weights=values) for values in (rows.weight, rows.weight * rows.event))
    compared = ((events > 0) & (events < total))[night]
    if not compared.any():
        return SignalTest(np.nan)
    rows, score = rows.take(compared), score[compared]
    night = np.unique(rows.day, return_inverse=True)[1]
    placement = placements(rows, score, night)
    surprise = rows.event - np.bincount(night, weights=rows.event)[night] / np.bincount(night)[night]
    statistic = float(surprise @ placement)
    variance = _exchanged_variance(rows, night, surprise, placement)
    if len(np.unique(_place(rows, night))) < len(night):
        variance = max(variance, _unit_variance(rows, surprise * placement))
    if variance <= 0:
        return SignalTest(np.nan)
    return SignalTest(_upper_tail(statistic / variance**0.5, _skewness(rows, night, placement)))


def placements(rows: EvaluationRows, score: Floats, night: Ints) -> Floats:
    """Each row's share of its night that ranks lower, ties half, less a half; as the AUC weights it.

    The sum over the rows with the event, by the sum of their weights, is the AUC within nights less a half. The sum of
    each night is zero.
    """
    order = np.lexsort((score, night))
    ranked_night, ranked, weight = night[order], score[order], rows.weight[order]
    begins_tie = (np.diff(ranked_night, prepend=-1) != 0) | (np.diff(ranked, prepend=ranked[:1]) != 0)
    tie = np.cumsum(begins_tie) - 1
    of_tie = np.bincount(tie, weights=weight)
    total = np.bincount(night, weights=rows.weight)
    before_night = np.cumsum(total) - total
    below = np.cumsum(of_tie) - of_tie - before_night[ranked_night[begins_tie]]
    middle = (below + of_tie / 2) / total[ranked_night[begins_tie]] - 0.5
    without = total - np.bincount(night, weights=rows.weight * rows.event)
    found = np.empty(len(score))
    found[order] = middle[tie] * weight * (total / without)[ranked_night]
    return found


def _exchanged_variance(rows: EvaluationRows, night: Ints, surprise: Floats, placement: Floats) -> float:
    """Variance of the statistic where outcomes change hands among the units of the same nights."""
    nights = int(night.max()) + 1
    outcomes, ranks, both = (np.zeros((nights, nights)) for _ in range(3))
    for spread in _tables(rows, night, nights, (surprise, placement, np.ones(len(night)))):
        outcomes += spread[0].T @ spread[0]
        ranks += spread[1].T @ spread[1]
        both += spread[2].T @ spread[2]
    return float((outcomes * ranks / np.maximum(both - 1, 1)).sum())


def _tables(rows: EvaluationRows, night: Ints, nights: int, columns: tuple[Floats, ...]) -> Iterator[list[Any]]:
    """Columns of rows as tables of rows of one account × nights, some accounts at a time.

    Where the unit is a group, each of its rows on a night goes to another line, in the order of placement.
    """
    order = np.lexsort((columns[1], _place(rows, night)))
    place, own_night = _place(rows, night)[order], night[order]
    begins = np.flatnonzero(np.diff(place, prepend=-1))
    number = np.arange(len(place)) - np.repeat(begins, np.diff(np.append(begins, len(place))))
    line = np.unique(rows.unit_places[order] * (number.max() + 1) + number, return_inverse=True)[1]
    by_line = np.argsort(line, kind="stable")
    for first in range(0, int(line.max()) + 1, TOGETHER_UNITS):
        start, end = np.searchsorted(line[by_line], [first, first + TOGETHER_UNITS])
        places = by_line[start:end]
        tables = [np.zeros((min(TOGETHER_UNITS, int(line.max()) + 1 - first), nights)) for _ in columns]
        for table, column in zip(tables, columns, strict=True):
            table[line[places] - first, own_night[places]] = column[order[places]]
        yield tables


def _place(rows: EvaluationRows, night: Ints) -> Ints:
    """One number for each unit and night."""
    return np.asarray(rows.unit_places * (int(night.max()) + 1) + night)


def _unit_variance(rows: EvaluationRows, parts: Floats) -> float:
    """Variance of the statistic as the units show it: the sum of their squared parts."""
    return float((np.bincount(rows.unit_places, weights=parts) ** 2).sum())


def _skewness(rows: EvaluationRows, night: Ints, placement: Floats) -> float:
    """Skewness of the statistic where each unit with an event could be any other, its score equal on all its nights."""
    second, third = (np.bincount(night, weights=placement**power) / np.bincount(night) for power in (2, 3))
    shown = rows.event
    unit, size = rows.unit_places[shown], int(rows.unit_places.max()) + 1
    count = np.bincount(unit, minlength=size)
    squares, cubes = (
        np.bincount(unit, weights=moment[night[shown]], minlength=size)[count > 0] for moment in (second, third)
    )
    rows_of_unit = count[count > 0]
    return float((rows_of_unit**2 * cubes).sum() / (rows_of_unit * squares).sum() ** 1.5)


def _upper_tail(deviate: float, skewness: float) -> float:
    """Chance of a larger deviate; a skewness to the left, which shortens the tail, is not used."""
    from scipy.special import gammaincc, ndtr

    if skewness < 1e-3:
        return float(ndtr(-deviate))
    return float(gammaincc(4 / skewness**2, max(0.0, (deviate + 2 / skewness) * 2 / skewness)))
