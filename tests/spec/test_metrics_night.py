"""A night with a declared metric: trained, scored, and given as a reason; without its declaration it is refused."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.nights.night_home import NightHome

from models.data.signature import SignatureError
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.console import Steps
from pipelines.night.night import run_nights
from pipelines.scratch import scratch_folder
from pipelines.settings import Settings
from pipelines.sources.validated_source import validate_source
from pipelines.step_runner import plain_runner
from serving.night_report.report_schema import NightReport

NPS: Mapping[str, Any] = {"nps": {"name": "Net promoter score", "title": "NPS", "unit": "points", "higher": "good"}}
EVERY, LEAD = 7, 18
"""A survey every week; it is low in so many days before an escalation."""


def escalations(data: Path) -> dict[str, list[date]]:
    """The days on which tickets of each account were escalated."""
    rows = duckdb.sql(
        f"SELECT account_id, list(DISTINCT CAST(occurred_at AS DATE)) FROM '{data}/ticket_events.parquet' "
        f"JOIN (SELECT DISTINCT ticket_id, account_id FROM '{data}/tickets.parquet') USING (ticket_id) "
        "WHERE kind = 'escalated' GROUP BY account_id"
    ).fetchall()
    return dict(rows)


def surveys(data: Path, until: date) -> pa.Table:
    """NPS of every account: low before an escalation, and now for every tenth account."""
    accounts = pq.read_table(data / "accounts.parquet", columns=["account_id"]).column(0).unique().to_pylist()
    escalated, draw, rows = escalations(data), np.random.default_rng(5), []
    for place, account in enumerate(sorted(accounts)):
        days = [*escalated.get(account, []), *([until + timedelta(days=7)] if place % 10 == 0 else [])]
        for back in range(0, 450, EVERY):
            day = until - timedelta(days=back + 1)
            low = any(0 <= (event - day).days <= LEAD for event in days)
            value = float(np.round((-30 if low else 45) + draw.normal(0, 6)))
            rows.append((account, datetime.combine(day, datetime.min.time()), value))
    ids, measured, values = zip(*rows, strict=True)
    return pa.table(
        {
            "account_id": ids,
            "metric": [NPS["nps"]["name"]] * len(rows),
            "measured_at": pa.array(measured, pa.timestamp("us")),
            "value": values,
            "known_at": pa.array([at + timedelta(hours=3) for at in measured], pa.timestamp("us")),
        }
    )


@pytest.fixture(scope="module")
def surveyed(night_home: NightHome, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, NightReport]:
    """The settings and the first night of a home whose source has surveys."""
    folder = tmp_path_factory.mktemp("metrics")
    data = folder / "data"
    data.mkdir()
    for file in night_home.data.iterdir():
        (data / file.name).symlink_to(file)
    pq.write_table(surveys(night_home.data, night_home.first.as_of), data / "metrics.parquet")
    settings = configuration.load(data=str(data), home=folder / "home", metrics=NPS)
    steps = Steps(quiet=True)
    (report,) = run_nights(settings, night_home.first.as_of, plain_runner(steps), steps)
    return settings, report


def test_the_models_name_the_metric(surveyed: tuple[Settings, NightReport]) -> None:
    settings, report = surveyed
    champion = assembly.open_registry(settings).champion("escalation")
    assert champion is not None
    columns = {column.name: column for column in champion.model.signature.columns}
    assert {"metric_nps_last", "metric_nps_change_28d", "metric_nps_trend_90d"} <= columns.keys()
    assert '"higher": "good"' in columns["metric_nps_last"].declaration
    assert len(report.queue) > 3


def test_a_score_on_a_day_uses_what_was_known_then(surveyed: tuple[Settings, NightReport]) -> None:
    settings, report = surveyed
    with scratch_folder() as scratch:
        frame = assembly.frame_builder(settings)(validate_source(settings, scratch).history, [report.as_of])
    ages = frame.column("metric_nps_age_days").to_pylist()
    assert min(age for age in ages if age is not None) == 1.0


def test_a_hand_off_gives_the_metric_as_a_reason(surveyed: tuple[Settings, NightReport]) -> None:
    settings, _ = surveyed
    with closing(sqlite3.connect(settings.home / "rescue.db")) as queue:
        handoffs = [json.loads(text) for (text,) in queue.execute("SELECT content FROM handoffs")]
    sentences = [reason["sentence"] for handoff in handoffs for risk in handoff["risks"] for reason in risk["reasons"]]
    assert any("NPS" in sentence and "points" in sentence for sentence in sentences), sentences


def test_without_its_declaration_a_night_says_what_to_declare(surveyed: tuple[Settings, NightReport]) -> None:
    settings, report = surveyed
    steps = Steps(quiet=True)
    undeclared = settings.model_copy(update={"metrics": {}})
    with pytest.raises(SignatureError, match=r"add \[metrics\.nps\] to the settings, or train a new model"):
        run_nights(undeclared, report.as_of + timedelta(days=1), plain_runner(steps), steps)
