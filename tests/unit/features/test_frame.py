"""The frame: its shape, its rows, what is missing and what is zero."""

import gc
import subprocess
import sys
import weakref
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from support.worlds.factories import Story

from features.catalogue import FEATURES
from features.contract import TABLES
from features.definitions.measures import AgainstPortfolio
from features.definitions.support import ASSIGNED
from features.engine.account_range import Scope
from features.engine.cube import Cube
from features.engine.evaluate import Evaluation, evaluate_features
from features.engine.feeds import Feeds
from features.errors import UsageError
from features.frame import build


def test_one_row_an_account_known_at_each_cutoff_in_order() -> None:
    history = Story().account("beta").account("acme").account("late", "2026-02-10").history()
    frame = build(history, [date(2026, 2, 15), date(2026, 2, 10)])
    rows = list(zip(frame.column("as_of").to_pylist(), frame.column("account_id").to_pylist(), strict=True))
    first, second = date(2026, 2, 10), date(2026, 2, 15)
    assert rows == [(first, "acme"), (first, "beta"), (second, "acme"), (second, "beta"), (second, "late")]


def test_columns_have_their_types() -> None:
    frame = build(Story().account("acme").history(), [date(2026, 2, 1)])
    assert frame.column_names == ["account_id", "as_of", *(feature.name for feature in FEATURES)]
    kinds = {"number": pa.float64(), "category": pa.string()}
    assert frame.schema.types == [pa.string(), pa.date32(), *(kinds[feature.kind] for feature in FEATURES)]


def test_missing_is_not_zero() -> None:
    story = Story().accounts("acme", "quiet").ticket("acme", "2026-02-03")
    row = build(story.history(), [date(2026, 2, 10)], accounts=["quiet"]).to_pylist()[0]
    assert row["tickets_opened_28d"] == 0.0
    assert row["has_tickets"] == 1.0
    assert row["usage_events_28d"] is None
    assert (row["has_usage"], row["usage_feed_age_days"]) == (0.0, None)


def test_tickets_are_counted_for_their_account_whatever_their_ids() -> None:
    story = Story().accounts("acme", "beta")
    story.ticket("acme", "2026-02-03", "T9").event("solved", "2026-02-04").event("escalated", "2026-02-04")
    story.ticket("beta", "2026-02-05", "T1").event("solved", "2026-02-09")
    cutoffs = [date(2026, 2, day) for day in (6, 8, 10, 12)]
    frames = [build(story.history(), cutoffs, memory=memory) for memory in ("1GiB", "100KiB")]  # of two, one at a time
    assert frames[0].equals(frames[1])
    last = frames[1].slice(6)
    solved = dict(zip(*(last[name].to_pylist() for name in ("account_id", "ticket_solve_hours_90d")), strict=True))
    assert solved == {"acme": 24.0, "beta": 96.0}


def test_pairs_with_a_ticket_are_told_apart_whichever_part_is_named_first() -> None:
    story = Story().account("acme")
    story.ticket("acme", "2026-02-03", "T1").event("assigned", "2026-02-04", "ann").event(
        "assigned", "2026-02-05", "bob"
    )
    story.ticket("acme", "2026-02-03", "T2").event("assigned", "2026-02-04", "ann").event(
        "assigned", "2026-02-06", "ann"
    )
    feature = next(feature for feature in FEATURES if feature.name == "ticket_owners_90d")
    asked = [
        replace(feature, name=f"pairs_{place}", measure=ASSIGNED.distinct(pair, 90))
        for place, pair in enumerate(("row(ticket_id, value)", "row(value, ticket_id)"))
    ]
    row = build(story.history(), [date(2026, 2, 10)], features=asked).to_pylist()[0]
    assert (row["pairs_0"], row["pairs_1"]) == (3.0, 3.0)


def test_a_feed_that_stopped_does_not_read_as_use_that_collapsed() -> None:
    history = Story().account("acme").usage("acme", "2026-01-01", days=30).history()
    row = build(history, [date(2026, 2, 20)]).to_pylist()[0]
    assert row["usage_events_7d"] is None
    assert (row["has_usage"], row["usage_feed_age_days"]) == (0.0, 21.0)


def test_the_loop_guard_leaves_out_what_the_rescue_team_wrote() -> None:
    story = Story().account("acme").health("acme", "2026-02-01", 40.0, source="crm")
    history = story.health("acme", "2026-02-05", 90.0, source="rescue").history()
    seen = build(history, [date(2026, 2, 10)]).to_pylist()[0]
    guarded = build(history, [date(2026, 2, 10)], loop_guard=True).to_pylist()[0]
    assert (seen["health_score"], seen["health_score_unaided"], seen["health_rescue_share_180d"]) == (90.0, 40.0, 0.5)
    assert (guarded["health_score"], guarded["health_mean_90d"]) == (40.0, 40.0)


def test_a_column_that_the_source_lacks_is_missing_and_not_zero() -> None:
    row = build(Story().account("acme").ticket("acme", "2026-02-03").history(), [date(2026, 2, 10)]).to_pylist()[0]
    assert row["tickets_opened_28d"] == 1.0
    assert row["tickets_urgent_28d"] is None


def test_a_wrong_question_is_answered_with_a_sentence() -> None:
    history = Story().account("acme").history()
    with pytest.raises(UsageError, match="There is no cutoff"):
        build(history, [])
    with pytest.raises(UsageError, match="is no size of memory"):
        build(history, [date(2026, 2, 1)], memory="much")


def test_importing_the_catalogue_is_cheap() -> None:
    heavy = "duckdb", "pandas", "numpy", "pyarrow"
    code = f"import sys, features.catalogue; sys.exit(sum(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_building_does_not_import_pandas() -> None:
    code = """
import sys, duckdb
from datetime import date
from features.contract import TABLES
from features.frame import build
from features.history.history import History

connection = duckdb.connect()
for name, table in TABLES.items():
    columns = ", ".join(f'"{column.name}" {column.kind}' for column in table.columns)
    connection.execute(f"CREATE TABLE {name} ({columns})")
connection.execute("INSERT INTO accounts (account_id, created_at) VALUES ('acme', '2026-01-01')")
rows = "INSERT INTO usage_daily (account_id, day, feature, events) VALUES ('acme', '2026-02-01', 'core', 3)"
connection.execute(rows)
columns = {name: frozenset(table.names) for name, table in TABLES.items()}
history = History.from_relations(connection, present=frozenset(TABLES), columns=columns)
assert build(history, [date(2026, 2, 5)]).column("usage_events_7d").to_pylist() == [3.0]
sys.exit("pandas" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_rows_of_one_range_go_before_those_of_the_next_come() -> None:
    story = Story().account("acme").usage("acme", "2026-01-05").health("acme", "2026-01-05", 80)
    known = story.history()
    days = np.array([20_500, 20_507])
    feeds = Feeds.of(known, frozenset(TABLES))
    own = [feature for feature in FEATURES if not isinstance(feature.measure, AgainstPortfolio)]  # of one range alone
    cube = Cube(known, days, Scope(np.arange(1)), [feature.measure for feature in own])
    gone = weakref.ref(cube)
    gc.disable()
    try:
        evaluate_features(Evaluation(cube, feeds), own, lambda: np.arange(2))
        del cube
        assert gone() is None  # and not only when somebody looks for cycles
    finally:
        gc.enable()
