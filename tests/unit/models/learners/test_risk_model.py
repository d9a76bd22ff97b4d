"""A model refuses what it was not trained on, keeps its scores when saved, and can account for each of them."""

from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from support.worlds.learning_world import world

from models.data.signature import Signature, SignatureError
from models.learners import calibration
from models.learners.model_files import ManifestError
from models.learners.risk_model import RiskModel
from models.learners.training_set import prepare_training_set
from models.risks.defaults import CHURN

KINDS = ("blend", "lightgbm", "logistic", "rule")


@cache
def frame() -> pa.Table:
    return world(accounts=80, weeks=50).frame


@cache
def model(kind: str) -> RiskModel:
    made = world(accounts=80, weeks=50)
    material = prepare_training_set(made.frame, made.labels, CHURN)
    learner = material.learner
    scorer = {
        "blend": lambda: learner.blend(material.examples, 20, 0.7),
        "lightgbm": lambda: learner.trees(material.examples, 20).cut(20),
        "logistic": lambda: learner.logistic(material.examples),
        "rule": lambda: learner.rule(material.examples),
    }[kind]()
    assert scorer is not None
    return RiskModel(CHURN, learner.signature, scorer, calibration.identity(), {"seed": 7})


def changed(name: str, value: object, row: int = 3) -> pa.Table:
    values = frame()[name].to_pylist()
    values[row] = value
    return frame().set_column(frame().column_names.index(name), name, pa.array(values, frame()[name].type))


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded_it_gives_the_same_scores(kind: str, tmp_path: Path) -> None:
    digest = model(kind).save(tmp_path / "m")
    again = RiskModel.load(tmp_path / "m", digest=digest)
    before, after = model(kind).predict(frame()), again.predict(frame())
    assert np.array_equal(before.probability, after.probability)
    assert np.array_equal(before.rank_score, after.rank_score)
    assert (again.kind, again.risk, again.features) == (kind, CHURN, model(kind).features)


@pytest.mark.parametrize("kind", KINDS)
def test_contributions_add_up_to_the_score(kind: str) -> None:
    rows = frame().slice(0, 300)
    shares = model(kind).contributions(rows)
    assert shares.shape == (300, len(model(kind).features) + 1)
    assert np.abs(shares.sum(axis=1) - model(kind).predict(rows).rank_score).max() < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_an_altered_byte_is_refused(kind: str, tmp_path: Path) -> None:
    model(kind).save(tmp_path / "m")
    for path in (tmp_path / "m").glob("*"):
        whole = path.read_bytes()
        path.write_bytes(whole[:-2] + b"7" + whole[-1:])
        with pytest.raises(ManifestError):
            RiskModel.load(tmp_path / "m")
        path.write_bytes(whole)


def test_it_is_saved_into_a_folder_of_its_own(tmp_path: Path) -> None:
    model("rule").save(tmp_path / "m")
    with pytest.raises(Exception, match="not empty"):
        model("rule").save(tmp_path / "m")


def test_a_missing_column_is_named_with_its_likely_new_name() -> None:
    renamed = frame().rename_columns([f"{name}s" if name == "health_score" else name for name in frame().column_names])
    with pytest.raises(SignatureError, match=r"lacks.*health_score \(is health_scores its new name\?\)"):
        model("lightgbm").predict(renamed)


def test_a_retyped_column_is_refused() -> None:
    place = frame().column_names.index("noise_1")
    retyped = frame().set_column(place, "noise_1", frame()["noise_1"].cast(pa.string()))
    with pytest.raises(SignatureError, match="noise_1 is string, not double"):
        model("lightgbm").predict(retyped)


def test_reordered_columns_are_refused() -> None:
    names = frame().column_names
    swapped = ["noise_1" if n == "noise_0" else "noise_0" if n == "noise_1" else n for n in names]
    with pytest.raises(SignatureError, match=r"another order.*noise_1, noise_0"):
        model("lightgbm").predict(frame().select(swapped))


def test_a_column_the_model_does_not_know_changes_nothing() -> None:
    wider = frame().add_column(3, "brand_new", pa.array(np.ones(frame().num_rows)))
    assert np.array_equal(model("lightgbm").predict(wider).rank_score, model("lightgbm").predict(frame()).rank_score)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("name", ["health_score", "tickets_opened_90d"])
def test_infinities_are_refused(name: str, value: float) -> None:
    with pytest.raises(SignatureError, match=rf"{name} \(1 rows\)"):
        model("lightgbm").predict(changed(name, value))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [None, np.nan])
def test_a_value_that_training_never_saw_missing_is_scored_as_unknown(kind: str, value: float | None) -> None:
    median = next(column.neutral for column in model(kind).signature.columns if column.name == "health_score")
    unknown = model(kind).predict(changed("health_score", value)).rank_score[3]
    assert unknown == model(kind).predict(changed("health_score", median)).rank_score[3]


@pytest.mark.parametrize("value", [None, np.nan])
def test_missing_is_allowed_where_training_saw_it(value: float | None) -> None:
    assert np.isfinite(model("lightgbm").predict(changed("tickets_opened_90d", value)).probability).all()


def test_infinite_rows_are_named_so_that_the_others_can_be_scored() -> None:
    bad = changed("health_score", np.inf)
    why = model("lightgbm").unfit(bad)
    assert why[3].as_py() == ["health_score"]
    assert why.null_count == bad.num_rows - 1
    model("lightgbm").predict(bad.filter(why.is_null()))


def test_rows_with_values_that_training_never_saw_missing_are_marked() -> None:
    columns = [pa.field(f"c{number}", pa.float64()) for number in range(5)]
    known = pa.table([[1.0, 2.0]] * 5, schema=pa.schema(columns))
    lacking = pa.table([[None, 1.0]] * 5, schema=known.schema)
    signature = Signature.learn(known, known.column_names)
    assert signature.unknown(lacking).to_pylist() == [known.column_names, None]
    assert signature.unfit(lacking).null_count == 2


def test_a_category_is_marked_where_training_never_saw_it_or_never_missed_it() -> None:
    known = pa.table({"segment": ["smb", "mid", "smb"], "plan": ["a", None, "b"]})
    signature = Signature.learn(known, known.column_names)
    rows = pa.table({"segment": ["smb", None, "galactic"], "plan": [None, "a", "z"]})
    assert signature.unknown(rows).to_pylist() == [None, ["segment"], ["segment", "plan"]]


def test_a_model_of_an_earlier_version_leaves_a_missing_value_missing() -> None:
    known = pa.table({"c": [1.0, 2.0, 2.0]})
    data = Signature.learn(known, ["c"]).to_json()
    del data[0]["neutral"]
    earlier = Signature.from_json(data)
    assert np.isnan(earlier.matrix(pa.table({"c": pa.array([None], pa.float64())}))).all()


def test_a_level_never_seen_is_scored_as_unknown() -> None:
    assert np.isfinite(model("lightgbm").predict(changed("segment", "galactic")).probability).all()


def test_no_rows_give_no_scores() -> None:
    for kind in KINDS:
        assert len(model(kind).predict(frame().slice(0, 0)).probability) == 0


def test_monotone_where_the_catalogue_is_certain() -> None:
    """Risk never rises with a better health score, whatever the noise in the training rows says."""
    steps = np.linspace(0, 100, 60)
    row = frame().slice(10, 1)
    rows = pa.concat_tables([row] * len(steps)).combine_chunks()
    place = rows.column_names.index("health_score")
    scored = model("lightgbm").predict(rows.set_column(place, "health_score", pa.array(steps))).rank_score
    assert np.all(np.diff(scored) <= 1e-12)
    assert scored[0] > scored[-1]


def test_the_same_rows_and_seed_grow_the_same_trees() -> None:
    made = world(accounts=80, weeks=50)
    texts = []
    for threads in (1, 2):
        material = prepare_training_set(made.frame, made.labels, CHURN, threads=threads)
        rows = material.fit_rows(np.arange(2000))
        texts.append(rows.learner.trees(rows.training, 10).cut(10))
    assert np.array_equal(texts[0].margin(material.examples.matrix), texts[1].margin(material.examples.matrix))
