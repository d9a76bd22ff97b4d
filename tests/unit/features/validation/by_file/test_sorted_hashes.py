"""Hashes in pieces: repeated ones are found in any number of pieces, and kept up to date where some come or go."""

from __future__ import annotations

import numpy as np
import pytest

from features.validation.by_file.sorted_hashes import (
    Hashes,
    count_hashes,
    count_pieces,
    distinct_hashes,
    find_repeated,
    first_of_piece,
    select_known,
    update_repeated,
)

RANDOM = np.random.default_rng(7)


def hashes(*values: int) -> Hashes:
    return np.sort(np.array(values, np.uint64))


def some(count: int) -> Hashes:
    """Hashes of which many are equal, over the whole range of 64 bits."""
    return np.sort(RANDOM.integers(0, 40, count).astype(np.uint64) * np.uint64(2**64 // 41))


def counted(*lists: Hashes) -> dict[int, int]:
    values, counts = np.unique(np.concatenate(lists), return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def test_pieces_cover_the_whole_range() -> None:
    assert count_pieces(0) == 1
    assert [first_of_piece(piece, 4) for piece in range(5)] == [0, 2**62, 2**63, 3 * 2**62, 2**64]


@pytest.mark.parametrize("most", [1, 5, 1000])
def test_repeated_hashes_of_several_lists(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr("features.validation.by_file.sorted_hashes.MAX_HASHES", most)
    lists = [some(30), some(0), some(25)]
    wanted = [value for value, count in counted(*lists).items() if count > 1]
    assert find_repeated([[part] for part in lists]).tolist() == wanted
    assert find_repeated([]).tolist() == []


def test_hashes_are_counted_in_short_and_long_lists() -> None:
    lists, wanted = [some(100), some(3)], np.unique(some(20))
    counts = counted(*lists)
    assert count_hashes(wanted, [[part] for part in lists]).tolist() == [counts.get(it, 0) for it in wanted.tolist()]
    assert count_hashes(hashes(), [lists]).tolist() == []


def test_known_hashes_and_others() -> None:
    assert select_known(hashes(1, 2, 5), hashes(2, 3)).tolist() == [2]
    assert select_known(hashes(1, 2, 5), hashes(2, 3), inside=False).tolist() == [1, 5]
    assert select_known(hashes(1), hashes()).tolist() == []
    assert select_known(hashes(1), hashes(), inside=False).tolist() == [1]


@pytest.mark.parametrize("case", range(20))
def test_repeated_hashes_are_updated_where_lists_come_and_go(case: int) -> None:
    kept, gone, new = ([some(int(size))] for size in RANDOM.integers(0, 30, 3))
    before, lists = find_repeated([kept, gone]), [kept, new]
    assert update_repeated(before, distinct_hashes([gone, new]), lists).tolist() == find_repeated(lists).tolist()
