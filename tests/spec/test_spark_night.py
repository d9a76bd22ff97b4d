"""Spark in place of the embedded engine: the same night, the same file, and one sentence where it cannot start."""

import json
import sqlite3
import sys
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.nights.compared_nights import assert_same_night, hand_offs, near, quarantine, write_open_policy
from support.nights.night_home import NightHome
from support.worlds.factories import Story
from typer.testing import CliRunner

from features.engine.spark.spark_session import java_is_missing
from pipelines import settings as configuration
from pipelines.cli import app
from pipelines.console import Steps
from pipelines.night.night import run_nights
from pipelines.step_runner import plain_runner
from serving.night_report.report_schema import NightReport

needs_java = pytest.mark.skipif(java_is_missing(), reason="Spark needs Java 17, and there is none: run `make system`")

LEFT_BY_SPARK = {"spark-warehouse", "metastore_db", "derby.log", "artifacts"}


def second_night(night_home: NightHome, home: Path, engine: str) -> NightReport:
    """The report of the night after the first, in a copy of its home."""
    night_home.copy(home)
    tomorrow = night_home.first.as_of + timedelta(days=1)
    steps = Steps(quiet=True)
    policy = write_open_policy(home / "policy.toml")
    settings = configuration.load(data=str(night_home.data), home=home, engine=engine, policy=policy)
    (report,) = run_nights(settings, tomorrow, plain_runner(steps), steps)
    return report


@pytest.mark.spark
@pytest.mark.soak
@needs_java
def test_a_night_by_spark_gives_the_same_scores_and_queue(night_home: NightHome, tmp_path: Path) -> None:
    here, there = tmp_path / "duckdb", tmp_path / "spark"
    embedded, spark = second_night(night_home, here, "duckdb"), second_night(night_home, there, "spark")
    assert_same_night(there, spark, here, embedded)
    packages = hand_offs(here, embedded.as_of)
    assert len({risk for _, risk, _ in packages}) > 1 and len(packages) > 10
    assert quarantine(there) == quarantine(here)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A folder of four small tables."""
    story = Story().accounts("acme", "bolt", created_at="2023-06-01").subscription("acme", "2023-06-01", mrr=900.0)
    story.usage("acme", "2024-01-20", days=40, events=7).usage("bolt", "2024-02-01", days=3)
    story.ticket("bolt", "2024-02-10", priority="high").event(kind="escalated", at="2024-02-11")
    folder = tmp_path / "data"
    folder.mkdir()
    for name, rows in story.tables().items():
        pq.write_table(rows, folder / f"{name}.parquet")
    return folder


def written(data: Path, to: Path, engine: str) -> list[dict[str, object]]:
    """The rows of the file that ``rescue features`` writes at two cutoffs."""
    asked = ["features", "--data", str(data), "--out", str(to), "--engine", engine]
    found = CliRunner().invoke(app.app, [*asked, "--as-of", "2024-02-20", "--as-of", "2024-03-01"])
    assert found.exception is None, found.exception
    rows: list[dict[str, object]] = pq.read_table(to).to_pylist()
    return rows


@pytest.mark.spark
@pytest.mark.soak
@needs_java
def test_the_command_writes_the_same_file_and_leaves_no_other(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    expected = written(tiny, tmp_path / "duckdb.parquet", "duckdb")
    found = written(tiny, tmp_path / "spark.parquet", "spark")
    assert {(row["account_id"], row["as_of"]) for row in found} == {
        (account, day) for account in ("acme", "bolt") for day in (date(2024, 2, 20), date(2024, 3, 1))
    }
    assert near(found, expected)
    assert {path.name for path in tmp_path.iterdir()} == {"data", "duckdb.parquet", "spark.parquet"}
    assert not LEFT_BY_SPARK & {path.name for path in Path(app.__file__).parents[1].iterdir()}


def refusal(data: Path, to: Path) -> str:
    """The sentence with which the command refuses, having written nothing."""
    found = CliRunner().invoke(app.app, ["features", "--data", str(data), "--out", str(to), "--engine", "spark"])
    assert isinstance(found.exception, app.RescueError)
    assert found.exception.exit_code == 2
    assert not to.exists()
    return str(found.exception)


def test_without_java_one_sentence_says_what_to_do(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed: uv sync --all-extras")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("RESCUE_SPARK_MASTER", "local[1]")  # no engine of this process runs there yet
    said = refusal(tiny, tmp_path / "out.parquet")
    assert said == "The engine spark needs Java 17 on this machine: install it (make system), or name a server."


def test_without_pyspark_one_sentence_says_what_to_install(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    monkeypatch.setenv("RESCUE_SPARK_MASTER", "local[1]")
    said = refusal(tiny, tmp_path / "out.parquet")
    assert said.startswith("The engine spark needs an extra that is not installed: ")
    assert said.endswith("uv sync --frozen --inexact --no-dev --extra spark`.")


def test_a_night_without_java_leaves_the_queue_as_it_was(
    night_home: NightHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed: uv sync --all-extras")
    home = night_home.copy(tmp_path / "home")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("RESCUE_ENGINE", "spark")
    monkeypatch.setenv("RESCUE_SPARK_MASTER", "local[1]")
    tomorrow = (night_home.first.as_of + timedelta(days=1)).isoformat()
    asked = ["nightly", "--plain", "--data", str(night_home.data), "--home", str(home), "--as-of", tomorrow]
    found = CliRunner().invoke(app.app, asked)
    assert isinstance(found.exception, app.RescueError)
    assert (found.exception.exit_code, "needs Java 17" in str(found.exception)) == (2, True)
    with sqlite3.connect(home / "rescue.db") as queue:
        (written,) = queue.execute("SELECT count(*) FROM scores WHERE as_of = ?", [tomorrow]).fetchone()
    queue.close()
    assert written == 0
    assert not (home / "nights" / tomorrow / "report.json").exists()
    assert json.loads((home / "nights" / night_home.first.as_of.isoformat() / "report.json").read_text())
