"""The page "Extend Rescue", executed: its files are checked, trained with, scored and named, and missed when gone."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from support.documented_extensions import WORLD, write_examples, write_source
from support.own_contract import restored_contract

from features.errors import UsageError
from models.data.signature import SignatureError
from models.learners.risk_model import ExtensionUnavailableError
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.console import Steps
from pipelines.night.night import run_nights
from pipelines.settings import Settings
from pipelines.step_runner import plain_runner
from pipelines.training.train_models import train_from
from serving.night_report.report_schema import NightReport
from serving.night_report.report_text import warning_line

Made = tuple[Path, NightReport]


@pytest.fixture(scope="module")
def made(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """A folder with the examples of the page, and its first night, which trained."""
    folder = tmp_path_factory.mktemp("extended")
    files = write_examples(root, folder)
    write_source(folder / "data")
    with files["rescue.toml"].open("a") as file:
        file.write('\n[risks.churn]\nlearner = "xgboost"\n[risks.escalation]\nlearner = "scorecard"\n')
        file.write('[risks.contraction]\nkind = "none"\n[risks.missed_training]\nlearner = "catboost"\n')
    previous = Path.cwd()
    os.chdir(folder)
    try:
        with restored_contract():
            (report,) = night(settings(), 0)
            yield folder, report
    finally:
        os.chdir(previous)


def settings(**given: object) -> Settings:
    return configuration.load(data="data", home=Path("home"), **given)


def night(of: Settings, days: int) -> list[NightReport]:
    steps = Steps(quiet=True)
    return run_nights(of, WORLD.until + timedelta(days=days), plain_runner(steps), steps)


def test_the_report_names_the_extensions_and_what_they_declare(made: Made) -> None:
    named = {extension.file: extension for extension in made[1].extensions}
    assert named["extensions/phone_tickets.py"].features == ("tickets_by_phone_28d", "tickets_log_90d")
    assert named["extensions/trainings.py"].tables == ("trainings",)
    assert named["extensions/contraction.toml"].risks == ("contraction",)
    assert named["extensions/scorecard.py"].learners == ("scorecard",)
    assert next(rows.accepted for rows in made[1].tables if rows.name == "trainings") > 300


def test_models_of_own_learners_are_scored_and_name_their_files(made: Made) -> None:
    assembly.all_features(settings())
    registry = assembly.open_registry(settings())
    models = {name: registry.champion(name) for name in ("churn", "escalation", "missed_training")}
    kinds = {name: champion.model.kind for name, champion in models.items() if champion}
    assert kinds == {"churn": "xgboost", "escalation": "scorecard", "missed_training": "catboost"}
    assert {risk.name: risk.scored > 0 for risk in made[1].risks} == dict.fromkeys(kinds, True)
    escalation = models["escalation"]
    assert escalation is not None
    parts = {file.name: set(names) for file, names in escalation.model.extensions.items()}
    assert {"tickets_by_phone_28d", "tickets_log_90d"} <= parts["extensions/phone_tickets.py"]
    assert "people_trained_180d" in parts["extensions/trainings.py"]
    assert "trainings_feed_age_days" not in escalation.model.features  # the state of a feed is not learned
    assert parts["extensions/scorecard.py"] == {"scorecard"}
    tags = registry.tags("escalation", escalation.version)
    assert "extensions/scorecard.py" in tags["rescue.extensions"]
    plan = next(column for column in escalation.model.signature.columns if column.name == "attribute_plan")
    assert plan.levels == ("free", "pro", "team", "other values")


def test_without_a_feature_or_learner_a_night_says_so_and_goes_on_only_if_a_setting_allows(made: Made) -> None:
    off = {"extensions_off": ("phone_tickets.py",)}
    with pytest.raises(SignatureError, match=r"phone_28d, .*of extensions/phone_tickets\.py, which is not in use: put"):
        night(settings(**off), 1)
    (report,) = night(settings(**off, extensions_required=False), 1)
    scored = {risk.name: (risk.scored, risk.scored_with_unknown) for risk in report.risks}
    assert scored["escalation"][0] == scored["escalation"][1] > 0


def test_a_changed_file_needs_a_new_model(made: Made) -> None:
    scorecard = made[0] / "extensions/scorecard.py"
    content = scorecard.read_text()
    scorecard.write_text(content.replace("SHRINK = 5, 20.0, 0.3", "SHRINK = 5, 20.0, 0.4"))
    try:
        with pytest.raises(ExtensionUnavailableError, match=r"scorecard of extensions/scorecard\.py, which has chan"):
            night(settings(), 2)
        (report,) = night(settings(extensions_required=False), 2)
    finally:
        scorecard.write_text(content)
    without = [risk for risk in report.risks if risk.model_version is None]
    assert [risk.name for risk in without] == ["escalation"]
    assert any("has changed since" in warning_line(warning) for warning in report.warnings)


def test_a_changed_definition_is_no_longer_what_the_model_learned(made: Made) -> None:
    phone = made[0] / "extensions/phone_tickets.py"
    content = phone.read_text()
    phone.write_text(content.replace("PHONE.count(28)", "PHONE.count(56)"))
    try:
        with pytest.raises(SignatureError, match=r"The definition of tickets_by_phone_28d.* has changed since"):
            night(settings(), 3)
        alone = settings(risks={"churn": {"kind": "none"}, "missed_training": {"kind": "none"}})
        (version,) = train_from(alone, "escalation", None, 0, Steps(quiet=True)).registered
        assert version.champion and "the one before cannot be used. The definition of" in version.reason
        (report,) = night(alone, 3)
        assert [(risk.name, risk.model_version) for risk in report.risks] == [("escalation", version.version)]
    finally:
        phone.write_text(content)


def test_a_leak_stops_a_night_before_anything_is_scored(made: Made) -> None:
    leaky = made[0] / "extensions/trainings.py"
    content = leaky.read_text()
    with_certificate = content.replace("        KNOWN_AT,\n", '        KNOWN_AT,\n        instant("passed_at"),\n')
    leaky.write_text(with_certificate.replace('HELD.total("people", 180)', 'HELD.count(180, "passed_at IS NOT NULL")'))
    trainings = made[0] / "data/trainings.parquet"
    original = trainings.read_bytes()
    duckdb.sql(
        f"COPY (SELECT *, held_at + INTERVAL 40 DAY AS passed_at FROM read_parquet('{trainings}')) "
        f"TO '{trainings}.new' (FORMAT parquet)"
    )
    Path(f"{trainings}.new").replace(trainings)
    try:
        with pytest.raises(UsageError, match=r"trainings\.py breaks the rule leak: the feature people_trained"):
            night(settings(), 4)
    finally:
        leaky.write_text(content)
        trainings.write_bytes(original)
