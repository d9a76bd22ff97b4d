"""A word that is not known ends a command with 2, and the message names the nearest word and all allowed ones."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from features.errors import UsageError
from pipelines.cli.app import app


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("features", "--out", "x.parquet", "--engine", "sparc"),
            "The setting engine cannot be 'sparc'; did you mean 'spark'? Allowed: duckdb, spark.",
        ),
        (
            ("queue", "show", "case", "--format", "htm"),
            "--format cannot be 'htm'; did you mean 'html'? Allowed: html, json, markdown.",
        ),
        (("backtest", "--before", "May"), "--before takes a date such as 2026-03-01, not 'May'."),
        (("replay", "--from", "2026-02-30", "--to", "2026-03-01"), "--from takes a date such as 2026-03-01"),
    ],
)
def test_a_wrong_option_is_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert str(refused.value).startswith(message)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('promot = "never"', "There is no setting promot; did you mean 'promote'?"),
        ('promote = "nver"', "The setting promote cannot be 'nver'; did you mean 'never'? Allowed: gate, never."),
        ("tolerance = 2", "The setting tolerance.default must be a share from 0 to 1, not 2.0."),
        ('timezone = "Europe/Berln"', "The setting timezone cannot be 'Europe/Berln'; did you mean 'Europe/Berlin'?"),
        ('[review]\nauht = "local"', "There is no setting review.auht; did you mean 'auth'?"),
    ],
)
def test_a_wrong_setting_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, message: str) -> None:
    file = tmp_path / "rescue.toml"
    file.write_text(f"{line}\n")
    monkeypatch.setenv("RESCUE_CONFIG", str(file))
    with pytest.raises(UsageError) as refused:
        CliRunner().invoke(app, ["check"], catch_exceptions=False)
    assert str(refused.value).startswith(f"{file}: {message}")


def test_an_unknown_command_names_the_nearest() -> None:
    found = CliRunner().invoke(app, ["nightl"])
    assert found.exit_code == 2
    assert "Did you mean 'nightly'" in found.output
