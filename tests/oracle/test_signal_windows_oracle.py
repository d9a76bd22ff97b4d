"""Sliding windows against plain SQL: DuckDB counts every window by a self-join, and finds runs by gaps and islands."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.paths.signal_windows import Episode, WindowRule, find_episodes, to_instants

START = datetime(2026, 3, 28, 22)  # noqa: DTZ001 - instants are naive UTC
ORACLE = """
WITH windows AS (  -- at each signal: the first signal and the size of the window that ends there
    SELECT s.n, min(w.ts) AS opened, count(*) AS signals, count(DISTINCT w.value) AS different
    FROM signals s JOIN signals w ON w.ts <= s.ts AND w.ts >= s.ts - to_seconds($within)
        AND (w.ts < s.ts OR w.n <= s.n)
    GROUP BY s.n
), gaps AS (
    SELECT *, CASE WHEN ts - lag(ts) OVER (ORDER BY ts, n) <= to_seconds($quiet) THEN 0 ELSE 1 END AS breaks
    FROM signals
), runs AS (
    SELECT *, sum(breaks) OVER (ORDER BY ts, n) AS run FROM gaps
)
SELECT min(opened) FILTER (WHERE CASE WHEN $distinct THEN different ELSE signals END >= $count) AS start, max(ts)
FROM runs JOIN windows USING (n) GROUP BY run HAVING start IS NOT NULL ORDER BY start
"""
"""The rule of ``serving.paths.signal_windows``, written once more without a loop and without numpy."""


def oracle(signals: list[tuple[datetime, str]], rule: WindowRule, distinct: bool) -> list[Episode]:
    table = pa.table(
        {
            "n": list(range(len(signals))),
            "ts": pa.array([at for at, _ in signals], pa.timestamp("us")),
            "value": pa.array([value for _, value in signals], pa.string()),
        }
    )
    with duckdb.connect() as connection:
        connection.register("signals", table)
        parameters = {
            "within": rule.within.total_seconds(),
            "quiet": rule.quiet.total_seconds(),
            "count": rule.count,
            "distinct": distinct,
        }
        return [Episode(*row) for row in connection.execute(ORACLE, parameters).fetchall()]


def episodes(
    signals: list[tuple[datetime, str]], rule: WindowRule, distinct: bool, known: list[Episode] | None = None
) -> list[Episode]:
    ordered = sorted(signals)
    values = [value for _, value in ordered] if distinct else None
    return find_episodes(to_instants([at for at, _ in ordered]), rule, known or [], values)


seconds = st.integers(0, 4 * 3600)
timelines = st.lists(st.tuples(seconds, st.sampled_from("abc")), max_size=40).map(
    lambda found: [(START + timedelta(seconds=second), value) for second, value in sorted(found)]
)
rules = st.builds(
    lambda count, within, extra: WindowRule(count, timedelta(seconds=within), timedelta(seconds=within + extra)),
    st.integers(1, 6),
    st.integers(1, 1800),
    st.integers(0, 1800),
)


@settings(max_examples=60, deadline=None)
@given(timelines, rules, st.booleans())
def test_episodes_are_those_of_the_oracle(
    signals: list[tuple[datetime, str]], rule: WindowRule, distinct: bool
) -> None:
    assert episodes(signals, rule, distinct) == oracle(signals, rule, distinct)


@settings(max_examples=120, deadline=None)
@given(timelines, rules, st.booleans(), st.randoms(use_true_random=False), st.integers(1, 6))
def test_the_order_of_arrival_does_not_matter(
    signals: list[tuple[datetime, str]], rule: WindowRule, distinct: bool, dice: object, batches: int
) -> None:
    """Whatever arrives when, in however many parts: at the end the episodes are those of all signals at once."""
    arriving = signals[:]
    dice.shuffle(arriving)  # type: ignore[attr-defined]
    known: list[Episode] = []
    arrived: list[tuple[datetime, str]] = []
    for batch in np.array_split(np.arange(len(arriving)), batches):
        new = [arriving[place] for place in batch]
        arrived += new
        if new:
            since = min(at for at, _ in new) - rule.within
            known = episodes([signal for signal in arrived if signal[0] >= since], rule, distinct, known)
    assert known == episodes(signals, rule, distinct)


def local(text: str) -> datetime:
    """A time in Berlin as an instant of the queue."""
    at = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    return at.astimezone(UTC).replace(tzinfo=None)


def test_a_window_is_as_long_when_clocks_change() -> None:
    """From 01:55 to 03:05 is ten minutes when clocks go forward, and 02:55 to 02:05 as well when they go back."""
    rule = WindowRule(2, timedelta(minutes=15), timedelta(minutes=30))
    forward = [(local("2026-03-29T01:55"), ""), (local("2026-03-29T03:05"), "")]
    assert episodes(forward, rule, False) == oracle(forward, rule, False) == [Episode(forward[0][0], forward[1][0])]
    first = local("2026-10-25T02:55")  # the first of two hours from two to three
    second = datetime.fromisoformat("2026-10-25T02:05").replace(tzinfo=ZoneInfo("Europe/Berlin"), fold=1)
    back = [(first, ""), (second.astimezone(UTC).replace(tzinfo=None), "")]
    assert episodes(back, rule, False) == oracle(back, rule, False) == [Episode(back[0][0], back[1][0])]
    later = [(first, ""), (local("2026-10-25T03:05"), "")]  # an hour and ten minutes, though clocks show ten minutes
    assert episodes(later, rule, False) == oracle(later, rule, False) == []


def test_twenty_within_fifteen_minutes_is_exact_at_both_ends() -> None:
    rule = WindowRule(20, timedelta(minutes=15), timedelta(minutes=30))
    at_the_limit = [(START + timedelta(minutes=15) * place / 19, "") for place in range(20)]
    assert episodes(at_the_limit, rule, False) == [Episode(START, START + timedelta(minutes=15))]
    longer = [(at, "") for at, _ in at_the_limit[:-1]] + [(START + timedelta(minutes=15, microseconds=1), "")]
    assert episodes(longer, rule, False) == []
