"""Requests to a served model: numbers for good ones, 400 and one sentence for bad ones, never a stack trace."""

import asyncio
import json
import re
import shutil
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from support.worlds.mlflow_fixture import migrated_store
from support.worlds.trained_factory import made_trained

from models.data.signature import Signature, SignatureError
from models.registry.registry import Registry
from models.registry.request_rows import read_rows
from models.registry.tracking import active
from models.training import TrainingResult

__all__ = ["migrated_store"]  # fixture

LEARNED = pa.table(
    {
        "logins": [1.0, 2.0, 3.0, 4.0],
        "tickets": [0.0, None, 2.0, 1.0],
        "segment": ["smb", "mid", "smb", "enterprise"],
    }
)
SIGNATURE = Signature.learn(LEARNED, LEARNED.column_names)
GOOD = pd.DataFrame({"logins": [2.0], "tickets": [np.nan], "segment": ["mid"]})


def test_a_good_request_is_read_in_the_order_of_the_model() -> None:
    rows = read_rows(SIGNATURE, GOOD[["segment", "logins", "tickets"]].assign(more=1))
    assert rows.column_names == ["logins", "tickets", "segment"]
    assert rows.to_pylist() == [{"logins": 2.0, "tickets": None, "segment": "mid"}]


@pytest.mark.parametrize(
    ("request_rows", "sentence"),
    [
        (GOOD.head(0), "The request has no rows."),
        (GOOD.drop(columns="logins"), "The request lacks the column logins of the model."),
        (GOOD[["segment"]], "The request lacks the columns logins, tickets of the model."),
        (GOOD.assign(segment=[3.5]), "The column segment has a value that is not a text."),
        (GOOD.assign(logins=["many"]), "The column logins has a value that is not a number."),
        (GOOD.assign(segment="martian"), "segment is 'martian' in row 1, which the model has never seen"),
        (GOOD.assign(segment=None), "segment is missing in row 1, and was never missing in training"),
        (GOOD.assign(logins=np.nan), "logins is missing in row 1, and was never missing in training"),
    ],
)
def test_a_bad_request_is_one_sentence(request_rows: pd.DataFrame, sentence: str) -> None:
    with pytest.raises(SignatureError, match=re.escape(sentence)):
        read_rows(SIGNATURE, request_rows)


def test_values_never_seen_are_scored_as_unknown_where_the_request_says_so() -> None:
    asked = GOOD.assign(segment="martian", logins=np.nan)
    assert read_rows(SIGNATURE, asked, score_unknown=True)["segment"].to_pylist() == ["martian"]


def test_of_many_columns_with_unknown_values_some_are_named() -> None:
    names = [f"f{number}" for number in range(8)]
    signature = Signature.learn(pa.table({name: [0.0, 1.0] for name in names}), names)
    with pytest.raises(SignatureError, match=r"f4 is missing in row 1.*3 more columns have such values"):
        read_rows(signature, pd.DataFrame({name: [np.nan] for name in names}))


@pytest.fixture(scope="module")
def trained() -> TrainingResult:
    return made_trained(accounts=100)


@pytest.fixture(scope="module")
def server(migrated_store: Path, tmp_path_factory: pytest.TempPathFactory, trained: TrainingResult) -> Any:
    """MLflow's scoring server around the registered model, in this process."""
    home = tmp_path_factory.mktemp("served")
    shutil.copy(migrated_store, home / "mlflow.db")
    registry = Registry(f"sqlite:///{home / 'mlflow.db'}", home / "champions")
    registry.log(trained, source={"name": "made up"})
    from mlflow.pyfunc.scoring_server import init  # after MLflow was imported by `log`, which silences its warnings

    with active(registry.tracking_uri) as mlflow:
        return init(mlflow.pyfunc.load_model("models:/rescue-churn@challenger"))


ROW = {"usage_low": 0.5, "tickets_many": -1.0, "noise": None}


def ask(server: Any, content: str, kind: str = "application/json") -> httpx.Response:
    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://served") as client:
            return await client.post("/invocations", content=content, headers={"Content-Type": kind})

    return asyncio.run(send())


def split(**changes: Any) -> str:
    row = ROW | changes
    return json.dumps({"dataframe_split": {"columns": list(row), "data": [list(row.values())]}})


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (split(), "application/json"),
        (split(more=1), "application/json"),
        (json.dumps({"dataframe_records": [dict(reversed(ROW.items()))]}), "application/json"),
        (json.dumps({"inputs": {"usage_low": [0.5], "tickets_many": [-1.0], "noise": [None]}}), "application/json"),
        ("usage_low,tickets_many,noise\n0.5,-1.0,\n", "text/csv"),
    ],
)
def test_every_form_of_a_good_request_gets_the_models_own_number(
    server: Any, trained: TrainingResult, content: str, kind: str
) -> None:
    answer = ask(server, content, kind)
    assert answer.status_code == 200, answer.text
    rows = pa.table({name: pa.array([value], pa.float64()) for name, value in ROW.items()})
    (expected,) = trained.model.predict(rows).probability
    assert answer.json()["predictions"][0]["probability"] == pytest.approx(expected, abs=1e-12)


BAD = {
    "missing column": json.dumps({"dataframe_records": [{"usage_low": 1.0, "noise": 1.0}]}),
    "text for a number": split(usage_low="many"),
    "list for a number": split(usage_low=[1, 2]),
    "null never seen": split(usage_low=None),
    "NaN never seen": split(usage_low=float("nan")),
    "infinite": split(usage_low=float("inf")),
    "too large for a float": split(usage_low=1e300),
    "too large for any float": split().replace("0.5", "1" + "0" * 400),
    "no rows": json.dumps({"dataframe_split": {"columns": list(ROW), "data": []}}),
    "no records": json.dumps({"dataframe_records": []}),
    "ragged": json.dumps({"dataframe_split": {"columns": list(ROW), "data": [[1, 2]]}}),
    "column twice": json.dumps({"dataframe_split": {"columns": [*ROW, "noise"], "data": [[1, 2, 3, 4]]}}),
    "unknown form": json.dumps({"rows": [ROW]}),
    "not JSON": '{"dataframe_split": ',
    "a list": "[1, 2]",
    "an empty body": "",
    "a wrong parameter": json.dumps({**json.loads(split()), "params": {"score_unknown": "perhaps"}}),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_gets_400_and_no_stack_trace(server: Any, name: str) -> None:
    answer = ask(server, BAD[name])
    assert answer.status_code == 400, answer.text
    assert answer.json()["message"]
    assert "Traceback" not in answer.text


def test_a_csv_of_something_else_gets_400(server: Any) -> None:
    answer = ask(server, "a,b\n1,2\n", "text/csv")
    assert (answer.status_code, "Traceback" in answer.text) == (400, False)
    assert "lacks the columns usage_low, tickets_many, noise" in answer.text


def test_unknown_values_get_a_number_where_the_request_says_so(server: Any) -> None:
    content = json.dumps({**json.loads(split(usage_low=None)), "params": {"score_unknown": True}})
    answer = ask(server, content)
    assert answer.status_code == 200, answer.text
    assert 0 < answer.json()["predictions"][0]["probability"] < 1


def test_a_category_that_the_model_never_saw_is_refused_with_those_that_it_knows() -> None:
    signature = Signature.learn(pa.table({"segment": ["smb", "mid"]}), ["segment"])
    with pytest.raises(SignatureError, match=r"never seen \(it knows mid, smb\)"):
        read_rows(signature, pd.DataFrame({"segment": ["public"]}))
