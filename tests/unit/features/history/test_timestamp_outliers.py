"""Rows long after everything else are reported by table, and accepted."""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
from support.worlds.factories import Story

from features.history.timestamp_outliers import TimestampOutliers, find_timestamp_outliers
from features.source_table import SourceTable
from features.validation.validate import validate_tables

START = date(2025, 1, 1)
AHEAD = date(2026, 4, 1)


def daily_scores() -> Story:
    story = Story().account("acme")
    for day in range(90):
        story.health("acme", str(START + timedelta(days=day)), 50.0)
    return story


def test_rows_after_the_end_are_counted_by_table() -> None:
    story = daily_scores().ticket("acme", "2025-02-01", known_at=str(AHEAD))
    story.ticket("acme", "2025-02-02", known_at="2026-04-03").invoice("acme", "2025-02-01", known_at="2026-04-03")
    assert find_timestamp_outliers(story.history()) == (
        TimestampOutliers("invoices", 1, date(2026, 4, 3), date(2026, 4, 3)),
        TimestampOutliers("tickets", 2, AHEAD, date(2026, 4, 3)),
    )


def test_a_source_without_outliers_has_none() -> None:
    assert find_timestamp_outliers(daily_scores().history()) == ()


def test_days_are_texts_in_json() -> None:
    outliers = TimestampOutliers("tickets", 2, AHEAD, date(2026, 4, 3))
    assert outliers.as_json() == {"table": "tickets", "rows": 2, "first": "2026-04-01", "last": "2026-04-03"}


def test_an_outlier_in_one_of_several_files_of_usage_is_found_too(tmp_path: Path) -> None:
    story = daily_scores().usage("acme", "2025-01-10", days=5, known_at="2025-02-01")
    late = Story().usage("acme", "2025-02-10", known_at="2025-03-01").usage("acme", "2025-02-11", known_at=str(AHEAD))
    files = {name: [rows] for name, rows in story.tables().items()}
    files["usage_daily"].append(late.tables()["usage_daily"])
    sources = []
    for name, parts in files.items():
        paths = [str(tmp_path / f"{name}-{number}.parquet") for number in range(len(parts))]
        for path, rows in zip(paths, parts, strict=True):
            pq.write_table(rows, path)
        fingerprints = {path: path for path in paths}
        sources.append(SourceTable(name, tuple(paths), labels=fingerprints, fingerprints=fingerprints))
    report = validate_tables(duckdb.connect(), sources, scratch=tmp_path / "scratch").report
    assert report.timestamp_outliers == (TimestampOutliers("usage_daily", 1, AHEAD, AHEAD),)
    assert report.problems == ()
