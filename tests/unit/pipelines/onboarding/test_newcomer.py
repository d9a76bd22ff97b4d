"""A newcomer's first hour: exports of Salesforce and Zendesk and a file of usage, to a queue without any SQL."""

import time
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from pipelines.cli.app import app
from pipelines.simulator.simulator_settings import SimulatorSettings
from pipelines.simulator.vendor_shapes import simulate_vendors

MINUTES = 10


@pytest.mark.soak
@pytest.mark.parametrize("since", ["2024-01-01", "2026-04-15"], ids=["two years", "eleven weeks"])
def test_exports_become_a_queue_within_ten_minutes(since: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate_vendors(SimulatorSettings(accounts=200, months=24, seed=7), tmp_path / "company")
    for file in sorted((tmp_path / "company").glob("[sz]*/*.parquet")):
        target = tmp_path / "exports" / file.parent.name / f"{file.stem}.csv"
        if file.parent.name in ("salesforce", "zendesk"):
            target.parent.mkdir(parents=True, exist_ok=True)
            recent = f"WHERE created_at >= '{since}'" if file.stem == "ticket" else ""
            duckdb.sql(f"COPY (FROM '{file}' {recent}) TO '{target}' (HEADER)")
    usage = tmp_path / "company" / "product" / "usage_daily.parquet"
    duckdb.sql(f"COPY (FROM '{usage}' WHERE day >= '{since}') TO '{tmp_path / 'exports' / 'usage.csv'}' (HEADER)")
    monkeypatch.chdir(tmp_path / "exports")

    begin = time.monotonic()
    found = CliRunner().invoke(app, ["init", "crm=salesforce", "desk=zendesk", "usage=usage.csv"])
    assert found.exit_code == 0, found.output
    night = CliRunner().invoke(app, ["nightly", "--plain", "--home", "home", "--as-of", "2026-07-01"])
    assert night.exit_code == 0, night.output
    shown = CliRunner().invoke(app, ["queue", "list", "--home", "home"])
    assert "There are no open cases" not in shown.output
    assert time.monotonic() - begin < MINUTES * 60
