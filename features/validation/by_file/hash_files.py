"""The sorted hashes of each file of a table, kept under the key of the file.

Of the rows of a file that break no rule by themselves, the hashes of their keys, of their versions (a key and when the
row was known), and of their different parents. Hashes that are not kept are made from the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np

from features.arrow import CHUNK_ROWS, to_numpy
from features.history.cache_files import CachedFile, read_cache_file, remove_other_files, write_cache_file
from features.history.repeated_keys import MAX_HASHES, all_have_own_ids, key_hash
from features.validation.by_file.kept_file import hash_table, read_hashes
from features.validation.by_file.sorted_hashes import Hashes, Pieces, count_pieces, distinct_hashes, first_of_piece
from features.validation.duplicates import version_hash
from features.validation.incoming_table import IncomingTable


class HashKind(StrEnum):
    """What is hashed of a row; the value is the ending of the files."""

    KEY = "keys"
    VERSION = "versions"
    PARENT = "parents"


@dataclass(frozen=True)
class HashFiles:
    """The hashes of the files of one table.

    ``keys`` and ``rows`` are by label: what identifies a file, and how many rows it has. While hashes are made, the
    rejected rows of the table must be those that break a rule by themselves, and no others.
    """

    incoming: IncomingTable
    folder: Path
    keys: Mapping[str, str]
    rows: Mapping[str, int]
    made: set[str] = field(default_factory=set)

    def of(self, kind: HashKind, labels: Sequence[str]) -> dict[str, Pieces]:
        """The hashes of some files, by label."""
        found = {label: self.kept(kind, self.keys[label]) for label in labels}
        missing = [label for label, pieces in found.items() if pieces is None]
        for batch in self._batches(missing):
            found |= self._make(kind, batch)
        return {label: pieces for label, pieces in found.items() if pieces is not None}

    def kept(self, kind: HashKind, key: str) -> Pieces | None:
        """The kept hashes of a file with this key, mapped into memory; ``None`` where there are none."""
        file = read_cache_file(self._path(kind, key))
        return [read_hashes(table) for table in file.tables] if file else None

    def remove_others(self) -> None:
        """Remove the hashes of files that are no longer there."""
        for kind in HashKind:
            remove_other_files(self.folder, {self._path(kind, key).name for key in self.keys.values()}, f".{kind}")

    def _path(self, kind: HashKind, key: str) -> Path:
        return self.folder / f"{key[:32]}.{kind}"

    def _batches(self, labels: Sequence[str]) -> Iterator[list[str]]:
        """Files that are read together, so that many small ones take few queries."""
        batch: list[str] = []
        for label in labels:
            if batch and sum(self.rows[one] for one in (*batch, label)) > MAX_HASHES:
                yield batch
                batch = []
            batch.append(label)
        if batch:
            yield batch

    def _make(self, kind: HashKind, labels: Sequence[str]) -> dict[str, Pieces]:
        self.made.update(labels)
        part = self.incoming.with_labels(labels)
        if len(labels) == 1:
            made = {labels[0]: self._of_one(kind, part, count_pieces(self.rows[labels[0]]))}
        else:
            made = self._of_several(kind, part)
        for label, pieces in made.items():
            path = self._path(kind, self.keys[label])
            if write_cache_file(path, CachedFile({}, [hash_table(piece) for piece in pieces])):
                made[label] = self.kept(kind, self.keys[label]) or pieces  # need not stay in memory
        return made

    def _of_one(self, kind: HashKind, part: IncomingTable, pieces: int) -> Pieces:
        rows, ends = _hashes_query(kind, part), [first_of_piece(piece, pieces) for piece in range(1, pieces)]
        conditions = [f"hash >= {low}::UBIGINT" for low in ends], [f"hash < {high}::UBIGINT" for high in ends]
        bounds = zip(["true", *conditions[0]], [*conditions[1], "true"], strict=True)
        return [
            _sorted(kind, _numbers(part, f"SELECT hash FROM ({rows}) WHERE {low} AND {high}")[0])
            for low, high in bounds
        ]

    def _of_several(self, kind: HashKind, part: IncomingTable) -> dict[str, Pieces]:
        files = part.source.files
        labels = [part.source.labels[file] for file in files]
        names = part.cursor.execute("SELECT hash(file) FROM (SELECT unnest(CAST(? AS VARCHAR[])) AS file)", [[*files]])
        of_files = [number for (number,) in names.fetchall()]
        hashes, file = _numbers(part, f"SELECT hash, hash(filename) AS file FROM ({_hashes_query(kind, part)})")
        order = np.argsort(file, kind="stable")
        ordered, hashes = file[order], hashes[order]
        ends = {side: np.searchsorted(ordered, np.array(of_files, np.uint64), side) for side in ("left", "right")}
        slices = zip(labels, ends["left"], ends["right"], strict=True)
        return {label: [_sorted(kind, hashes[first:last])] for label, first, last in slices}


def _sorted(kind: HashKind, hashes: Hashes) -> Hashes:
    return distinct_hashes([[hashes]]) if kind is HashKind.PARENT else np.sort(hashes)


def _numbers(part: IncomingTable, sql: str) -> list[Hashes]:
    """The columns of a query's result, whole numbers of 64 bits."""
    rows = part.cursor.sql(sql).to_arrow_table(CHUNK_ROWS)
    return [to_numpy(column).astype(np.uint64, copy=False) for column in rows.columns]


def _hashes_query(kind: HashKind, part: IncomingTable) -> str:
    """SQL of the hashes of the rows that are not rejected, with the name of their file."""
    table, columns, rows = part.table, part.columns, part.remaining
    where = ""
    if kind is HashKind.PARENT and table.parent:
        hashed = f"hash({columns[table.parent.column]})"
        where = f" WHERE {columns[table.parent.column]} IS NOT NULL"
    elif kind is HashKind.VERSION:
        hashed = version_hash(part)
    else:
        own = table.own_id is not None and all_have_own_ids(part.cursor, columns[table.own_id], rows)
        hashed = key_hash(table, columns.__getitem__, own_ids=own)
    return f"SELECT {hashed} AS hash, s.filename AS filename FROM {rows}{where}"
