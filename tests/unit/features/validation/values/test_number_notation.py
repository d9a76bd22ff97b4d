"""Numbers with a decimal comma or with separators, each column drawn with what is read from it."""

from pathlib import Path

import duckdb
import pytest

from features.contract import Column, ColumnType
from features.validation.rules import Rule
from features.validation.validate import Validation
from features.validation.values.column_types import cast_column
from features.validation.values.number_notation import Notation, NumberTexts, find_notations, number_in
from pipelines.sources import open_source, validate_rows

NARROW_SPACE = "\u202f"


def read(texts: list[str], *, whole: bool = False) -> list[float | None]:
    """The numbers of a column of texts."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE rows (v VARCHAR)")
        connection.executemany("INSERT INTO rows VALUES (?)", [[text] for text in texts])
        notation = find_notations(connection, "rows", [NumberTexts("v", "v", whole)]).get("v")
        sql = number_in("v", notation) if notation else cast_column(Column("v", ColumnType.NUMBER), "VARCHAR")
        return [value for (value,) in connection.execute(f"SELECT {sql} FROM rows AS s").fetchall()]


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["1.234,50", "12", "-3,5", "1.000"], [1234.5, 12, -3.5, 1000]),
        (["0,5", "x", "1.2.3", " 7,0 "], [0.5, None, None, 7]),
        (["1 234,50", f"1{NARROW_SPACE}234{NARROW_SPACE}567,1"], [1234.5, 1234567.1]),
        (["1,234.50", "1,234", "7", "-1,000,000"], [1234.5, 1234, 7, -1000000]),
        (["1'234.50", "1'234"], [1234.5, 1234]),
        (["1,234", "5"], [None, 5]),  # either
        (["1,5", "1.5", "3"], [None, 1.5, 3]),  # both
        (["1.234", "1e3", "-0.5"], [1.234, 1000, -0.5]),  # no separator at all
    ],
)
def test_a_column_is_read_in_the_only_notation_that_its_numbers_allow(
    texts: list[str], numbers: list[float | None]
) -> None:
    assert read(texts) == numbers


def test_a_whole_number_has_no_decimals() -> None:
    assert read(["1,234", "5"], whole=True) == [1234, 5]
    assert read(["1,000", "5"], whole=True) == [None, 5]
    assert read(["1.234,0", "5"], whole=True) == [1234, 5]


def test_every_number_has_one_text_in_each_notation() -> None:
    values = [0.0, 0.5, 12.0, 1234.5, 1234567.25, -98765.5]
    point = [f"{value:,.2f}" for value in values]
    comma = [text.translate(str.maketrans(",.", ".,")) for text in point]
    assert read(point) == read(comma) == values
    assert set(Notation) == {"comma", "point"}


def validated(folder: Path, scratch: Path, **files: str) -> Validation:
    folder.mkdir()
    accounts = "account_id,created_at\n" + "".join(f"a{number},2026-01-01\n" for number in range(30))
    for name, text in {"accounts": accounts, **files}.items():
        (folder / f"{name}.csv").write_text(text)
    return validate_rows(open_source(str(folder)), scratch)


def test_a_spreadsheet_of_amounts_with_a_decimal_comma_is_read(tmp_path: Path) -> None:
    rows = "".join(f"{number};a{number};2026-02-01;1.{number:03d},50;3\n" for number in range(30))
    invoices = "invoice_id;account_id;issued_at;amount;status\n" + rows + "x;a1;2026-02-01;much;open\n"
    read_back = validated(tmp_path / "data", tmp_path / "scratch", invoices=invoices)
    report = read_back.report.tables["invoices"]
    assert (report.accepted, dict(report.quarantined)) == (30, {Rule.TYPE: 1})
    amounts = read_back.history.query("SELECT sum(amount) AS total FROM invoices")["total"].to_pylist()
    assert amounts == [30 * 1000.5 + sum(range(30))]


def test_a_number_that_can_be_read_in_two_ways_says_what_to_do(tmp_path: Path) -> None:
    subscriptions = 'subscription_id,account_id,started_at,arr\n1,a1,2026-01-01,"1,234"\n2,a2,2026-01-01,900\n'
    report = validated(tmp_path / "data", tmp_path / "scratch", subscriptions=subscriptions).report
    table = report.tables["subscriptions"]
    assert dict(table.quarantined) == {Rule.AMBIGUOUS: 1}
    assert [(bad.row, bad.column, bad.shown) for bad in table.examples] == [(1, "arr", "'1,234'")]
    assert "a comma is for decimals or thousands: write 1234.5" in report.problems[0]


def test_a_number_out_of_its_range_is_so_in_every_notation(tmp_path: Path) -> None:
    rows = "".join(f"a{number};2026-02-{number + 1:02d};70,5\n" for number in range(25))
    scores = "account_id;measured_at;score\n" + rows + "a3;2026-01-05;170,5\n"
    report = validated(tmp_path / "data", tmp_path / "scratch", health_scores=scores).report
    assert dict(report.tables["health_scores"].quarantined) == {Rule.RANGE: 1}


@pytest.mark.parametrize("select", ["*", "subscription_id, account_id, started_at, CAST(arr AS DOUBLE) AS arr"])
def test_a_mapping_reads_the_same_numbers(tmp_path: Path, select: str) -> None:
    subscriptions = 'subscription_id;account_id;started_at;arr\n1;a1;2026-01-01;"1.234,5"\n2;a2;2026-01-01;900\n'
    direct = validated(tmp_path / "data", tmp_path / "direct", subscriptions=subscriptions)
    mapping = tmp_path / "mapping"
    mapping.mkdir()
    (mapping / "accounts.sql").write_text("SELECT * FROM accounts")
    (mapping / "subscriptions.sql").write_text(f"SELECT {select} FROM subscriptions")
    mapped = validate_rows(open_source(str(tmp_path / "data"), mapping=mapping), tmp_path / "mapped")
    query = "SELECT arr FROM subscriptions ORDER BY arr"
    assert direct.history.query(query).to_pylist() == mapped.history.query(query).to_pylist()
    assert mapped.history.query(query)["arr"].to_pylist() == [900.0, 1234.5]
