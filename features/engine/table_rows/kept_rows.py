"""The rows of a relation that may count from tonight on, encoded, kept from one night to the next.

Reading the rows of a table and giving them their numbers takes several times as long as adding them up, and most rows
never count again. So a night keeps, by relation, the encoded rows that any measure may count at its cutoff or a later
one, and for each selection of rows the positions of its own. The next night maps the file into memory and reads the
files of the source that are new since then (``added_rows``). Their rows are kept in a second file, until that one has
grown large: then both become one.

What is kept is valid under the key of everything that it depends on, apart from rows: the code of this package, the
columns of the tables, and the expressions of its columns. Which parts of the tables' rows it was made of is kept, too
(``row_parts`` of the history). An earlier cutoff reads the source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from uuid import uuid4

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import number_array, to_numpy
from features.definitions.measures import Aggregate
from features.engine.account_range import Scope
from features.engine.table_rows.added_rows import ChangedFiles, tables_behind
from features.engine.table_rows.appended_rows import append_rows
from features.engine.table_rows.countable_rows import CountableRows, Selection
from features.engine.table_rows.expressions import lacks_column, needed_columns
from features.engine.table_rows.row_files import RowFile
from features.engine.windows import Flags, Ints
from features.history.cache_files import cache_key, read_cache_file, write_cache_file
from features.history.history import History
from features.history.row_digests import keep_digests
from features.history.row_parts import labels_by_key

SUFFIX, ADDED_SUFFIX = ".rows", ".added.rows"
"""Of the file of rows, and of that of rows which were added since it was written."""

MAX_AGE = 92
"""Days after which the rows that count no more are left out of what is kept."""

MAX_ADDED = 1 / 8
"""Added rows, as a share of the others, above which all of them are written into one file."""


@cache
def code_version() -> str:
    """A text that changes with the code of this package, which decides the numbers in a file."""
    return cache_key(*(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))))


@dataclass(frozen=True)
class KeptRows:
    """The kept rows of one range of accounts, as far as the measures ``measures`` need them."""

    history: History
    scope: Scope
    measures: Sequence[Aggregate]
    _known_places: list[tuple[pa.Array, Ints]] = field(default_factory=list, repr=False)

    @classmethod
    def of(cls, history: History, scope: Scope, measures: Sequence[Aggregate]) -> KeptRows | None:
        """The kept rows of a range; ``None`` where nothing is kept."""
        return cls(history, scope, measures) if history.state and scope.name else None

    def read(self, relation: str, first: int) -> CountableRows | None:
        """The rows that may count from a day on, where most of them are kept."""
        tonight = self._parts(relation)
        kept = self._open(relation, SUFFIX) if tonight else None
        if tonight is None or kept is None or kept.countable.first > first:
            return None
        added = self._open(relation, ADDED_SUFFIX)
        added = added if added and added.name == kept.name else None
        current = self._update(relation, kept, added, tonight)
        if current is None and added:
            current = self._update(relation, kept, None, tonight)
        if current is None:
            return None
        kept, added = current
        old = first - kept.countable.first > MAX_AGE
        if added is None:
            return kept.countable.from_day(first) if old else kept.countable
        old |= len(added.countable.rows) > MAX_ADDED * len(kept.countable.rows)
        rows = append_rows(kept.countable, added.countable, added.again, with_ids=old)
        return rows.from_day(first) if old else rows

    def write(self, relations: Mapping[str, CountableRows]) -> None:
        """Keep the rows of some relations for the next night, except those that are kept already."""
        for relation, countable in relations.items():
            tonight = self._parts(relation)
            if tonight is None or countable.is_kept:
                continue
            for selection in self._selections[relation]:
                countable.may_count(selection)
            file = self._file(countable, np.zeros(len(self.scope), np.bool_), tonight, uuid4().hex)
            with suppress(OSError):
                self._path(relation, ADDED_SUFFIX).unlink(missing_ok=True)
            write_cache_file(self._path(relation, SUFFIX), file.encode(self._key(relation)))
            keep_digests(self.history, tables_behind(relation))

    def _update(
        self, relation: str, kept: RowFile, added: RowFile | None, tonight: Mapping[str, Mapping[str, str]]
    ) -> tuple[RowFile, RowFile | None] | None:
        """The kept and the added rows of tonight's accounts and files; ``None`` where all have to be read."""
        newest = added or kept
        places = self._places(newest.accounts)
        if newest.lacks_rows(self._accounts, places):
            return None
        kept = kept.renumber(self._accounts, self._places(kept.accounts))
        added = added.renumber(self._accounts, places) if added else None
        changed = [table for table in tonight if tonight[table].keys() != set(newest.parts.get(table, ()))]
        if not changed:
            return kept, added
        first = kept.countable.first
        files = ChangedFiles(
            self.history,
            self.scope,
            relation,
            self._of(relation),
            first,
            {table: newest.parts.get(table, ()) for table in changed},
            {table: tonight[table] for table in changed},
        )
        found = files.read()
        if found is None:
            return None
        rows, again = found
        countable = CountableRows(rows, first)
        for selection in self._selections[relation]:
            countable.may_count(selection)
        if added:
            countable, again = append_rows(added.countable, countable, again, with_ids=True), added.again | again
            countable = countable.of_selected()
        file = self._file(countable, again, tonight, kept.name)
        write_cache_file(self._path(relation, ADDED_SUFFIX), file.encode(self._key(relation)))
        keep_digests(self.history, tables_behind(relation))
        return kept, file

    def _file(
        self, countable: CountableRows, again: Flags, parts: Mapping[str, Mapping[str, str]], name: str
    ) -> RowFile:
        return RowFile(
            countable, self._accounts, again, {it: [*keys] for it, keys in parts.items()}, name, self._borders
        )

    def _open(self, relation: str, suffix: str) -> RowFile | None:
        file = read_cache_file(self._path(relation, suffix))
        return RowFile.decode(file, self._key(relation), self._selections[relation], self._columns(relation))

    def _path(self, relation: str, suffix: str) -> Path:
        return Path(self.history.state or "", relation, f"{self.scope.name}{suffix}")

    def _key(self, relation: str) -> str:
        """A text that changes with everything but rows that the numbers in a file depend on."""
        tables = [
            (table, table in self.history.present, sorted(self.history.columns[table]))
            for table in tables_behind(relation)
        ]
        return cache_key(code_version(), duckdb.__version__, tables)

    def _parts(self, relation: str) -> dict[str, dict[str, str]] | None:
        return None if relation == "usage_daily" else labels_by_key(self.history, tables_behind(relation))

    @cached_property
    def _accounts(self) -> pa.Array:
        """The ids of the accounts, by position."""
        return self.history.accounts.take(number_array(self.scope.codes))

    def _places(self, accounts: pa.Array) -> Ints:
        """The position of each of some accounts among those of tonight, or −1: the same for most files."""
        for others, places in self._known_places:
            if others.equals(accounts):
                return places
        places = to_numpy(pc.index_in(accounts, value_set=self._accounts).fill_null(-1))
        self._known_places.append((accounts, places))
        return places

    @cached_property
    def _borders(self) -> tuple[str | None, str | None]:
        ids, codes = self.history.accounts, self.scope.codes
        first, end = (int(codes[0]), int(codes[-1]) + 1) if len(codes) else (0, len(ids))
        return ids[first].as_py() if first else None, ids[end].as_py() if end < len(ids) else None

    def _of(self, relation: str) -> list[Aggregate]:
        return [part for part in self.measures if part.stream.relation == relation]

    def _columns(self, relation: str) -> list[str]:
        """The columns that measures need, where the source has them."""
        parts = [part for part in self._of(relation) if not lacks_column(part, self.history)]
        return list(dict.fromkeys(text for part in parts for text in needed_columns(part)))

    @cached_property
    def _selections(self) -> Mapping[str, list[Selection]]:
        """By relation every selection that a measure needs."""
        found: dict[str, dict[Selection, None]] = {}
        for part in self.measures:
            if not lacks_column(part, self.history):
                found.setdefault(part.stream.relation, {})[Selection.of_measure(part)] = None
        return {relation: list(selections) for relation, selections in found.items()}
