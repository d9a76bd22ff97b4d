"""Which rows came in more than one version: found once for a history, and when each was replaced.

Nearly every row of a source comes once and holds for ever. To order all versions of all rows for the sake of the few
that were corrected would cost more than everything else, so the keys that come twice are found by sorting one number a
row, and only the moments of their rows are put in order: a small table beside the source says until when each held.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.arrow import array, codes, numbers
from features.contract import TABLES
from features.history import History
from features.relations import day_of, hash_of, once, ordered
from features.versions import FOREVER, key_of, known_moment, known_on


def settled(name: str, history: History, since: int | None = None) -> str:
    """The SQL of every version of a table's rows, with the days between which it was the state.

    ``since`` leaves out rows whose ``day`` is before that day: as the day is part of what usage is known by, all
    versions of a row stand on one side of it.
    """
    span = "true" if since is None else f"day >= DATE '1970-01-01' + ({since})"
    if name not in history.versioned:
        return f"{once(name)} WHERE {span}"
    kept = name if since is None else f"{name}_{since}"
    return history.derived(f"settled_{kept}", lambda: _settle(name, history, span, kept))


def _settle(name: str, history: History, span: str, kept: str) -> str:
    twice = repeated(array(history.query(f"SELECT {hash_of(name)} AS key FROM {name} WHERE {span}").column("key")))
    if not len(twice):
        return f"{once(name)} WHERE {span}"
    history.keep(f"twice_{kept}", pa.table({"key": numbers(twice)}))
    replaced, alike = _replaced(name, history, f"{span} AND {_among(name, f'twice_{kept}')}")
    history.keep(f"replaced_{kept}", replaced)
    told = f"SELECT *, {hash_of(name)} AS version_of, {_moment(name)} AS moment FROM {name} WHERE {span}"
    versions = (
        f"SELECT n.* EXCLUDE (version_of, moment), {day_of(known_on(TABLES[name]))} AS known, "
        f"coalesce(r.until, {FOREVER}) AS replaced FROM ({{told}}) AS n "
        f"LEFT JOIN replaced_{kept} AS r ON n.version_of = r.key AND n.moment = r.moment"
    )
    if not len(alike):
        return versions.format(told=told)
    history.keep(f"alike_{kept}", pa.table({"key": numbers(alike)}))
    rows = ordered(name, f"SELECT * FROM {name} WHERE {span} AND {_among(name, f'alike_{kept}')}")
    history.connection.cursor().execute(f"CREATE OR REPLACE TABLE corrected_{kept} AS {rows}")
    others = f"{told} AND {_among(name, f'alike_{kept}')} IS NOT TRUE"
    return f"{versions.format(told=others)} UNION ALL SELECT * FROM corrected_{kept}"


def _replaced(name: str, history: History, several: str) -> tuple[pa.Table, NDArray[np.uint64]]:
    """By key and moment of each version that was replaced, the day on which its successor was known.

    Beside it the keys that this cannot tell: two versions of one moment, or two things that happen to have one number.
    """
    columns = f"{hash_of(name)} AS key, {_moment(name)} AS moment, {day_of(known_on(TABLES[name]))} AS known"
    found = history.query(
        f"SELECT key, moment, CAST(known AS INTEGER) AS known, thing FROM ("
        f"SELECT {columns}, row({key_of(TABLES[name])}) AS thing FROM {name} WHERE {several})"
    )
    key, moment, known = (array(found.column(column)) for column in ("key", "moment", "known"))
    order = np.lexsort((moment, key))
    key, moment, known = key[order], moment[order], known[order]
    before = np.flatnonzero(key[:-1] == key[1:])
    after = before + 1
    thing = codes(found.column("thing"))[order]
    alike = np.unique(key[before[(moment[before] == moment[after]) | (thing[before] != thing[after])]])
    replaced = {"key": key[before], "moment": moment[before], "until": known[after]}
    return pa.table({column: numbers(values) for column, values in replaced.items()}), alike


def _among(name: str, keys: str) -> str:
    return f"({hash_of(name)} IN (SELECT key FROM {keys}))"


def _moment(name: str) -> str:
    return f"epoch_us({known_moment(TABLES[name])})"


def repeated(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The keys that come more than once: each half of all keys is sorted on a processor of its own."""
    high = keys >= np.uint64(2**63)
    with ThreadPoolExecutor(2) as pool:
        halves = [half[1:][half[1:] == half[:-1]] for half in pool.map(np.sort, (keys[~high], keys[high]))]
    found = np.concatenate(halves)  # in order: the lower half, then the higher
    once_each: NDArray[np.uint64] = found[np.append(True, found[1:] != found[:-1])[: len(found)]]
    return once_each
