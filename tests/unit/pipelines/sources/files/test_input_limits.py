"""A small file must not take all memory: lines, unpacked bytes, rows and columns have limits, each with a message."""

import gzip
import io
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.source_folders import validate_folder, write_folder

from pipelines.sources.files import input_limits
from pipelines.sources.files.input_limits import size_text

HEADER = b"ticket_id,account_id,opened_at\n"


def problem(folder: Path, name: str, content: bytes) -> str:
    (message,) = validate_folder(write_folder(folder, {name: content})).report.problems
    return message


def test_a_line_of_gigabytes_in_a_small_file_is_refused_before_it_is_in_memory(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with gzip.open(packed, "wb") as stream:
        stream.write(HEADER)
        for _ in range(300):
            stream.write(b"x" * (1 << 20))
    tracemalloc.start()
    message = problem(tmp_path / "data", "tickets.csv.gz", packed.getvalue())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert message.startswith("tickets.csv.gz, line 2 has more than 64 MiB: ")
    assert peak < 100 << 20


def test_a_file_that_is_many_times_larger_unpacked_is_refused(tmp_path: Path) -> None:
    content = gzip.compress(HEADER + b"t,a1,2024-03-01\n" * 10_000_000)
    message = problem(tmp_path / "data", "tickets.csv.gz", content)
    assert message.startswith("tickets.csv.gz is larger than 100 times its size when it is unpacked")


def test_a_long_line_of_a_plain_file_costs_itself(tmp_path: Path) -> None:
    content = HEADER + b"t0,a1,2024-03-01\n" + b"x" * 3_000_000 + b",a1,2024-03-01\n" + b"t2,a1,2024-03-01\n" * 1
    report = validate_folder(write_folder(tmp_path / "data", {"tickets.csv": content})).report.tables["tickets"]
    assert (report.rows, report.accepted) == (3, 2)
    assert report.examples[0].row == 3


def test_rows_that_nothing_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_limits, "MANY_ROWS", 100_000)
    rows = pa.table({name: pa.array([name] * 400_000) for name in ("ticket_id", "account_id")})
    file = io.BytesIO()
    pq.write_table(rows, file)
    assert "tickets.parquet has 400,000 rows in" in problem(tmp_path / "data", "tickets.parquet", file.getvalue())


def test_a_table_that_is_transposed_is_refused(tmp_path: Path) -> None:
    header = ",".join(f"c{number}" for number in range(5000)).encode()
    assert "tickets.csv has 5,000 columns" in problem(tmp_path / "data", "tickets.csv", header + b"\n")


@pytest.mark.parametrize(("size", "text"), [(12, "12 bytes"), (64 << 20, "64 MiB"), (3 << 30, "3 GiB")])
def test_sizes_are_written_with_their_unit(size: int, text: str) -> None:
    assert size_text(size) == text
