"""Which rows came in more than one version: found once for a history, and when each was replaced.

Nearly every row of a source comes once and holds for ever. To order all versions of all rows for the sake of the few
that were corrected would cost more than everything else, so the keys that come twice are found first (``find_repeated_keys``), and
only their rows are looked at. Where they are few, their rows are put in order and kept as a table; where many rows come
again, as an invoice does when it is paid, a small table beside the source says until when each version held.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.arrow import number_array, to_numpy, value_codes
from features.contract import TABLES
from features.engine.relations import day_number, ordered_versions, single_versions
from features.history.history import History
from features.history.repeated_keys import RepeatedKeys, all_have_own_ids, find_repeated_keys, key_hash
from features.history.versions import FOREVER, known_day, known_instant, version_key
from features.source_table import quote_name


def version_intervals(name: str, history: History, since: int | None = None) -> str:
    """The SQL of every version of a table's rows, with the days between which it was the state.

    ``since`` leaves out rows whose ``day`` is before that day: as the day is part of what usage is known by, all
    versions of a row stand on one side of it.
    """
    span = "true" if since is None else f"day >= DATE '1970-01-01' + ({since})"
    if name not in history.versioned:
        return f"{single_versions(name)} WHERE {span}"
    kept = name if since is None else f"{name}_{since}"
    return history.cached(f"settled_{kept}", lambda: _settle(name, history, span, kept))


def _settle(name: str, history: History, span: str, kept: str) -> str:
    found = _repeats(name, history, span)
    if not len(found.hashes):
        return f"{single_versions(name)} WHERE {span}"
    twice = f"twice_{kept}"
    history.create_table(twice, pa.table({"key": number_array(found.hashes)}))
    if found.few:
        others = f"{single_versions(name)} WHERE {span} AND {_among(name, history, twice)} IS NOT TRUE"
        return f"{others} UNION ALL {_in_order(name, history, span, kept, twice)}"
    replaced, alike = _replaced(name, history, f"{span} AND {_among(name, history, twice)}")
    history.create_table(f"replaced_{kept}", replaced)
    told = f"SELECT *, {_number(name, history)} AS version_of, {_moment(name)} AS moment FROM {name} WHERE {span}"
    versions = (
        f"SELECT n.* EXCLUDE (version_of, moment), {day_number(known_day(TABLES[name]))} AS known, "
        f"coalesce(r.until, {FOREVER}) AS replaced FROM ({{told}}) AS n "
        f"LEFT JOIN replaced_{kept} AS r ON n.version_of = r.key AND n.moment = r.moment"
    )
    if not len(alike):
        return versions.format(told=told)
    history.create_table(f"alike_{kept}", pa.table({"key": number_array(alike)}))
    others = versions.format(told=f"{told} AND {_among(name, history, f'alike_{kept}')} IS NOT TRUE")
    return f"{others} UNION ALL {_in_order(name, history, span, kept, f'alike_{kept}')}"


def _repeats(name: str, history: History, span: str) -> RepeatedKeys:
    """The keys that come again: admission has looked for them already, where rows came through it."""
    if span == "true" and name in history.repeated_keys:
        return history.repeated_keys[name]
    rows = history.query(f"SELECT count(*) AS n FROM {name} WHERE {span}").column("n")[0].as_py()
    return find_repeated_keys(history.connection.cursor(), _number(name, history), f"{name} WHERE {span}", rows)


def _in_order(name: str, history: History, span: str, kept: str, keys: str) -> str:
    """The SQL of the rows of some keys, their versions compared by all that they say, and kept as a table."""
    rows = ordered_versions(name, f"SELECT * FROM {name} WHERE {span} AND {_among(name, history, keys)}")
    history.connection.cursor().execute(f"CREATE OR REPLACE TABLE corrected_{kept} AS {rows}")
    return f"SELECT * FROM corrected_{kept}"


def _replaced(name: str, history: History, several: str) -> tuple[pa.Table, NDArray[np.uint64]]:
    """By key and moment of each version that was replaced, the day on which its successor was known.

    Beside it the keys that this cannot tell: two versions of one moment, or two things that happen to have one number.
    """
    columns = (
        f"{_number(name, history)} AS key, {_moment(name)} AS moment, {day_number(known_day(TABLES[name]))} AS known"
    )
    found = history.query(
        f"SELECT key, moment, CAST(known AS INTEGER) AS known, thing FROM ("
        f"SELECT {columns}, row({version_key(TABLES[name])}) AS thing FROM {name} WHERE {several})"
    )
    key, moment, known = (to_numpy(found.column(column)) for column in ("key", "moment", "known"))
    order = np.lexsort((moment, key))
    key, moment, known = key[order], moment[order], known[order]
    before = np.flatnonzero(key[:-1] == key[1:])
    after = before + 1
    thing = value_codes(found.column("thing"))[order]
    alike = np.unique(key[before[(moment[before] == moment[after]) | (thing[before] != thing[after])]])
    replaced = {"key": key[before], "moment": moment[before], "until": known[after]}
    return pa.table({column: number_array(values) for column, values in replaced.items()}), alike


def _among(name: str, history: History, keys: str) -> str:
    return f"({_number(name, history)} IN (SELECT key FROM {keys}))"


def _number(name: str, history: History) -> str:
    cursor = history.connection.cursor()
    own = TABLES[name].own_id
    own_ids = own is not None and history.cached(f"own_ids_{name}", lambda: all_have_own_ids(cursor, own, name))
    return key_hash(TABLES[name], quote_name, own_ids=own_ids)


def _moment(name: str) -> str:
    return f"epoch_us({known_instant(TABLES[name])})"
