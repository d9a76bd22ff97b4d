import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import RescueError, UsageError
from features.progress import listening
from features.source_table import SourceTable
from pipelines.disk_use import DiskNeed, check_disk

MILLION = {"accounts": 1_600_000, "usage_daily": 475_000_000, "ticket_events": 92_000_000}


class Heard:
    """What the user sees."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def show_share(self, share: float) -> None:
        """Nothing: a disk has no progress."""

    def show_line(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def heard() -> Iterator[Heard]:
    listener = Heard()
    with listening(listener):
        yield listener


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def only(size: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=size))

    return only


def test_a_small_source_is_not_worth_a_line(tmp_path: Path, heard: Heard) -> None:
    assert check_disk(DiskNeed.of({"accounts": 10_000, "tickets": 100_000}, by_ranges=False), tmp_path, tmp_path)
    assert heard.lines == []


def test_a_large_source_says_what_it_needs_and_what_is_free(
    tmp_path: Path, heard: Heard, free: Callable[[int], None]
) -> None:
    free(48 * 10**9)
    assert check_disk(DiskNeed.of(MILLION, by_ranges=True), tmp_path, tmp_path)
    (line,) = heard.lines
    assert line.startswith(f"Disk: about 9.3 GB in {tmp_path} and 4.1 GB in ")
    assert line.endswith("; 48 GB free")


def test_what_is_kept_already_is_not_needed_again() -> None:
    first = DiskNeed.of(MILLION, by_ranges=True)
    assert DiskNeed.of(MILLION, by_ranges=True, kept=first.home - 5).home == 5
    assert DiskNeed.of(MILLION, by_ranges=True, kept=10**12).home == 0
    assert DiskNeed.of(MILLION, by_ranges=False).scratch == 0


def test_a_training_keeps_hashes_of_files_and_models_and_no_rows() -> None:
    need = DiskNeed.of(MILLION, by_ranges=True, training=True)
    assert need.home == 12 * 93_600_000 + 100 * 10**6
    assert need.scratch == 20 * 93_600_000


def test_a_disk_that_cannot_hold_what_is_kept_is_a_warning(
    tmp_path: Path, heard: Heard, free: Callable[[int], None]
) -> None:
    free(11 * 10**9)  # enough for scratch, or for what is kept, not for both on one disk
    assert not check_disk(DiskNeed.of(MILLION, by_ranges=True), tmp_path, tmp_path)
    assert heard.lines[-1].startswith(f"Warning: {tmp_path} has not enough disk")


def test_a_disk_that_cannot_hold_the_scratch_is_refused(tmp_path: Path, free: Callable[[int], None]) -> None:
    free(3 * 10**9)
    with pytest.raises(RescueError, match=r"3 GB free, and this source needs about 4\.1 GB there: nothing was"):
        check_disk(DiskNeed.of(MILLION, by_ranges=True), tmp_path, tmp_path)


def test_rows_are_counted_by_the_footers_of_files(tmp_path: Path) -> None:
    files = [tmp_path / f"{place}.parquet" for place in range(2)]
    for file in files:
        pq.write_table(pa.table({"account_id": [str(place) for place in range(1000)]}), file)
    table = SourceTable("accounts", tuple(map(str, files)))
    by_rows = DiskNeed.of({"accounts": 2000}, by_ranges=False)
    assert DiskNeed.of_tables([table], "4GiB", tmp_path / "state") == by_rows
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "kept").write_bytes(bytes(1000))
    assert DiskNeed.of_tables([table], "4GiB", tmp_path / "state").home == by_rows.home - 1000
    assert DiskNeed.of_tables([table], "1MiB", tmp_path / "state").scratch > 0


def test_versions_of_accounts_are_no_further_accounts(tmp_path: Path) -> None:
    pq.write_table(pa.table({"account_id": [str(place % 30) for place in range(900)]}), tmp_path / "accounts.parquet")
    pq.write_table(pa.table({"id": [str(place % 30) for place in range(900)]}), tmp_path / "other.parquet")
    few, unknown = (SourceTable("accounts", (str(tmp_path / f"{name}.parquet"),)) for name in ("accounts", "other"))
    assert DiskNeed.of_tables([few], "1MiB", tmp_path / "state").scratch == 0
    assert DiskNeed.of_tables([unknown], "1MiB", tmp_path / "state").scratch > 0


def test_of_many_files_some_footers_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [tmp_path / f"{place:03}.parquet" for place in range(100)]
    for file in files:
        pq.write_table(pa.table({"account_id": [str(place) for place in range(50)]}), file)
    read: list[str] = []
    footer = pq.read_metadata

    def noted(file: str) -> pq.FileMetaData:
        read.append(file)
        return footer(file)

    monkeypatch.setattr(pq, "read_metadata", noted)
    table = SourceTable("tickets", tuple(map(str, files)))
    assert DiskNeed.of_tables([table], "4GiB", tmp_path / "state") == DiskNeed.of({"tickets": 5000}, by_ranges=False)
    assert len(read) == 34


def test_memory_for_too_many_ranges_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    pq.write_table(pa.table({"account_id": [str(place) for place in range(5000)]}), tmp_path / "accounts.parquet")
    table = SourceTable("accounts", (str(tmp_path / "accounts.parquet"),))
    with pytest.raises(UsageError, match="memory is 1MiB, which is too little for 5,000 rows of accounts: set"):
        DiskNeed.of_tables([table], "1MiB", tmp_path / "state")
    assert DiskNeed.of_tables([table], "2MiB", tmp_path / "state").scratch
