"""Each rule of validation on small tables, and what a report says of them."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import DataGateError
from features.source_table import SourceTable
from features.validation.validate import Validation, validate_tables

at = datetime.fromisoformat
NOON = at("2026-03-02T12:00")
ACCOUNTS: dict[str, list[Any]] = {"account_id": ["a", "b", "c"], "created_at": [at("2025-01-01")] * 3}


def validated(folder: Path, *, tolerance: float = 1.0, **tables: dict[str, Any] | pa.Table) -> Validation:
    raw = []
    for name, rows in {"accounts": ACCOUNTS, **tables}.items():
        file = folder / f"{name}.parquet"
        pq.write_table(rows if isinstance(rows, pa.Table) else pa.table(rows), file)
        raw.append(SourceTable(name, (str(file),), {str(file): file.name}))
    return validate_tables(duckdb.connect(), raw, scratch=folder / "accepted", tolerance=tolerance)


def quarantined(validation: Validation, table: str) -> dict[tuple[int, str | None], str]:
    """Rule by (row, column)."""
    return {(bad.row, bad.column): bad.rule.value for bad in validation.report.tables[table].examples}


def scores(**columns: list[Any]) -> dict[str, list[Any]]:
    count = len(next(iter(columns.values())))
    days = [at(f"2026-03-0{1 + number}") for number in range(count)]
    return {"account_id": ["a"] * count, "measured_at": days, "score": [50.0] * count, **columns}


def test_a_clean_table_is_read_in_place(tmp_path: Path) -> None:
    validation = validated(tmp_path, health_scores=scores(score=[0.0, 100.0]))

    report = validation.report.tables["health_scores"]
    assert (report.rows, report.accepted, report.duplicates, report.quarantined) == (2, 2, 0, {})
    assert (report.first, report.last) == (date(2026, 3, 1), date(2026, 3, 2))
    assert not (tmp_path / "accepted").exists()
    assert validation.history.present == {"accounts", "health_scores"}


def test_numbers_out_of_range_nan_and_infinite_are_quarantined(tmp_path: Path) -> None:
    bad = [100.1, -0.1, float("nan"), float("inf"), float("-inf"), 1e308]
    validation = validated(tmp_path, health_scores=scores(score=[50.0, *bad]))

    assert validation.report.tables["health_scores"].quarantined == {"out_of_range": 6}
    assert validation.history.query("SELECT score FROM health_scores").column("score").to_pylist() == [50.0]


def test_nan_is_quarantined_though_the_files_statistics_do_not_show_it(tmp_path: Path) -> None:
    validation = validated(tmp_path, health_scores=scores(score=[0.0, float("nan"), 100.0]))

    assert quarantined(validation, "health_scores") == {(2, "score"): "out_of_range"}


def test_a_required_value_that_is_missing_or_empty(tmp_path: Path) -> None:
    validation = validated(
        tmp_path, health_scores=scores(account_id=["a", None, "", "NULL"], measured_at=[None, *[NOON] * 3])
    )

    assert set(quarantined(validation, "health_scores").values()) == {"required_missing"}
    assert validation.report.tables["health_scores"].quarantined == {"required_missing": 4}


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-02T12:00:00Z", NOON),
        ("2026-03-02T14:00:00+02:00", NOON),
        ("2026-03-02 12:00", NOON),
        ("2026-03-02", at("2026-03-02")),
        ("2026-03-29 02:30:00", at("2026-03-29T02:30")),
    ],
)
def test_texts_that_are_instants_are_read_as_utc(tmp_path: Path, text: str, instant: datetime) -> None:
    validation = validated(tmp_path, health_scores=scores(measured_at=[text]))

    assert validation.history.query("SELECT measured_at FROM health_scores").column(0).to_pylist() == [instant]


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        (["02/03/2026"], "wrong_type"),
        (["2026-02-30"], "wrong_type"),
        (["1741003200"], "wrong_type"),
        ([1741003200], "wrong_type"),
        (["infinity"], "out_of_range"),
        ([at("1970-01-21")], "out_of_range"),
        (pa.array([1741003200000 * 1000], pa.timestamp("ms")), "out_of_range"),
    ],
)
def test_what_is_no_instant_of_our_time_is_quarantined(tmp_path: Path, values: Any, rule: str) -> None:
    validation = validated(tmp_path, health_scores=scores(score=[1.0], measured_at=values))

    assert quarantined(validation, "health_scores") == {(1, "measured_at"): rule}


def test_zoned_and_nanosecond_instants_are_accepted(tmp_path: Path) -> None:
    zoned = pa.array([NOON.replace(tzinfo=UTC)], pa.timestamp("ns", tz="Europe/Berlin"))
    validation = validated(tmp_path, health_scores=pa.table({**scores(score=[1.0]), "measured_at": zoned}))

    assert validation.history.query("SELECT measured_at FROM health_scores").column(0).to_pylist() == [NOON]


def test_an_infinite_instant_with_a_zone_is_outside_of_our_time(tmp_path: Path) -> None:
    measured = pa.array([2**63 - 1], pa.timestamp("us", tz="UTC"))
    validation = validated(tmp_path, health_scores=pa.table({**scores(score=[1.0]), "measured_at": measured}))
    assert quarantined(validation, "health_scores") == {(1, "measured_at"): "out_of_range"}


def test_a_fraction_is_no_count_and_a_time_of_day_is_no_day(tmp_path: Path) -> None:
    usage = {
        "account_id": ["a"] * 4,
        "day": [at("2026-03-01"), NOON, at("2026-03-03"), at("2026-03-04")],
        "feature": ["x"] * 4,
        "events": [3.0, 3.0, 3.5, float("nan")],
    }
    validation = validated(tmp_path, usage_daily=usage)

    assert quarantined(validation, "usage_daily") == {
        (2, "day"): "wrong_type",
        (3, "events"): "wrong_type",
        (4, "events"): "out_of_range",
    }


def test_ids_stored_as_numbers_equal_ids_stored_as_texts(tmp_path: Path) -> None:
    accounts = {"account_id": [17850.0, 17851.0], "created_at": [at("2025-01-01")] * 2}
    validation = validated(tmp_path, accounts=accounts, health_scores=scores(account_id=["17850", "17851"]))

    assert validation.report.tables["health_scores"].accepted == 2


def test_an_end_before_its_start_is_quarantined_and_a_payment_in_advance_is_not(tmp_path: Path) -> None:
    day, earlier = at("2026-03-01"), at("2026-02-01")
    validation = validated(
        tmp_path,
        subscriptions={"subscription_id": ["s"], "account_id": ["a"], "started_at": [day], "ended_at": [earlier]},
        invoices={
            "invoice_id": ["i", "j"],
            "account_id": ["a", "a"],
            "issued_at": [day, day],
            "due_at": [None, earlier],
            "paid_at": [earlier, None],
            "amount": [-5.0, 5.0],
        },
    )

    assert quarantined(validation, "subscriptions") == {(1, "ended_at"): "end_before_start"}
    assert quarantined(validation, "invoices") == {(2, "due_at"): "end_before_start"}


def test_a_row_cannot_be_known_before_it_happened(tmp_path: Path) -> None:
    known = [at("2026-03-01"), at("2026-03-01"), None, None]
    validation = validated(tmp_path, health_scores=scores(known_at=known, score=[1.0] * 4))

    # Rows 3 and 4 do not say when they were known: no other row's clock judges them.
    assert quarantined(validation, "health_scores") == {(2, "measured_at"): "later_than_known"}


def test_a_table_without_a_clock_is_judged_by_no_other_table(tmp_path: Path) -> None:
    accounts = {**ACCOUNTS, "known_at": [at("2026-01-02")] * 3}  # a table that rarely changes
    tickets = {"ticket_id": ["t", "u"], "account_id": ["a", "a"], "opened_at": [NOON, at("2026-09-01")]}

    validation = validated(tmp_path, accounts=accounts, tickets=tickets)

    assert validation.report.tables["tickets"].accepted == 2
    assert validation.history.until == date(2026, 9, 2)


def test_a_subscription_may_be_signed_before_it_starts(tmp_path: Path) -> None:
    rows = {"subscription_id": ["s"], "account_id": ["a"], "started_at": [NOON], "known_at": [at("2026-02-01")]}

    assert validated(tmp_path, subscriptions=rows).report.tables["subscriptions"].accepted == 1


def test_an_exact_repeat_is_dropped_once_and_two_stories_are_both_quarantined(tmp_path: Path) -> None:
    days = [at("2026-03-01")] * 2 + [at("2026-03-02")] * 3
    validation = validated(tmp_path, health_scores=scores(measured_at=days, score=[1.0, 1.0, 5.0, 6.0, 5.0]))

    report = validation.report.tables["health_scores"]
    assert (report.accepted, report.duplicates, report.quarantined) == (1, 2, {"conflicting_rows": 2})


def test_versions_with_their_own_known_at_are_all_accepted(tmp_path: Path) -> None:
    day = at("2026-03-01")
    known = [at("2026-03-02"), at("2026-03-03")]
    validation = validated(tmp_path, health_scores=scores(measured_at=[day, day], known_at=known, score=[1.0, 2.0]))

    assert validation.report.tables["health_scores"].accepted == 2
    assert validation.history.versioned == {"health_scores"}


def test_rows_of_unknown_accounts_and_tickets(tmp_path: Path) -> None:
    validation = validated(
        tmp_path,
        tickets={"ticket_id": ["t", "u"], "account_id": ["a", "unknown"], "opened_at": [NOON, NOON]},
        ticket_events={"ticket_id": ["t", "u"], "occurred_at": [NOON, NOON], "kind": ["solved", "escalated"]},
    )

    assert quarantined(validation, "tickets") == {(2, "account_id"): "unknown_account"}
    assert quarantined(validation, "ticket_events") == {(2, "ticket_id"): "unknown_account"}


def test_quarantine_is_written_with_place_column_rule_and_value(tmp_path: Path) -> None:
    validation = validated(tmp_path, health_scores=scores(score=[50.0, 180.0]))

    (file,) = validation.write_quarantine(tmp_path / "quarantine")

    assert file.name == "health_scores.parquet"
    assert pq.read_table(file).to_pylist() == [
        {
            "table": "health_scores",
            "file": "health_scores.parquet",
            "row": 2,
            "column": "score",
            "rule": "out_of_range",
            "value": "180",
        }
    ]


def test_free_text_is_never_shown(tmp_path: Path) -> None:
    tickets = {"ticket_id": ["t"], "account_id": ["a"], "opened_at": [NOON], "body": ["my secret\x00"]}
    validation = validated(tmp_path, tickets=tickets)

    (bad,) = validation.report.tables["tickets"].examples
    assert (bad.column, bad.shown) == ("body", "a text of 10 characters")
    assert "secret" not in str(validation.report.as_json())


def test_columns_are_reported_whether_unknown_or_missing(tmp_path: Path) -> None:
    report = validated(tmp_path, health_scores={**scores(score=[1.0]), "mood": ["fine"]}).report.tables["health_scores"]

    assert (report.unknown_columns, report.missing_columns) == (("mood",), ("source", "record_id", "url", "known_at"))


@pytest.mark.parametrize(
    ("tables", "sentence"),
    [
        ({"health_scores": scores(score=[500.0, 1.0])}, "1 of 2 rows (50.0%) break the contract, more than 5%"),
        ({"health_scores": {"account_id": ["a"], "points": [1.0]}}, "lacks the required column measured_at, score"),
        ({"accounts": pa.table({"account_id": pa.array([], pa.string())})}, "accounts.parquet is empty"),
        ({}, "accounts and nothing else"),
        (
            {"ticket_events": {"ticket_id": ["t"], "occurred_at": [NOON], "kind": ["solved"]}},
            "cannot be used without tickets",
        ),
    ],
)
def test_a_problem_that_stops_a_night_is_one_sentence(tmp_path: Path, tables: dict[str, Any], sentence: str) -> None:
    problems = validated(tmp_path, tolerance=0.05, **tables).report.problems

    assert sentence in problems[0]
    assert "\n" not in problems[0]


def test_data_that_is_not_fit_raises_the_problem_of_the_report(tmp_path: Path) -> None:
    with pytest.raises(DataGateError, match="no accounts table"):
        validate_tables(duckdb.connect(), [], scratch=tmp_path).require_fit()


def test_files_in_hive_partitions_keep_the_place_of_each_row(tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.parquet"
    pq.write_table(pa.table(ACCOUNTS), accounts)
    files = []
    for day, events in (("2026-03-01", [1, -1]), ("2026-03-02", [1, 2])):
        file = tmp_path / "usage_daily" / f"day={day}" / "part.parquet"
        file.parent.mkdir(parents=True)
        pq.write_table(pa.table({"account_id": ["a", "b"], "feature": ["x", "x"], "events": events}), file)
        files.append(str(file))
    usage = SourceTable("usage_daily", tuple(files), partitioned=True)

    validation = validate_tables(
        duckdb.connect(),
        [SourceTable("accounts", (str(accounts),)), usage],
        scratch=tmp_path / "accepted",
        tolerance=1.0,
    )

    assert quarantined(validation, "usage_daily") == {(2, "events"): "out_of_range"}
    late = validation.history.query("SELECT account_id FROM usage_daily WHERE day = DATE '2026-03-02' ORDER BY ALL")
    assert late.column(0).to_pylist() == ["a", "b"]
