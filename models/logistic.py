"""A regularised logistic regression: the model to be beaten, and the champion where events are few.

Columns are put on one scale first: heavy tails by a signed logarithm, then centred and divided by their spread, missing
values at the centre with an indicator of their own, categories one column a level. The ridge penalty is set against the
number of *different events*, because rows that repeat each other are no evidence. Contributions are exact: a
coefficient times the distance from the average.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.examples import Examples
from models.signature import Matrix, Signature

Floats = NDArray[np.float64]
LINEAR_FILE = "linear.json"
PRIOR_SPREAD = 0.25  # of a coefficient on the common scale, before any evidence
CLIP = 4.0
HEAVY_TAIL = 2.0


@dataclass(frozen=True)
class Term:
    """One column of the design: an input's value, its absence, or one level of it.

    ``level`` is the category's code, -1 for a number, -2 for "is missing". ``logarithm`` says that it is scaled by
    ``sign(x) log(1 + |x|)`` first; ``centre`` and ``spread`` put it on the common scale.
    """

    place: int
    level: int
    logarithm: bool
    centre: float
    spread: float
    weight: float = 0.0


NUMBER, MISSING = -1, -2


@dataclass(frozen=True)
class LinearScorer:
    """Terms with their weights, and the log-odds of an average row."""

    terms: tuple[Term, ...]
    intercept: float
    inputs: int
    kind: str = "logistic"

    def margin(self, matrix: Matrix) -> Floats:
        """The log-odds of each row."""
        total = np.full(len(matrix), self.intercept)
        for term in self.terms:
            total += term.weight * _scaled(term, matrix)
        return total

    def contributions(self, matrix: Matrix) -> Floats:
        """Each input's terms together, rows × (inputs + 1); the last column is the average row's log-odds."""
        shares = np.zeros((len(matrix), self.inputs + 1))
        shares[:, -1] = self.intercept
        for term in self.terms:
            shares[:, term.place] += term.weight * _scaled(term, matrix)
        return shares

    def files(self) -> Mapping[str, str]:
        """One JSON file."""
        about = {"intercept": self.intercept, "inputs": self.inputs, "terms": [vars(term) for term in self.terms]}
        return {LINEAR_FILE: json.dumps(about, indent=1) + "\n"}

    @classmethod
    def read(cls, contents: Mapping[str, bytes]) -> "LinearScorer":
        """From checked files."""
        about = json.loads(contents[LINEAR_FILE])
        return cls(tuple(Term(**term) for term in about["terms"]), about["intercept"], about["inputs"])


def fit(training: Examples, signature: Signature, events: int) -> LinearScorer:
    """Fit on the training rows, which hold ``events`` different events."""
    from sklearn.linear_model import LogisticRegression

    matrix, happened = training.matrix, training.labelled.happened
    terms = [term for place in range(matrix.shape[1]) for term in _terms(matrix[:, place], place, signature)]
    design = np.column_stack([_scaled(term, matrix).astype(np.float32) for term in terms])
    evidence = training.weight * max(events, 1) / max(float((training.weight * happened).sum()), 1.0)
    solver = LogisticRegression(C=PRIOR_SPREAD**2, solver="lbfgs", tol=1e-4, max_iter=1000)
    solver.fit(design, happened, sample_weight=evidence)
    weighted = (Term(**{**vars(term), "weight": float(w)}) for term, w in zip(terms, solver.coef_[0], strict=True))
    return LinearScorer(tuple(weighted), float(solver.intercept_[0]), matrix.shape[1])


def _terms(values: NDArray[np.float32], place: int, signature: Signature) -> list[Term]:
    column = signature.columns[place]
    absent = np.isnan(values)
    share = float(absent.mean())
    terms = [Term(place, MISSING, False, share, _spread(share))] if 0 < share < 1 else []
    if column.levels:
        shares = np.bincount(values[~absent].astype(np.int64), minlength=len(column.levels)) / max(len(values), 1)
        return terms + [Term(place, code, False, float(s), _spread(float(s))) for code, s in enumerate(shares) if s > 0]
    return terms + _number(values[~absent].astype(np.float64), place)


def _number(known: Floats, place: int) -> list[Term]:
    if not known.size or known.min() == known.max():
        return []
    deviation = (known - known.mean()) / known.std()
    logarithm = bool(abs((deviation**3).mean()) > HEAVY_TAIL)
    scaled = _log(known) if logarithm else known
    return [Term(place, NUMBER, logarithm, float(scaled.mean()), max(float(scaled.std()), 1e-9))]


def _spread(share: float) -> float:
    return float(np.sqrt(max(share * (1 - share), 1e-3)))


def _log(values: Floats) -> Floats:
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


def _scaled(term: Term, matrix: Matrix) -> Floats:
    """The term's column on the common scale; a missing number stands at the centre."""
    values = matrix[:, term.place].astype(np.float64)
    if term.level == MISSING:
        return np.asarray((np.isnan(values) - term.centre) / term.spread)
    if term.level >= 0:
        return np.asarray(((values == term.level) - term.centre) / term.spread)
    distance = ((_log(values) if term.logarithm else values) - term.centre) / term.spread
    return np.asarray(np.clip(np.nan_to_num(distance, nan=0.0), -CLIP, CLIP))
