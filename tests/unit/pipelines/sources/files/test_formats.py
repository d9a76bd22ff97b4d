"""A table is the same in every format, packing and encoding; what cannot be read is reported with the reason."""

import csv
import gzip
import io
import json
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
import xlsxwriter
from support.source_folders import ACCOUNTS, TICKETS, gzipped, validate_folder, write_folder, zipped

from features.errors import UsageError
from features.source_table import FileNote
from features.validation.rules import Rule
from pipelines.cli.output.check_output import report_lines
from pipelines.sources.files.file_formats import FORMATS
from pipelines.sources.files.workbooks import sheet_as_csv
from pipelines.sources.source_check import check_source

HEADER, *LINES = (line.split(",") for line in TICKETS.splitlines())
RECORDS = [dict(zip(HEADER, line, strict=True)) for line in LINES]


def workbook(**sheets: list[list[object]]) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for place, row in enumerate(rows):
                for column, value in enumerate(row):
                    if isinstance(value, datetime):
                        sheet.write_datetime(place, column, value, day)
                    else:
                        sheet.write(place, column, value)
    return content.getvalue()


def parquet(tmp_path: Path) -> bytes:
    (tmp_path / "t.csv").write_text(TICKETS)
    duckdb.sql(f"COPY (FROM read_csv('{tmp_path / 't.csv'}')) TO '{tmp_path / 't.parquet'}' (FORMAT parquet)")
    return (tmp_path / "t.parquet").read_bytes()


OPENED = datetime.fromisoformat("2024-03-01 10:00")
ROWS: list[list[object]] = [
    list(RECORDS[0]),
    *(
        [row["ticket_id"], row["account_id"], datetime.fromisoformat("2024-03-01 10:00"), row["subject"]]
        for row in RECORDS
    ),
]
SEMICOLONS = TICKETS.replace(",", ";")
FILES = {
    "csv": {"tickets.csv": TICKETS},
    "upper case": {"Tickets.CSV": TICKETS},
    "tsv": {"tickets.tsv": TICKETS.replace(",", "\t")},
    "text": {"tickets.txt": TICKETS.replace(",", "|")},
    "gzip": {"tickets.csv.gz": gzipped(TICKETS)},
    "zip": {"tickets.csv.zip": zipped(tickets_dot_csv=TICKETS)},
    "zip of another name": {"tickets.zip": zipped(export_dot_csv=TICKETS)},
    "zip of many": {"export.zip": zipped(data__tickets_dot_csv=TICKETS, __MACOSX__tickets_dot_csv="x")},
    "json": {"tickets.json": json.dumps(RECORDS)},
    "response": {"tickets.json": json.dumps({"count": 40, "tickets": RECORDS, "next_page": None})},
    "json lines": {"tickets.jsonl": "\n".join(json.dumps(row) for row in RECORDS)},
    "json lines in gzip": {"tickets.ndjson.gz": gzipped("\n".join(json.dumps(row) for row in RECORDS))},
    "workbook": {"tickets.xlsx": workbook(Sheet1=ROWS)},
    "workbook with a title": {"tickets.xlsx": workbook(Sheet1=[["All tickets"], [], *ROWS])},
    "workbook of tables": {"crm.xlsx": workbook(Tickets=ROWS, Remarks=[["a"], ["b"]])},
    "workbook in gzip": {"tickets.xlsx.gz": gzip.compress(workbook(Sheet1=ROWS), mtime=0)},
    "byte order mark": {"tickets.csv": b"\xef\xbb\xbf" + TICKETS.encode()},
    "UTF-16": {"tickets.csv": TICKETS.encode("utf-16")},
    "UTF-16 without a mark": {"tickets.csv": TICKETS.encode("utf-16-le")},
    "UTF-16 in JSON": {"tickets.json": json.dumps(RECORDS).encode("utf-16")},
    "Windows lines": {"tickets.csv": SEMICOLONS.replace("\n", "\r\n")},
    "sep=": {"tickets.csv": f"sep=;\n{SEMICOLONS}"},
    "title": {"tickets.csv": f"Report: all tickets\nGenerated 2024-08-01\n\n{TICKETS}"},
    "padded title": {"tickets.csv": f"Report,,,\n,,,\n{TICKETS}"},
    "title with the delimiter": {"tickets.csv": f"Report, of all tickets\n{TICKETS}"},
    "quotes": {"tickets.csv": TICKETS.replace("slow", '"slow"')},
}


@pytest.mark.parametrize("files", FILES.values(), ids=FILES.keys())
def test_a_table_is_the_same_in_every_format(tmp_path: Path, files: dict[str, str | bytes]) -> None:
    expected = validate_folder(write_folder(tmp_path / "expected" / "data", {"tickets.csv": TICKETS}))
    found = validate_folder(write_folder(tmp_path / "found" / "data", files))
    rows = "SELECT * FROM tickets ORDER BY ALL"
    assert found.report.problems == ()
    assert found.history.query(rows).to_pylist() == expected.history.query(rows).to_pylist()
    assert found.history.query(rows).num_rows == 40


def test_a_sheet_keeps_empty_rows_and_columns_before_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(workbook(Sheet1=[[], ["", "", "id", "seats"], ["", "", "a", 5.0]]))
    written = sheet_as_csv(tmp_path / "a.xlsx", "", "a.xlsx", tmp_path / "a.csv").read_text(encoding="utf-8")
    assert list(csv.reader(written.splitlines()))[-2:] == [["", "", "id", "seats"], ["", "", "a", "5"]]
    assert len(written.splitlines()) == 3


def test_parquet_in_gzip_is_read(tmp_path: Path) -> None:
    packed = gzip.compress(parquet(tmp_path), mtime=0)
    found = validate_folder(write_folder(tmp_path / "data", {"tickets.parquet.gz": packed}))
    assert found.report.tables["tickets"].accepted == 40


def test_parts_of_a_folder_may_differ_in_format_columns_and_delimiter(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    parts = {
        "tickets/1.csv": TICKETS,
        "tickets/2.csv": "subject;ticket_id;account_id;opened_at\nlate;u1;a1;2024-03-02\n",
        "tickets/deep/3.jsonl": '{"ticket_id": "u2", "account_id": "a2", "opened_at": "2024-03-02"}',
        "tickets/4.parquet": parquet(tmp_path / "work"),
        "tickets/5.csv": "",
        "tickets/README.md": "",
        "tickets/_SUCCESS": "",
        "tickets/.1.csv.crc": "",
    }
    table = validate_folder(write_folder(tmp_path / "data", parts)).report.tables["tickets"]
    assert (table.rows, table.accepted, table.duplicates) == (82, 42, 40)


def test_the_folders_of_parts_are_columns(tmp_path: Path) -> None:
    part = "account_id,feature,events\na1,login,{}\n"
    days = {f"usage_daily/day=2024-03-0{day}/part.csv": part.format(day) for day in (1, 2)}
    found = validate_folder(write_folder(tmp_path / "data", days)).history
    assert [str(row["day"]) for row in found.query("SELECT day FROM usage_daily ORDER BY day").to_pylist()] == [
        "2024-03-01",
        "2024-03-02",
    ]


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (TICKETS.encode("utf-16"), FileNote("tickets.csv", "UTF-16")),
        (TICKETS.replace("slow", "Größe").encode("latin-1"), FileNote("tickets.csv", "Windows-1252")),
        (f"All\n\n{TICKETS}".encode(), FileNote("tickets.csv", skipped_lines=2)),
        (
            TICKETS.replace("subject", "Labels,Labels,labels_2,labels").replace("slow", "1,2,3,4").encode(),
            FileNote("tickets.csv", renamed_columns=("Labels_3", "labels_4")),
        ),
    ],
)
def test_how_a_file_was_read_is_reported_once(tmp_path: Path, content: bytes, note: FileNote) -> None:
    report = validate_folder(write_folder(tmp_path / "data", {"tickets.csv": content})).report
    assert report.file_notes == (note,)
    assert report.tables["tickets"].accepted == 40


def test_texts_in_windows_1252_are_read_as_they_were_written(tmp_path: Path) -> None:
    content = TICKETS.replace("slow", "Größe – 5 €").encode("cp1252")
    found = validate_folder(write_folder(tmp_path / "data", {"tickets.csv": content})).history
    assert set(found.query("SELECT subject FROM tickets")["subject"].to_pylist()) == {"Größe – 5 €"}


@pytest.mark.parametrize("queries", [None, {"accounts": "SELECT * FROM accounts", "tickets": "SELECT * FROM tickets"}])
@pytest.mark.parametrize("byte", [b"\xff", b"\x81", b"\xf6"])
def test_one_undecodable_byte_costs_its_line(tmp_path: Path, byte: bytes, queries: dict[str, str] | None) -> None:
    lines = [f"t{number},a{number % 40},2024-03-01,slow".encode() for number in range(10_009)]
    lines[4999] = lines[4999].replace(b"slow", b"sl" + byte + b"ow")
    content = b"\n".join([b"ticket_id,account_id,opened_at,subject", *lines])
    table = validate_folder(write_folder(tmp_path / "data", {"tickets.csv": content}), queries).report.tables["tickets"]
    assert (table.rows, table.accepted, table.quarantined) == (10_009, 10_008, {Rule.UNREADABLE: 1})
    assert (table.examples[0].file, table.examples[0].row) == ("tickets.csv", 5001)


def test_a_damaged_line_of_json_costs_itself(tmp_path: Path) -> None:
    lines = [json.dumps(row) for row in RECORDS]
    content = "\n".join([*lines, "", "not JSON", '["no object"]'])
    table = validate_folder(write_folder(tmp_path / "data", {"tickets.jsonl": content})).report.tables["tickets"]
    assert (table.rows, table.accepted, table.quarantined) == (42, 40, {Rule.UNREADABLE: 2})
    assert [example.row for example in table.examples] == [42, 43]


def test_no_file_is_ignored_without_a_reason(tmp_path: Path) -> None:
    known = ("README.md", ".hidden", "_SUCCESS", "tickets.csv.crc", "mapping/accounts.sql", "rescue.toml", "~$x.xlsx")
    files = {
        **dict.fromkeys(known, ""),
        "tickets.csv": TICKETS,
        "deck.pptx": "",
        "notes.txt": "remember the milk",
        "old/accounts.csv": ACCOUNTS,
        "letters.zip": b"no archive",
        "more.zip": zipped(a_dot_docx="", other_dot_csv="a,b\n1,2\n"),
    }
    report = validate_folder(write_folder(tmp_path / "data", files)).report
    reasons = dict(report.unread_files)
    assert set(reasons) == {"deck.pptx", "notes.txt", "old/", "letters.zip", "more.zip/a.docx"}
    assert "Excel workbook" in reasons["deck.pptx"]
    assert "name it as the source" in reasons["old/"]
    assert report.unknown == {"other": None}
    assert report.problems == ()


def test_a_file_that_no_query_reads_is_reported(tmp_path: Path) -> None:
    queries = {"accounts": "SELECT * FROM accounts", "tickets": "SELECT * FROM issues"}
    files = {"issues.csv": TICKETS, "bills.csv": "a,b\n1,2\n"}
    report = validate_folder(write_folder(tmp_path / "data", files), queries).report
    assert report.unread_files == (("bills.csv", "no query of the mapping reads it"),)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("tickets.json", '[{"a": "b",\n "a" "c"}]', "tickets.json, line 2, column 6, is not valid JSON"),
        ("tickets.json", "[1, 2]", "tickets.json holds no JSON objects"),
        ("tickets.zip", b"PK", "tickets.zip cannot be unpacked"),
        ("tickets.xlsx", b"PK", "tickets.xlsx cannot be read as a workbook"),
        ("tickets.csv.gz", gzipped(TICKETS)[:50], "tickets.csv.gz cannot be unpacked"),
        ("tickets.csv", TICKETS.replace("slow", '"slow', 1), "tickets.csv, line 2: a quoted value is never closed"),
        ("tickets.csv", "\n\n", "tickets.csv is empty: it has no header line"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_problem_and_the_others_are_validated(
    tmp_path: Path, name: str, content: str | bytes, sentence: str
) -> None:
    invoices = "invoice_id,account_id,issued_at,amount\ni1,a1,2024-01-02,5\n"
    report = validate_folder(write_folder(tmp_path / "data", {name: content, "invoices.csv": invoices})).report
    (problem,) = report.problems
    assert problem.startswith(sentence)
    assert report.unread_tables == ("tickets",)
    assert report.tables["invoices"].accepted == 1


def test_the_check_tells_a_table_that_cannot_be_read_from_a_missing_one(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "data", {"tickets.csv": "\n\n"})
    lines = list(report_lines(check_source(str(folder))))
    assert any(line.startswith("Table tickets could not be read (see the end): no support load") for line in lines)
    assert any(line.startswith("Missing table invoices: ") for line in lines)
    assert not any(line.startswith("Missing table tickets") for line in lines)


def test_a_folder_without_any_table_says_why_its_files_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "notes.txt").write_text("x")
    with pytest.raises(UsageError, match=r"holds no tables.* notes\.txt is not read: its ending"):
        validate_folder(tmp_path / "data")


def test_ticket_events_without_tickets_are_a_missing_source(tmp_path: Path) -> None:
    files = {
        "ticket_events.csv": "ticket_id,occurred_at,kind\nt1,2024-03-01,comment\n",
        "invoices.csv": "invoice_id,account_id,issued_at,amount\ni1,a1,2024-01-02,5\n",
    }
    validation = validate_folder(write_folder(tmp_path / "data", files)).require_fit()
    assert {"tickets", "ticket_events"} <= set(validation.report.missing)
    assert validation.report.unread_files == (
        ("ticket_events.csv", "the source has no tickets, which link ticket_events to accounts"),
    )


@pytest.mark.parametrize(
    ("name", "table"),
    [("Customers", "accounts"), ("issue", "tickets"), ("events", "usage_daily"), ("company", "accounts")],
)
def test_a_table_of_another_name_is_recognised(tmp_path: Path, name: str, table: str) -> None:
    report = validate_folder(write_folder(tmp_path / "data", {f"{name}.csv": "id\n1\n", "tickets.csv": TICKETS})).report
    assert report.unknown == {name: table}


def test_without_accounts_the_message_says_what_to_rename_and_which_columns_are_needed(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "data", {"customers.csv": ACCOUNTS, "tickets.csv": TICKETS})
    (folder / "accounts.csv").unlink()
    (problem,) = validate_folder(folder).report.problems
    assert problem.endswith(
        "Are these the accounts: customers? Rename the file to accounts, or let `rescue init SOURCE` propose a "
        "mapping (docs/sources.md). accounts needs account_id, created_at."
    )


def test_every_format_is_of_a_documented_ending() -> None:
    assert all(ending == ending.lower() and ending.startswith(".") for ending in FORMATS)


@pytest.mark.parametrize(("first", "others"), [("\n", "\r\n"), ("\r\n", "\n")])
def test_lines_with_different_ends_are_read(tmp_path: Path, first: str, others: str) -> None:
    header, *rows = TICKETS.splitlines()
    text = header + first + "".join(row + others for row in rows)
    validation = validate_folder(write_folder(tmp_path / "data", {"tickets.csv": text})).require_fit()
    assert validation.report.tables["tickets"].accepted == len(rows)
    tickets = validation.history.as_of(validation.history.until).rows("tickets")
    assert set(tickets["subject"].to_pylist()) == {"slow"}


@pytest.mark.parametrize("ends", [("\r\n", "\r\n", "\n"), ("\n", "\n", "\r\n"), ("\r\n", "\n", "\r\n")])
def test_quoted_values_are_read_where_lines_end_in_different_ways(tmp_path: Path, ends: tuple[str, ...]) -> None:
    lines = ("ticket_id,account_id,opened_at,subject", "T1,a1,2024-03-01,x", 'T2,a1,2024-03-02,"a, ""b"""')
    text = "".join(map("".join, zip(lines, ends, strict=True)))
    validation = validate_folder(write_folder(tmp_path / "data", {"tickets.csv": text})).require_fit()
    tickets = validation.history.as_of(validation.history.until).rows("tickets")
    assert set(tickets["subject"].to_pylist()) == {"x", 'a, "b"'}


def test_a_quote_that_is_not_closed_is_refused_where_lines_end_in_different_ways(tmp_path: Path) -> None:
    text = 'ticket_id,account_id,opened_at,subject\r\nT1,a1,2024-03-01,x\r\nT2,a1,2024-03-02,"a, b\n'
    (problem,) = validate_folder(write_folder(tmp_path / "data", {"tickets.csv": text})).report.problems
    assert problem.startswith("tickets.csv, line 3: a quoted value is never closed")
