"""A table is added by its entry and its features: validation, history, features, leak test and check follow."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.worlds.factories import Story

from features import leakage
from features.contract import TABLES, Column, ColumnType, Table
from features.contract.table_schema import word
from features.contract.vocabulary import Vocabulary
from features.definitions.feature import Feature
from features.definitions.measures import Stream
from features.frame import build
from pipelines.sources.source_check import check_source

TRAININGS = Table(
    "trainings",
    title="trainings",
    cost="it is unknown who was trained",
    key=("training_id",),
    event_time="held_at",
    stopped_after=60,
    columns=(
        Column("training_id", ColumnType.TEXT, required=True),
        Column("account_id", ColumnType.TEXT, required=True),
        Column("held_at", ColumnType.INSTANT, required=True),
        Column("people", ColumnType.WHOLE, minimum=1),
        word("format", Vocabulary("format", {"online": (), "on site": ("onsite",)})),
        Column("known_at", ColumnType.INSTANT),
    ),
)
PEOPLE = Feature(
    "trained_people_90d",
    Stream("trainings", "trainings", "held_at").where("format = 'online'").total("people", 90),
    "people trained in 90 days",
    "people",
    "{trained_people_90d:n person|people} trained in 90 days",
    -1,
)


@pytest.fixture(autouse=True)
def contract(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(TABLES, "trainings", TRAININGS)  # type: ignore[arg-type]
    yield


def story() -> Story:
    told = Story().accounts("acme", "beta")
    for place, (people, held_at) in enumerate([(5, "2026-01-10"), (7, "2026-02-01 14:00")]):
        told.row(
            "trainings", training_id=f"X{place}", account_id="acme", held_at=held_at, people=people, format="online"
        )
    return told.row(
        "trainings",
        training_id="X1",
        account_id="acme",
        held_at="2026-02-01 14:00",
        people=70,
        format="online",
        known_at="2026-02-20",
    )


def test_its_features_are_computed_from_what_was_known() -> None:
    cutoffs = [date(2026, 2, 2), date(2026, 2, 21), date(2026, 4, 10)]
    frame = build(story().history(), cutoffs, features=[PEOPLE]).to_pylist()
    values = {(row["as_of"], row["account_id"]): row["trained_people_90d"] for row in frame}
    assert [values[cutoff, "acme"] for cutoff in cutoffs] == [12.0, 75.0, None]  # the feed stopped after 60 days
    assert [values[cutoff, "beta"] for cutoff in cutoffs] == [0.0, 0.0, None]


def test_its_features_are_covered_by_the_leak_test() -> None:
    assert leakage.find_leaks(story().tables(), [PEOPLE], [date(2026, 2, 2)]) == []


def test_its_rows_are_validated_and_its_values_checked(tmp_path: Path) -> None:
    told = Story().account("acme")
    for place, (account, people, form) in enumerate([("acme", 3, "online"), ("acme", 0, "online"), ("nobody", 1, "x")]):
        told.row(
            "trainings", training_id=f"X{place}", account_id=account, held_at="2026-02-01", people=people, format=form
        )
    told.row("trainings", training_id="X9", account_id="acme", held_at="2026-02-01", people=1, format="webinar")
    for name, rows in told.tables().items():
        pq.write_table(rows, tmp_path / f"{name}.parquet")
    report = check_source(str(tmp_path))
    table = report.validation.tables["trainings"]
    assert (table.rows, table.accepted) == (4, 2)
    assert {rule.value: count for rule, count in table.quarantined.items()} == {"out_of_range": 1, "unknown_account": 1}
    assert [(value.table, value.column, value.value, value.rows) for value in report.unused] == [
        ("trainings", "format", "webinar", 1)
    ]


def test_a_source_without_it_says_what_that_costs(tmp_path: Path) -> None:
    pq.write_table(Story().account("acme").tables()["accounts"], tmp_path / "accounts.parquet")
    assert check_source(str(tmp_path)).as_json()["missing_tables"]["trainings"] == "it is unknown who was trained"


def test_its_rows_are_read_as_of_a_cutoff() -> None:
    rows = story().history().as_of(date(2026, 2, 2)).rows("trainings").to_pylist()
    assert [(row["training_id"], row["people"]) for row in rows] == [("X0", 5), ("X1", 7)]
    assert rows[1]["held_at"] == datetime(2026, 2, 1, 14)  # noqa: DTZ001  # the contract's instants have no zone
