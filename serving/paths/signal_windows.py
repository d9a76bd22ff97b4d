"""When signals are an incident: exact sliding windows, as "20 failed checkouts within 15 minutes".

Signals arrive late, repeated and out of order, so an episode is a function of when they happened and not of when they
arrived. Two signals that are at most ``quiet`` apart belong to one run. A run is an episode if at any of its signals
the window of the length ``within`` that ends there is full: it holds ``count`` signals, or signals with ``count``
different values. The episode starts with the first signal of the first full window, and it lasts to the last signal of
its run. Instants are UTC, so a change of clocks neither shortens nor lengthens a window.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

Instants = np.ndarray[tuple[int], np.dtype[np.int64]]
"""Microseconds since 1970, UTC, ascending."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - instants are naive UTC
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class WindowRule:
    """How many signals within which time are an incident, and after which silence it is over.

    ``quiet`` is at least ``within``, so all signals of a window belong to one run.
    """

    count: int
    within: timedelta
    quiet: timedelta


@dataclass(frozen=True, order=True)
class Episode:
    """The first signal of the first full window of a run, and the last signal of the run."""

    start: datetime
    end: datetime


def to_instants(times: Sequence[datetime]) -> Instants:
    """Naive UTC times as microseconds, in their order."""
    return np.array([(at - _EPOCH) // _MICROSECOND for at in times], np.int64)


def find_episodes(
    times: Instants, rule: WindowRule, known: Sequence[Episode] = (), values: Sequence[str] | None = None
) -> list[Episode]:
    """The episodes of one group of signals, by time: ``times`` are ascending.

    With ``values``, one a signal, a window is full that has ``count`` different ones. ``known`` are episodes that were
    found before: they are extended or merged, and never lost. Then ``times`` need only hold the signals from ``within``
    before the earliest new one on, because any other full window is in a known episode.
    """
    lefts = np.searchsorted(times, times - rule.within // _MICROSECOND, side="left")
    sizes = np.arange(1, len(times) + 1) - lefts if values is None else _different(values, lefts)
    full = sizes >= rule.count
    windows = (times[lefts[full]], times[full])
    found = (to_instants([episode.start for episode in known]), to_instants([episode.end for episode in known]))
    begins = np.concatenate([windows[0], found[0], times])
    if len(begins) == len(times):
        return []
    ends = np.concatenate([windows[1], found[1], times])
    return _join(begins, ends, len(begins) - len(times), rule.quiet // _MICROSECOND)


def _different(values: Sequence[str], lefts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Instants:
    """How many different values the window up to each signal has; ``lefts`` are the places of its first signal."""
    inside: Counter[str] = Counter()
    sizes, first = [], 0
    for place, value in enumerate(values):
        inside[value] += 1
        for old in values[first : int(lefts[place])]:
            inside[old] -= 1
            if not inside[old]:
                del inside[old]
        first = int(lefts[place])
        sizes.append(len(inside))
    return np.array(sizes, np.int64)


def _join(begins: Instants, ends: Instants, full: int, quiet: int) -> list[Episode]:
    """The runs of spans that are at most ``quiet`` apart; those with one of the first ``full`` spans are episodes."""
    is_full = np.arange(len(begins)) < full
    order = np.argsort(begins, kind="stable")
    begins, is_full = begins[order], is_full[order]
    latest = np.maximum.accumulate(ends[order])
    run = np.concatenate([[0], np.cumsum(begins[1:] - latest[:-1] > quiet)])
    runs, first = np.unique(run[is_full], return_index=True)
    last = np.searchsorted(run, runs, side="right") - 1
    starts, finishes = begins[is_full][first], latest[last]
    return [
        Episode(_EPOCH + int(start) * _MICROSECOND, _EPOCH + int(end) * _MICROSECOND)
        for start, end in zip(starts, finishes, strict=True)
    ]
