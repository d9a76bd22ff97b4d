"""What is kept of a whole table from one night to the next holds for as long as nothing changes that it depends on."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import DataGateError
from features.frame import build
from features.validation.validation_report import ValidationReport
from pipelines.sources import examined, open_source

TONIGHT = date(2026, 4, 1)
ROWS = {
    "accounts": "SELECT unnest(['ada', 'bob', 'cyd']) AS account_id, TIMESTAMP '2025-01-01' AS created_at",
    "health_scores": (
        "SELECT unnest(['ada', 'ada', 'bob', 'bob', 'eve']) AS account_id, TIMESTAMP '2026-03-01' AS measured_at, "
        "unnest([50.0, 50.0, 60.0, 61.0, 70.0]) AS score"  # a repeat, a conflict, an orphan
    ),
    "tickets": (
        "SELECT unnest(['t1', 't2', 't3']) AS ticket_id, unnest(['ada', 'bob', 'eve']) AS account_id, "
        "TIMESTAMP '2026-03-02' AS opened_at, TIMESTAMP '2026-03-03' AS known_at"
    ),
    "ticket_events": (
        "SELECT unnest(['t1', 't1', 't2', 't3', 't4']) AS ticket_id, TIMESTAMP '2026-03-04' AS occurred_at, "
        "unnest(['comment', 'solved', 'escalated', 'comment', 'comment']) AS kind, TIMESTAMP '2026-03-05' AS known_at"
    ),
    "invoices": (
        "SELECT 'i' || i AS invoice_id, 'ada' AS account_id, TIMESTAMP '2026-02-01' AS issued_at, 10.0 AS amount, "
        "TIMESTAMP '2026-02-01' + to_days(CAST(i // 3 AS INTEGER)) AS known_at FROM range(9) r(i) "
        "UNION ALL SELECT 'i1', 'ada', TIMESTAMP '2026-02-01', 11.0, TIMESTAMP '2026-03-01'"  # a second version
    ),
}

TIMES = "TIMESTAMP '2026-03-02', TIMESTAMP '2026-03-03'"


class House:
    """A source of single files, and the folder in which a night keeps what it found."""

    def __init__(self, place: Path) -> None:
        self.place, self.source, self.state = place, place / "source", place / "state"
        self.nights = 0
        self.source.mkdir()
        for name in ROWS:
            self.write(name)

    def write(self, name: str, rows: str = "", file: str = "") -> None:
        duckdb.sql(rows or ROWS[name]).write_parquet(str(self.source / (file or f"{name}.parquet")))

    def night(self, state: Path | None = None) -> tuple[set[str], ValidationReport, list[pa.Table]]:
        """The tables that were read, what is said of all, and the frame with the quarantine."""
        self.nights += 1
        scratch = self.place / f"scratch-{self.nights}"
        admission = examined(open_source(str(self.source)), scratch, state=state or self.state, tolerance=1.0)
        read = {name for name, files in admission.files.items() if files.read}
        quarantine = admission.write_quarantine(self.place / f"quarantine-{self.nights}")
        return read, admission.report, [build(admission.history, [TONIGHT]), *map(pq.read_table, quarantine)]

    def as_on_an_empty_home(self) -> set[str]:
        """Run a night, hold it to one on an empty home, and tell which tables it read."""
        read, report, found = self.night()
        everything, afresh, rebuilt = self.night(self.place / f"empty-{self.nights}")
        assert everything == set(afresh.tables)
        assert report == afresh
        assert found == rebuilt
        return read


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A house in which one night has been."""
    found = House(tmp_path)
    assert found.as_on_an_empty_home() == set(ROWS)
    return found


def test_nothing_new_is_nothing_read(house: House) -> None:
    assert house.as_on_an_empty_home() == set()


@pytest.mark.parametrize(
    ("changed", "rows", "read"),
    [
        ("invoices", "SELECT * FROM ({}) WHERE invoice_id <> 'i3'", {"invoices"}),
        ("ticket_events", "SELECT * FROM ({}) WHERE kind <> 'solved'", {"ticket_events"}),
        ("tickets", f"{{}} UNION ALL SELECT 't4', 'ada', {TIMES}", {"tickets", "ticket_events"}),
        ("accounts", "{} UNION ALL SELECT 'eve', TIMESTAMP '2025-01-01'", set(ROWS)),
        ("accounts", "SELECT * FROM ({}) WHERE account_id <> 'bob'", set(ROWS)),
    ],
)
def test_what_changed_is_read_and_what_belongs_to_it(house: House, changed: str, rows: str, read: set[str]) -> None:
    house.write(changed, rows.format(ROWS[changed]))
    assert house.as_on_an_empty_home() == read
    assert house.as_on_an_empty_home() == set()


def test_a_file_more_is_a_table_that_changed(house: House) -> None:
    (house.source / "invoices").mkdir()
    (house.source / "invoices.parquet").rename(house.source / "invoices" / "1.parquet")
    assert house.as_on_an_empty_home() == {"invoices"}
    house.write("invoices", file="invoices/2.parquet")  # every row once more
    assert house.as_on_an_empty_home() == {"invoices"}


def test_a_new_file_of_equal_size_and_time_is_told_apart(house: House) -> None:
    file = house.source / "health_scores.parquet"
    before = file.stat()
    house.write("health_scores", ROWS["health_scores"].replace("70.0", "71.0"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert house.as_on_an_empty_home() == {"health_scores"}


def test_what_bounds_rows_without_a_clock_is_part_of_it(house: House) -> None:
    """A score without ``known_at`` may lie as far ahead as the rest of the source reaches, and a month."""
    ahead = f"{ROWS['health_scores']} UNION ALL SELECT 'ada', TIMESTAMP '2026-05-01', 40.0"
    house.write("health_scores", ahead)
    assert house.as_on_an_empty_home() == {"health_scores"}
    house.write("tickets", ROWS["tickets"].replace("2026-03-03", "2026-04-20"))
    assert "health_scores" in house.as_on_an_empty_home()


@pytest.mark.parametrize("spoil", [lambda held: held[: len(held) // 2], lambda held: held[:-1] + b"?", lambda _: b""])
def test_what_was_kept_and_is_not_whole_is_not_believed(house: House, spoil: object) -> None:
    file = house.state / "tickets" / "validation.state"
    file.write_bytes(spoil(file.read_bytes()))  # type: ignore[operator]
    assert house.as_on_an_empty_home() == {"tickets"}
    assert house.as_on_an_empty_home() == set()


def test_other_rules_are_other_verdicts(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.validation.rules.LARGEST", "10")
    assert house.as_on_an_empty_home() == {"invoices"}


def test_lines_of_a_csv_are_read_every_night(house: House) -> None:
    (house.source / "invoices.parquet").unlink()
    duckdb.sql(ROWS["invoices"]).write_csv(str(house.source / "invoices.csv"))
    for _ in range(2):
        assert house.as_on_an_empty_home() == {"invoices"}


def test_a_home_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.state.write_text("a file where a folder should be")
    for _ in range(2):
        assert house.as_on_an_empty_home() == set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_a_file_that_rotted_since_it_was_judged_is_told_in_a_sentence(house: House, name: str) -> None:
    file = house.source / f"{name}.parquet"
    before, content = file.stat(), bytearray(file.read_bytes())
    pages = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    content[4:pages] = b"\xff" * (pages - 4)
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(DataGateError, match=r"read: .*Export it again"):
        house.night()
