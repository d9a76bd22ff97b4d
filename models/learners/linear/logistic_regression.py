"""A regularised logistic regression: the model to be beaten, and the champion where events are few.

Columns are put on one scale first: heavy tails by a signed logarithm, then centred and divided by their spread, missing
values at the centre with an indicator of their own, categories one column a level. The ridge penalty is set against the
number of *different events*, because rows that repeat each other are no evidence, and term by term by what turned out
to matter (`models.learners.linear.relevance_determination`). Where the catalogue expects risk to rise or to fall with a
value, the coefficient may not have the opposite sign: of many columns that show the same trouble, few events would
otherwise set one against another. A column may be given a curve of straight pieces, where no straight line is right and
no direction holds. Contributions are exact: a coefficient times the distance from the average.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.data.arrays import Floats, Matrix
from models.data.examples import Examples, sampled
from models.data.signature import Signature
from models.learners.linear.relevance_determination import Bound, Regression

LINEAR_FILE = "linear.json"
PRIOR_SPREAD = 1.25  # of the accounts' log-odds before any evidence, to begin with all terms having an equal part in it
CLIP = 4.0
HEAVY_TAIL = 2.0
ENOUGH = 20_000  # rows from which relevance is learned: as good as 40,000, and neighbouring weeks are nearly the same
ROWS_AT_ONCE = 1024  # scored together: as doubles they stay in the processor's cache
PIECES = 20  # of a curve, each between two quantiles of the training values
PIECE_PRIOR = 0.5  # spread, before any evidence, of what one piece adds to the log-odds from end to end


@dataclass(frozen=True)
class Term:
    """One column of the design: an input's value, its absence, or one level of it.

    ``level`` is the category's code, -1 for a number, -2 for "is missing", -3 for a piece of a number's curve.
    ``logarithm`` says that it is scaled by ``sign(x) log(1 + |x|)`` first, ``low`` and ``high`` where it is cut off
    then: far out for a number, at its ends for a piece. ``centre`` and ``spread`` put it on the common scale, on which
    a piece is 1 long.
    """

    place: int
    level: int
    logarithm: bool
    low: float
    high: float
    centre: float
    spread: float
    weight: float = 0.0


NUMBER, MISSING, PIECE = -1, -2, -3
MEASURED = (NUMBER, PIECE)
BOUNDS: Mapping[int, Bound] = {1: (0.0, None), -1: (None, 0.0), 0: (None, None)}
"""Of a coefficient, by the direction that the catalogue expects."""


@dataclass(frozen=True)
class _Numbers:
    """The measured terms side by side, so that a block of rows is scored at once; plain arrays, a value a term."""

    places: NDArray[np.int64]
    logarithm: NDArray[np.bool_]
    low: Floats
    high: Floats
    centre: Floats
    spread: Floats
    weight: Floats

    @classmethod
    def of(cls, terms: Sequence[Term]) -> "_Numbers":
        """From terms of numbers and their pieces only."""
        scale = ("low", "high", "centre", "spread", "weight")
        return cls(
            np.array([term.place for term in terms], dtype=np.int64),
            np.array([term.logarithm for term in terms], dtype=np.bool_),
            *(np.array([getattr(term, name) for term in terms]) for name in scale),
        )

    def margin(self, matrix: Matrix) -> Floats:
        """Their part of each row's log-odds; the sum of a row does not depend on the rows beside it."""
        values = matrix[:, self.places].astype(np.float64)
        values[:, self.logarithm] = _log(values[:, self.logarithm])
        np.clip(values, self.low, self.high, out=values)
        values -= self.centre
        values /= self.spread
        values *= self.weight
        np.copyto(values, 0.0, where=np.isnan(values))
        return np.asarray(values.sum(axis=1))


@dataclass(frozen=True)
class LinearScorer:
    """Terms with their weights, and the log-odds of an average row."""

    terms: tuple[Term, ...]
    intercept: float
    inputs: int
    kind: str = "logistic"

    def margin(self, matrix: Matrix) -> Floats:
        """The log-odds of each row."""
        numbers = _Numbers.of([term for term in self.terms if term.level in MEASURED])
        others = [term for term in self.terms if term.level not in MEASURED]
        total = np.full(len(matrix), self.intercept)
        for start in range(0, len(matrix), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            total[part] += numbers.margin(matrix[part])
            for term, scaled in _columns(others, matrix[part]):
                total[part] += term.weight * scaled
        return total

    def contributions(self, matrix: Matrix) -> Floats:
        """Each input's terms together, rows × (inputs + 1); the last column is the average row's log-odds."""
        shares = np.zeros((len(matrix), self.inputs + 1))
        shares[:, -1] = self.intercept
        for term, scaled in _columns(self.terms, matrix):
            shares[:, term.place] += term.weight * scaled
        return shares

    def column_sizes(self) -> Mapping[int, float]:
        """The sizes of each column's weights on the common scale."""
        sizes: dict[int, float] = {}
        for term in self.terms:
            sizes[term.place] = sizes.get(term.place, 0.0) + abs(term.weight)
        return sizes

    def files(self) -> Mapping[str, str]:
        """One JSON file."""
        about = {"intercept": self.intercept, "inputs": self.inputs, "terms": [vars(term) for term in self.terms]}
        return {LINEAR_FILE: json.dumps(about, indent=1) + "\n"}

    @classmethod
    def read(cls, contents: Mapping[str, bytes]) -> "LinearScorer":
        """From checked files."""
        about = json.loads(contents[LINEAR_FILE])
        return cls(tuple(Term(**term) for term in about["terms"]), about["intercept"], about["inputs"])


def fit_logistic(
    training: Examples,
    signature: Signature,
    events: int,
    expected: Sequence[int],
    curved: Collection[str] = (),
    prior_spread: float = PRIOR_SPREAD,
) -> LinearScorer:
    """Fit on the training rows, which hold ``events`` different events.

    ``expected`` holds +1, -1 or 0 a column: whether risk may only rise or only fall with it. It binds numbers alone,
    and of these none that is ``curved`` (by name): such a column is given a curve beside its straight line.
    ``prior_spread`` is the spread of the accounts' log-odds before any evidence.
    """
    matrix, happened = training.matrix, training.labelled.happened
    terms, design = scaled_design(matrix, signature, curved)
    evidence = training.weight * max(events, 1) / max(float((training.weight * happened).sum()), 1.0)
    bounds = [_bound(term, signature, expected, curved) for term in terms]
    pieces = np.array([term.level == PIECE for term in terms], dtype=np.bool_)
    prior = np.where(pieces, PIECE_PRIOR**2, prior_spread**2 / max((~pieces).sum(), 1))
    regression = Regression(design, happened, evidence, bounds)
    some = regression.at(*sampled(training.labelled, ENOUGH))
    *weights, intercept = regression.fit(prior, ~pieces, some).tolist()
    weighted = (replace(term, weight=weight) for term, weight in zip(terms, weights, strict=True))
    return LinearScorer(tuple(weighted), intercept, matrix.shape[1])


def scaled_design(
    matrix: Matrix, signature: Signature, curved: Collection[str] = ()
) -> tuple[list[Term], NDArray[np.float32]]:
    """The terms of these training rows without weights, and their columns on the common scale: rows × terms."""
    terms = [term for place in range(matrix.shape[1]) for term in _terms(matrix[:, place], place, signature, curved)]
    design = np.empty((len(matrix), len(terms)), dtype=np.float32)
    for place, (_, scaled) in enumerate(_columns(terms, matrix)):
        design[:, place] = scaled
    return terms, design


def _bound(term: Term, signature: Signature, expected: Sequence[int], curved: Collection[str]) -> Bound:
    free = term.level != NUMBER or signature.names[term.place] in curved
    return BOUNDS[0 if free else expected[term.place]]


def _terms(values: NDArray[np.float32], place: int, signature: Signature, curved: Collection[str]) -> list[Term]:
    column = signature.columns[place]
    absent = np.isnan(values)
    share = float(absent.mean())
    terms = [_flag(place, MISSING, share)] if 0 < share < 1 else []
    if column.levels:
        shares = np.bincount(values[~absent].astype(np.int64), minlength=len(column.levels)) / max(len(values), 1)
        return terms + [_flag(place, code, float(s)) for code, s in enumerate(shares) if s > 0]
    known = values[~absent].astype(np.float64)
    if not known.size or known.min() == known.max():
        return terms
    return [*terms, _straight(known, place), *(_curve(known, place) if column.name in curved else ())]


def _flag(place: int, level: int, share: float) -> Term:
    return Term(place, level, False, 0.0, 1.0, share, float(np.sqrt(max(share * (1 - share), 1e-3))))


def _straight(known: Floats, place: int) -> Term:
    deviation = (known - known.mean()) / known.std()
    logarithm = bool(abs((deviation**2 * deviation).mean()) > HEAVY_TAIL)  # the third power itself is slow
    scaled = _log(known) if logarithm else known
    centre, spread = float(scaled.mean()), max(float(scaled.std()), 1e-9)
    return Term(place, NUMBER, logarithm, centre - CLIP * spread, centre + CLIP * spread, centre, spread)


def _curve(known: Floats, place: int) -> Iterator[Term]:
    """Pieces that each rise from one quantile to the next: their weights together draw any curve through these."""
    for low, high in pairwise(np.unique(np.quantile(known, np.linspace(0, 1, PIECES + 1))).tolist()):
        inside = np.clip(known, low, high)
        yield Term(place, PIECE, False, low, high, float(inside.mean()), high - low)


def _log(values: Floats) -> Floats:
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


def _columns(terms: Sequence[Term], matrix: Matrix) -> Iterator[tuple[Term, Floats]]:
    """Each term with its column on the common scale; a missing number is put at the centre."""
    for term in terms:
        values = matrix[:, term.place].astype(np.float64)
        if term.level == MISSING:
            yield term, (np.isnan(values) - term.centre) / term.spread
        elif term.level >= 0:
            yield term, ((values == term.level) - term.centre) / term.spread
        else:
            inside = np.clip(_log(values) if term.logarithm else values, term.low, term.high)
            yield term, np.nan_to_num((inside - term.centre) / term.spread, nan=0.0)
