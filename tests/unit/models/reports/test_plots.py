"""The pictures show what they say: their figures are held against plain arithmetic, their files against blanks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.worlds.trained_factory import made_trained

from models.explain.importance import importance
from models.reports.curves import at_capacity, by_group, found
from models.reports.plots import PICTURES, draw
from models.training import Trained


@pytest.fixture(scope="module")
def trained() -> Trained:
    return made_trained(accounts=120)


def test_every_picture_is_drawn_and_is_not_blank(trained: Trained, tmp_path: Path) -> None:
    from matplotlib.image import imread

    told = draw(trained.tested, tmp_path)
    assert set(told) == {f"{name}.png" for name in PICTURES}
    for name in told:
        pixels = imread(tmp_path / name)
        assert pixels.shape[1] > 800
        assert 0.01 < float((pixels[..., :3].min(axis=2) < 0.9).mean()) < 0.8


def test_ten_groups_hold_all_rows_and_add_up_to_what_happened(trained: Trained) -> None:
    expected, seen, low, high = by_group(trained.tested)
    assert len(expected) == 10
    assert np.all(np.diff(expected) >= 0)
    assert np.all((low <= seen) & (seen <= high))
    assert seen.mean() == pytest.approx(np.mean(trained.scored["event"].to_numpy()), abs=0.01)


def test_precision_and_recall_at_capacity_are_those_of_a_night_by_night_count(trained: Trained) -> None:
    table = trained.scored.to_pandas()
    nights = table.sort_values("rank_score", ascending=False).groupby("as_of").head(trained.model.risk.capacity)
    precision, recall = at_capacity(trained.tested)
    assert precision == pytest.approx(nights["event"].mean())
    assert recall == pytest.approx(nights["event"].sum() / table["event"].sum())


def test_flagging_everybody_finds_everything_and_nobody_nothing(trained: Trained) -> None:
    score = trained.scored["rank_score"].to_numpy()
    none, half, everybody = found(trained.tested, score, np.array([0.0, 0.5, 1.0]))
    assert (none, everybody) == (0.0, 1.0)
    assert 0.6 < half < 1.0


def test_what_the_model_rests_on_adds_up_to_one(trained: Trained) -> None:
    assert sum(importance(trained.model).values()) == pytest.approx(1.0)


def test_pictures_are_drawn_of_one_segment_without_names(trained: Trained, tmp_path: Path) -> None:
    import pyarrow as pa

    place = trained.scored.column_names.index("segment")
    unnamed = trained.scored.set_column(place, "segment", pa.array(["all"] * trained.scored.num_rows))
    assert len(draw(replace(trained, scored=unnamed).tested, tmp_path)) == len(PICTURES)
