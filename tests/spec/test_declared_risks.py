"""Risks that only the settings name: trained, gated, scored, decided, displayed and replayed."""

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from support.nights.night_home import NightHome
from typer.testing import CliRunner

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli import app
from pipelines.console import Steps
from pipelines.night.night import run_nights
from pipelines.replay.replay_nights import replay_nights
from pipelines.settings import Settings
from pipelines.step_runner import plain_runner
from pipelines.training.feature_export import write_frame
from serving.night_report.report_schema import NightReport
from serving.policy.decision.decide import Policy

RISKS: Mapping[str, Mapping[str, Any]] = {
    "churn": {"kind": "none"},
    "escalation": {"kind": "none"},
    "contraction": {"kind": "decrease", "share": 0.2, "horizon": 60, "lead": 7},
    "late_payment": {"kind": "overdue", "days": 5, "horizon": 45, "eligible": "contract_arr > 0"},
}
TITLES = {"contraction": "Contraction within 60 days", "late_payment": "Late payment within 45 days"}


@dataclass(frozen=True)
class DeclaredHome:
    """A home whose settings name two risks of their own, and its first night."""

    settings: Settings
    night: NightReport


@pytest.fixture(scope="module")
def declared(night_home: NightHome, tmp_path_factory: pytest.TempPathFactory) -> DeclaredHome:
    home = tmp_path_factory.mktemp("declared") / "home"
    settings = configuration.load(data=str(night_home.data), home=home, risks=RISKS)
    steps = Steps(quiet=True)
    (night,) = run_nights(settings, night_home.first.as_of, plain_runner(steps), steps)
    return DeclaredHome(settings, night)


def test_they_are_trained_and_put_before_the_gate(declared: DeclaredHome) -> None:
    registry = assembly.open_registry(declared.settings)
    for risk, title in TITLES.items():
        champion = registry.champion(risk)
        assert champion is not None
        assert champion.model.risk.title == title
        assert registry.tags(risk, champion.version)["rescue.gate.decision"] in {"promoted", "refused"}
    assert registry.champion("churn") is None


def test_they_are_scored_and_decided(declared: DeclaredHome) -> None:
    scored = {risk.name: risk.scored for risk in declared.night.risks}
    assert set(scored) == set(TITLES)
    assert min(scored.values()) > 20
    assert declared.night.queue
    assert {risk for case in declared.night.queue for risk in case.risks} <= set(TITLES)


def test_every_case_has_a_hand_off_with_their_titles(declared: DeclaredHome) -> None:
    with assembly.open_queue(declared.settings) as store, closing(store.engine.raw_connection()) as connection:
        contents = [json.loads(row[0]) for row in connection.cursor().execute("SELECT content FROM handoffs")]
    assert contents
    titles = {card["title"] for content in contents for card in content["risks"]}
    assert titles == set(TITLES.values())


def test_the_queue_shows_a_column_for_each(declared: DeclaredHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    shown = CliRunner().invoke(app.app, ["queue", "list", "--home", str(declared.settings.home)])
    assert shown.exit_code == 0, shown.output
    assert "Contraction" in shown.output
    assert "Late payment" in shown.output
    assert "Churn" not in shown.output


def test_they_are_replayed(declared: DeclaredHome) -> None:
    first = declared.night.as_of - timedelta(days=100)
    replayed = replay_nights(
        declared.settings, {"default": Policy.default()}, first, first + timedelta(days=1), Steps(quiet=True)
    )
    assert set(replayed.models) == set(TITLES)
    assert replayed.done["default"].figures().nights == 2


def test_the_features_are_exported_with_their_labels(declared: DeclaredHome, tmp_path: Path) -> None:
    cutoff = declared.night.as_of - timedelta(days=150)
    target = tmp_path / "frame.parquet"
    write_frame(declared.settings, [cutoff], target, tmp_path / "scratch", Steps(quiet=True))
    names = pq.read_schema(target).names
    assert [name for name in names if name.startswith("label_")] == ["label_contraction", "label_late_payment"]


def test_a_hand_off_of_churn_shows_the_risk_over_time(night_home: NightHome) -> None:
    """Five horizons, never falling, for the accounts that churn was scored for; other risks have no curve."""
    settings = configuration.load(data=str(night_home.data), home=night_home.home)
    with assembly.open_queue(settings) as store, closing(store.engine.raw_connection()) as connection:
        contents = [json.loads(row[0]) for row in connection.cursor().execute("SELECT content FROM handoffs")]
    cards = [card for content in contents for card in content["risks"]]
    curves = [card["curve"] for card in cards if card["risk"] == "churn" and card["curve"]]
    assert curves
    for curve in curves:
        assert [point["days"] for point in curve] == [30, 60, 90, 180, 365]
        assert [point["probability"] for point in curve] == sorted(point["probability"] for point in curve)
    assert not [card for card in cards if card["risk"] == "escalation" and card["curve"]]
