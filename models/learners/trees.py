"""Gradient-boosted trees (LightGBM), small and strongly regularised: a row repeats its neighbours, so data is scarcer
than it looks.

Every fit is deterministic for its seed, whatever the number of threads. Categories are codes kept in the signature;
where the catalogue is certain that a risk rises or falls with a value the trees must follow. Classes are neither
weighted nor resampled: a probability has to mean what it says.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from models.data.arrays import Floats, Matrix
from models.data.examples import Examples
from models.data.signature import Signature
from models.learners import compiled_trees
from models.learners.formats.loaded_trees import LoadedTrees
from models.learners.formats.tree_text import check_tree_text

TREES_FILE = "trees.txt"
MAX_TREES = 100

PARAMETERS: Mapping[str, Any] = {
    "learning_rate": 0.1,  # half the trees of 0.05, and as good in the blend: AP .333 against .331
    "num_leaves": 5,  # shallow trees ranked later cutoffs best: AP .31 against .30 with 15 leaves on simulated churn
    "min_data_in_leaf": 100,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 20.0,
    "max_bin": 63,
    "cat_smooth": 50.0,
    "cat_l2": 50.0,
    "max_cat_to_onehot": 8,
}


@dataclass(frozen=True)
class TreeScorer:
    """Trees in LightGBM's own text format; ``threads`` is how many predict (0: as many as there are cores)."""

    text: str
    threads: int = 0
    kind: str = "lightgbm"

    @cached_property
    def loaded(self) -> LoadedTrees:
        """The parsed trees."""
        return LoadedTrees(self.text)

    @cached_property
    def program(self) -> Callable[[Matrix], Floats]:
        """The trees as machine code, which the extra ``compiled`` makes."""
        return compiled_trees.compiled(self.text, self.threads)

    def margin(self, matrix: Matrix) -> Floats:
        """The log-odds of each row."""
        if not len(matrix):
            return np.empty(0)
        if compiled_trees.pays(len(matrix)):
            return self.program(matrix)
        return self.loaded.margin(matrix, self.threads)

    def contributions(self, matrix: Matrix) -> Floats:
        """Exact tree contributions (TreeSHAP), rows × (columns + 1)."""
        if not len(matrix):
            return np.empty((0, matrix.shape[1] + 1))
        return self.loaded.contributions(matrix, self.threads)

    def column_sizes(self) -> Mapping[int, float]:
        """Each column's gain, summed over the splits by it."""
        booster = import_lightgbm().Booster(model_str=self.text)
        return dict(enumerate(booster.feature_importance("gain").tolist()))

    def files(self) -> Mapping[str, str]:
        """LightGBM's text."""
        return {TREES_FILE: self.text}

    @classmethod
    def read(cls, contents: Mapping[str, bytes]) -> "TreeScorer":
        """From checked files; LightGBM parses the text only after it was checked itself.

        Raises:
            TreeTextError: the text is no well-formed set of trees.
        """
        text = contents[TREES_FILE].decode("utf-8")
        check_tree_text(text)
        return cls(text)


@dataclass(frozen=True)
class Grown:
    """A grown booster of ``MAX_TREES`` trees, and the log-loss on later rows after each tree (empty without such).

    ``threads`` grew it, and predict with it in this process: LightGBM has one number of threads for a whole process,
    and reads beyond its buffers where one thread raises it while another predicts.
    """

    booster: Any
    curve: Floats
    threads: int

    def cut(self, trees: int) -> TreeScorer:
        """The first ``trees`` of it."""
        return TreeScorer(self.booster.model_to_string(num_iteration=trees), self.threads)


def grow(
    training: Examples,
    signature: Signature,
    directions: Sequence[int],
    *,
    parameters: Mapping[str, Any] = PARAMETERS,
    trees: int = MAX_TREES,
    later: Examples | None = None,
    seed: int = 7,
    threads: int = 0,
) -> Grown:
    """Grow ``trees`` trees on the training rows; ``later`` rows are only watched, nothing is chosen here.

    ``directions`` holds +1, -1 or 0 a column: whether risk must rise or fall with it. They do not apply to categories.
    """
    lightgbm = import_lightgbm()
    settings = _settings(parameters, signature, directions, seed, threads)
    data = _dataset(training, signature, settings)
    watched: dict[str, dict[str, list[float]]] = {}
    booster = lightgbm.train(
        settings,
        data,
        num_boost_round=trees,
        valid_sets=[_dataset(later, signature, settings, reference=data)] if later is not None and len(later) else [],
        valid_names=["later"] if later is not None and len(later) else [],
        callbacks=[lightgbm.record_evaluation(watched)],
    )
    return Grown(booster, np.asarray(watched.get("later", {}).get("binary_logloss", [])), threads)


def import_lightgbm() -> Any:
    """LightGBM, its threads sleeping while they wait: spinning ones stall each other where the machine is shared.

    It is imported without scikit-learn and pandas, which take longer than to score a thousand accounts, and which it
    can do without: Rescue gives it arrays and does not use its estimators.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read once, when OpenMP is loaded
    left_out = () if "lightgbm" in sys.modules else {"sklearn", "pandas"} - sys.modules.keys()
    for name in left_out:
        sys.modules[name] = None  # type: ignore[assignment]  # Python then raises ImportError
    try:
        import lightgbm
    finally:
        for name in left_out:
            del sys.modules[name]
    return lightgbm


def _dataset(rows: Examples, signature: Signature, settings: Mapping[str, Any], reference: Any = None) -> Any:
    return import_lightgbm().Dataset(
        rows.matrix,
        rows.labelled.happened.astype(np.float32),
        weight=rows.weight.astype(np.float32),
        feature_name=list(signature.names),
        categorical_feature=list(signature.categories),
        params=dict(settings),
        reference=reference,
        free_raw_data=True,
    )


def _settings(
    parameters: Mapping[str, Any], signature: Signature, directions: Sequence[int], seed: int, threads: int
) -> dict[str, Any]:
    fixed = {
        "objective": "binary",
        "metric": "binary_logloss",
        "verbosity": -1,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": threads,
    }
    free = [0 if place in signature.categories else value for place, value in enumerate(directions)]
    constraints = {"monotone_constraints": free} if any(free) else {}
    return {**parameters, **fixed, **constraints}
