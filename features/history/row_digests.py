"""Whose rows of a table have changed, when a file was corrected, exported again or removed.

A new file leaves the rows of all others as they are; a file that is gone does not say which rows it had. So one number
is kept for each owner of a table's rows (an account; of events, a ticket), made of the hashes of all its rows in any
order. Where it is the same tonight, so are the owner's rows, whichever files they are in.

Versions of a record may belong to several owners, as a ticket does that was moved to another account. Then a row that
is gone changes the rows of others, so the keys of such records are kept, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.arrow import combine_chunks, number_array, to_numpy
from features.contract import TABLES
from features.history.cache_files import CachedFile, cache_key, read_cache_file, write_cache_file
from features.history.repeated_keys import key_hash
from features.quoting import quote_name

if TYPE_CHECKING:
    from features.history.history import History

DIGESTS_FILE = "rows.digests"

_Hashes = NDArray[np.uint64]

_names = count()


@dataclass(frozen=True)
class RowDigests:
    """The digest of the rows of each owner, by the hash of its id, ascending; of owners without rows it may be 0.

    ``shared`` are the hashes of the keys that rows of several owners have, or had on an earlier night.
    """

    owners: _Hashes
    digests: _Hashes
    shared: _Hashes

    @classmethod
    def of_table(cls, table: pa.Table, shared: _Hashes) -> RowDigests:
        """The digests in a table of two columns."""
        return cls(_as_hashes(table["owner"]), _as_hashes(table["digest"]), shared)

    def with_rows(self, other: RowDigests) -> RowDigests:
        """The digests of both sides' rows together: 0 where they have the same rows."""
        owners = np.concatenate((self.owners, other.owners))
        order = np.argsort(owners, kind="stable")  # two ascending runs, which are merged
        owners, digests = owners[order], np.concatenate((self.digests, other.digests))[order]
        begins = np.flatnonzero(np.append(True, owners[1:] != owners[:-1])[: len(owners)])
        together = np.bitwise_xor.reduceat(digests, begins) if len(begins) else digests
        return RowDigests(owners[begins], together, np.union1d(self.shared, other.shared))

    def changed_since(self, earlier: RowDigests) -> RowDigests:
        """Only the owners whose rows are others than on an earlier night, and the keys that either night shared."""
        both = self.with_rows(earlier)
        changed = np.flatnonzero(both.digests)
        return RowDigests(both.owners[changed], both.digests[changed], both.shared)


@dataclass(frozen=True)
class _Night:
    """The digests of tonight's rows, and those that an earlier night has kept, with the keys of their parts."""

    tonight: RowDigests
    earlier: RowDigests | None
    parts: frozenset[str]


def keep_digests(history: History, tables: Iterable[str]) -> None:
    """Keep the digests of some tables' rows for the next night, where their parts are known."""
    for table in tables:
        _digests(history, table)


def changed_accounts(history: History, table: str, parts: Collection[str]) -> pa.Array | None:
    """The ids of the accounts whose rows in a table are not those of the parts with these keys.

    An account with a record of which another account had versions is one of them. ``None`` where the digests of these
    parts are not kept.
    """
    night = _digests(history, table)
    if night is None or night.earlier is None or night.parts != frozenset(parts):
        return None
    changed = night.tonight.changed_since(night.earlier)
    return history.cached(f"changed accounts of {table}", lambda: _accounts_of(history, table, changed))


def _accounts_of(history: History, table: str, changed: RowDigests) -> pa.Array:
    """The ids of the accounts of changed owners, and of rows with a shared key."""
    owner = _owner(table)
    if owner == "account_id":
        own = _select(history, owner, "accounts", f"hash({owner})", changed.owners)
        others = _select(history, owner, table, _record_hash(table), changed.shared)
        return combine_chunks(pa.chunked_array([*own.chunks, *others.chunks], own.type))
    others = _select(history, f"hash({owner})", table, _record_hash(table), changed.shared)
    owners = np.union1d(changed.owners, _as_hashes(others))
    return combine_chunks(_select(history, "account_id", "tickets", f"hash({owner})", owners))


def _select(history: History, column: str, table: str, hash_sql: str, hashes: _Hashes) -> pa.ChunkedArray:
    """The different values of a column in the rows of which something has one of these hashes."""
    if not len(hashes):
        return history.query(f"SELECT {column} AS found FROM {table} LIMIT 0")["found"]
    with history.temporary_table(name := f"hashes_{next(_names)}", pa.table({"hash": number_array(hashes)})):
        condition = f"{hash_sql} IN (SELECT hash FROM {name}) AND {column} IS NOT NULL"
        return history.query(f"SELECT DISTINCT {column} AS found FROM {table} WHERE {condition}")["found"]


def _digests(history: History, table: str) -> _Night | None:
    if history.state is None or table not in history.row_parts or table not in history.repeated_keys:
        return None
    path = Path(history.state, table, DIGESTS_FILE)
    return history.cached(f"digests of {table}", lambda: _bring_up_to_date(history, table, path))


def _bring_up_to_date(history: History, table: str, path: Path) -> _Night:
    """The digests of a table's rows tonight: where parts are only new, they are read and no others."""
    parts, rule = history.row_parts[table], cache_key(_digest_query(history, table, "rows"))
    file, tonight = read_cache_file(path), frozenset(parts.keys.values())
    earlier, kept = None, frozenset[str]()
    if file is not None and file.values.get("rule") == rule:
        earlier = RowDigests.of_table(file.tables[0], _as_hashes(file.tables[1]["key"]))
        kept = frozenset(file.values["parts"])
    if earlier is not None and kept == tonight:
        return _Night(earlier, earlier, kept)
    if earlier is not None and kept < tonight:
        new = [label for label, key in parts.keys.items() if key not in kept]
        found = earlier.with_rows(_read(history, table, f"({parts.rows_query(new)})"))
    else:
        found = _read(history, table, table)
    rows = {"owner": number_array(found.owners), "digest": number_array(found.digests)}
    tables = [pa.table(rows), pa.table({"key": number_array(found.shared)})]
    write_cache_file(path, CachedFile({"rule": rule, "parts": sorted(tonight)}, tables))
    return _Night(found, earlier, kept)


def _read(history: History, table: str, rows: str) -> RowDigests:
    """The digests of some rows, and those of their keys that rows of several owners have."""
    return RowDigests.of_table(history.query(_digest_query(history, table, rows)), _shared(history, table, rows))


def _digest_query(history: History, table: str, rows: str) -> str:
    """SQL of the owners of some rows, as hashes, each with the digest of its rows, without texts that people wrote."""
    columns = [it.name for it in TABLES[table].columns if not it.free_text and it.name in history.columns[table]]
    digest = f"bit_xor(hash({', '.join(map(quote_name, columns))}))"
    return f"SELECT hash({_owner(table)}) AS owner, {digest} AS digest FROM {rows} GROUP BY 1 ORDER BY 1"


def _shared(history: History, table: str, rows: str) -> _Hashes:
    """The hashes of keys of some rows that rows of several owners have, any of the table's rows."""
    contract, repeated = TABLES[table], history.repeated_keys[table].hashes
    if not len(repeated) or (_owner(table) in contract.key and contract.own_id not in history.columns[table]):
        return np.empty(0, np.uint64)
    key, owner = _record_hash(table), _owner(table)
    if rows != table:
        of_rows = _as_hashes(history.query(f"SELECT DISTINCT {key} AS key FROM {rows}")["key"])
        place = np.minimum(np.searchsorted(repeated, of_rows), len(repeated) - 1)
        repeated = of_rows[repeated[place] == of_rows]
    several = f"min({owner}) IS DISTINCT FROM max({owner}) OR count({owner}) < count(*)"
    with history.temporary_table(name := f"hashes_{next(_names)}", pa.table({"hash": number_array(repeated)})):
        found = f"SELECT {key} AS key FROM {table} WHERE {key} IN (SELECT hash FROM {name}) GROUP BY 1 HAVING {several}"
        return np.sort(_as_hashes(history.query(found)["key"]))


def _record_hash(table: str) -> str:
    """SQL of the hash of a row's key."""
    return key_hash(TABLES[table], quote_name)


def _owner(table: str) -> str:
    parent = TABLES[table].parent
    return parent.column if parent else TABLES[table].key[0]


def _as_hashes(column: pa.ChunkedArray) -> _Hashes:
    return to_numpy(column).astype(np.uint64, copy=False)
