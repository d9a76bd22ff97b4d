"""A policy that ranks by uplift, in use: training, the night, its hand-offs, a replay, the monitor."""

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import delete, func, select
from support.nights.night_home import NightHome
from typer.testing import CliRunner

from features.errors import UsageError
from features.labels.labels import label
from models.evaluation.treatment_effect import AssignedUnits
from models.risks.defaults import ESCALATION
from models.uplift.uplift_model import train_uplift
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli import app
from pipelines.console import Steps
from pipelines.monitoring.monitor import monitor
from pipelines.night.night import run_nights
from pipelines.night.uplift_scores import NO_UPLIFT, load_uplift
from pipelines.replay.replay_nights import replay_nights
from pipelines.scratch import scratch_folder
from pipelines.settings import Settings
from pipelines.sources.validated_source import validate_source_step
from pipelines.step_runner import plain_runner
from serving.handoff.package import Handoff
from serving.night_report.monitor_text import risk_lines
from serving.night_report.report_text import FEATURE_TITLES, warning_lines
from serving.policy.decision.decide import Policy
from serving.policy.definition.policy_file import default_text
from serving.store.decision_tables import EnrolmentRow
from serving.store.tables import FrozenHandoff, Score

COLUMN = "account_age_days"


@pytest.fixture(scope="module")
def policy_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("policy") / "policy.toml"
    text = default_text().replace("[priority]\n", "[priority]\nuplift = true\n")
    file.write_text(text.replace("enter = 0.", "enter = 0.0").replace("leave = 0.", "leave = 0.0"))
    return file


def settings_of(night_home: NightHome, home: Path, policy: Path) -> Settings:
    return configuration.load(data=str(night_home.data), home=home, policy=policy)


def enrol_with_an_effect(settings: Settings) -> None:
    """Enrol every account once, so that a rescue seems to help accounts that are customers for long, and only these.

    An account is enrolled on the last night before its escalation, where it has one; whether it was held out is
    chosen by its outcome.
    """
    with scratch_folder() as scratch, assembly.open_store(settings) as store:
        history = validate_source_step(settings, scratch, Steps(quiet=True)).history
        last = ESCALATION.label.matures_on(history.until) - history.until
        nights = [history.until - last - timedelta(days=7 * weeks + 3) for weeks in range(30, 0, -1)]
        known = label(history, nights, ESCALATION.label).to_pylist()
        chosen: dict[str, dict[str, object]] = {}
        for row in known:
            if row["event"] is not None and (row["account_id"] not in chosen or row["event"]):
                chosen[row["account_id"]] = row
        age = {
            row["account_id"]: row[COLUMN] for row in assembly.frame_builder(settings)(history, nights[-1:]).to_pylist()
        }
        middle = np.median(list(age.values()))
        with store.transaction() as session:
            session.execute(delete(EnrolmentRow))
            for account, row in chosen.items():
                facts = {"salt": "s1", "unit": account, "account_id": account, "stratum": "", "share": 0.5}
                held_out = row["event"] == (age.get(account, 0.0) > middle)
                session.add(
                    EnrolmentRow(
                        **facts, as_of=row["as_of"], risk="escalation", held_out=held_out, probability=0.3,
                        revenue=1000.0, expected_value=90.0,
                    )
                )  # fmt: skip


@pytest.fixture(scope="module")
def trained(night_home: NightHome, policy_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, str]:
    """A home whose uplift model of escalation is better than plain risk, and what the training printed."""
    home = night_home.copy(tmp_path_factory.mktemp("uplift") / "home")
    settings = settings_of(night_home, home, policy_file)
    enrol_with_an_effect(settings)
    given = ["train", "--uplift", "--data", str(night_home.data), "--home", str(home)]
    result = CliRunner().invoke(app.app, given)
    assert result.exit_code == 0, result.output
    return settings, " ".join(result.stdout.split())


def test_the_training_says_what_each_risk_may_use(trained: tuple[Settings, str]) -> None:
    _, printed = trained
    assert "escalation: version 1: Ranking by uplift is better than by risk: of 100 accounts, " in printed
    named = printed.partition("The effect of a rescue depends on ")[2]
    titles = [FEATURE_TITLES[column] for column in (COLUMN, "contract_tenure_days")]  # they say the same
    assert any(title in named for title in titles)
    assert "churn: An uplift model needs 50 settled accounts and 10 events in each group" in printed


def test_a_night_ranks_by_uplift_and_its_hand_offs_say_so(trained: tuple[Settings, str]) -> None:
    settings, _ = trained
    steps = Steps(quiet=True)
    with assembly.open_store(settings) as store, store.reading() as session:
        before = session.scalar(select(func.max(Score.as_of)))
    assert before is not None
    night = before + timedelta(days=1)
    (report,) = run_nights(settings, night, plain_runner(steps), steps)
    versions = {risk.name: risk.uplift_version for risk in report.risks}
    assert versions == {"churn": None, "escalation": "1"}
    (sentence,) = [line for line in warning_lines(report) if "uplift" in line]
    assert sentence == (
        "Churn: There is no uplift model yet (`rescue train --uplift`), so the priority uses plain risk "
        "(probability × save rate)."
    )
    with assembly.open_store(settings) as store, store.reading() as session:
        frozen = session.scalars(select(FrozenHandoff.content).where(FrozenHandoff.as_of == night)).all()
    cases = [Handoff.model_validate_json(content).case for content in frozen]
    by_uplift = [case for case in cases if case.uplift is not None]
    assert {case.risk for case in by_uplift} == {"escalation"}
    assert all(case.uplift is None for case in cases if case.risk == "churn")
    assert by_uplift[0].uplift_text.startswith("Computed with the uplift: a rescue is expected to lower the escalation")
    assert by_uplift[0].uplift_text.endswith("points (uplift model 1).")


def test_a_replay_of_nights_that_the_model_knows_uses_plain_risk(trained: tuple[Settings, str]) -> None:
    settings, _ = trained
    with assembly.open_store(settings) as store, store.reading() as session:
        newest = session.scalar(select(func.max(Score.as_of)))
    assert newest is not None
    policies = {"uplift": assembly.load_policy(settings)}
    early = newest - timedelta(days=60)
    known = replay_nights(settings, policies, early, early, Steps(quiet=True), champion=True)
    assert known.uplift.versions == {}
    assert "which these nights could not know" in known.uplift.not_used["escalation"]
    assert known.to_json()["uplift"]["escalation"]["version"] is None
    with scratch_folder() as scratch:
        until = validate_source_step(settings, scratch, Steps(quiet=True)).history.until
    later = replay_nights(settings, policies, until, until, Steps(quiet=True), champion=True)
    assert later.uplift.versions == {"escalation": "1"}
    assert any(case.flag.uplift is not None for case in later.done["uplift"].opened)
    plain = replay_nights(settings, {"plain": Policy.default()}, until, until, Steps(quiet=True), champion=True)
    assert "uplift" not in plain.to_json()


def test_the_monitor_shows_the_uplift_of_risks_that_have_a_model(
    trained: tuple[Settings, str], night_home: NightHome
) -> None:
    settings, _ = trained
    asked = monitor(settings, None, Steps(quiet=True))
    texts = {risk.risk: dict(risk_lines(risk)).get("Uplift", "") for risk in asked.risks}
    assert texts["escalation"].startswith("Ranking by uplift is better than by risk")
    assert texts["churn"].startswith("There is no uplift model yet")
    plain = monitor(settings.model_copy(update={"policy": None}), None, Steps(quiet=True))
    assert {risk.risk: risk.uplift is not None for risk in plain.risks} == {"churn": False, "escalation": True}


def test_a_model_that_is_not_better_is_not_used(night_home: NightHome, policy_file: Path, tmp_path: Path) -> None:
    settings = settings_of(night_home, night_home.copy(tmp_path / "home"), policy_file)
    policy = assembly.load_policy(settings)
    draw = np.random.default_rng(1)
    units = AssignedUnits(draw.random(400) < 0.3, np.full(400, 0.3), (draw.random(400) < 0.3) * 1.0, np.full(400, 0.3))
    model = train_uplift("churn", pa.table({COLUMN: draw.normal(size=400)}), units, date(2026, 1, 1))
    assembly.open_uplift_registry(settings).log(model, source={}, description="")
    found = load_uplift(settings, [policy], ["churn", "escalation"])
    assert found.models == {}
    assert found.not_used["churn"].endswith("so the priority uses plain risk (probability × save rate).")
    assert [warning.risk for warning in found.warnings] == ["churn", "escalation"]
    assert load_uplift(settings, [Policy.default()], ["churn"]) == NO_UPLIFT


def test_tuning_and_uplift_are_not_asked_for_together(night_home: NightHome) -> None:
    result = CliRunner().invoke(app.app, ["train", "--uplift", "--tune", "3", "--data", str(night_home.data)])
    assert isinstance(result.exception, UsageError)


def test_training_prints_json(trained: tuple[Settings, str], night_home: NightHome) -> None:
    settings, _ = trained
    given = [
        "train",
        "--uplift",
        "--risk",
        "churn",
        "--data",
        str(night_home.data),
        "--home",
        str(settings.home),
        "--json",
    ]
    result = CliRunner().invoke(app.app, given)
    (report,) = json.loads(result.stdout)
    assert (report["risk"], report["code"], report["version"]) == ("churn", "too_few_units", "")
