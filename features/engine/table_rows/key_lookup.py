"""Positions of 64-bit hashes among others, for many hashes at a time."""

import numpy as np
from numpy.typing import NDArray

from features.engine.windows import Ints

_BLOCK = 2**16
"""Hashes that are looked up together: the arrays in between stay in the processor's cache."""


class KeyLookup:
    """A hash table in two arrays: each hash has the first free slot from the one that its highest bits name.

    All hashes of a block take the same step together, which is several times faster than a join or a sort.
    """

    def __init__(self, keys: NDArray[np.uint64]) -> None:
        """The lookup of different hashes."""
        self._keys = keys
        self._bits = (2 * len(keys) + 1).bit_length()
        self._places = np.full(1 << self._bits, -1, np.int32)
        left, slot = np.arange(len(keys), dtype=np.int32), self._slots(keys)
        while len(left):
            free = self._places[slot] < 0
            self._places[slot[free]] = left[free]
            lost = np.flatnonzero(self._places[slot] != left)
            left, slot = left[lost], self._next(slot[lost])

    def find(self, keys: NDArray[np.uint64]) -> Ints:
        """The position of each hash, −1 where there is none."""
        places = np.empty(len(keys), np.int32)
        for begin in range(0, len(keys), _BLOCK):
            places[begin : begin + _BLOCK] = self._find(keys[begin : begin + _BLOCK])
        return places

    def _find(self, keys: NDArray[np.uint64]) -> Ints:
        slot = self._slots(keys)
        places = self._places[slot]
        other = np.flatnonzero(self._is_other(places, keys))
        slot, keys = slot[other], keys[other]
        while len(other):
            slot = self._next(slot)
            places[other] = self._places[slot]
            still = np.flatnonzero(self._is_other(places[other], keys))
            other, slot, keys = other[still], slot[still], keys[still]
        return places

    def _is_other(self, places: Ints, keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether a slot has another hash."""
        if not len(self._keys):
            return np.zeros(len(keys), np.bool_)
        different: NDArray[np.bool_] = (self._keys[places] != keys) & (places >= 0)
        return different

    def _slots(self, keys: NDArray[np.uint64]) -> Ints:
        return (keys >> np.uint64(64 - self._bits)).astype(np.int32)

    def _next(self, slot: Ints) -> Ints:
        return (slot + np.int32(1)) & np.int32((1 << self._bits) - 1)
