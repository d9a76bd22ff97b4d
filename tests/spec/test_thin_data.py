"""Little data: what cannot be learnt is said, and neither the other risk nor the night is stopped by it."""

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features import frame
from features.errors import DataGateError
from features.labels.labels import label
from models.learners.training_set import MIN_EVENTS, NotLearnableError, check_enough_events
from models.risks.configuration import for_history
from models.risks.defaults import CHURN
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.console import Steps
from pipelines.night.night import run_nights
from pipelines.settings import Settings
from pipelines.simulator import SimulatorSettings, simulate_world
from pipelines.simulator.simulator_settings import UNTIL
from pipelines.sources.validated_source import validate_source
from pipelines.step_runner import plain_runner
from pipelines.training.training_data import gather_training_data
from serving.night_report.report_schema import NightReport
from serving.policy.definition.policy_file import Policy, default_text
from serving.store.tables import NightRow


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


def test_a_night_without_any_model_or_alarm_is_not_recorded_and_says_why(tmp_path: Path) -> None:
    simulate_world(SimulatorSettings(accounts=8, months=4, seed=5, world="plain"), tmp_path / "data")
    policy = tmp_path / "policy.toml"
    policy.write_text(default_text().replace('"without_model"', '"with_risk"\nmin_probability = 0.5'))
    settings = configuration.load(data=str(tmp_path / "data"), home=tmp_path / "home", policy=policy)
    with pytest.raises(DataGateError, match="0 different events have matured") as stopped:
        night_of(settings, UNTIL)
    assert str(stopped.value).startswith("Nobody could be scored on the night of 1 Jul 2026, so it is not recorded.")
    assert "No trigger of the policy raises a case either: give the source more history" in str(stopped.value)
    with assembly.open_store(settings) as store, store.reading() as session:
        assert session.get_one(NightRow, UNTIL).status == "failed"


def test_the_shipped_rules_make_a_queue_without_any_model(tmp_path: Path) -> None:
    simulate_world(SimulatorSettings(accounts=8, months=4, seed=5, world="plain"), tmp_path / "data")
    night = night_of(configuration.load(data=str(tmp_path / "data"), home=tmp_path / "home"), UNTIL)
    rules = {name for name, it in Policy.default().rules.triggers.items() if it.raises == "without_model"}
    assert night.cases.opened == len(night.queue) > 0
    assert night.decision.triggers.keys() & rules
    assert all(case.risks.get("churn") is None for case in night.queue)


def test_a_night_without_any_model_is_recorded_where_a_trigger_fires(tmp_path: Path) -> None:
    simulate_world(SimulatorSettings(accounts=8, months=4, seed=5, world="plain"), tmp_path / "data")
    contracts = pq.read_table(tmp_path / "data" / "subscriptions.parquet").to_pandas()
    contracts["ended_at"] = pd.Series(contracts["ended_at"]).fillna(pd.Timestamp("2026-08-01"))
    contracts.to_parquet(tmp_path / "data" / "subscriptions.parquet")
    settings = configuration.load(data=str(tmp_path / "data"), home=tmp_path / "home")
    night = night_of(settings, UNTIL)
    assert night.cases.opened > 0
    for risk in night.risks:
        assert (risk.model_version, risk.scored) == (None, 0)
        assert any(warning.code == "no_model" and warning.risk == risk.name for warning in night.warnings)
    quiet = night_of(settings, UNTIL + timedelta(days=1))
    assert (quiet.cases.opened, quiet.decision.suppressed["open_case"]) == (0, night.cases.opened)
    contracts["ended_at"] = pd.Timestamp("2026-07-02")
    contracts.to_parquet(tmp_path / "data" / "subscriptions.parquet")
    assert night_of(settings, UNTIL + timedelta(days=3)).cases.closed["left"] == night.cases.opened


def night_of(settings: Settings, day: date) -> NightReport:
    """The one night of a day."""
    steps = Steps(quiet=True)
    (report,) = run_nights(settings, day, plain_runner(steps), steps)
    return report
