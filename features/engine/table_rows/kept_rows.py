"""The rows of a relation that may count from tonight on, encoded, kept from one night to the next.

Reading the rows of a table and giving them their numbers takes several times as long as adding them up, and most rows
never count again. So a night keeps, by relation, the encoded rows that any measure may count at its cutoff or a later
one, and for each selection of rows the positions of its own. The next night maps the file into memory and reads the
source only where something has changed.

What is kept is valid under the key of everything that it depends on: the accepted rows of the tables (``row_keys`` of
the history), the code of this package, and the expressions of its columns. An earlier cutoff reads the source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from features.arrow import number_array, to_numpy
from features.definitions.measures import Aggregate
from features.engine.account_range import Scope
from features.engine.table_rows.countable_rows import CountableRows, Selection
from features.engine.table_rows.expressions import lacks_column, needed_columns
from features.engine.table_rows.rows import RowColumn, Rows
from features.engine.windows import Values
from features.history.cache_files import CachedFile, cache_key, read_cache_file, write_cache_file
from features.history.history import History

SUFFIX = ".rows"

MAX_AGE = 92
"""Days after which the rows that count no more are left out of what is kept."""

TABLES_OF = {"timeline": ("tickets", "ticket_events"), "tickets": ("tickets", "ticket_events")}
"""The tables on which the rows of a relation depend, where it is not one table: an event may say that its ticket was
merged."""


@cache
def code_version() -> str:
    """A text that changes with the code of this package, which decides the numbers in a file."""
    return cache_key(*(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))))


@dataclass(frozen=True)
class KeptRows:
    """The kept rows of one range of accounts, as far as the measures ``parts`` need them."""

    history: History
    scope: Scope
    parts: Sequence[Aggregate]

    @classmethod
    def of(cls, history: History, scope: Scope, parts: Sequence[Aggregate]) -> KeptRows | None:
        """The kept rows of a range; ``None`` where nothing is kept."""
        return cls(history, scope, parts) if history.state and scope.name else None

    def read(self, relation: str, first: int) -> CountableRows | None:
        """The rows that may count from a day on, where they are kept."""
        key = self._key(relation)
        file = read_cache_file(self._path(relation)) if key else None
        if file is None or file.values.get("key") != key or file.values["first"] > first:
            return None
        kept = _decode(file, self._selections[relation], self._columns(relation))
        return kept.from_day(first) if kept and first - kept.first > MAX_AGE else kept

    def write(self, relations: Mapping[str, CountableRows]) -> None:
        """Keep the rows of some relations for the next night, except those that are kept already."""
        for relation, countable in relations.items():
            key = self._key(relation)
            if key is None or countable.is_kept:
                continue
            for selection in self._selections[relation]:
                countable.may_count(selection)
            path = self._path(relation)
            write_cache_file(path, _encode(countable.of_selected(), key))

    def _path(self, relation: str) -> Path:
        return Path(self.history.state or "", relation, f"{self.scope.name}{SUFFIX}")

    def _key(self, relation: str) -> str | None:
        """A text that changes with everything that the rows depend on; ``None`` where there is no such text."""
        tables = ("accounts", *TABLES_OF.get(relation, (relation,)))
        keys = [self.history.row_keys.get(table, "absent") for table in tables]
        if relation == "usage_daily" or None in keys:
            return None
        codes = self.scope.codes
        return cache_key(code_version(), duckdb.__version__, keys, len(codes), int(codes[0]) if len(codes) else 0)

    def _of(self, relation: str) -> list[Aggregate]:
        return [part for part in self.parts if part.stream.relation == relation]

    def _columns(self, relation: str) -> list[str]:
        """The columns that measures need, where the source has them."""
        parts = [part for part in self._of(relation) if not lacks_column(part, self.history)]
        return list(dict.fromkeys(text for part in parts for text in needed_columns(part)))

    @cached_property
    def _selections(self) -> Mapping[str, list[Selection]]:
        """By relation every selection that a measure needs."""
        found: dict[str, dict[Selection, None]] = {}
        for part in self.parts:
            if not lacks_column(part, self.history):
                found.setdefault(part.stream.relation, {})[Selection.of_measure(part)] = None
        return {relation: list(selections) for relation, selections in found.items()}


def _encode(countable: CountableRows, key: str) -> CachedFile:
    rows = countable.rows
    words = {text: column.words for text, column in rows.columns.items() if column.words is not None}
    of_rows = {text: column.values for text, column in rows.columns.items() if not column.of_classes}
    of_classes = {text: column.values for text, column in rows.columns.items() if column.of_classes}
    numbers = {"account": rows.account} | ({} if rows.code is None else {"code": rows.code})
    ends = np.cumsum([len(row) for row in countable.selected.values()]).tolist()
    lists = np.concatenate([*countable.selected.values(), np.empty(0, np.int64)]).astype(np.int32)
    values = {
        "key": key,
        "first": countable.first,
        "selections": [repr(selection) for selection in countable.selected],
        "ends": ends,
        "rows": [*of_rows],
        "classes": [*of_classes],
        "words": [*words],
        "flags": [text for text, column in rows.columns.items() if column.values.dtype == np.bool_],
    }
    tables = [_table(numbers), _table(of_rows), _table(of_classes), _table({"row": lists})]
    return CachedFile(values, [*tables, *(pa.table({"word": column}) for column in words.values())])


def _decode(file: CachedFile, selections: Sequence[Selection], columns: Sequence[str]) -> CountableRows | None:
    """The content of a file; ``None`` where it lacks a selection or a column."""
    values, (numbers, of_rows, of_classes, lists, *words) = file.values, file.tables
    ends = dict(zip(values["selections"], zip([0, *values["ends"]], values["ends"], strict=False), strict=True))
    names = {*values["rows"], *values["classes"]}
    if not all(repr(selection) in ends for selection in selections) or not names.issuperset(columns):
        return None
    texts = {text: table["word"].combine_chunks() for text, table in zip(values["words"], words, strict=True)}
    flags = frozenset(values["flags"])
    decoded: dict[str, RowColumn] = {}
    for table, kind in ((of_rows, "rows"), (of_classes, "classes")):
        for place, text in enumerate(values[kind]):
            array = to_numpy(table[str(place)])
            array = array.view(np.bool_) if text in flags else array
            decoded[text] = RowColumn(array, kind == "classes", texts.get(text))
    row = to_numpy(lists["0"])
    known = {selection: row[slice(*ends[repr(selection)])] for selection in selections}
    code = to_numpy(numbers["1"]) if numbers.num_columns > 1 else None
    return CountableRows(Rows(decoded, to_numpy(numbers["0"]), code), values["first"], known, is_kept=True)


def _table(columns: Mapping[str, Values]) -> pa.Table:
    """The columns under their positions; flags as whole numbers, because Arrow packs them into bits."""
    arrays = {str(place): number_array(_as_number(values)) for place, values in enumerate(columns.values())}
    return pa.table(arrays)


def _as_number(values: Any) -> Values:
    array: Values = values.view(np.int8) if values.dtype == np.bool_ else values
    return array
