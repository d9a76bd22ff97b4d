"""A night on each real data set, through the mappings in docs/mappings: what is there is used, what is not is said."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipelines.cli import app

pytestmark = pytest.mark.shared


def night(shared_data: Path, root: Path, home: Path, name: str, *more: str) -> dict[str, Any]:
    """The report of a first night, which has to train."""
    arguments = ["--data", str(shared_data / name), "--mapping", str(root / "docs" / "mappings" / name)]
    found = CliRunner().invoke(app.app, ["nightly", "--plain", "--json", "--home", str(home), *arguments, *more])
    assert found.exit_code == 0, found.stderr
    report: dict[str, Any] = json.loads(found.stdout)
    return report


def models(report: dict[str, Any]) -> set[str]:
    """The risks that have a model."""
    return {risk["name"] for risk in report["risks"] if risk["model_version"]}


def test_a_retailer_without_contracts_loses_customers_by_their_silence(
    shared_data: Path, root: Path, tmp_path: Path
) -> None:
    report = night(shared_data, root, tmp_path, "online_retail", "--as-of", "2011-12-10")
    assert report["as_of"] == "2011-12-10"
    assert models(report) == {"churn"}
    assert set(report["missing_tables"]) >= {"subscriptions", "tickets", "health_scores"}
    assert 0 < report["decision"]["flagged"] == len(report["queue"])


def test_a_simulated_contract_business_is_told_that_it_has_next_to_no_signal(
    shared_data: Path, root: Path, tmp_path: Path
) -> None:
    report = night(shared_data, root, tmp_path, "fightchurn_crm6", "--as-of", "2024-01-02")
    assert models(report) <= {"churn"}
    (subscriptions,) = [table for table in report["tables"] if table["name"] == "subscriptions"]
    assert subscriptions["accepted"] > 30_000


def test_an_incident_log_tells_of_escalations_and_of_nothing_else(
    shared_data: Path, root: Path, tmp_path: Path
) -> None:
    report = night(shared_data, root, tmp_path, "uci_incident", "--as-of", "2016-05-20")
    assert models(report) == {"escalation"}
    assert report["risks"][0]["scored"] > 1_000
    assert all("churn" not in case["risks"] for case in report["queue"])
