"""Hashes are found at their positions, however many of them want one slot."""

import numpy as np
import pytest

from features.engine.table_rows.key_lookup import KeyLookup


@pytest.mark.parametrize("count", [0, 1, 2, 1000, 200_000])
def test_hashes_are_found_and_others_are_not(count: int) -> None:
    every = np.unique(np.random.default_rng(count).integers(0, 2**64, 2 * count + 2, dtype=np.uint64))
    keys, others = every[::2][:count], every[1::2]
    places = np.random.default_rng(0).permutation(len(keys))
    lookup = KeyLookup(keys)
    assert lookup.find(keys[places]).tolist() == places.tolist()
    assert (lookup.find(others) == -1).all()


def test_hashes_of_one_slot_take_the_next_ones_and_the_last_slot_is_followed_by_the_first() -> None:
    keys = np.uint64(2**64 - 1) - np.arange(50, dtype=np.uint64)
    lookup = KeyLookup(keys)
    assert lookup.find(keys).tolist() == list(range(50))
    assert lookup.find(np.array([2**64 - 51, 0], np.uint64)).tolist() == [-1, -1]
