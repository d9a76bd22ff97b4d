"""Every window is a difference of the sums before its first and its last bucket."""

import numpy as np

from features.engine.daily_usage import bucket_sums
from features.engine.daily_usage.bucket_sums import Buckets, BucketSums

WINDOWS = [(100, 107), (103, 110), (90, 110)]


def sums_of(rows: list[tuple[int, int, int, int, float, int]]) -> BucketSums:
    """Of rows of day, account, feature, events, minutes and users."""
    sums = BucketSums.empty(Buckets.from_windows(WINDOWS), 2, 2, users=True)
    columns = zip(("day", "account", "code", "events", "minutes", "users"), zip(*rows, strict=True), strict=True)
    sums.add({name: np.array(values) for name, values in columns})
    sums.close()
    return sums


ROWS = [
    (1, 0, 0, 5, 1.5, 3),
    (11, 0, 1, 2, 0.1, -1),
    (12, 0, 0, 4, 0.2, 7),
    (12, 0, 1, 0, 0.0, 9),
    (19, 1, 0, 1, 9.0, 2),
]


def test_buckets_lie_between_the_ends_of_windows() -> None:
    buckets = Buckets.from_windows(WINDOWS)
    assert buckets.edges.tolist() == [90, 100, 103, 107, 110]
    assert (len(buckets), buckets.first, buckets.days) == (4, 90, 20)
    assert buckets.span((100, 107)) == (1, 3)
    assert buckets.by_day().tolist() == [0] * 10 + [1] * 3 + [2] * 4 + [3] * 3
    assert len(Buckets.from_windows([])) == 0


def test_a_window_has_the_rows_of_its_days() -> None:
    sums = sums_of(ROWS)
    window = sums.buckets.span((100, 107))
    assert sums.events_in(*window).tolist() == [6, 0]
    assert sums.most_events_in(*window).tolist() == [4, 0]
    assert sums.features_in(*window).tolist() == [2, 0]
    assert sums.days_in(*window).tolist() == [2, 0]
    assert np.allclose(sums.minutes_in(*window), [0.3, 0.0])
    assert sums.most_users_in(*window).tolist()[0] == 9
    assert np.isnan(sums.most_users_in(*window)[1])


def test_accounts_are_a_view() -> None:
    sums = sums_of(ROWS).slice_accounts(1, 2)
    assert sums.events_in(0, 4).tolist() == [1]
    assert sums.days_in(0, 4).tolist() == [1]


def test_sums_of_events_become_wider_before_they_overflow() -> None:
    sums = sums_of([(1, 0, 0, bucket_sums.MAX_INT32, 0.0, -1), (2, 0, 0, 5, 0.0, -1)])
    assert sums.events_in(0, 1).tolist() == [bucket_sums.MAX_INT32 + 5, 0]
