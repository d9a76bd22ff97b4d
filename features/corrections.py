"""Which rows came in more than one version: found once for a history, and set apart.

Nearly every row of a source comes once and holds for ever. To order all versions of all rows for the sake of the few
that were corrected would cost more than everything else, so the keys that come twice are found by sorting one number a
row, and only their rows are put in order, in a small table beside the source.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.arrow import array, numbers
from features.history import History
from features.relations import hash_of, once, ordered


def settled(name: str, history: History, since: int | None = None) -> str:
    """The SQL of every version of a table's rows, with the days between which it was the state.

    ``since`` leaves out rows whose ``day`` is before that day: as the day is part of what usage is known by, all
    versions of a row stand on one side of it.
    """
    span = "true" if since is None else f"day >= DATE '1970-01-01' + ({since})"
    kept = name if since is None else f"{name}_{since}"
    if not _corrected(name, history, span, kept):
        return f"{once(name)} WHERE {span}"
    return f"{once(name)} WHERE {span} AND {_twice(name, kept)} IS NOT TRUE UNION ALL SELECT * FROM corrected_{kept}"


def _corrected(name: str, history: History, span: str, kept: str) -> bool:
    """Whether any key has more than one version; those that have are set apart when this is first asked."""
    asked = f"corrected_{kept}"
    return history.derived(asked, lambda: name in history.versioned and _set_apart(name, history, span, kept))


def _set_apart(name: str, history: History, span: str, kept: str) -> bool:
    twice = repeated(array(history.query(f"SELECT {hash_of(name)} AS key FROM {name} WHERE {span}").column("key")))
    if not len(twice):
        return False
    history.keep(f"twice_{kept}", pa.table({"key": numbers(twice)}))
    rows = ordered(name, f"SELECT * FROM {name} WHERE {span} AND {_twice(name, kept)}")
    history.connection.cursor().execute(f"CREATE OR REPLACE TABLE corrected_{kept} AS {rows}")
    return True


def repeated(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The keys that come more than once: each half of all keys is sorted on a processor of its own."""
    high = keys >= np.uint64(2**63)
    with ThreadPoolExecutor(2) as pool:
        halves = [half[1:][half[1:] == half[:-1]] for half in pool.map(np.sort, (keys[~high], keys[high]))]
    return np.unique(np.concatenate(halves))


def _twice(name: str, kept: str) -> str:
    return f"({hash_of(name)} IN (SELECT key FROM twice_{kept}))"
