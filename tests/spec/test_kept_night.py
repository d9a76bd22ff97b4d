"""A night of usage by month: it reads what is new, says so, and decides as it would have without what it kept."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
from support.nights.night_home import NightHome, timeless
from typer.testing import CliRunner

from pipelines.cli import app


def nightly(data: Path, home: Path, *more: str) -> str:
    found = CliRunner().invoke(app.app, ["nightly", "--plain", "--data", str(data), "--home", str(home), *more])
    assert found.exit_code == 0, found.output
    return found.stdout


def by_month(data: Path, to: Path) -> Path:
    """The same source with its usage in a folder of months."""
    shutil.copytree(data, to)
    rows = f"SELECT *, strftime(day, '%Y-%m') AS month FROM '{to / 'usage_daily.parquet'}'"
    duckdb.execute(f"COPY ({rows}) TO '{to / 'usage_daily'}' (FORMAT parquet, PARTITION_BY (month))")
    (to / "usage_daily.parquet").unlink()
    return to


def test_a_night_reads_the_files_of_usage_that_are_new_and_decides_the_same(
    night_home: NightHome, tmp_path: Path
) -> None:
    data, home = by_month(night_home.data, tmp_path / "data"), night_home.copy(tmp_path / "home")
    months = len(list((data / "usage_daily").rglob("*.parquet")))
    second, third = (str(night_home.first.as_of + timedelta(days=days)) for days in (1, 2))
    told = json.loads(nightly(data, home, "--json", "--as-of", second))
    assert told["files"]["usage_daily"] == {"read": months, "kept": 0}
    assert told["files"]["tickets"] == {"read": 0, "kept": 1}  # as it was in the first night

    bare = shutil.copytree(home, tmp_path / "bare")
    shutil.rmtree(bare / "state")
    kept, rebuilt = (json.loads(nightly(data, place, "--json", "--as-of", third)) for place in (home, bare))

    assert kept["files"]["usage_daily"] == {"read": 0, "kept": months}
    assert rebuilt["files"]["usage_daily"] == {"read": months, "kept": 0}
    assert (kept["files"]["tickets"], rebuilt["files"]["tickets"]) == ({"read": 0, "kept": 1}, {"read": 1, "kept": 0})
    for name in ("tables", "scored", "not_scored", "counts"):
        assert kept[name] == rebuilt[name]
    assert timeless(kept["queue"]) == timeless(rebuilt["queue"])


def test_the_page_of_a_night_says_how_many_files_were_read(night_home: NightHome, tmp_path: Path) -> None:
    data, home = by_month(night_home.data, tmp_path / "data"), night_home.copy(tmp_path / "home")
    second, third = (str(night_home.first.as_of + timedelta(days=days)) for days in (1, 2))
    assert "usage_daily" not in _unread(nightly(data, home, "--as-of", second))
    months = sorted((data / "usage_daily").rglob("*.parquet"))
    shutil.copyfile(months[0], months[0].with_name("again.parquet"))
    told = _unread(nightly(data, home, "--as-of", third))
    assert f"usage_daily ({len(months) - 1} of {len(months) + 1} files)" in told
    assert "tickets, ticket_events" in told


def _unread(page: str) -> str:
    """What a page says of files that were not read."""
    return " ".join(page.split()).partition("Not checked again, unchanged since they were: ")[2].partition(". ")[0]
