"""Trees that LightGBM would hang on, crash on, or score with, are refused before it parses them."""

import re
from functools import cache

import lightgbm
import numpy as np
import pytest

from models.learners.formats.tree_text import TreeTextError, check_tree_text
from models.learners.trees import TREES_FILE, TreeScorer


@cache
def grown(leaves: int = 5, rows_in_leaf: int = 5) -> str:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(400, 4))
    rows[:, 3] = rng.integers(0, 12, 400)
    labels = (rows[:, 0] + (rows[:, 3] == 3) > 0.5).astype(float)
    parameters = {
        "objective": "binary",
        "num_leaves": leaves,
        "verbosity": -1,
        "min_data_in_leaf": rows_in_leaf,
        "min_data_per_group": 1,
        "max_cat_to_onehot": 2,
        "cat_smooth": 1,
        "cat_l2": 1,
        "num_threads": 1,
        "monotone_constraints": [1, 0, 0, 0],
    }
    data = lightgbm.Dataset(rows, labels, feature_name=["a", "b", "c", "d"], categorical_feature=[3])
    text: str = lightgbm.train(parameters, data, num_boost_round=4).model_to_string()
    return text


def with_sizes(text: str) -> str:
    """The text with sizes that fit its trees: what an attacker writes as well."""
    body = text.partition("\nend of trees\n")[0] + "\n"
    starts = [match.start() for match in re.finditer(r"^Tree=", body, re.MULTILINE)]
    sizes = [len(body[a:b].encode()) for a, b in zip(starts, [*starts[1:], len(body)], strict=True)]
    return re.sub(r"tree_sizes=.*", "tree_sizes=" + " ".join(map(str, sizes)), text)


def changed(entry: str, value: str) -> str:
    """The first tree with another value of an entry."""
    return with_sizes(re.sub(rf"^{entry}=.*$", f"{entry}={value}", grown(), count=1, flags=re.MULTILINE))


@pytest.mark.parametrize(("leaves", "rows"), [(5, 5), (31, 5), (5, 400)])
def test_what_lightgbm_writes_is_accepted_and_scores_alike(leaves: int, rows: int) -> None:
    text = grown(leaves, rows)
    assert check_tree_text(text) == 4
    matrix = np.zeros((3, 4), dtype=np.float32)
    read = TreeScorer.read({TREES_FILE: text.encode()})
    assert np.array_equal(read.margin(matrix), TreeScorer(text).margin(matrix))


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("left_child", "0 2 -1 -2"),  # hung the night
        ("left_child", "1 1 -1 -2"),
        ("left_child", "1 2 -1 -9"),
        ("left_child", "1 2 -1 9"),
        ("left_child", "1 2 -1"),
        ("right_child", "1 -3 -4 -5"),
        ("right_child", "-2 -3 -4 -5"),
        ("num_leaves", "0"),  # ended the process
        ("num_leaves", "-3"),
        ("num_leaves", "1"),
        ("num_leaves", "6"),
        ("num_leaves", "99999999"),
        ("num_leaves", "9" * 400),
        ("split_feature", "-5 3 0 0"),  # was scored
        ("split_feature", "4 3 0 0"),
        ("split_feature", "0.5 3 0 0"),
        ("threshold", "nan 0 -0.4 0.5"),
        ("threshold", "0.4 7 -0.4 0.5"),
        ("threshold", "0.4 0.5 -0.4 0.5"),
        ("decision_type", "2 1 2 14"),
        ("decision_type", "2 1 2 -1"),
        ("leaf_value", "inf 1 1 1 1"),
        ("leaf_value", "1 1 1 1"),
        ("leaf_value", "x 1 1 1 1"),
        ("internal_count", "0 1 1 1"),
        ("num_cat", "2"),
        ("cat_boundaries", "0 5"),
        ("cat_boundaries", "0 -1"),
        ("cat_threshold", "99999999999"),
        ("cat_threshold", "-1"),
        ("is_linear", "1"),
        ("shrinkage", "nan"),
        ("max_feature_idx", "2"),
        ("max_feature_idx", "-2"),
        ("num_class", "2"),
        ("num_tree_per_iteration", "3"),
        ("feature_infos", "none"),
        ("monotone_constraints", "1 0"),
    ],
)
def test_a_number_out_of_its_range_is_refused(entry: str, value: str) -> None:
    with pytest.raises(TreeTextError):
        TreeScorer.read({TREES_FILE: changed(entry, value).encode()})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tree\nversion=v4\n",
        "pickle\x00",
        grown().replace("Tree=1\n", "Tree=7\n"),
        grown().replace("tree_sizes=", "tree_sizes=1 "),
        grown().replace("shrinkage=1\n", "shrinkage=1\nleaf_coeff=1 2\n", 1),
        grown().replace("num_cat=1\n", "num_cat=1\nnum_cat=1\n", 1),
    ],
)
def test_a_text_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(TreeTextError):
        check_tree_text(text)


def test_a_split_of_missing_values_against_all_others_has_an_infinite_threshold() -> None:
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(400, 2))
    rows[:200, 0] = np.nan
    labels = (np.isnan(rows[:, 0]) ^ (rng.random(400) < 0.1)).astype(float)
    text = lightgbm.train(
        {"objective": "binary", "num_leaves": 2, "verbosity": -1, "num_threads": 1}, lightgbm.Dataset(rows, labels), 2
    ).model_to_string()
    assert re.search(r"^threshold=inf$", text, re.MULTILINE)
    assert check_tree_text(text) == 2
    with pytest.raises(TreeTextError, match="threshold of Tree 0 of the model has a value that is not finite"):
        check_tree_text(with_sizes(text.replace("threshold=inf", "threshold=nan")))
