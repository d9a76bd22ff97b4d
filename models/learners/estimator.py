"""What a kind of model has to offer, so that folds, gate, card and night can use it without knowing what it is.

An estimator learns from weighted examples and gives a scorer; a scorer gives log-odds and what each column adds to
them, and is saved as text. Everything else (calibration, evaluation, promotion, reasons) needs no more than that, so a
further kind of model is a further estimator (`models.learners.estimators`) and no change elsewhere.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np

from features.errors import RescueError
from models.data.arrays import Floats, Matrix
from models.data.examples import Examples

if TYPE_CHECKING:
    from models.learners.learner import Learner


class Scorer(Protocol):
    """What ranks: log-odds for rows, what each column adds to them, and the files that it is saved in."""

    @property
    def kind(self) -> str:
        """The name of the estimator that made it and that reads its files."""

    def margin(self, matrix: Matrix) -> Floats:
        """The log-odds of each row; a row's do not depend on the rows beside it."""

    def contributions(self, matrix: Matrix) -> Floats:
        """Rows × (columns + 1): what each column adds; the last is what every row has. They sum to the log-odds."""

    def column_sizes(self) -> Mapping[int, float]:
        """How much each column counts in what was learned, by its place; columns that do not count may be absent."""

    def files(self) -> Mapping[str, str]:
        """Its files' names (``.txt`` or ``.json``, see `models.learners.model_files`) and text; never a pickle."""


class Estimator(Protocol):
    """A kind of model: how it learns, and how its files are read.

    The same examples, learner and seed have to give the same scorer: trainings can be repeated.
    """

    @property
    def name(self) -> str:
        """What the setting ``learner`` and a saved model call it: small letters, digits and underscores."""

    @property
    def title(self) -> str:
        """What reports call it."""

    def fit(self, training: Examples, learner: "Learner") -> Scorer:
        """Learn from the training rows, each counted by its weight.

        ``learner`` describes the columns of the matrix (its signature, the directions of risk) and holds the seed, the
        number of threads and parameters of the trees. A missing value is NaN; a category is the code of its level.

        Raises:
            NotLearnableError: it cannot learn from these rows; the message says what is short.
        """

    def read(self, contents: Mapping[str, bytes]) -> Scorer:
        """The scorer from its files, whose bytes were checked against the manifest. Nothing in them may be run.

        Raises:
            ValueError, KeyError: they are not what `files` gives.
        """


class ScorerError(RescueError):
    """A scorer does not give what its protocol says; nothing was scored."""


def checked_margin(scorer: Scorer, matrix: Matrix) -> Floats:
    """The scorer's log-odds of each row, which an estimator of an extension may fail to give.

    Raises:
        ScorerError: another number of values than rows, or values that are not finite.
    """
    margin = np.asarray(scorer.margin(matrix), dtype=np.float64)
    if margin.shape != (len(matrix),):
        raise ScorerError(
            f"The learner {scorer.kind} gave log-odds of shape {margin.shape} for {len(matrix)} rows; it has to give "
            "one number a row."
        )
    if not np.isfinite(margin).all():
        raise ScorerError(
            f"The learner {scorer.kind} gave log-odds that are not finite for {int((~np.isfinite(margin)).sum())} of "
            f"{len(matrix)} rows."
        )
    return margin
