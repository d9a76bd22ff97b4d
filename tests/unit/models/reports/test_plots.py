"""The pictures show what they say: their figures are held against plain arithmetic, their files against blanks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.worlds.trained_factory import made_trained

from models.explain.importance import importance
from models.reports.curves import calibration_curve, capacity_share, flagged_curve
from models.reports.plots import PLOTS, draw_plots
from models.training import TrainingResult


@pytest.fixture(scope="module")
def trained() -> TrainingResult:
    return made_trained(accounts=120)


def test_every_picture_is_drawn_and_is_not_blank(trained: TrainingResult, tmp_path: Path) -> None:
    from matplotlib.image import imread

    text = draw_plots(trained.backtest, tmp_path)
    assert set(text) == {f"{name}.png" for name in PLOTS}
    for name in text:
        pixels = imread(tmp_path / name)
        assert pixels.shape[1] > 800
        assert 0.01 < float((pixels[..., :3].min(axis=2) < 0.9).mean()) < 0.8


def test_ten_groups_hold_all_rows_and_add_up_to_the_events(trained: TrainingResult) -> None:
    groups = calibration_curve(trained.backtest)
    expected, observed = [group.expected for group in groups], [group.observed for group in groups]
    assert len(groups) == 10
    assert np.all(np.diff(expected) >= 0)
    assert all(estimate.low <= estimate.value <= estimate.high for estimate in observed)
    mean = np.mean([estimate.value for estimate in observed])
    assert mean == pytest.approx(np.mean(trained.scored["event"].to_numpy()), abs=0.01)


def test_the_curve_passes_through_a_night_by_night_count_at_capacity(trained: TrainingResult) -> None:
    table = trained.scored.to_pandas()
    nights = table.sort_values("rank_score", ascending=False).groupby("as_of").head(trained.model.risk.capacity)
    share = capacity_share(trained.backtest)
    curve = flagged_curve(trained.backtest, "rank_score", np.array([share]))
    assert curve["precision"][0] == pytest.approx(nights["event"].mean())
    assert curve["recall"][0] == pytest.approx(nights["event"].sum() / table["event"].sum())


def test_what_the_model_rests_on_adds_up_to_one(trained: TrainingResult) -> None:
    assert sum(importance(trained.model).values()) == pytest.approx(1.0)


def test_pictures_are_drawn_of_one_segment_without_names(trained: TrainingResult, tmp_path: Path) -> None:
    import pyarrow as pa

    place = trained.scored.column_names.index("segment")
    unnamed = trained.scored.set_column(place, "segment", pa.array(["all"] * trained.scored.num_rows))
    assert len(draw_plots(replace(trained, scored=unnamed).backtest, tmp_path)) == len(PLOTS)
