"""The pictures show what they say: their figures are held against plain arithmetic, their files against blanks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.worlds.trained_factory import made_trained

from models.evaluation.bootstrap import Estimate
from models.evaluation.metrics_report import MODEL
from models.explain.importance import importance
from models.reports.curves import calibration_curve, capacity_share, flagged_curve
from models.reports.figures import SHOWN, TOO_FEW, report_line
from models.reports.plots import PLOTS, calibration_by_segment, draw_plots
from models.training import TrainingResult


@pytest.fixture(scope="module")
def trained() -> TrainingResult:
    return made_trained(accounts=120)


def test_every_picture_is_drawn_and_is_not_blank(trained: TrainingResult, tmp_path: Path) -> None:
    from matplotlib.image import imread

    text = draw_plots(trained.backtest, tmp_path)
    drawn = PLOTS.keys() - (set() if trained.evaluation.segments else {"calibration_by_segment"})
    assert set(text) == {f"{name}.png" for name in drawn}
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


def test_segments_in_which_too_few_accounts_had_the_event_are_named_and_not_drawn(trained: TrainingResult) -> None:
    from matplotlib.figure import Figure

    result, figure = trained.backtest, Figure()
    reported = {segment.name for segment in result.evaluation.segments}
    few = {*trained.scored["segment"].to_pylist()} - reported
    assert calibration_by_segment(figure, result) == bool(reported)
    for axes in figure.axes:
        assert {label.get_text() for label in axes.get_xticklabels()} == reported
        assert all(name in axes.get_xlabel() for name in few)
    assert not calibration_by_segment(Figure(), replace(result, evaluation=replace(result.evaluation, segments=())))


def test_calibration_of_few_events_is_not_a_figure(trained: TrainingResult) -> None:
    slope = {"calibration_slope": Estimate(1.1, 0.2, 2.0)}
    scorers = {MODEL: {**trained.evaluation.overall.scorers[MODEL], **slope}}
    enough, few = (
        replace(trained.evaluation.overall, accounts_with_event=accounts, scorers=scorers) for accounts in (20, 19)
    )
    place = SHOWN.index("calibration_slope")
    assert report_line(enough)["cells"][place] == "1.10 [0.20, 2.00]"
    assert report_line(few)["cells"][place] == TOO_FEW
    assert report_line(few)["cells"][0] == report_line(enough)["cells"][0], "how well it ranks is still said"
