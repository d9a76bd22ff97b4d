"""The estimators by name: those that are shipped, and those that an installation or an extension registers.

A risk that names none gets the automatic choice (`models.evaluation.model_selection`), which compares the blend, the
logistic regression and the baseline on later cutoffs. A named one is used whatever they show; the gate still decides.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.catalogue import ExtensionFile
from features.errors import RescueError, suggest_name
from models.data.arrays import Floats, Matrix
from models.data.examples import Examples
from models.learners.baselines import BaselineScorer
from models.learners.calibration import log_odds
from models.learners.ensemble import USUAL_SHARE, BlendScorer
from models.learners.estimator import Estimator, Scorer
from models.learners.extras.catboost_trees import CatBoostEstimator
from models.learners.extras.xgboost_trees import XGBoostEstimator
from models.learners.learner import USUAL_TREES, Learner
from models.learners.linear.logistic_regression import LinearScorer
from models.learners.training_set import NotLearnableError
from models.learners.trees import TreeScorer
from models.risks.learner_names import add_learner_name

CONSTANT_FILE = "constant.json"
ESTIMATOR_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True)
class BlendEstimator:
    """Trees and the logistic regression; ``count`` trees, which count by ``share``, as earlier folds advise."""

    count: int = USUAL_TREES
    share: float = USUAL_SHARE
    name: str = "blend"
    title: str = "Trees and logistic regression"

    def fit(self, training: Examples, learner: Learner) -> Scorer:
        """Both on the same rows."""
        return learner.blend(training, self.count, self.share)

    def read(self, contents: Mapping[str, bytes]) -> Scorer:
        """From LightGBM's text and two JSON files."""
        return BlendScorer.read(contents)


@dataclass(frozen=True)
class TreeEstimator:
    """LightGBM's trees alone, ``count`` of them: a part of the blend, and what models of earlier versions are."""

    count: int = USUAL_TREES
    name: str = "lightgbm"
    title: str = "Trees"

    def fit(self, training: Examples, learner: Learner) -> Scorer:
        """On all rows."""
        return learner.trees(training, self.count).cut(self.count)

    def read(self, contents: Mapping[str, bytes]) -> Scorer:
        """From LightGBM's text."""
        return TreeScorer.read(contents)


@dataclass(frozen=True)
class LogisticEstimator:
    """The regularised logistic regression alone."""

    name: str = "logistic"
    title: str = "Logistic regression"

    def fit(self, training: Examples, learner: Learner) -> Scorer:
        """On all rows."""
        return learner.logistic(training)

    def read(self, contents: Mapping[str, bytes]) -> Scorer:
        """From one JSON file."""
        return LinearScorer.read(contents)


@dataclass(frozen=True)
class BaselineEstimator:
    """The baseline that is trusted most among those whose column there is."""

    name: str = "rule"
    title: str = "Baseline"

    def fit(self, training: Examples, learner: Learner) -> Scorer:
        """Only the spread of its column is learned."""
        scorer = learner.rule(training)
        if scorer is None:
            raise NotLearnableError(
                "None of the columns that a baseline ranks by varies in the training rows, so there is no baseline."
            )
        return scorer

    def read(self, contents: Mapping[str, bytes]) -> Scorer:
        """From one JSON file."""
        return BaselineScorer.read(contents)


@dataclass(frozen=True)
class ConstantScorer:
    """The same log-odds for every row: what a model has to be better than."""

    level: float
    kind: str = "constant"

    def margin(self, matrix: Matrix) -> Floats:
        """The log-odds of the base rate."""
        return np.full(len(matrix), self.level)

    def contributions(self, matrix: Matrix) -> Floats:
        """No column adds anything."""
        shares = np.zeros((len(matrix), matrix.shape[1] + 1))
        shares[:, -1] = self.level
        return shares

    def column_sizes(self) -> Mapping[int, float]:
        """No column counts."""
        return {}

    def files(self) -> Mapping[str, str]:
        """One JSON file."""
        return {CONSTANT_FILE: json.dumps({"level": self.level}) + "\n"}


@dataclass(frozen=True)
class ConstantEstimator:
    """Everybody has the base rate of the training rows."""

    name: str = "constant"
    title: str = "Base rate"

    def fit(self, training: Examples, learner: Learner) -> Scorer:
        """By the rows' weights."""
        rate = float(np.average(training.labelled.happened, weights=training.weight))
        return ConstantScorer(float(log_odds(np.array([rate]))[0]))

    def read(self, contents: Mapping[str, bytes]) -> Scorer:
        """From one JSON file."""
        return ConstantScorer(float(json.loads(contents[CONSTANT_FILE])["level"]))


_SHIPPED: tuple[Estimator, ...] = (
    BlendEstimator(),
    TreeEstimator(),
    LogisticEstimator(),
    BaselineEstimator(),
    ConstantEstimator(),
    XGBoostEstimator(),
    CatBoostEstimator(),
)
_estimators: dict[str, Estimator] = {estimator.name: estimator for estimator in _SHIPPED}
_files: dict[str, ExtensionFile | None] = {}


def register_estimator(estimator: Estimator, file: ExtensionFile | None = None) -> None:
    """Make an estimator known by its name, for settings and for saved models; an earlier one of that name gives way.

    ``file`` is the extension that it comes from: a saved model is read only by the code that it was made by.

    Raises:
        RescueError: its name is that of a shipped one, or not a name that settings can use.
    """
    if not ESTIMATOR_NAME.fullmatch(estimator.name):
        raise RescueError(
            f"A learner is named in small letters, digits and underscores, at most 32, not {estimator.name!r}."
        )
    if estimator.name in {shipped.name for shipped in _SHIPPED}:
        raise RescueError(f"A learner cannot be named {estimator.name!r}: one of the shipped learners has that name.")
    add_learner_name(estimator.name)
    _estimators[estimator.name] = estimator
    _files[estimator.name] = file


def estimator_file(name: str) -> ExtensionFile | None:
    """The file of the extension that an estimator comes from; ``None`` for one that comes with Rescue."""
    return _files.get(name)


def find_estimator(name: str) -> Estimator:
    """The estimator of that name.

    Raises:
        RescueError: there is none; the message lists those that there are.
    """
    if name not in _estimators:
        raise RescueError(f"There is no learner {name!r} in this installation; {suggest_name(name, _estimators)}")
    return _estimators[name]


def estimator_title(name: str) -> str:
    """What reports call the estimator of that name: its title, or the name where it is not in this installation."""
    return _estimators[name].title if name in _estimators else name.replace("_", " ").capitalize()
