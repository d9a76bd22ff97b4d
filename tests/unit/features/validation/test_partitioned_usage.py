"""Cached results of usage: files that do not change are not read, and results that may have changed are not used."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import DataGateError
from features.frame import build
from features.history import cache_files
from features.history.history import History
from features.history.repeated_keys import RepeatedKeys
from features.validation import partitioned_usage
from features.validation.incoming_table import IncomingTable
from features.validation.validate import FileCounts
from features.validation.validation_report import ValidationReport
from pipelines.sources import open_source, validate_rows

TONIGHT = date(2026, 4, 1)
MONTHS = ("2026-01", "2026-02", "2026-03")


class Home:
    """A source with usage by month, and the folder in which a night caches its results."""

    def __init__(self, place: Path) -> None:
        self.place, self.source, self.state = place, place / "source", place / "state"
        self.nights = 0
        (self.source / "usage_daily").mkdir(parents=True)
        self.accounts("ada", "bob")
        for month in MONTHS:
            self.month(month)

    def accounts(self, *names: str) -> None:
        ids = ", ".join(f"('{name}')" for name in names)
        rows = f"SELECT id AS account_id, TIMESTAMP '2025-01-01' AS created_at FROM (VALUES {ids}) t(id)"
        duckdb.sql(rows).write_parquet(str(self.source / "accounts.parquet"))

    def file(self, month: str) -> Path:
        return self.source / "usage_daily" / f"{month}.parquet"

    def month(self, month: str, events: str = "1 + i % 7", known: str = "", who: str = "ada bob") -> None:
        """A row a day and account of a month; ``known`` is SQL of ``known_at``, where the source has it."""
        versions = f", {known} AS known_at" if known else ""
        self.rows(
            month,
            f"SELECT who AS account_id, DATE '{month}-01' + CAST(i AS INTEGER) AS day, 'core' AS feature, "
            f"CAST({events} AS BIGINT) AS events, CAST(0.1 * (i + 1) AS DOUBLE) AS minutes{versions} "
            f"FROM range(28) r(i), unnest(string_split('{who}', ' ')) t(who)",
        )

    def rows(self, name: str, sql: str) -> None:
        duckdb.sql(sql).write_parquet(str(self.file(name)))

    def night(self, state: Path | None = None) -> tuple[FileCounts, ValidationReport, pa.Table, History]:
        self.nights += 1
        scratch = self.place / f"scratch-{self.nights}"
        validation = validate_rows(open_source(str(self.source)), scratch, state=state or self.state, tolerance=1.0)
        frame = build(validation.history, [TONIGHT])
        return validation.files["usage_daily"], validation.report, frame, validation.history

    def night_as_on_a_new_home(self) -> FileCounts:
        """Run a night, check that it equals one on a new home, and return what it read."""
        files, report, frame, _ = self.night()
        _, new_report, new_frame, _ = self.night(self.place / f"empty-{self.nights}")
        assert report == new_report
        assert frame.equals(new_frame)
        return files

    def row_by_row(self) -> History:
        """A history without partitions."""
        accounts, usage = (pq.read_table(self.source / name) for name in ("accounts.parquet", "usage_daily"))
        return History.from_tables({"accounts": accounts, "usage_daily": usage})

    def cached_files(self) -> list[Path]:
        return sorted((self.state / "usage_daily").iterdir())


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_second_night_reads_no_file_of_usage(home: Home) -> None:
    assert home.night_as_on_a_new_home() == FileCounts(read=3, cached=0)
    assert home.night_as_on_a_new_home() == FileCounts(read=0, cached=3)


def test_only_a_new_month_is_read(home: Home) -> None:
    home.night()
    home.month("2026-04")
    assert home.night_as_on_a_new_home() == FileCounts(read=1, cached=3)


def test_rows_of_an_unchanged_file_are_not_read(home: Home) -> None:
    _, report, frame, _ = home.night()
    _damage(home.file("2026-02"))

    assert home.night()[1] == report
    assert home.night()[2].equals(frame)
    with pytest.raises((DataGateError, duckdb.Error)):  # a new home has to read the damaged file
        home.night(home.place / "empty")


def _damage(file: Path) -> None:
    """Overwrite all rows of a Parquet file, but not its size, time or metadata."""
    stat, content = file.stat(), bytearray(file.read_bytes())
    length = int.from_bytes(content[-8:-4], "little")
    content[4 : len(content) - 8 - length] = b"\xff" * (len(content) - 12 - length)
    file.write_bytes(content)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _altered(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def _of_another_version(content: bytes) -> bytes:
    return content.replace(cache_files.MAGIC, b"RESCUE STATE 99\n", 1)


@pytest.mark.parametrize("damage", [_truncated, _altered, _of_another_version, lambda _: b"", lambda _: b"\x00" * 500])
def test_damaged_cache_files_are_ignored(home: Home, damage: Callable[[bytes], bytes]) -> None:
    home.night()
    for file in home.cached_files():
        file.write_bytes(damage(file.read_bytes()))

    assert home.night_as_on_a_new_home() == FileCounts(read=3, cached=0)
    assert home.night_as_on_a_new_home() == FileCounts(read=0, cached=3)


def test_sums_that_are_truncated_lost_or_of_another_month_are_computed_again(home: Home) -> None:
    home.night()
    truncated, lost, other = (file for file in home.cached_files() if file.suffix == ".days")
    truncated.write_bytes(_truncated(truncated.read_bytes()))
    other.write_bytes(lost.read_bytes())
    lost.unlink()
    assert home.night_as_on_a_new_home() == FileCounts(read=0, cached=3)


def test_the_cache_of_another_source_is_not_used(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    other.month("2026-02", events="9")
    other.state = home.state
    other.night()
    assert home.night_as_on_a_new_home().read >= 1
    assert other.night_as_on_a_new_home().read >= 1


def test_a_file_that_was_touched_is_read_again(home: Home) -> None:
    home.night()
    os.utime(home.file("2026-02"))
    assert home.night_as_on_a_new_home() == FileCounts(read=1, cached=2)


@pytest.mark.parametrize("same_time", [True, False])
def test_another_content_of_the_same_size_is_read(home: Home, same_time: bool) -> None:
    home.night()
    file = home.file("2026-02")
    before = file.stat()
    home.month("2026-02", events="2 + i % 7")
    assert file.stat().st_size == before.st_size
    if same_time:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert home.night_as_on_a_new_home() == FileCounts(read=1, cached=2)


def test_rows_of_an_account_that_is_added_later_are_accepted_then(home: Home) -> None:
    home.month("2026-02", who="ada bob eve")
    home.night()
    home.accounts("ada", "bob", "eve")
    assert home.night_as_on_a_new_home() == FileCounts(read=1, cached=2)
    assert not home.night()[1].tables["usage_daily"].quarantined


def test_rows_of_an_account_that_is_removed_are_rejected_then(home: Home) -> None:
    home.month("2026-03", known="DATE '2026-03-02' + CAST(i AS INTEGER) + CASE who WHEN 'bob' THEN 9 ELSE 0 END")
    march = f"SELECT * FROM '{home.file('2026-03')}'"
    home.rows("march", f"{march} UNION ALL ({march} WHERE account_id = 'bob' LIMIT 2)")
    home.rows("april", f"SELECT * REPLACE (day + 40 AS day, known_at + INTERVAL 40 DAY AS known_at) FROM ({march})")
    home.file("2026-03").unlink()
    home.night()
    home.accounts("ada")
    assert home.night_as_on_a_new_home() == FileCounts(read=0, cached=4)
    assert home.night_as_on_a_new_home() == FileCounts(read=0, cached=4)
    home.accounts("ada", "bob")
    assert home.night_as_on_a_new_home() == FileCounts(read=4, cached=0)


def test_an_account_that_renumbers_all_others_needs_no_reading(home: Home) -> None:
    home.night()
    home.accounts("aaron", "ada", "bob")
    assert home.night_as_on_a_new_home() == FileCounts(read=0, cached=3)


def test_old_days_that_are_filled_in_later_are_read_with_what_was_there(home: Home) -> None:
    home.night()
    late = "SELECT 'ada' AS account_id, DATE '2026-02-10' AS day, 'extra' AS feature, 40 AS events"
    home.rows("late", late)
    assert home.night_as_on_a_new_home() == FileCounts(read=2, cached=2)
    assert home.night_as_on_a_new_home() == FileCounts(read=0, cached=4)


def test_the_same_row_in_another_file_is_a_duplicate_and_a_different_one_a_conflict(home: Home) -> None:
    home.night()
    home.rows("again", f"SELECT * FROM '{home.file('2026-01')}' LIMIT 1")
    home.rows("other", f"SELECT * REPLACE (77 AS events) FROM '{home.file('2026-03')}' LIMIT 1")
    assert home.night_as_on_a_new_home() == FileCounts(read=4, cached=1)
    report = home.night()[1].tables["usage_daily"]
    assert report.duplicates == 1
    assert list(report.quarantined.values()) == [2]


@pytest.mark.parametrize("most", [1, 60, 120])
def test_keys_are_compared_by_some_partitions_at_a_time(home: Home, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    home.rows("again", f"SELECT * FROM '{home.file('2026-01')}' LIMIT 1")
    home.rows("other", f"SELECT * REPLACE (77 AS events) FROM '{home.file('2026-03')}' LIMIT 1")
    whole = home.night()[1].tables["usage_daily"]
    monkeypatch.setattr(partitioned_usage, "MAX_HASHES", most)
    compared: list[list[str]] = []
    select = partitioned_usage.reject_duplicates

    def noted(incoming: IncomingTable, count: int) -> RepeatedKeys:
        compared.append([Path(file).stem for file in incoming.source.files])
        return select(incoming, count)

    monkeypatch.setattr(partitioned_usage, "reject_duplicates", noted)
    assert home.night(home.place / "empty")[1].tables["usage_daily"] == whole
    assert whole.duplicates == 1
    partitions = [["2026-01", "again"], ["2026-02"], ["2026-03", "other"]]
    assert compared == (partitions if most < 113 else [partitions[0] + partitions[1], partitions[2]])


def test_a_correction_in_a_later_file_replaces_the_row_of_an_unchanged_file(home: Home) -> None:
    for month in MONTHS:
        home.month(month, known="day + INTERVAL 30 HOUR")
    home.night()
    corrected = "* REPLACE (5000 AS events, known_at + INTERVAL 9 DAY AS known_at)"
    home.rows("corrected", f"SELECT {corrected} FROM '{home.file('2026-03')}' WHERE day = '2026-03-15'")
    assert home.night_as_on_a_new_home() == FileCounts(read=2, cached=2)
    assert home.night()[2].equals(build(home.row_by_row(), [TONIGHT]))


def test_rows_without_known_at_are_judged_by_no_other_row(home: Home) -> None:
    for month in MONTHS:
        home.month(month, known="CASE WHEN i < 20 THEN day + INTERVAL 1 HOUR END")
    assert not home.night()[1].tables["usage_daily"].quarantined
    home.month("2026-04", known="CASE WHEN i < 20 THEN day + INTERVAL 1 HOUR END")
    assert home.night_as_on_a_new_home() == FileCounts(read=1, cached=3)


def test_usage_with_words_for_empty_is_validated_as_a_whole(home: Home) -> None:
    home.night()
    home.rows("2026-04", f"SELECT *, 'NULL' AS user_id FROM '{home.file('2026-03')}' WHERE day = '2026-03-15'")
    home.month("2026-03", who="eve")
    assert home.night_as_on_a_new_home() == FileCounts(read=4, cached=0)
    assert home.night()[3].query("SELECT DISTINCT user_id FROM usage_daily").column(0).to_pylist() == [None]


def test_files_whose_columns_differ_are_one_table(home: Home) -> None:
    home.month("2026-02", known="day + INTERVAL 1 HOUR")
    home.rows("2026-03", f"SELECT * EXCLUDE minutes, 3 AS users FROM '{home.file('2026-03')}'")
    home.night_as_on_a_new_home()
    os.utime(home.file("2026-01"))
    assert home.night_as_on_a_new_home() == FileCounts(read=1, cached=2)


def test_cache_files_of_removed_files_are_removed(home: Home) -> None:
    home.night()
    assert len(home.cached_files()) == 4
    home.month("2026-02", events="3")
    home.file("2026-01").unlink()
    unfinished = home.state / "usage_daily" / ".left.days.of-an-interrupted-night"
    unfinished.write_bytes(b"half")
    home.night()
    assert len(home.cached_files()) == 3
    assert not unfinished.exists()


def test_sums_of_long_ago_are_not_cached(home: Home) -> None:
    home.night()
    assert len(home.cached_files()) == 4
    home.month("2027-06")
    home.night()
    assert [file.suffix for file in home.cached_files()] == [".state"]


def test_sums_do_not_depend_on_how_many_days_are_added_up_at_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    by_user = "* REPLACE ('core' AS feature), user_name AS user_id"
    for month in MONTHS:
        rows = f"SELECT *, 'u' || i AS user_name FROM '{home.file(month)}', range(9) u(i)"
        home.rows(month, f"SELECT {by_user} FROM ({rows})")
    expected = home.night()[2]
    monkeypatch.setattr("features.engine.daily_usage.day_sums.MAX_ROWS_SORTED", 40)
    assert home.night(home.place / "slowly")[2].equals(expected)
    assert max(expected["usage_minutes_90d"].to_pylist()) > 9


def test_nights_at_the_same_time_share_the_cache(home: Home) -> None:
    expected = home.night(home.place / "empty")[2]
    with ThreadPoolExecutor(4) as pool:
        frames = list(pool.map(lambda _: home.night()[2], range(8)))
    assert all(frame.equals(expected) for frame in frames)
    assert home.night_as_on_a_new_home() == FileCounts(read=0, cached=3)


def test_a_cache_that_cannot_be_written_only_costs_time(home: Home) -> None:
    home.state.write_text("a file where the folder should")
    assert home.night_as_on_a_new_home() == FileCounts(read=3, cached=0)
    assert home.night_as_on_a_new_home() == FileCounts(read=3, cached=0)


def test_a_single_file_has_no_partitions(home: Home) -> None:
    for month in MONTHS[1:]:
        home.file(month).unlink()
    assert home.night_as_on_a_new_home() == FileCounts(read=1, cached=0)
    assert home.night_as_on_a_new_home() == FileCounts(read=0, cached=1)
    home.month(MONTHS[0], events="2")
    assert home.night_as_on_a_new_home() == FileCounts(read=1, cached=0)


def test_a_cutoff_in_the_past_sees_only_rows_known_then(home: Home) -> None:
    for month in MONTHS:
        home.month(month, known="day + INTERVAL 50 HOUR")
    *_, history = home.night()
    plain = home.row_by_row()
    for back in (0, 1, 2, 20, 45):
        day = TONIGHT - timedelta(days=back)
        assert build(history, [day]).equals(build(plain, [day]))
