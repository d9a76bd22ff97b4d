"""Trees that the library reads without its package: they predict what the package's booster predicts."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

from features.errors import RescueError
from models.learners.formats.loaded_trees import LoadedTrees
from models.learners.trees import import_lightgbm


@pytest.fixture(scope="module")
def matrix() -> np.ndarray:
    rows = np.random.default_rng(5).normal(size=(400, 6)).astype(np.float32)
    rows[::7, 2] = np.nan
    rows[:, 5] = np.arange(400) % 4
    return rows


@pytest.fixture(scope="module")
def text(matrix: np.ndarray) -> str:
    lightgbm = import_lightgbm()
    happened = (np.nan_to_num(matrix[:, 2]) + matrix[:, 5] > 1).astype(np.float32)
    data = lightgbm.Dataset(matrix, happened, categorical_feature=[5], params={"verbosity": -1})
    settings = {"objective": "binary", "num_leaves": 5, "verbosity": -1, "min_data_in_leaf": 5, "num_threads": 1}
    return str(lightgbm.train(settings, data, 12).model_to_string())


def test_predictions_are_those_of_the_package_for_every_layout_and_number(text: str, matrix: np.ndarray) -> None:
    booster, loaded = import_lightgbm().Booster(model_str=text), LoadedTrees(text)
    for rows in (matrix, np.asfortranarray(matrix), matrix.astype(np.float64), matrix[::2], matrix[:1]):
        assert np.array_equal(loaded.margin(rows), booster.predict(rows, raw_score=True))
        assert np.array_equal(loaded.contributions(rows, threads=1), booster.predict(rows, pred_contrib=True))


def test_a_copy_in_another_process_predicts_the_same(text: str, matrix: np.ndarray) -> None:
    loaded = LoadedTrees(text)
    assert np.array_equal(pickle.loads(pickle.dumps(loaded)).margin(matrix), loaded.margin(matrix))


def test_another_number_of_columns_and_a_text_of_no_trees_are_refused(text: str, matrix: np.ndarray) -> None:
    with pytest.raises(RescueError, match="number of features"):
        LoadedTrees(text).margin(matrix[:, :5])
    with pytest.raises(RescueError, match="LightGBM cannot use"):
        LoadedTrees("no trees")


def test_predictions_import_neither_the_package_nor_scipy(text: str) -> None:
    code = f"""
import sys
import numpy as np
from models.learners.trees import TreeScorer
TreeScorer({text!r}).margin(np.zeros((2, 6), dtype=np.float32))
assert not {{"lightgbm", "scipy", "narwhals"}} & sys.modules.keys(), sorted(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
