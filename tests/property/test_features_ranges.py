"""Rows of one account do not depend on which other accounts, cutoffs or features are built with them."""

from hypothesis import HealthCheck, given, settings
from support.worlds.generated_histories import Generated, histories

from features.catalogue import FEATURES
from features.definitions.measures import relations
from features.engine import cube
from features.engine.memory_budget import Budget
from features.frame import build
from features.history.history import History

few = settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))


@few
@given(histories())
def test_ranges_of_accounts_change_nothing(generated: Generated) -> None:
    whole = build(History.from_tables(generated.tables), generated.cutoffs)
    assert (
        Budget.of("50KiB", len(generated.cutoffs), len(FEATURES), relations(f.measure for f in FEATURES)).accounts_read
        <= 2
    )
    assert build(History.from_tables(generated.tables), generated.cutoffs, memory="50KiB").equals(whole)
    assert build(History.from_tables(generated.tables), generated.cutoffs, memory="300KiB").equals(whole)


@few
@given(histories())
def test_arrays_that_stay_in_the_cache_change_nothing(generated: Generated) -> None:
    whole = build(History.from_tables(generated.tables), generated.cutoffs)
    health = [feature for feature in FEATURES if feature.sources == ("health_scores",)]
    some = build(History.from_tables(generated.tables), generated.cutoffs, features=health)
    before = cube.CACHE_CELLS
    try:
        cube.CACHE_CELLS = 1  # an account at a time
        assert build(History.from_tables(generated.tables), generated.cutoffs).equals(whole)
        assert build(History.from_tables(generated.tables), generated.cutoffs, features=health).equals(some)
    finally:
        cube.CACHE_CELLS = before


@few
@given(histories())
def test_some_accounts_are_the_same_rows(generated: Generated) -> None:
    history = History.from_tables(generated.tables)
    whole = build(history, generated.cutoffs).to_pylist()
    some = build(history, generated.cutoffs, accounts=["c", "heartbeat"]).to_pylist()
    assert some == [row for row in whole if row["account_id"] in ("c", "heartbeat")]


@few
@given(histories())
def test_each_cutoff_alone_is_the_same_rows(generated: Generated) -> None:
    history = History.from_tables(generated.tables)
    whole = build(history, generated.cutoffs).to_pylist()
    alone = [row for cutoff in sorted(generated.cutoffs) for row in build(history, [cutoff]).to_pylist()]
    assert [_close(row) for row in alone] == [_close(row) for row in whole]


def _close(row: dict[str, object]) -> dict[str, object]:
    return {name: round(value, 8) + 0.0 if isinstance(value, float) else value for name, value in row.items()}
