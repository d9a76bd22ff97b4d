"""A small file must not take all memory: lines, unpacked bytes, rows and columns have limits, each with a message."""

import gzip
import io
import tracemalloc
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.source_folders import validate_folder, write_folder

from pipelines.sources.files import input_limits

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
    assert message.startswith("tickets.csv.gz, line 2 has more than 64 MB: ")
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


SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def workbook(cells: str) -> bytes:
    """A workbook of one sheet with these rows, as XML; nothing else is needed for it to be read."""
    parts = {
        "[Content_Types].xml": f"""<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels"
            ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
            <Default Extension="xml" ContentType="application/xml"/></Types>""",
        "_rels/.rels": f"""<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1"
            Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>""",
        "xl/workbook.xml": f"""<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets>
            <sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>""",
        "xl/_rels/workbook.xml.rels": f"""<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1"
            Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>""",
        "xl/worksheets/sheet1.xml": f"""<worksheet xmlns="{SHEET}"><sheetData>{cells}</sheetData></worksheet>""",
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return content.getvalue()


@pytest.mark.parametrize(
    "far",
    [
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        "<row r='1048576'><c s='0' r='xfd1048576'><v>1</v></c></row>",
        '<row r="1048576"><c r="A1048576"><v>1</v></c></row><row r="2"><c r="XFD2"><v>1</v></c></row>',
    ],
)
def test_a_cell_in_the_last_corner_of_a_sheet_does_not_end_the_process(far: str, tmp_path: Path) -> None:
    """A workbook of 1 KB asked for 17 billion cells, and the reader aborted the whole process."""
    head = '<row r="1"><c r="A1" t="inlineStr"><is><t>account_id</t></is></c></row>'
    told = problem(tmp_path / "data", "tickets.xlsx", workbook(head + far))
    assert "has a cell far away from the others" in told
    assert "50,000,000 is the most" in told


def test_a_workbook_whose_sizes_are_forged_is_refused(tmp_path: Path) -> None:
    content = bytearray(workbook('<row r="1"><c r="A1"><v>1</v></c></row>' * 200))
    place = content.rindex(b"xl/worksheets/sheet1.xml") - 46  # the entry of the sheet in the directory
    content[place + 24 : place + 28] = (10).to_bytes(4, "little")
    assert "cannot be read as a workbook" in problem(tmp_path / "data", "tickets.xlsx", bytes(content))
