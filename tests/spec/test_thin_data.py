"""Little data: what cannot be learnt is said, and neither the other risk nor the night is stopped by it."""

from pathlib import Path

import pyarrow.compute as pc
import pytest

from features import frame
from features.labels.labels import label
from models.learners.training_set import MIN_EVENTS, NotLearnableError, check_enough_events
from models.risks.configuration import for_history
from models.risks.defaults import CHURN
from pipelines import settings as configuration
from pipelines.console import Steps
from pipelines.night.night import run_nights
from pipelines.simulator import SimulatorSettings, simulate_world
from pipelines.sources.validated_source import validate_source
from pipelines.step_runner import plain_runner
from pipelines.training.training_data import gather_training_data
from serving.night_report.report_schema import NotScored


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """25 accounts and nine months: several escalations, hardly anybody left."""
    folder = tmp_path_factory.mktemp("few") / "data"
    simulate_world(SimulatorSettings(accounts=25, months=9, seed=3, world="plain"), folder)
    return folder


def test_a_risk_that_hardly_ever_came_true_does_not_stop_the_other(few: Path, tmp_path: Path) -> None:
    opened = validate_source(configuration.load(data=str(few)), tmp_path)
    known = for_history(opened.history)
    words: list[str] = []
    data = gather_training_data(
        opened.history, list(known.values()), opened.history.until, build=frame.build, log=words.append
    )
    assert set(data.labels) == {"escalation"}
    assert set(data.not_learnable) == {"churn"}
    assert "cannot be evaluated on fewer than" in data.not_learnable["churn"]
    assert data.not_learnable["churn"] in words
    happened = data.labels["escalation"].filter(pc.fill_null(data.labels["escalation"]["event"], False))
    assert happened.num_rows >= MIN_EVENTS


def test_labels_without_events_are_refused_before_a_frame_is_built(few: Path, tmp_path: Path) -> None:
    opened = validate_source(configuration.load(data=str(few)), tmp_path)
    labels = label(opened.history, [opened.history.first], CHURN.label)
    with pytest.raises(NotLearnableError, match="0 different events have matured"):
        check_enough_events(labels, CHURN)


def test_a_night_without_any_model_still_reports_and_says_why(tmp_path: Path) -> None:
    simulate_world(SimulatorSettings(accounts=8, months=4, seed=5, world="plain"), tmp_path / "data")
    steps = Steps(quiet=True)
    settings = configuration.load(data=str(tmp_path / "data"), home=tmp_path / "home")
    (night,) = run_nights(settings, None, plain_runner(steps), steps)
    assert [(risk.name, risk.model_version, risk.scored) for risk in night.risks] == [
        ("churn", None, 0),
        ("escalation", None, 0),
    ]
    for risk in night.risks:
        assert NotScored(code="no_model", count=risk.eligible) in risk.not_scored
        assert risk.eligible > 0
        assert any(warning.code == "no_model" and warning.risk == risk.name for warning in night.warnings)
