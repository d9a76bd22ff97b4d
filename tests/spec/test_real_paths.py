"""Escalation paths from a real incident log: which columns are the future, and what criteria reach on later months."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli.app import app

pytestmark = pytest.mark.shared


def test_criteria_of_an_incident_log_hold_on_later_months(shared_data: Path, root: Path, tmp_path: Path) -> None:
    source = [
        "--data",
        str(shared_data / "uci_incident"),
        "--mapping",
        str(root / "docs" / "mappings" / "uci_incident"),
    ]
    done = CliRunner().invoke(app, ["paths", "map", *source, "--json", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["later_from"] == "2016-05-01"
    used = {it["name"] for it in found["columns"] if it["used"]}
    assert "symptom" in used
    assert not used & {"assigned_to", "sys_created_by", "resolved_by", "closed_code"}
    assert found["tier1"] == "Group 70"
    by_name = {it["name"]: it for it in found["definitions"]}
    escalated = by_name["escalated"]
    assert escalated["lift"]["value"] >= 2.2
    assert escalated["lift"]["low"] >= 1.8
    assert escalated["lightgbm_lift"]["value"] >= 2.5, "the columns hold more than short rules find"
    general = found["all_tickets"]
    assert general["proposed"]
    assert general["lift"]["low"] >= 2.2
    assert general["recall"]["value"] >= 0.2
    for it in by_name.values():
        assert it["lift"] is None or it["lift"]["value"] <= it["limit"]
    assert {it["name"] for it in found["issue_types"] if it["criteria"]["proposed"]} == {"Category 42", "Category 26"}
    checked = CliRunner().invoke(app, ["policy", "check", str(tmp_path / "proposed-policy.toml"), *source[2:]])
    assert checked.exit_code == 0, checked.output
