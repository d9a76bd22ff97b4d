"""The champion's figures at matured cutoffs: only those that it did not learn from, else the reason."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from support.nights.night_home import NightHome

from features import frame
from features.history.history import History
from models.evaluation.metrics_report import MetricsReport
from models.learners.risk_model import RiskModel
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.console import Steps
from pipelines.monitoring.performance import champion_performance, matured_cutoffs, score_matured
from pipelines.scratch import scratch_folder
from pipelines.sources.validated_source import validate_source_step


@pytest.fixture(scope="module")
def opened(night_home: NightHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[History, RiskModel]]:
    home = night_home.copy(tmp_path_factory.mktemp("performance") / "home")
    settings = configuration.load(data=str(night_home.data), home=home)
    champion = assembly.open_registry(settings).champion("escalation")
    assert champion is not None
    with scratch_folder() as scratch:
        yield validate_source_step(settings, scratch, Steps(quiet=True)).history, champion.model


def trained_through(model: RiskModel, day: date) -> RiskModel:
    return replace(model, facts={**model.facts, "through": day.isoformat()})


def test_cutoffs_that_the_champion_learned_from_do_not_count(opened: tuple[History, RiskModel]) -> None:
    history, model = opened
    model = trained_through(model, matured_cutoffs(history, model)[0])
    performance = champion_performance(history, model, score_matured(history, frame.build, model))
    assert isinstance(performance, str)
    assert performance.startswith("no matured cutoff is later than what the champion learned from")


def test_later_cutoffs_give_the_figures_of_the_report(opened: tuple[History, RiskModel]) -> None:
    history, model = opened
    cutoffs = matured_cutoffs(history, model)
    model = trained_through(model, cutoffs[1] - timedelta(days=model.risk.embargo + 1))
    performance = champion_performance(history, model, score_matured(history, frame.build, model))
    assert isinstance(performance, MetricsReport)
    assert (performance.first, performance.last, performance.cutoffs) == (cutoffs[1], cutoffs[0], 2)
    assert performance.rows > 0
    assert "observed_to_expected" in performance.scorers["model"]
