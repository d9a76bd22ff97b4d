"""Spark in place of the embedded engine: the same night, the same file, and one sentence where it cannot start."""

import json
import math
import re
import sqlite3
import sys
from contextlib import closing
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.nights.night_home import NightHome, timeless
from support.worlds.factories import Story
from typer.testing import CliRunner

from features.engine.spark.spark_session import java_is_missing
from pipelines import settings as configuration
from pipelines.cli import app
from pipelines.console import Steps
from pipelines.night.night import run_nights
from pipelines.step_runner import plain_runner
from serving.handoff.package import Handoff
from serving.handoff.render import markdown
from serving.night_report.report_schema import NightReport, TableRows

needs_java = pytest.mark.skipif(java_is_missing(), reason="Spark needs Java 17, and there is none: run `make system`")

SCORES = "SELECT account_id, risk, probability, rank_score, quality FROM scores WHERE as_of = ? ORDER BY 1, 2"
HANDOFFS = (
    "SELECT account_id, risk, lane, content FROM handoffs JOIN cases ON cases.id = handoffs.case_id WHERE as_of = ?"
)
LEFT_BY_SPARK = {"spark-warehouse", "metastore_db", "derby.log", "artifacts"}


def near(found: object, expected: object) -> bool:
    """The same to a billionth, whatever lies inside."""
    if isinstance(found, float) and isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(near(found[key], expected[key]) for key in found)
    if isinstance(found, list | tuple) and isinstance(expected, list | tuple):
        return len(found) == len(expected) and all(map(near, found, expected))
    return found == expected


def second_night(night_home: NightHome, home: Path, engine: str) -> tuple[NightReport, list[tuple[object, ...]]]:
    """The night after the first, in a copy of its home: its report and every score that it wrote.

    Its policy raises accounts at a low risk and has room for all of them.
    """
    night_home.copy(home)
    tomorrow = night_home.first.as_of + timedelta(days=1)
    steps = Steps(quiet=True)
    policy = home / "policy.toml"
    text = files("serving.policy.definition").joinpath("policy.default.toml").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^(enter|min_probability) = .*", r"\1 = 0.01", text)
    text = re.sub(r"(?m)^leave = .*", "leave = 0.005", text)
    policy.write_text(re.sub(r"(?m)^capacity = .*", "capacity = 40", text), encoding="utf-8")
    settings = configuration.load(data=str(night_home.data), home=home, engine=engine, policy=policy)
    (report,) = run_nights(settings, tomorrow, plain_runner(steps), steps)
    with sqlite3.connect(home / "rescue.db") as queue:
        scores = queue.execute(SCORES, [tomorrow.isoformat()]).fetchall()
    queue.close()
    return report, scores


def cases(report: NightReport) -> list[dict[str, object]]:
    """The queue without the ids, which are drawn anew in each home, and the clocks."""
    return [
        {key: value for key, value in case.items() if key != "case_id"}
        for case in timeless(case.model_dump() for case in report.queue)
    ]


def hand_offs(home: Path, night: date) -> dict[tuple[str, str, str], Handoff]:
    """The frozen packages of a night, by account, risk and lane."""
    with closing(sqlite3.connect(home / "rescue.db")) as queue:
        rows = queue.execute(HANDOFFS, [night.isoformat()]).fetchall()
    return {(account, risk, lane): Handoff.model_validate_json(text) for account, risk, lane, text in rows}


def counted(table: TableRows) -> tuple[object, ...]:
    """What happened to a table's rows; a cluster caches no results about files."""
    return table.name, table.rows, table.accepted, table.duplicates, table.quarantined


def quarantine(home: Path) -> dict[str, list[dict[str, object]]]:
    """The bad rows of the nights of a home, by file."""
    files = sorted((home / "nights").glob("*/quarantine/*.parquet"))
    return {str(file.relative_to(home)): pq.read_table(file).to_pylist() for file in files}


@pytest.mark.spark
@pytest.mark.soak
@needs_java
def test_a_night_by_spark_gives_the_same_scores_and_queue(night_home: NightHome, tmp_path: Path) -> None:
    embedded, expected = second_night(night_home, tmp_path / "duckdb", "duckdb")
    spark, found = second_night(night_home, tmp_path / "spark", "spark")
    assert len(found) == sum(risk.scored for risk in embedded.risks) > 100
    assert near(found, expected)
    assert near(cases(spark), cases(embedded))
    written, given = (hand_offs(tmp_path / name, embedded.as_of) for name in ("spark", "duckdb"))
    assert written.keys() == given.keys()
    assert len({risk for _, risk, _ in given}) > 1 and len(given) > 10
    for key, package in given.items():
        assert near(written[key].model_dump(), package.model_dump()), key
        assert markdown(written[key]) == markdown(package), key
    assert (spark.risks, spark.decision, spark.feeds) == (embedded.risks, embedded.decision, embedded.feeds)
    assert [counted(table) for table in spark.tables] == [counted(table) for table in embedded.tables]
    assert sum(sum(table.quarantined.values()) for table in embedded.tables) > 0
    assert quarantine(tmp_path / "spark") == quarantine(tmp_path / "duckdb")


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
