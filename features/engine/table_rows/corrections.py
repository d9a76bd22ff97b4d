"""Rows with more than one version, and when each version was replaced: computed once for a history.

Nearly every row of a source has one version, which is never replaced. Sorting all versions of all rows because of the
few that were corrected would cost more than everything else, so the repeated keys are found first (``repeated_keys``),
and only their rows are sorted. Where they are few, the sorted rows become a table; where many rows have several
versions, as an invoice has once it is paid, a small table beside the source holds the end of each version.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.arrow import number_array, to_numpy
from features.contract import TABLES
from features.engine.table_rows.relations import day_number, ordered_versions, single_versions
from features.engine.windows import sort_positions
from features.history.history import History
from features.history.repeated_keys import RepeatedKeys, all_have_own_ids, find_repeated_keys, key_hash
from features.history.versions import FOREVER, known_day, known_instant
from features.quoting import quote_name


@dataclass(frozen=True)
class _Some:
    """Some rows of a table of the contract: those of a relation for which a condition is true."""

    table: str
    relation: str
    condition: str = "true"
    name: str = ""

    def single(self, more: str = "true") -> str:
        """The SQL of the rows, where each has one version."""
        return f"{single_versions(self.table, self.relation)} WHERE {self.condition} AND {more}"


def version_intervals(name: str, history: History, since: int | None = None) -> str:
    """The SQL of every version of a table's rows, with the days between which it was the state.

    ``since`` leaves out rows that happened before that day: where the time of the event is part of the key, as the day
    of usage is, all versions of a row lie on one side of it.
    """
    condition = "true" if since is None else f"{TABLES[name].event_time} >= DATE '1970-01-01' + ({since})"
    some = _Some(name, name, condition, name if since is None else f"{name}_{since}")
    if name not in history.versioned:
        return some.single()
    return history.cached(f"versions_{some.name}", lambda: _with_intervals(some, history))


def intervals_of(name: str, relation: str, history: History) -> str:
    """The same of all rows of a relation, which are rows of a table with all their versions."""
    some = _Some(name, relation, name=relation)
    return _with_intervals(some, history) if name in history.versioned else some.single()


def _with_intervals(some: _Some, history: History) -> str:
    repeated = _repeated_keys(some, history)
    if not len(repeated.hashes):
        return some.single()
    name, keys = some.table, f"repeated_{some.name}"
    history.create_table(keys, pa.table({"key": number_array(repeated.hashes)}))
    in_keys = _in_keys(name, history, keys)
    if repeated.few:
        return f"{some.single(f'{in_keys} IS NOT TRUE')} UNION ALL {_sorted_versions(some, history, keys)}"
    replaced, ambiguous = _replaced(some, history, in_keys)
    history.create_table(f"replaced_{some.name}", replaced)
    rows = (
        f"SELECT *, {_hash(name, history)} AS version_of, {_instant(name)} AS instant "
        f"FROM {some.relation} WHERE {some.condition}"
    )
    versions = (
        f"SELECT n.* EXCLUDE (version_of, instant), {day_number(known_day(TABLES[name]))} AS known, "
        f"coalesce(r.until, {FOREVER}) AS replaced FROM ({{rows}}) AS n "
        f"LEFT JOIN replaced_{some.name} AS r ON n.version_of = r.key AND n.instant = r.instant"
    )
    if not len(ambiguous):
        return versions.format(rows=rows)
    keys = f"ambiguous_{some.name}"
    history.create_table(keys, pa.table({"key": number_array(ambiguous)}))
    others = versions.format(rows=f"{rows} AND {_in_keys(name, history, keys)} IS NOT TRUE")
    return f"{others} UNION ALL {_sorted_versions(some, history, keys)}"


def repeated_keys(name: str, history: History) -> RepeatedKeys:
    """The keys of a table that occur more than once."""
    return _repeated_keys(_Some(name, name, name=name), history)


def _repeated_keys(some: _Some, history: History) -> RepeatedKeys:
    """The keys that occur more than once: validation has found them already, where rows were validated."""
    if some.relation != some.table:
        return _find_repeated(some, history)
    if some.table in history.repeated_keys:
        return history.repeated_keys[some.table]
    return history.cached(f"repeated keys {some.name}", lambda: _find_repeated(some, history))


def _find_repeated(some: _Some, history: History) -> RepeatedKeys:
    rows = f"{some.relation} WHERE {some.condition}"
    count = history.query(f"SELECT count(*) AS n FROM {rows}").column("n")[0].as_py()
    return find_repeated_keys(history.connection.cursor(), _hash(some.table, history), rows, count)


def _sorted_versions(some: _Some, history: History, keys: str) -> str:
    """The SQL of the rows of some keys, their versions sorted by instant and values, from a table of their own."""
    condition = f"{some.condition} AND {_in_keys(some.table, history, keys)}"
    rows = ordered_versions(some.table, f"SELECT * FROM {some.relation} WHERE {condition}")
    history.connection.cursor().execute(f"CREATE OR REPLACE TABLE corrected_{some.name} AS {rows}")
    return f"SELECT * FROM corrected_{some.name}"


def _replaced(some: _Some, history: History, in_keys: str) -> tuple[pa.Table, NDArray[np.uint64]]:
    """By key and instant of each version that was replaced, the day on which its successor was known.

    The second value are the keys that this cannot decide: two versions of one instant, or two records with one hash.
    Records are compared by a second hash, of other texts: two that have both hashes in common are taken for one, which
    among a billion records has a chance below 1e-20.
    """
    name = some.table
    known_sql = day_number(known_day(TABLES[name]))
    columns = f"{_hash(name, history)} AS key, {_instant(name)} AS instant, {known_sql} AS known"
    rows = history.query(
        f"SELECT key, instant, CAST(known AS INTEGER) AS known, record FROM ("
        f"SELECT {columns}, {_hash(name, history, _as_other_text)} AS record "
        f"FROM {some.relation} WHERE {some.condition} AND {in_keys})"
    )
    key, instant, known, record = (to_numpy(rows[column]) for column in ("key", "instant", "known", "record"))
    order = _order_versions(key, instant)
    key, instant, known = key[order], instant[order], known[order]
    before = np.flatnonzero(key[:-1] == key[1:])
    after = before + 1
    other = record[order[before]] != record[order[after]]
    ambiguous = np.unique(key[before[(instant[before] == instant[after]) | other]])
    replaced = {"key": key[before], "instant": instant[before], "until": known[after]}
    return pa.table({column: number_array(values) for column, values in replaced.items()}), ambiguous


def _order_versions(keys: NDArray[np.uint64], instant: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions of rows sorted by the hash of their key, then by instant.

    The lowest bits of a hash are replaced by the place of its row in time: numbers are sorted many times faster than
    positions. Where different keys then look alike, as two among a million may, positions are sorted.
    """
    by_time, bits = sort_positions(instant, None), np.uint64(len(keys).bit_length())
    together = (keys[by_time] >> bits << bits) | np.arange(len(keys), dtype=np.uint64)
    together.sort()
    order = by_time[(together & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)]
    same = together[1:] >> bits == together[:-1] >> bits
    if (keys[order[1:]] != keys[order[:-1]])[same].any():
        return by_time[np.argsort(keys[by_time], kind="stable")]
    return order


def _in_keys(name: str, history: History, keys: str) -> str:
    return f"({_hash(name, history)} IN (SELECT key FROM {keys}))"


def _hash(name: str, history: History, column: Callable[[str], str] = quote_name) -> str:
    cursor = history.connection.cursor()
    own = TABLES[name].own_id
    own_ids = own is not None and history.cached(f"own_ids_{name}", lambda: all_have_own_ids(cursor, own, name))
    return key_hash(TABLES[name], column, own_ids=own_ids)


def _as_other_text(column: str) -> str:
    """SQL of a text that says the same as a column and differs from it from its first character on."""
    return f"'other ' || CAST({quote_name(column)} AS VARCHAR)"


def _instant(name: str) -> str:
    return f"epoch_us({known_instant(TABLES[name])})"
