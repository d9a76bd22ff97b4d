"""Arithmetic on runs of cutoffs equals the same computed cutoff by cutoff."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings
from hypothesis.strategies import DrawFn

from features.engine.windows import Cutoffs, Runs, extreme_of_runs, latest_runs, merge_runs, sum_runs

CUTOFFS, ACCOUNTS = 5, 3


@st.composite
def runs_of_accounts(draw: DrawFn) -> tuple[Runs, np.ndarray, np.ndarray]:
    count = draw(st.integers(0, 12))
    spans = [sorted(draw(st.lists(st.integers(0, CUTOFFS), min_size=2, max_size=2, unique=True))) for _ in range(count)]
    start, end = (np.array([span[side] for span in spans], dtype=np.int64) for side in (0, 1))
    account = np.sort(np.array([draw(st.integers(0, ACCOUNTS - 1)) for _ in range(count)], dtype=np.int64))
    values = np.array([float(draw(st.integers(-9, 9))) for _ in range(count)])
    return Runs(np.arange(count), start, end), account, values


def covering(runs: Runs, account: np.ndarray, cutoff: int, number: int) -> np.ndarray:
    return np.flatnonzero((runs.start <= cutoff) & (cutoff < runs.end) & (account == number))


@settings(deadline=None)
@given(runs_of_accounts())
def test_sums_and_extremes_are_those_of_each_cutoff(case: tuple[Runs, np.ndarray, np.ndarray]) -> None:
    runs, account, values = case
    shape = (CUTOFFS, ACCOUNTS)
    sums, counts = sum_runs(runs, account, values, shape), sum_runs(runs, account, None, shape)
    lowest = extreme_of_runs(runs, account, values, shape, largest=False)
    highest = extreme_of_runs(runs, account, values, shape, largest=True)
    for cutoff, number in np.ndindex(shape):
        rows = covering(runs, account, cutoff, number)
        assert (counts[cutoff, number], sums[cutoff, number]) == (len(rows), values[rows].sum())
        if len(rows):
            assert (lowest[cutoff, number], highest[cutoff, number]) == (values[rows].min(), values[rows].max())
        else:
            assert np.isnan(lowest[cutoff, number])


@settings(deadline=None)
@given(runs_of_accounts())
def test_the_latest_row_and_any_row_are_those_of_each_cutoff(case: tuple[Runs, np.ndarray, np.ndarray]) -> None:
    runs, account, _ = case
    latest, merged = latest_runs(runs, account, CUTOFFS), merge_runs(runs, account, CUTOFFS)
    for cutoff, number in np.ndindex(CUTOFFS, ACCOUNTS):
        rows = covering(runs, account, cutoff, number)
        assert (
            runs.row[rows][-1:].tolist() == latest.row[covering(latest, account[latest.row], cutoff, number)].tolist()
        )
        assert len(covering(merged, account[merged.row], cutoff, number)) == min(len(rows), 1)


def test_cutoffs_count_days_strictly_before_them() -> None:
    cutoffs = Cutoffs(np.array([10, 20]))
    assert cutoffs.after(np.array([-5, 9, 10, 19, 20, 99])).tolist() == [0, 0, 1, 1, 2, 2]
