"""Features that compare with the portfolio: the same in any part of a frame, and quiet in holidays of everybody."""

import sqlite3
import statistics
from collections.abc import Sequence
from datetime import date
from random import Random
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from support.worlds.factories import Story
from support.worlds.generated_histories import Generated, histories

from features.catalogue import find_feature, select_features
from features.engine.portfolio import Portfolio, own_values
from features.frame import build
from features.history.history import History

CUTOFF = date(2026, 1, 5)
WANTED = [
    feature
    for feature in select_features(("last_year",))
    if feature.name
    in {
        "segment",
        "usage_events_change_28d",
        "usage_recency_days",
        "usage_events_vs_portfolio",
        "usage_recency_vs_portfolio",
        "usage_events_change_vs_last_year",
    }
]


def test_in_a_holiday_of_everybody_nobody_stands_out() -> None:
    story = Story()
    for number in range(9):
        story.account(f"a{number}").usage(f"a{number}", "2025-10-01", days=80)  # until 19 Dec
    story.account("left").usage("left", "2025-10-01", days=50)  # until 19 Nov
    story.account("busy").usage("busy", "2025-10-01", days=96)  # the feed has not stopped
    rows = build(story.history(), [CUTOFF], features=WANTED).to_pylist()
    by_account = {row["account_id"]: row for row in rows}
    assert by_account["a1"]["usage_recency_days"] == 17
    assert by_account["a1"]["usage_recency_vs_portfolio"] == 0
    assert by_account["left"]["usage_recency_vs_portfolio"] == 30
    assert by_account["a1"]["usage_events_vs_portfolio"] == 0
    assert by_account["left"]["usage_events_vs_portfolio"] < -0.4
    feature = find_feature("usage_events_vs_portfolio")
    assert feature
    row = {"usage_events_vs_portfolio": -0.49, "usage_events_change_28d": -0.61}
    assert feature.describe(row, CUTOFF) == (
        "Use fell 61% against the four weeks before; that is 49 points less than for comparable customers"
    )


def test_a_segment_with_enough_accounts_is_compared_with_itself() -> None:
    story = Story()
    for number in range(60):
        name = f"a{number:02}"
        segment = "school" if number < 20 else "shop"
        story.account(name, segment=segment).usage(name, "2025-10-01", days=70 if number < 20 else 96)
    rows = build(story.history(), [CUTOFF], features=WANTED).to_pylist()
    assert {row["usage_recency_vs_portfolio"] for row in rows} == {0.0}
    some = build(story.history(), [CUTOFF], features=WANTED, accounts=["a00", "a30"]).to_pylist()
    assert some == [row for row in rows if row["account_id"] in ("a00", "a30")]


def test_the_same_weeks_of_the_year_before_are_subtracted() -> None:
    story = Story().account("school", "2024-01-01").account("other", "2024-01-01")
    story.account("busy").usage("busy", "2026-01-01", days=3)
    for year in (2024, 2025):
        story.usage("school", f"{year}-10-01", days=80).usage("other", f"{year}-10-01", days=80 if year > 2024 else 120)
    rows = {row["account_id"]: row for row in build(story.history(), [CUTOFF], features=WANTED).to_pylist()}
    assert abs(rows["school"]["usage_events_change_vs_last_year"]) < 0.15
    assert rows["other"]["usage_events_change_vs_last_year"] < -0.4
    short = Story().account("new").usage("new", "2025-10-01", days=96).history()
    assert build(short, [CUTOFF], features=WANTED)["usage_events_change_vs_last_year"].to_pylist() == [None]


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories())
def test_the_difference_equals_its_slow_definition(generated: Generated) -> None:
    """The median in plain Python over the accounts that SQLite lists for the cutoff, without any segment of 20."""
    frame = build(History.from_tables(generated.tables), generated.cutoffs, features=WANTED).to_pylist()
    with sqlite3.connect(":memory:") as base:
        base.execute("CREATE TABLE known (account_id, as_of, recency)")
        keys = [(row["account_id"], row["as_of"].isoformat(), row["usage_recency_days"]) for row in frame]
        base.executemany("INSERT INTO known VALUES (?, ?, ?)", keys)
        for row in frame:
            query = "SELECT recency FROM known WHERE as_of = ? AND recency IS NOT NULL"
            values = [value for (value,) in base.execute(query, (row["as_of"].isoformat(),))]
            own = row["usage_recency_days"]
            expected = None if own is None else round(own - statistics.median(values), 9)
            assert row["usage_recency_vs_portfolio"] == expected


def test_rows_of_the_future_change_nothing() -> None:
    story = Story()
    for number in range(5):
        story.account(f"a{number}").usage(f"a{number}", "2025-10-01", days=70 + number)
    before = build(story.history(), [CUTOFF], features=WANTED)
    for number in range(5):
        story.usage(f"a{number}", "2026-01-05", days=20 * number + 1)
    story.account("later", "2026-01-06").usage("later", "2026-01-06", days=3)
    assert build(story.history(), [CUTOFF], features=WANTED).equals(before)


def test_medians_that_a_cluster_computed_compare_alike() -> None:
    relative = [feature for feature in WANTED if feature.name.endswith("_vs_portfolio")]
    segment, *values = (feature.name for feature in own_values(relative))
    draw, days = Random(3), (CUTOFF, date(2026, 1, 12))
    rows = [
        {"as_of": draw.choice(days), segment: draw.choices(["shop", "school", None, "rare"], [70, 20, 8, 2])[0]}
        | {name: None if draw.random() < 0.1 else draw.random() for name in values}
        for _ in range(200)
    ]
    grouped = []
    for day in days:
        of_day = [row for row in rows if row["as_of"] == day]
        grouped.append({"as_of": day, "segment": None, "whole": True} | _medians(of_day, values))
        for name in {row[segment] for row in of_day}:
            of_segment = [row for row in of_day if row[segment] == name]
            grouped.append({"as_of": day, "segment": name, "whole": False} | _medians(of_segment, values))
    frame = pa.Table.from_pylist(sorted(rows, key=lambda row: row["as_of"]))
    here, there = Portfolio.of([frame], relative), Portfolio.of_medians(pa.Table.from_pylist(grouped), relative)
    expected = {name: column.to_pylist() for name, column in here.compare(frame).items()}
    assert {name: column.to_pylist() for name, column in there.compare(frame).items()} == expected


def _medians(rows: list[dict[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, name in enumerate(names):
        values = [row[name] for row in rows if row[name] is not None]
        found |= {f"m{number}": statistics.median(values) if values else None, f"n{number}": len(values)}
    return found
