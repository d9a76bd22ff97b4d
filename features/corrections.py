"""Which rows came in more than one version: found once for a history, and set apart.

Nearly every row of a source comes once and holds for ever. To order all versions of all rows for the sake of the few
that were corrected would cost more than everything else, so the keys that come twice are found by sorting one number a
row, and only their rows are put in order, in a small table beside the source.
"""

import numpy as np
import pyarrow as pa

from features.arrow import array, numbers
from features.history import History
from features.relations import hash_of, once, ordered


def settled(name: str, history: History) -> str:
    """The SQL of every version of a table's rows, with the days between which it was the state."""
    if not _corrected(name, history):
        return once(name)
    return f"{once(name)} WHERE {_twice(name)} IS NOT TRUE UNION ALL SELECT * FROM corrected_{name}"


def _corrected(name: str, history: History) -> bool:
    """Whether any key has more than one version; those that have are set apart when this is first asked."""
    asked = f"corrected_{name}"
    if asked not in history.kept:
        history.kept[asked] = name in history.versioned and _set_apart(name, history)
    return bool(history.kept[asked])


def _set_apart(name: str, history: History) -> bool:
    keys = np.sort(array(history.query(f"SELECT {hash_of(name)} AS key FROM {name}").column("key")))
    twice = np.unique(keys[1:][keys[1:] == keys[:-1]])
    if not len(twice):
        return False
    history.keep(f"twice_{name}", pa.table({"key": numbers(twice)}))
    rows = ordered(name, f"SELECT * FROM {name} WHERE {_twice(name)}")
    history.connection.cursor().execute(f"CREATE OR REPLACE TABLE corrected_{name} AS {rows}")
    return True


def _twice(name: str) -> str:
    return f"({hash_of(name)} IN (SELECT key FROM twice_{name}))"
