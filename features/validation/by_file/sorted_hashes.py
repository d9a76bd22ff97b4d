"""Lists of 64-bit hashes, one a row of a file: which occur more than once, and how often some of them occur.

A list is made of pieces, each ascending and with larger values than the one before it, so that a list of any length is
made and read a piece at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from features.history.repeated_keys import MAX_HASHES, select_repeated

Hashes = NDArray[np.uint64]
Pieces = Sequence[Hashes]

RANGE = 2**64

NO_HASHES: Hashes = np.empty(0, np.uint64)


def count_pieces(rows: int) -> int:
    """In how many pieces the hashes of so many rows are made."""
    return rows // MAX_HASHES + 1


def first_of_piece(piece: int, pieces: int) -> int:
    """The lowest hash that belongs to a piece."""
    return RANGE * piece // pieces


def length(lists: Iterable[Pieces]) -> int:
    """How many hashes some lists have."""
    return sum(len(piece) for pieces in lists for piece in pieces)


def find_repeated(lists: Sequence[Pieces]) -> Hashes:
    """The hashes that occur more than once in all lists together, ascending."""
    parts = count_pieces(length(lists))
    bounds = [np.uint64(min(first_of_piece(part, parts), RANGE - 1)) for part in range(1, parts)]
    cuts = [(piece, [0, *np.searchsorted(piece, bounds), len(piece)]) for pieces in lists for piece in pieces]
    found = []
    for part in range(parts):
        within = [piece[cut[part] : cut[part + 1]] for piece, cut in cuts]
        found.append(select_repeated(np.concatenate([NO_HASHES, *within])))
    return np.concatenate(found)


def distinct_hashes(lists: Iterable[Pieces]) -> Hashes:
    """The different hashes of some lists, ascending."""
    hashes = np.sort(np.concatenate([NO_HASHES, *(piece for pieces in lists for piece in pieces)]))
    distinct: Hashes = hashes[
        np.append(True, hashes[1:] != hashes[:-1])[: len(hashes)]
    ]  # numpy.unique takes 20 times as long
    return distinct


def count_hashes(wanted: Hashes, lists: Iterable[Pieces]) -> NDArray[np.int64]:
    """How often each of the ``wanted`` hashes (ascending, each once) occurs in some lists."""
    counts = np.zeros(len(wanted), np.int64)
    if not len(wanted):
        return counts
    for pieces in lists:
        for piece in pieces:
            if len(piece) > len(wanted):
                counts += np.searchsorted(piece, wanted, "right") - np.searchsorted(piece, wanted, "left")
            else:
                place = np.minimum(np.searchsorted(wanted, piece), len(wanted) - 1)
                counts += np.bincount(place[wanted[place] == piece], minlength=len(wanted))
    return counts


def select_known(hashes: Hashes, known: Hashes, *, inside: bool = True) -> Hashes:
    """Those of the ``hashes`` that are among the ``known`` ones, or those that are not; all ascending."""
    if not len(known):
        return hashes[:0] if inside else hashes
    place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    selected: Hashes = hashes[(known[place] == hashes) == inside]
    return selected


def update_repeated(repeated: Hashes, changed: Hashes, lists: Sequence[Pieces]) -> Hashes:
    """The hashes that occur more than once, where only the ``changed`` ones occur more or less often than before."""
    again = changed[count_hashes(changed, lists) > 1]
    return distinct_hashes([[select_known(repeated, changed, inside=False), again]])
