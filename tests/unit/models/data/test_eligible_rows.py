"""The condition of a risk selects rows of the frame, in training as on the night."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from support.worlds.learning_world import world

from features.errors import UsageError
from models.data.eligible_rows import rows_meeting
from models.learners.training_set import prepare_training_set
from models.risks.defaults import CHURN

FRAME = pa.table(
    {
        "account_id": ["a", "b", "c", "d"],
        "arr": pa.array([10.0, None, 5.0, 20.0]),
        "segment": ["smb", "smb", None, "mid"],
    }
)


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("", [True, True, True, True]),
        ("arr >= 10", [True, False, False, True]),
        ("arr < 10 OR segment = 'mid'", [False, False, True, True]),
        ("arr IS NULL", [False, True, False, False]),
        ("TRUE", [True, True, True, True]),
    ],
)
def test_rows_that_meet_a_condition_where_it_is_known(condition: str, rows: list[bool]) -> None:
    assert rows_meeting(FRAME, condition).tolist() == rows


def test_a_column_that_the_frame_does_not_have_is_one_sentence() -> None:
    with pytest.raises(UsageError, match="unknown column arrr; did you mean arr"):
        rows_meeting(FRAME, "arrr > 1")


def test_a_training_learns_only_from_rows_that_meet_the_condition() -> None:
    made = world(accounts=60, weeks=70, base=-3.5)
    whole = prepare_training_set(made.frame, made.labels, CHURN)
    part = prepare_training_set(made.frame, made.labels, replace(CHURN, eligible="contract_arr >= 4000"))
    revenue = made.frame["contract_arr"].to_numpy()
    assert (revenue[part.examples.labelled.rows] >= 4000).all()
    assert len(part.examples) == int((revenue[whole.examples.labelled.rows] >= 4000).sum())
    assert np.array_equal(part.examples.labelled.rows, np.sort(part.examples.labelled.rows))
