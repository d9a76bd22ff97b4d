"""A segment or a region that no account has is told when the policy is held against a source."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from support.nights.policy_factory import POLICY, policy
from typer.testing import CliRunner

from pipelines.cli.app import app
from serving.policy.definition.unknown_names import misfits

HOLDOUT = """
[holdout]
share = 0.2
salt = "s"
by_segment = {midd = 0.1, smb = 0.0, unknown = 0.3}
"""
REGIONS = 'capacity = 2\nregions = ["EMEA"]'


def test_names_that_no_account_has_are_told_with_the_nearest() -> None:
    by = policy(HOLDOUT + '[routing.languages]\nFR = "fr"\n', capacity=REGIONS)
    assert misfits(by.rules, ["smb", "mid", None], ["DE", None]) == (
        "The policy's [holdout] by_segment names the segment 'midd', which no account has (did you mean mid?)",
        "The policy's [squads.care] regions names the region 'EMEA', which no account has (there are DE)",
        "The policy's [routing.languages] names the region 'FR', which no account has (there are DE)",
    )
    assert misfits(by.rules, ["smb", "midd", ""], ["EMEA", "FR"]) == ()
    assert misfits(policy().rules, [], []) == ()


def test_a_check_against_a_source_warns_and_the_policy_is_sound_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text(POLICY + HOLDOUT)
    rows = {"account_id": ["a", "b"], "created_at": [date(2026, 1, 1)] * 2, "segment": ["mid", "smb"]}
    pq.write_table(pa.table(rows), tmp_path / "accounts.parquet")

    found = CliRunner().invoke(app, ["policy", "check", str(file), "--data", str(tmp_path)])

    assert found.exit_code == 0
    told = " ".join(found.stderr.split())
    assert "the segment 'midd', which no account has (did you mean mid?)." in told
    assert "the segment 'unknown', which no account has (there are mid, smb)." in told
    assert "The policy is sound" in found.stdout
    assert CliRunner().invoke(app, ["policy", "check", str(file)]).stderr == ""
