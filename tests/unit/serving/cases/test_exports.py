"""The queue as a file: a stranger's text never runs, and a number stays one."""

import csv
import io
import zipfile
from datetime import date, datetime
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import UsageError
from serving.cases import exports

HOSTILE = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3+cmd",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "＝1+1",
    '=HYPERLINK("x")',
]
HARMLESS = ["-5", "+4.5", "a=1", "", 'Ünïcode, "quoted"\nand two lines', "'=1"]
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def table(texts: list[str | None]) -> pa.Table:
    count = len(texts)
    return pa.table(
        {
            "name": pa.array(texts, pa.string()),
            "priority": [-5.0] * count,
            "rank": [7] * count,
            "renews_on": [date(2026, 4, 1)] * count,
            "opened_at": [datetime.fromisoformat("2026-03-01T06:00")] * count,
            "triggers": [["=a", "b"]] * count,
            "open": [True] * count,
        }
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_a_formula_is_text_in_csv(text: str) -> None:
    row = list(csv.reader(io.StringIO(exports.to_csv(table([text])).decode(), newline="")))[1]
    assert row == ["'" + text, "-5.0", "7", "2026-04-01", "2026-03-01 06:00:00", "'=a; b", "true"]


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_and_numbers_are_left_alone_in_csv(text: str) -> None:
    row = list(csv.reader(io.StringIO(exports.to_csv(table([text])).decode(), newline="")))[1]
    assert row[:2] == [text, "-5.0"]


def test_a_number_is_not_quoted_and_unknown_is_empty() -> None:
    written = exports.to_csv(pa.table({"n": [-5, None], "x": [float("nan"), 1.5]})).decode()
    assert written == '"n","x"\r\n-5,""\r\n"",1.5\r\n'


def test_a_flag_is_true_or_false() -> None:
    assert exports.to_csv(pa.table({"open": [True, False]})).decode().split() == ['"open"', '"true"', '"false"']


def test_a_formula_is_text_in_a_spreadsheet() -> None:
    found = cells(exports.to_xlsx(table([*HOSTILE, *HARMLESS, None])))
    names = [row[0] for row in found[1:]]
    assert [name for name, _, _ in names[: len(HOSTILE)]] == [text.replace("\r", "_x000D_") for text in HOSTILE]
    assert all(quoted for _, _, quoted in names[: len(HOSTILE)])
    assert not any(quoted for _, _, quoted in names[len(HOSTILE) :])
    assert all(row[1] == ("-5", "n", False) for row in found[1 : len(HOSTILE)])


def cells(content: bytes) -> list[list[tuple[str, str, bool]]]:
    """Each row's cells as value, type and quote prefix, read from the file's XML; no formula may be in it."""
    archive = zipfile.ZipFile(io.BytesIO(content))
    strings = ["".join(node.itertext()) for node in ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))]
    styles = ElementTree.fromstring(archive.read("xl/styles.xml")).find(f"{MAIN}cellXfs")
    prefixed = [style.get("quotePrefix") == "1" for style in styles]
    sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    assert not list(sheet.iter(f"{MAIN}f"))
    rows = []
    for row in sheet.iter(f"{MAIN}row"):
        rows.append([])
        for cell in row:
            value = cell.findtext(f"{MAIN}v") or ""
            kind = cell.get("t", "n")
            shown = strings[int(value)] if kind == "s" else value
            rows[-1].append((shown, kind, prefixed[int(cell.get("s", 0))]))
    return rows


def test_equal_queues_are_equal_spreadsheets() -> None:
    first, second = exports.to_xlsx(table(["a"])), exports.to_xlsx(table(["a"]))
    assert first == second
    assert b"2000-01-01T00:00:00Z" in zipfile.ZipFile(io.BytesIO(first)).read("docProps/core.xml")


def test_a_text_longer_than_a_cell_is_cut() -> None:
    assert len(cells(exports.to_xlsx(table(["x" * 40_000])))[1][0][0]) == exports.CELL_LIMIT


def test_parquet_keeps_values(tmp_path: Path) -> None:
    exports.write(table(HOSTILE), tmp_path / "queue.parquet")
    assert pq.read_table(tmp_path / "queue.parquet").equals(table(HOSTILE))


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"queue\.xls does not end in .* did you mean 'xlsx'\?"):
        exports.write(table(["a"]), tmp_path / "queue.xls")
    with pytest.raises(UsageError, match="cannot be written"):
        exports.write(table(["a"]), tmp_path / "missing" / "queue.csv")
    assert not list(tmp_path.iterdir())
