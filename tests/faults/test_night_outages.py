"""What a whole night does when something it leans on is gone: stop with nothing written, or go on and say so."""

import json
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.nights.night_home import NightHome, queue_content
from typer.testing import CliRunner

from features.errors import DataGateError, RescueError
from pipelines.cli import app
from serving.store.database import StoreUnavailableError

COMMAND = [str(Path(sys.executable).parent / "rescue"), "nightly", "--plain", "--json"]


def nightly(data: Path, home: Path, *more: str) -> dict[str, Any]:
    """One night of the real command in this process; what it raises passes through."""
    given = ["nightly", "--plain", "--json", "--data", str(data), "--home", str(home), *more]
    found = CliRunner().invoke(app.app, given)
    if isinstance(found.exception, RescueError):
        raise found.exception
    assert found.exit_code == 0, found.exception
    report: dict[str, Any] = json.loads(found.stdout)
    return report


def tomorrow(night_home: NightHome) -> str:
    """The night after the first."""
    return (night_home.first.as_of + timedelta(days=1)).isoformat()


def test_two_commands_at_once_one_writes(night_home: NightHome, tmp_path: Path) -> None:
    home = night_home.copy(tmp_path / "home")
    command = [*COMMAND, "--data", str(night_home.data), "--home", str(home), "--as-of", tomorrow(night_home)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ended = [(process.communicate(timeout=600), process.returncode) for process in running]
    wrote = [json.loads(out) for (out, _), code in ended if code == 0]
    held = [err for (_, err), code in ended if code == 1]
    assert len(wrote) + len(held) == 2
    assert [night["unchanged"] for night in wrote].count(False) == 1
    assert all("is being run by" in said for said in held)
    again = nightly(night_home.data, home, "--as-of", tomorrow(night_home))
    assert again["run_id"] == next(night["run_id"] for night in wrote if not night["unchanged"])


def test_the_database_is_down(night_home: NightHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = night_home.copy(tmp_path / "home")
    before = sorted(path for path in home.rglob("*") if path.is_file())
    monkeypatch.setenv("RESCUE_DATABASE", "postgresql+psycopg://127.0.0.1:1/rescue")
    with pytest.raises(StoreUnavailableError, match="database"):
        nightly(night_home.data, home)
    assert sorted(path for path in home.rglob("*") if path.is_file()) == before


def test_the_registry_is_down_and_the_kept_champions_score(
    night_home: NightHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = night_home.copy(tmp_path / "home")
    usual = nightly(night_home.data, night_home.copy(tmp_path / "usual"), "--as-of", tomorrow(night_home))
    monkeypatch.setenv("RESCUE_TRACKING", "http://127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    night = nightly(night_home.data, home, "--as-of", tomorrow(night_home))
    assert (night["risks"], night["decision"]) == (usual["risks"], usual["decision"])
    codes = [warning["code"] for warning in night["warnings"]]
    assert codes.count("registry_unavailable") == len(night["risks"])
    assert "registry_unavailable" not in [warning["code"] for warning in usual["warnings"]]


def test_a_source_without_one_of_its_tables_goes_on_and_says_so(night_home: NightHome, tmp_path: Path) -> None:
    home, data = night_home.copy(tmp_path / "home"), tmp_path / "data"
    (home / "rescue.db").unlink()
    shutil.copytree(night_home.data, data)
    (data / "invoices.parquet").unlink()
    night = nightly(data, home)
    assert night["missing_tables"] == ["invoices"]
    assert "invoices" not in [table["name"] for table in night["tables"]]


@pytest.mark.parametrize("gone", ["accounts.parquet", "usage_daily.parquet"])
def test_a_table_that_was_there_last_night_and_is_gone_stops_the_night(
    night_home: NightHome, tmp_path: Path, gone: str
) -> None:
    home, data = night_home.copy(tmp_path / "home"), tmp_path / "data"
    shutil.copytree(night_home.data, data)
    (data / gone).unlink()
    before = queue_content(home)
    with pytest.raises(DataGateError, match=gone.split(".", maxsplit=1)[0]):
        nightly(data, home, "--as-of", tomorrow(night_home))
    if gone == "accounts.parquet":
        assert queue_content(home) == before
