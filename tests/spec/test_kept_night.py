"""A night of usage by month: it reads what is new, says so, and decides as it would have without what it kept."""

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
from support.nights.night_home import NightHome, timeless
from typer.testing import CliRunner

from pipelines.cli import app


def nightly(data: Path, home: Path, *more: str) -> str:
    found = CliRunner().invoke(app.app, ["nightly", "--plain", "--data", str(data), "--home", str(home), *more])
    assert found.exit_code == 0, found.output
    return found.stdout


def files(report: dict[str, Any], name: str) -> tuple[int, int]:
    """The files of a table that were read, and those that were not because they have not changed."""
    (table,) = [table for table in report["tables"] if table["name"] == name]
    return table["files_read"], table["files_cached"]


def rows(table: dict[str, Any]) -> dict[str, Any]:
    """What a report says of a table's rows."""
    return {key: value for key, value in table.items() if not key.startswith("files_")}


def by_month(data: Path, to: Path) -> Path:
    """The same source with its usage in a folder of months."""
    shutil.copytree(data, to)
    selected = f"SELECT *, strftime(day, '%Y-%m') AS month FROM '{to / 'usage_daily.parquet'}'"
    duckdb.execute(f"COPY ({selected}) TO '{to / 'usage_daily'}' (FORMAT parquet, PARTITION_BY (month))")
    (to / "usage_daily.parquet").unlink()
    return to


def test_a_night_reads_the_files_of_usage_that_are_new_and_decides_the_same(
    night_home: NightHome, tmp_path: Path
) -> None:
    data, home = by_month(night_home.data, tmp_path / "data"), night_home.copy(tmp_path / "home")
    months = len(list((data / "usage_daily").rglob("*.parquet")))
    second, third = (str(night_home.first.as_of + timedelta(days=days)) for days in (1, 2))
    report = json.loads(nightly(data, home, "--json", "--as-of", second))
    assert files(report, "usage_daily") == (months, 0)
    assert files(report, "tickets") == (0, 1)  # as it was in the first night

    bare = shutil.copytree(home, tmp_path / "bare")
    shutil.rmtree(bare / "state")
    kept, rebuilt = (json.loads(nightly(data, place, "--json", "--as-of", third)) for place in (home, bare))

    assert (files(kept, "usage_daily"), files(rebuilt, "usage_daily")) == ((0, months), (months, 0))
    assert (files(kept, "tickets"), files(rebuilt, "tickets")) == ((0, 1), (1, 0))
    for name in ("risks", "decision", "cases"):
        assert kept[name] == rebuilt[name]
    assert [rows(table) for table in kept["tables"]] == [rows(table) for table in rebuilt["tables"]]
    assert timeless(kept["queue"]) == timeless(rebuilt["queue"])


def test_the_page_of_a_night_says_how_many_files_were_read(night_home: NightHome, tmp_path: Path) -> None:
    data, home = by_month(night_home.data, tmp_path / "data"), night_home.copy(tmp_path / "home")
    second, third = (str(night_home.first.as_of + timedelta(days=days)) for days in (1, 2))
    assert "usage_daily" not in _unread(nightly(data, home, "--as-of", second))
    months = sorted((data / "usage_daily").rglob("*.parquet"))
    shutil.copyfile(months[0], months[0].with_name("again.parquet"))
    text = _unread(nightly(data, home, "--as-of", third))
    assert f"usage_daily ({len(months) - 1} of {len(months) + 1} files)" in text
    assert "tickets, ticket_events" in text


def _unread(page: str) -> str:
    """What a page says of files that were not read."""
    return (
        " ".join(page.split())
        .partition("Unchanged since they were last read, so not read again: ")[2]
        .partition(". ")[0]
    )
