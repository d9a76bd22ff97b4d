"""Scores before every window are read only where they may count: the frame at one cutoff is that of many cutoffs."""

from datetime import date, datetime, timedelta

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.catalogue import FEATURES
from features.definitions.feature import Feature
from features.definitions.measures import relations
from features.engine.table_rows.old_rows import OldRows
from features.frame import build
from features.history.history import History

CUTOFF = date(2026, 7, 1)
MIDNIGHT = datetime.fromisoformat("2026-07-01")
HEALTH = [feature for feature in FEATURES if relations([feature.measure]) == {"health_scores"}]

ages = st.one_of(st.integers(0, 1200), st.sampled_from((1, 28, 90, 179, 180, 181, 182, 364, 365)))
scores = st.tuples(
    st.sampled_from("abc"),
    ages,
    st.sampled_from(("crm", "manager", "rescue", None)),
    st.one_of(st.none(), st.integers(0, 100)),
    st.sampled_from((0, 0, 0, 1, 40, 300)),
)


def history_of(rows: list[tuple[str, int, str | None, int | None, int]], *, versioned: bool) -> History:
    """A history of some scores, all accounts of which are known from the beginning."""
    known = datetime.fromisoformat("2020-01-01")
    accounts = [{"account_id": name, "created_at": known, "segment": "smb"} for name in "abc"]
    columns: dict[str, list[object]] = {"account_id": [], "measured_at": [], "score": [], "source": [], "known_at": []}
    for account, age, source, score, late in rows:
        measured = MIDNIGHT - timedelta(days=age, hours=-9)
        values = (account, measured, score, source, measured + timedelta(days=late))
        for name, value in zip(columns, values, strict=True):
            columns[name].append(value)
    if not versioned:
        del columns["known_at"]
    types = {"account_id": pa.string(), "source": pa.string(), "score": pa.float64()}
    table = pa.table({name: pa.array(it, types.get(name, pa.timestamp("us"))) for name, it in columns.items()})
    return History.from_tables({"accounts": pa.Table.from_pylist(accounts), "health_scores": table})


def at_cutoff(history: History, cutoffs: list[date], features: list[Feature]) -> list[dict[str, object]]:
    """The rows of the frame at the cutoff."""
    return [row for row in build(history, cutoffs, features=features).to_pylist() if row["as_of"] == CUTOFF]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(scores, max_size=25), st.booleans())
def test_old_scores_that_cannot_count_change_nothing(
    rows: list[tuple[str, int, str | None, int | None, int]], versioned: bool
) -> None:
    before = CUTOFF - timedelta(days=1)
    alone = at_cutoff(history_of(rows, versioned=versioned), [CUTOFF], HEALTH)
    assert alone == at_cutoff(history_of(rows, versioned=versioned), [before, CUTOFF], HEALTH)


def test_old_scores_are_left_out_only_where_a_later_one_has_their_place() -> None:
    old = (("a", 400, "crm", 50, 0), ("a", 400, "manager", 60, 0), ("b", 400, "crm", 70, 0))
    history = history_of([*old, ("a", 3, "crm", 80, 0)], versioned=True)
    left_out: list[int] = []
    original = OldRows.uncovered

    def noted(self: OldRows, *given: object) -> pa.Table:
        found = original(self, *given)  # type: ignore[arg-type]
        left_out.append(len(found))
        return found

    OldRows.uncovered = noted  # type: ignore[method-assign, assignment]
    try:
        (first, second, _) = at_cutoff(history, [CUTOFF], HEALTH)
    finally:
        OldRows.uncovered = original  # type: ignore[method-assign]
    assert left_out
    assert first["health_score"] == 80 and second["health_score"] == 70
