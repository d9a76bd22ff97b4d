"""``rescue monitor``: its report is stored, an alarm ends it with 3, and nothing else is written."""

import json
import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import update
from support.monitor_factory import figure, performance_report, risk_monitor
from support.nights.night_home import NightHome
from typer.testing import CliRunner

from features.errors import UsageError
from features.history.history import History
from models.risks.defaults import CHURN, ESCALATION
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli import app
from pipelines.console import Steps
from pipelines.monitoring.alarms import find_alarms
from pipelines.monitoring.label_flow import LabelFlow, measure_label_flow
from pipelines.monitoring.monitor import measure_volume, monitor
from pipelines.monitoring.reference_drift import (
    ComparedDays,
    DriftSources,
    build_frames,
    choose_days,
    measure_drift,
)
from pipelines.monitoring.retraining import advise_retraining
from pipelines.scratch import scratch_folder
from pipelines.setting_sections.monitoring_settings import MonitoringSettings
from pipelines.settings import Settings
from pipelines.sources.validated_source import validate_source_step
from serving.night_report.monitor_report import (
    DriftReport,
    ModelReport,
    MonitorReport,
    ShiftReport,
    UnknownPart,
    VolumeReport,
)
from serving.store import Store
from serving.store.queries.monitor_queries import newest_monitor_report
from serving.store.tables import Score


def test_volume_is_held_against_the_median_of_earlier_nights() -> None:
    found = measure_volume([{"tickets": 100}, {"tickets": 110}, {"tickets": 60, "invoices": 5}])
    assert found == (
        VolumeReport(table="invoices", rows=5, usual=None, low=False),
        VolumeReport(table="tickets", rows=60, usual=105, low=True),
    )
    assert measure_volume([]) == ()
    assert [alarm.code for alarm in find_alarms((), found, ())] == ["low_volume"]


def run_monitor(night_home: NightHome, home: Path, *more: str) -> tuple[int, MonitorReport]:
    given = ["monitor", "--json", "--data", str(night_home.data), "--home", str(home), *more]
    result = CliRunner().invoke(app.app, given)
    assert result.stdout, result.exception
    return result.exit_code, MonitorReport.from_json(json.loads(result.stdout))


def rows_by_table(home: Path) -> dict[str, list[tuple[object, ...]]]:
    with sqlite3.connect(home / "rescue.db") as queue:
        names = [name for (name,) in queue.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(map(repr, queue.execute(f"SELECT * FROM {name}"))) for name in names}


def test_a_home_without_a_queue_is_refused_and_not_created(night_home: NightHome, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no queue in .*mistyped; `rescue nightly` creates one"):
        monitor(Settings(data=str(night_home.data), home=tmp_path / "mistyped"), None, Steps(quiet=True))
    assert not (tmp_path / "mistyped").exists()


def test_the_report_is_stored_and_nothing_else_is_written(night_home: NightHome, tmp_path: Path) -> None:
    home = night_home.copy(tmp_path / "home")
    before = rows_by_table(home)
    as_of = night_home.first.as_of
    code, report = run_monitor(night_home, home, "--as-of", as_of.isoformat())
    assert (code, report.alarms) == (0, ())
    assert (report.night, report.as_of) == (as_of, as_of)
    assert [risk.risk for risk in report.risks] == [risk.name for risk in night_home.first.risks]
    for risk in report.risks:
        assert risk.unknown["performance"].code == "not_matured"
        assert risk.unknown["drift"].code == "no_reference"
        assert risk.estimate is not None
        assert risk.estimate.figures["auc"].value is not None
        assert risk.effect.difference is None
        assert risk.labels is not None
        assert not risk.labels.stopped
    after = rows_by_table(home)
    assert len(after.pop("monitor_reports")) == 1
    assert after == {name: rows for name, rows in before.items() if name != "monitor_reports"}
    with Store(f"sqlite:///{home / 'rescue.db'}") as store, store.reading() as session:
        assert newest_monitor_report(session) == report


def test_a_stale_source_ends_it_with_three(night_home: NightHome, tmp_path: Path) -> None:
    home = night_home.copy(tmp_path / "home")
    late = (night_home.first.as_of + timedelta(days=60)).isoformat()
    code, report = run_monitor(night_home, home, "--as-of", late)
    assert code == 3
    assert {alarm.code for alarm in report.alarms} == {"stale_feed"}
    assert {"tickets", "usage_daily"} <= {alarm.table for alarm in report.alarms if alarm.code == "stale_feed"}
    given = ["monitor", "--data", str(night_home.data), "--home", str(home), "--as-of", late]
    shown = CliRunner().invoke(app.app, given)
    assert shown.exit_code == 3
    assert "Alarm: tickets has no row newer than" in shown.stdout
    assert "Performance: not measurable yet" in shown.stdout


def test_published_scores_are_compared_with_the_day_of_reference(night_home: NightHome, tmp_path: Path) -> None:
    """Days four weeks apart of a world without a shift; then every published score is moved."""
    home, night = night_home.copy(tmp_path / "home"), night_home.first.as_of
    settings = configuration.load(data=str(night_home.data), home=home)
    compared = ComparedDays(night - timedelta(days=28), night, None)
    with scratch_folder() as scratch, Store(settings.database_url) as store:
        known = validate_source_step(settings, scratch, Steps(quiet=True)).history
        champion = assembly.open_registry(settings).champion("escalation")
        assert champion is not None
        frame = build_frames(known, assembly.frame_builder(settings), [compared])
        assert frame is not None
        with store.reading() as session:
            steady = measure_drift(DriftSources(session, known, frame, 2), champion, compared)
        with store.transaction() as session:
            session.execute(update(Score).values(rank_score=Score.rank_score + 3.0))
        with store.reading() as session:
            moved = measure_drift(DriftSources(session, known, frame, 2), champion, compared)
            assert choose_days(champion.model, []) == UnknownPart(code="no_night")
    assert isinstance(steady, DriftReport)
    assert isinstance(moved, DriftReport)
    assert (steady.scores_moved, moved.scores_moved, moved.confirmed) == (False, True, False)
    assert steady.features_tested > 20


def flow(gaps: list[float], pause: float) -> LabelFlow:
    start = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    moments = [start + timedelta(days=float(day)) for day in np.cumsum([0, *gaps])]
    return LabelFlow(moments, (moments[-1] + timedelta(days=pause)).date())


@pytest.mark.parametrize(
    ("gaps", "pause", "stopped"),
    [
        ([3.0] * 30, 30.0, True),
        ([3.0] * 30, 15.0, False),
        ([1.0] * 10 + [40.0] + [1.0] * 10, 60.0, False),
        ([1.0] * 3, 60.0, False),
    ],
    ids=["long pause", "short pause", "batches", "too few events"],
)
def test_labels_that_stop_arriving(gaps: list[float], pause: float, stopped: bool) -> None:
    assert flow(gaps, pause).report().stopped is stopped


def test_chance_does_not_stop_labels() -> None:
    draw = np.random.default_rng(3)
    stopped = [flow(draw.exponential(4, 60).tolist(), float(draw.exponential(4))).report().stopped for _ in range(400)]
    assert np.mean(stopped) <= 0.0025


def history(escalated: list[int]) -> History:
    """One ticket a day of an account each, escalated on some of the days before 1 Jul 2026."""
    end = datetime(2026, 7, 1, tzinfo=UTC).replace(tzinfo=None)
    start = end - timedelta(days=500)
    names, comments = [f"a{number:03d}" for number in range(60)], [(day, "comment") for day in range(0, 360, 5)]
    tables = {
        "accounts": [{"account_id": name, "created_at": start} for name in names],
        "subscriptions": [{"account_id": name, "subscription_id": name, "started_at": start} for name in names],
        "tickets": [{"account_id": name, "ticket_id": name, "opened_at": start + timedelta(days=30)} for name in names],
        "ticket_events": [
            {
                "ticket_id": names[place % 60],
                "event_id": f"e{place}",
                "occurred_at": end - timedelta(days=day),
                "kind": kind,
            }
            for place, (day, kind) in enumerate([*((day, "escalated") for day in escalated), *comments])
        ],
    }
    return History.from_tables({name: pa.Table.from_pylist(rows) for name, rows in tables.items()})


def test_the_flow_of_labels_is_read_from_the_source() -> None:
    steady = measure_label_flow(history(list(range(10, 360, 7))), ESCALATION.label)
    silent = measure_label_flow(history(list(range(150, 360, 7))), ESCALATION.label)
    assert (steady.report().stopped, silent.report().stopped) == (False, True)
    assert steady.report().events >= 40
    assert silent.report().last_event == date(2026, 7, 1) - timedelta(days=150)
    nothing = measure_label_flow(history([]), CHURN.label).report()
    assert (nothing.events, nothing.stopped) == (0, False)


MODEL = ModelReport(version="3", through=date(2025, 12, 1), age_days=90, new_events=55)
SHIFT = ShiftReport(index=0.4, by_chance=0.02, p_value=1e-9, then=300, now=300)


def drift_report(*, moved: bool, confirmed: bool) -> DriftReport:
    return DriftReport(
        reference=date(2026, 1, 1),
        night=date(2026, 3, 1),
        scores=SHIFT,
        scores_moved=moved,
        features={"a": SHIFT} if moved else {},
        features_tested=90,
        confirmed=confirmed,
    )


def test_retraining_is_advised_by_evidence() -> None:
    settings, good = MonitoringSettings(), performance_report()
    worse = performance_report(auc=figure(0.6, 0.55, 0.65))
    off = performance_report(observed_to_expected=figure(0.5, 0.4, 0.6))
    old = MODEL.model_copy(update={"age_days": 200})
    moved, confirmed = drift_report(moved=True, confirmed=False), drift_report(moved=True, confirmed=True)
    reasons = {
        "nothing": advise_retraining(settings, MODEL, drift_report(moved=False, confirmed=False), good),
        "drift alone": advise_retraining(settings, MODEL, confirmed, good),
        "drift not confirmed": advise_retraining(settings, MODEL, moved, worse),
        "drift and worse": advise_retraining(settings, MODEL, confirmed, worse),
        "off": advise_retraining(settings, MODEL, None, off),
        "old": advise_retraining(settings, old, None, None),
        "old, few events": advise_retraining(settings, old.model_copy(update={"new_events": 3}), None, None),
        "no model": advise_retraining(settings, None, confirmed, worse),
    }
    assert {name: report.reasons for name, report in reasons.items()} == {
        "nothing": (),
        "drift alone": (),
        "drift not confirmed": (),
        "drift and worse": ("drift_and_ranking_fell",),
        "off": ("calibration_off",),
        "old": ("champion_is_old",),
        "old, few events": (),
        "no model": (),
    }


def test_each_finding_of_a_risk_is_one_alarm() -> None:
    risk = risk_monitor(
        drift=drift_report(moved=True, confirmed=True),
        performance=performance_report(auc=figure(0.6, 0.55, 0.65), observed_to_expected=figure(0.5, 0.4, 0.6)),
        labels=flow([3.0] * 30, 30.0).report(),
    )
    codes = [alarm.code for alarm in find_alarms((), (), (risk,))]
    assert codes == ["labels_stopped", "ranking_fell", "calibration_off", "score_drift", "feature_drift"]
    assert find_alarms((), (), (risk_monitor(),)) == ()
