"""Boosted trees over categories as they are, for comparison with rules that a person can read.

Rules are learned from the categories of tickets, whose values are names of groups, symptoms and places. What a good
model reaches on the same columns says how much is lost by keeping the rules short.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from models.data.arrays import Floats
from models.learners.trees import import_lightgbm

TREE_ROUNDS = 200
CATEGORY_TREE_SETTINGS: Mapping[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.04,
    "num_leaves": 31,
    "min_data_in_leaf": 30,
    "cat_smooth": 30.0,
    "deterministic": True,
    "num_threads": 1,
    "seed": 7,
    "verbose": -1,
}


def score_with_category_trees(
    categories: Mapping[str, np.ndarray[Any, Any]],
    numbers: Mapping[str, Floats],
    outcome: np.ndarray[Any, Any],
    learn: np.ndarray[Any, Any],
) -> Floats:
    """Learn from some rows and return the probability of the outcome for every other row.

    Args:
        categories: texts by column, one a row.
        numbers: numbers by column, NaN where unknown.
        outcome: whether it came true, one a row.
        learn: the rows to learn from; the result has one probability for each other row, in their order.
    """
    lightgbm = import_lightgbm()

    columns = [_codes(values, learn) for values in categories.values()]
    matrix = np.column_stack([*columns, *(np.asarray(values, float) for values in numbers.values())])
    rows = lightgbm.Dataset(
        matrix[learn],
        outcome[learn].astype(float),
        categorical_feature=list(range(len(columns))),
        params={"verbose": -1},
        free_raw_data=True,
    )
    booster = lightgbm.train(dict(CATEGORY_TREE_SETTINGS), rows, num_boost_round=TREE_ROUNDS)
    scores: Floats = np.asarray(booster.predict(matrix[~learn]), dtype=np.float64)
    return scores


def _codes(values: np.ndarray[Any, Any], learn: np.ndarray[Any, Any]) -> Floats:
    """A number for each value that occurs in the rows to learn from; NaN for any other."""
    known = {value: float(place) for place, value in enumerate(dict.fromkeys(values[learn].tolist()))}
    return np.array([known.get(value, np.nan) for value in values.tolist()], dtype=np.float64)
