"""Files that share days form a partition, whose results stay valid while nothing changes that they depend on."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from features.history.partitions import FileScan, Partition, ValidatedPartitions, find_overlapping, group_by_shared_days

MARCH = Partition(
    files=(("march.parquet", "f1"),),
    rows=10,
    days=(59, 89),
    unknown_accounts=("eve",),
    deliveries=((60, 59, 2), (90, 60, 3), (90, 89, 5)),
    name="first",
)


@pytest.mark.parametrize(
    ("days", "groups"),
    [
        ({"a": (0, 9), "b": (10, 19)}, [["a"], ["b"]]),
        ({"a": (10, 19), "b": (0, 9)}, [["b"], ["a"]]),
        ({"a": (0, 10), "b": (10, 19)}, [["a", "b"]]),
        ({"late": (5, 15), "a": (0, 9), "b": (10, 19), "c": (20, 29)}, [["late", "a", "b"], ["c"]]),
        ({"a": (0, 30), "b": (3, 4), "c": (20, 25)}, [["a", "b", "c"]]),
        ({"a": None, "b": None, "c": (0, 1)}, [["a"], ["b"], ["c"]]),
    ],
)
def test_files_with_a_day_in_common_are_one_partition(
    days: dict[str, tuple[int, int] | None], groups: list[list[str]]
) -> None:
    assert group_by_shared_days({file: FileScan(days=span) for file, span in days.items()}) == groups


def test_a_partition_overlaps_files_with_one_of_its_days() -> None:
    assert find_overlapping([MARCH], [FileScan(days=(89, 95))]) == [MARCH]
    assert find_overlapping([MARCH], [FileScan(days=(90, 95)), FileScan()]) == []


def test_a_result_is_valid_for_the_same_files_and_no_account_that_was_missing() -> None:
    assert MARCH.is_valid({"march.parquet": "f1", "april.parquet": "f2"}, frozenset({"bob"}))
    assert not MARCH.is_valid({"march.parquet": "f9"}, frozenset())
    assert not MARCH.is_valid({}, frozenset())
    assert not MARCH.is_valid({"march.parquet": "f1"}, frozenset({"eve"}))


def test_a_partition_is_the_same_after_json() -> None:
    assert Partition.from_json(json.loads(json.dumps(asdict(MARCH)))) == MARCH


def test_days_and_deliveries_are_those_of_accepted_rows() -> None:
    empty = Partition((), 3, (0, 200), (), (), "empty")
    april = Partition((), 5, (90, 119), (), ((90, 90, 1), (120, 91, 2), (120, 119, 2)), "april")
    both = ValidatedPartitions([MARCH, april, empty], Path(), "key", 0, lambda _: "")
    assert both.days == (59, 119)
    assert both.deliveries == [(60, 59), (90, 90), (120, 119)]
    assert (MARCH.known_day, MARCH.labels) == (90, ("march.parquet",))
    assert empty.accepted_days is None
    assert empty.known_day < 0


def test_rows_of_vanished_accounts_leave_the_deliveries() -> None:
    left = MARCH.without(["bob"], {(90, 89): 5, (90, 60): 1})
    assert left.deliveries == ((60, 59, 2), (90, 60, 2))
    assert left.unknown_accounts == ("bob", "eve")
    assert left.name == MARCH.name
