"""Segments, regions and risks in which policy and source differ are reported as warnings."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from support.nights.policy_factory import POLICY, policy
from typer.testing import CliRunner

from pipelines.cli.app import app
from serving.night_report.report_text import warning_line
from serving.policy.definition.unknown_names import find_unknown_names

HOLDOUT = """
[holdout]
share = 0.2
salt = "s"
by_segment = {midd = 0.1, smb = 0.0, unknown = 0.3}
"""
REGIONS = 'capacity = 2\nregions = ["EMEA"]'


def test_names_that_no_account_has_are_reported_with_the_nearest_one() -> None:
    by = policy(HOLDOUT + '[routing.languages]\nFR = "fr"\n', capacity=REGIONS)
    assert [warning_line(name) for name in find_unknown_names(by.rules, ["smb", "mid", None], ["DE", None])] == [
        "[holdout] by_segment of the policy names the segment 'midd', which no account has; did you mean 'mid'? "
        "Allowed: mid, smb, unknown.",
        "[squads.care] regions of the policy names the region 'EMEA', which no account has; allowed: DE.",
        "[routing.languages] of the policy names the region 'FR', which no account has; allowed: DE.",
    ]
    assert find_unknown_names(by.rules, ["smb", "midd", ""], ["EMEA", "FR"]) == ()
    assert find_unknown_names(policy().rules, [], []) == ()


def test_a_check_against_a_source_warns_although_the_policy_is_valid(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text(POLICY + HOLDOUT)
    rows = {"account_id": ["a", "b"], "created_at": [date(2026, 1, 1)] * 2, "segment": ["mid", "smb"]}
    pq.write_table(pa.table(rows), tmp_path / "accounts.parquet")

    found = CliRunner().invoke(app, ["policy", "check", str(file), "--data", str(tmp_path)])

    assert found.exit_code == 0
    warnings = " ".join(found.stderr.split())
    assert "the segment 'midd', which no account has; did you mean 'mid'? Allowed: mid, smb." in warnings
    assert "the segment 'unknown', which no account has; allowed: mid, smb." in warnings
    assert "The policy is valid" in found.stdout
    assert CliRunner().invoke(app, ["policy", "check", str(file)]).stderr == ""
