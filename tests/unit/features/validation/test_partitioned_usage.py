"""What is kept of usage from one night to the next: files that do not change are not read, and nothing kept is believed
that may not hold."""

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
from features.validation.validate import FileCounts
from features.validation.validation_report import ValidationReport
from pipelines.sources import examined, open_source

TONIGHT = date(2026, 4, 1)
MONTHS = ("2026-01", "2026-02", "2026-03")


class House:
    """A source with usage by month, and the folder in which a night keeps what it found."""

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
        """A row a day and account of a month; ``known`` is SQL of ``known_at``, where the source tells it."""
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
        admission = examined(open_source(str(self.source)), scratch, state=state or self.state, tolerance=1.0)
        frame = build(admission.history, [TONIGHT])
        return admission.files["usage_daily"], admission.report, frame, admission.history

    def as_on_an_empty_home(self) -> FileCounts:
        """Run a night, hold it to one on an empty home, and tell what it read."""
        files, report, frame, _ = self.night()
        _, afresh, rebuilt, _ = self.night(self.place / f"empty-{self.nights}")
        assert report == afresh
        assert frame.equals(rebuilt)
        return files

    def row_by_row(self) -> History:
        """A history that knows nothing of files."""
        accounts, usage = (pq.read_table(self.source / name) for name in ("accounts.parquet", "usage_daily"))
        return History.from_tables({"accounts": accounts, "usage_daily": usage})

    def kept(self) -> list[Path]:
        return sorted((self.state / "usage_daily").iterdir())


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_second_night_reads_no_file_of_usage(house: House) -> None:
    assert house.as_on_an_empty_home() == FileCounts(read=3, cached=0)
    assert house.as_on_an_empty_home() == FileCounts(read=0, cached=3)


def test_a_new_month_is_all_that_is_read(house: House) -> None:
    house.night()
    house.month("2026-04")
    assert house.as_on_an_empty_home() == FileCounts(read=1, cached=3)


def test_rows_of_a_file_that_stands_are_never_looked_at(house: House) -> None:
    _, report, frame, _ = house.night()
    _spoil(house.file("2026-02"))

    assert house.night()[1] == report
    assert house.night()[2].equals(frame)
    with pytest.raises((DataGateError, duckdb.Error)):  # who has to read it sees that it is spoilt
        house.night(house.place / "empty")


def _spoil(file: Path) -> None:
    """Overwrite all rows of a Parquet file, so that it looks from outside as it did."""
    stat, content = file.stat(), bytearray(file.read_bytes())
    length = int.from_bytes(content[-8:-4], "little")
    content[4 : len(content) - 8 - length] = b"\xff" * (len(content) - 12 - length)
    file.write_bytes(content)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _torn(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _altered(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def _of_another_version(content: bytes) -> bytes:
    return content.replace(cache_files.MAGIC, b"RESCUE STATE 99\n", 1)


@pytest.mark.parametrize("damage", [_torn, _altered, _of_another_version, lambda _: b"", lambda _: b"\x00" * 500])
def test_damaged_state_is_no_state(house: House, damage: Callable[[bytes], bytes]) -> None:
    house.night()
    for file in house.kept():
        file.write_bytes(damage(file.read_bytes()))

    assert house.as_on_an_empty_home() == FileCounts(read=3, cached=0)
    assert house.as_on_an_empty_home() == FileCounts(read=0, cached=3)


def test_sums_that_are_torn_lost_or_those_of_another_month_are_made_again(house: House) -> None:
    house.night()
    torn, lost, other = (file for file in house.kept() if file.suffix == ".days")
    torn.write_bytes(_torn(torn.read_bytes()))
    other.write_bytes(lost.read_bytes())
    lost.unlink()
    assert house.as_on_an_empty_home() == FileCounts(read=0, cached=3)


def test_the_state_of_another_source_is_no_state(house: House, tmp_path: Path) -> None:
    other = House(tmp_path / "other")
    other.month("2026-02", events="9")
    other.state = house.state
    other.night()
    assert house.as_on_an_empty_home().read >= 1
    assert other.as_on_an_empty_home().read >= 1


def test_a_file_that_was_touched_is_read_again(house: House) -> None:
    house.night()
    os.utime(house.file("2026-02"))
    assert house.as_on_an_empty_home() == FileCounts(read=1, cached=2)


@pytest.mark.parametrize("same_time", [True, False])
def test_another_content_of_the_same_size_is_read(house: House, same_time: bool) -> None:
    house.night()
    file = house.file("2026-02")
    before = file.stat()
    house.month("2026-02", events="2 + i % 7")
    assert file.stat().st_size == before.st_size
    if same_time:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert house.as_on_an_empty_home() == FileCounts(read=1, cached=2)


def test_rows_of_an_account_that_comes_later_are_admitted_then(house: House) -> None:
    house.month("2026-02", who="ada bob eve")
    house.night()
    house.accounts("ada", "bob", "eve")
    assert house.as_on_an_empty_home() == FileCounts(read=1, cached=2)
    assert not house.night()[1].tables["usage_daily"].quarantined


def test_rows_of_an_account_that_goes_are_refused_then(house: House) -> None:
    house.night()
    house.accounts("ada")
    assert house.as_on_an_empty_home() == FileCounts(read=3, cached=0)


def test_an_account_that_shifts_all_others_costs_no_reading(house: House) -> None:
    house.night()
    house.accounts("aaron", "ada", "bob")
    assert house.as_on_an_empty_home() == FileCounts(read=0, cached=3)


def test_old_days_that_are_filled_in_later_are_read_with_what_was_there(house: House) -> None:
    house.night()
    late = "SELECT 'ada' AS account_id, DATE '2026-02-10' AS day, 'extra' AS feature, 40 AS events"
    house.rows("late", late)
    assert house.as_on_an_empty_home() == FileCounts(read=2, cached=2)
    assert house.as_on_an_empty_home() == FileCounts(read=0, cached=4)


def test_a_row_that_comes_again_in_another_file_is_a_repeat_and_another_one_a_conflict(house: House) -> None:
    house.night()
    house.rows("again", f"SELECT * FROM '{house.file('2026-01')}' LIMIT 1")
    house.rows("other", f"SELECT * REPLACE (77 AS events) FROM '{house.file('2026-03')}' LIMIT 1")
    assert house.as_on_an_empty_home() == FileCounts(read=4, cached=1)
    told = house.night()[1].tables["usage_daily"]
    assert told.duplicates == 1
    assert list(told.quarantined.values()) == [2]


def test_a_correction_in_a_later_file_replaces_the_row_of_a_file_that_stood(house: House) -> None:
    for month in MONTHS:
        house.month(month, known="day + INTERVAL 30 HOUR")
    house.night()
    corrected = "* REPLACE (5000 AS events, known_at + INTERVAL 9 DAY AS known_at)"
    house.rows("corrected", f"SELECT {corrected} FROM '{house.file('2026-03')}' WHERE day = '2026-03-15'")
    assert house.as_on_an_empty_home() == FileCounts(read=2, cached=2)
    assert house.night()[2].equals(build(house.row_by_row(), [TONIGHT]))


def test_rows_that_wait_for_the_clock_are_judged_when_it_moves(house: House) -> None:
    for month in MONTHS:
        house.month(month, known="CASE WHEN i < 20 THEN day + INTERVAL 1 HOUR END")
    assert house.night()[1].tables["usage_daily"].quarantined  # the last days of March: later than all that was known
    house.month("2026-04", known="CASE WHEN i < 20 THEN day + INTERVAL 1 HOUR END")
    assert house.as_on_an_empty_home() == FileCounts(read=2, cached=2)


def test_files_whose_columns_differ_are_one_table(house: House) -> None:
    house.month("2026-02", known="day + INTERVAL 1 HOUR")
    house.rows("2026-03", f"SELECT * EXCLUDE minutes, 3 AS users FROM '{house.file('2026-03')}'")
    house.as_on_an_empty_home()
    os.utime(house.file("2026-01"))
    assert house.as_on_an_empty_home() == FileCounts(read=1, cached=2)


def test_what_the_source_has_no_more_is_dropped(house: House) -> None:
    house.night()
    assert len(house.kept()) == 4
    house.month("2026-02", events="3")
    house.file("2026-01").unlink()
    half = house.state / "usage_daily" / ".left.days.by-a-night-that-died"
    half.write_bytes(b"half")
    house.night()
    assert len(house.kept()) == 3
    assert not half.exists()


def test_sums_of_long_ago_are_not_kept(house: House) -> None:
    house.night()
    assert len(house.kept()) == 4
    house.month("2027-06")
    house.night()
    assert [file.suffix for file in house.kept()] == [".state"]


def test_sums_are_the_same_however_many_days_are_added_up_at_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_user = "* REPLACE ('core' AS feature), user_name AS user_id"
    for month in MONTHS:
        rows = f"SELECT *, 'u' || i AS user_name FROM '{house.file(month)}', range(9) u(i)"
        house.rows(month, f"SELECT {by_user} FROM ({rows})")
    expected = house.night()[2]
    monkeypatch.setattr("features.engine.daily_usage.day_sums.MAX_ROWS_SORTED", 40)
    assert house.night(house.place / "slowly")[2].equals(expected)
    assert max(expected["usage_minutes_90d"].to_pylist()) > 9


def test_nights_at_once_keep_one_another_right(house: House) -> None:
    expected = house.night(house.place / "empty")[2]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: house.night()[2], range(8)))
    assert all(frame.equals(expected) for frame in found)
    assert house.as_on_an_empty_home() == FileCounts(read=0, cached=3)


def test_a_state_that_cannot_be_written_costs_time_and_nothing_else(house: House) -> None:
    house.state.write_text("a file stands where the folder should")
    assert house.as_on_an_empty_home() == FileCounts(read=3, cached=0)
    assert house.as_on_an_empty_home() == FileCounts(read=3, cached=0)


def test_one_file_is_judged_whole(house: House) -> None:
    for month in MONTHS[1:]:
        house.file(month).unlink()
    assert house.as_on_an_empty_home() == FileCounts(read=1, cached=0)
    assert house.as_on_an_empty_home() == FileCounts(read=0, cached=1)
    house.month(MONTHS[0], events="2")
    assert house.as_on_an_empty_home() == FileCounts(read=1, cached=0)


def test_a_cutoff_in_the_past_sees_what_was_known_then(house: House) -> None:
    for month in MONTHS:
        house.month(month, known="day + INTERVAL 50 HOUR")
    *_, history = house.night()
    plain = house.row_by_row()
    for back in (0, 1, 2, 20, 45):
        day = TONIGHT - timedelta(days=back)
        assert build(history, [day]).equals(build(plain, [day]))
