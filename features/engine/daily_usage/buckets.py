"""Buckets of time: the stretches between all first and last days of all windows of all cutoffs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from features.engine.windows import Ints

Window = tuple[int, int]
"""Days since 1970, ``[first, end)``."""


@dataclass(frozen=True)
class Buckets:
    """``edges[i]`` is the first day of bucket ``i``; the last edge is the first day after all."""

    edges: Ints

    @classmethod
    def of(cls, windows: Iterable[Window]) -> Buckets:
        """The fewest buckets of which every window is a run."""
        return cls(np.unique(np.array([day for window in windows for day in window], dtype=np.int64)))

    def __len__(self) -> int:
        return max(len(self.edges) - 1, 0)

    @property
    def first(self) -> int:
        """The first day of all."""
        return int(self.edges[0])

    @property
    def days(self) -> int:
        """How many days there are in all buckets."""
        return int(self.edges[-1] - self.edges[0])

    def span(self, window: Window) -> tuple[int, int]:
        """The buckets of a window, ``[first, end)``."""
        first, end = np.searchsorted(self.edges, window).tolist()
        return first, end

    def of_days(self) -> Ints:
        """The bucket of each day, counted from the first."""
        return np.repeat(np.arange(len(self)), np.diff(self.edges))
