"""Uplift models: what they learn, that later units teach earlier scores nothing, their files, and their verdict."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from features.errors import RescueError
from models.data.signature import SignatureError
from models.evaluation.bootstrap import Estimate
from models.evaluation.treatment_effect import AssignedUnits
from models.learners import model_files
from models.learners.model_files import ManifestError
from models.uplift.qini import QiniComparison
from models.uplift.uplift_learners import BLOCKS, forward_effects, learn_uplift
from models.uplift.uplift_model import (
    UPLIFT_FILE,
    UpliftModel,
    UpliftVerdict,
    decide_use,
    enough_units,
    train_uplift,
    with_risk,
)

UNTIL = date(2026, 1, 1)


def drawn_units(size: int, effect_of: str = "column", seed: int = 1) -> tuple[pa.Table, AssignedUnits]:
    """Units with a risk of 40%; work helps those whose column is positive or whose segment is large, or everybody."""
    draw = np.random.default_rng(seed)
    column, noise = draw.normal(size=size), draw.normal(size=size)
    segment = np.where(draw.random(size) < 0.5, "large", "small")
    effect = {"column": 0.35 * (column > 0), "segment": 0.35 * (segment == "large"), "all": np.full(size, 0.1)}
    control = draw.random(size) < 0.3
    event = draw.random(size) < 0.4 - effect[effect_of] * ~control
    frame = pa.table(
        {
            "account_id": [f"a{number}" for number in range(size)],
            "column": column,
            "noise": pa.array(np.where(noise > 2, np.nan, noise), from_pandas=True),
            "segment": segment.tolist(),
            "constant": np.ones(size),
        }
    )
    return frame, AssignedUnits(control, np.full(size, 0.3), event.astype(float), np.full(size, 0.4))


@pytest.mark.parametrize(("effect_of", "name"), [("column", "column"), ("segment", "segment = large")])
def test_the_column_that_the_effect_depends_on_comes_first(effect_of: str, name: str) -> None:
    frame, units = drawn_units(3_000, effect_of)
    model = train_uplift("churn", frame, units, UNTIL)
    strongest, change = next(iter(model.learner.columns().items()))
    assert strongest in (name, "segment = small")
    assert change > 0 or strongest == "segment = small"
    assert model.usable
    assert model.evaluation.comparison.lead.low > 0
    assert model.evaluation.worked + model.evaluation.held_out == 3_000
    assert model.evaluation.evaluated == 3_000 * 6 // BLOCKS


def test_the_same_effect_for_everybody_is_not_used() -> None:
    used = [train_uplift("churn", *drawn_units(800, "all", seed), UNTIL).usable for seed in range(10)]
    assert sum(used) <= 1


def test_later_units_teach_the_scores_of_earlier_ones_nothing() -> None:
    frame, units = drawn_units(800)
    effect, learner = forward_effects(frame.drop_columns(["account_id"]), units)
    changed = replace(units, outcome=np.where(np.arange(800) < 500, units.outcome, 1 - units.outcome))
    again, _ = forward_effects(frame.drop_columns(["account_id"]), changed)
    assert (learner[:200] == -1).all()
    assert (learner[200:] >= 0).all()
    np.testing.assert_array_equal(effect[:500], again[:500])
    assert (effect[700:] != again[700:]).any()


def test_an_effect_lowers_a_probability_at_most_to_zero_and_never_raises_it() -> None:
    frame, units = drawn_units(2_000)
    model = train_uplift("churn", frame, units, UNTIL)
    probability = np.full(2_000, 0.05)
    effect = model.effect(frame, probability)
    assert effect.min() == 0
    assert effect.max() == 0.05


def test_a_saved_model_says_the_same(tmp_path: Path) -> None:
    frame, units = drawn_units(1_000)
    model = train_uplift("churn", frame, units, UNTIL)
    digest = model.save(tmp_path / "model")
    read = UpliftModel.load(tmp_path / "model", digest=digest)
    probability = np.full(1_000, 0.4)
    np.testing.assert_allclose(read.effect(frame, probability), model.effect(frame, probability))
    assert read.evaluation == model.evaluation
    assert (read.risk, read.until) == ("churn", UNTIL)
    with pytest.raises(RescueError, match="is not empty"):
        model.save(tmp_path / "model")


def test_an_altered_model_and_one_of_another_format_are_refused(tmp_path: Path) -> None:
    frame, units = drawn_units(1_000)
    model = train_uplift("churn", frame, units, UNTIL)
    model.save(tmp_path / "model")
    file = tmp_path / "model" / UPLIFT_FILE
    file.write_text(file.read_text().replace('"risk": "churn"', '"risk": "other"'))
    with pytest.raises(ManifestError, match=r"uplift\.json was altered"):
        UpliftModel.load(tmp_path / "model")
    file.write_text(json.dumps({"format": 9}))
    model_files.write(tmp_path / "model")
    with pytest.raises(RescueError, match="`rescue train --uplift` makes another"):
        UpliftModel.load(tmp_path / "model")


def test_a_frame_without_a_column_of_the_model_is_refused() -> None:
    frame, units = drawn_units(1_000)
    model = train_uplift("churn", frame, units, UNTIL)
    with pytest.raises(SignatureError, match="column"):
        model.effect(frame.drop_columns(["column"]), np.full(1_000, 0.4))


def test_each_group_needs_units_and_events() -> None:
    _, units = drawn_units(1_000)
    assert enough_units(units)
    assert not enough_units(units.take(np.arange(60)))
    assert not enough_units(replace(units, outcome=np.where(units.control, 0.0, units.outcome)))


def test_a_model_that_says_the_same_of_everybody_is_never_used() -> None:
    better = QiniComparison(Estimate(0, 0, 0), Estimate(-2, -3, -1), Estimate(2, 1, 3), ())
    frame, units = drawn_units(3_000)
    columns = with_risk(frame, units.predicted)
    learner = learn_uplift(columns, units, np.arange(3_000))
    constant = replace(
        learner, scorer=replace(learner.scorer, terms=tuple(replace(t, weight=0.0) for t in learner.scorer.terms))
    )
    assert decide_use(learner, better) is UpliftVerdict.BETTER
    assert decide_use(constant, better) is UpliftVerdict.SAME_FOR_ALL
    unsure = replace(better, lead=Estimate(2, -1, 5))
    assert decide_use(learner, unsure) is UpliftVerdict.NOT_BETTER


def test_how_many_units_would_show_the_present_lead() -> None:
    frame, units = drawn_units(1_000)
    found = train_uplift("churn", frame, units, UNTIL).evaluation
    lead = Estimate(1.0, -1.0, 3.0)  # a standard error of about one: detectable 2.86
    weak = replace(found, comparison=replace(found.comparison, lead=lead), verdict=UpliftVerdict.NOT_BETTER)
    assert weak.detectable == pytest.approx(2.86, abs=0.01)
    assert weak.units_needed == pytest.approx(1_000 * 2.86**2, rel=0.01)
    assert replace(weak, comparison=replace(found.comparison, lead=Estimate(-1, -2, 0))).units_needed is None
