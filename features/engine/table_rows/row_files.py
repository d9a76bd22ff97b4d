"""Encoded rows of a relation as a file: columns of numbers that are memory-mapped, and what they were made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from features.arrow import combine_chunks, number_array, to_numpy
from features.engine.table_rows.countable_rows import CountableRows, Selection
from features.engine.table_rows.rows import RowColumn, Rows
from features.engine.table_rows.ticket_timeline import TICKET_IDS
from features.engine.windows import Flags, Ints, Values
from features.history.cache_files import CachedFile

Parts = Mapping[str, Sequence[str]]
"""By table the keys of the parts of its rows (``History.row_parts``)."""


@dataclass(frozen=True)
class RowFile:
    """Rows of a range of accounts, whose ids are ``accounts``, by position.

    ``parts`` are those whose rows are here, or in the file that this one adds to; ``name`` is what both have in common.
    ``again`` says of which accounts all rows are here, and those of the other file do not count. ``borders`` are the
    first id of the range and the first one after it; ``None`` where there is no other range.
    """

    countable: CountableRows
    accounts: pa.Array
    again: Flags
    parts: Parts
    name: str
    borders: tuple[str | None, str | None]

    @classmethod
    def decode(
        cls, file: CachedFile | None, key: str, selections: Sequence[Selection], columns: Sequence[str]
    ) -> RowFile | None:
        """The content of a file with a key; ``None`` where it lacks a selection or a column."""
        if file is None or file.values.get("key") != key:
            return None
        values, (numbers, of_rows, of_classes, lists, accounts, tickets, *words) = file.values, file.tables
        ends = dict(zip(values["selections"], zip([0, *values["ends"]], values["ends"], strict=False), strict=True))
        names = {*values["rows"], *values["classes"]}
        if not all(repr(selection) in ends for selection in selections) or not names.issuperset(columns):
            return None
        texts = {text: combine_chunks(table["word"]) for text, table in zip(values["words"], words, strict=True)}
        decoded: dict[str, RowColumn] = {}
        for table, kind in ((of_rows, "rows"), (of_classes, "classes")):
            for place, text in enumerate(values[kind]):
                array = to_numpy(table[str(place)])
                array = array.view(np.bool_) if text in values["flags"] else array
                decoded[text] = RowColumn(array, kind == "classes", texts.get(text))
        if TICKET_IDS in texts:
            decoded[TICKET_IDS] = RowColumn(to_numpy(tickets["0"]), of_classes=True, words=texts[TICKET_IDS])
        row = to_numpy(lists["0"])
        known = {selection: row[slice(*ends[repr(selection)])] for selection in selections}
        code = to_numpy(numbers["1"]) if numbers.num_columns > 1 else None
        rows = Rows(decoded, to_numpy(numbers["0"]), code)
        return cls(
            CountableRows(rows, values["first"], known, is_kept=True),
            combine_chunks(accounts["id"]),
            to_numpy(accounts["again"]).view(np.bool_),
            values["parts"],
            values["name"],
            tuple(values["borders"]),
        )

    def encode(self, key: str) -> CachedFile:
        """The content of a file, with only the rows of any selection."""
        countable = self.countable.of_selected()
        rows = countable.rows
        columns = {text: column for text, column in rows.columns.items() if text != TICKET_IDS}
        tickets = [column.values for text, column in rows.columns.items() if text == TICKET_IDS]
        words = {text: column.words for text, column in rows.columns.items() if column.words is not None}
        of_rows = {text: column.values for text, column in columns.items() if not column.of_classes}
        of_classes = {text: column.values for text, column in columns.items() if column.of_classes}
        lists = np.concatenate([*countable.selected.values(), np.empty(0, np.int64)]).astype(np.int32)
        values: dict[str, Any] = {
            "key": key,
            "parts": self.parts,
            "name": self.name,
            "borders": self.borders,
            "first": countable.first,
            "selections": [repr(selection) for selection in countable.selected],
            "ends": np.cumsum([len(row) for row in countable.selected.values()]).tolist(),
            "rows": [*of_rows],
            "classes": [*of_classes],
            "words": [*words],
            "flags": [text for text, column in columns.items() if column.values.dtype == np.bool_],
        }
        accounts = pa.table({"id": self.accounts, "again": number_array(_as_number(self.again))})
        numbers = [rows.account] if rows.code is None else [rows.account, rows.code]
        tables = [_table(numbers), _table([*of_rows.values()]), _table([*of_classes.values()]), _table([lists])]
        texts = [pa.table({"word": column}) for column in words.values()]
        return CachedFile(values, [*tables, accounts, _table(tickets), *texts])

    def renumber(self, accounts: pa.Array, place: Ints) -> RowFile:
        """The same for other accounts of the source; ``place`` is the position of each of ours, −1 where it is gone."""
        if len(place) == len(accounts) and bool((place == np.arange(len(place))).all()):
            return self
        gone = place < 0
        rows, again = self.countable.rows, np.zeros(len(accounts), np.bool_)
        again[place[~gone]] = self.again[~gone]
        place = np.maximum(np.maximum.accumulate(place), 0)  # also of those that are gone: tickets stay in order
        columns = dict(rows.columns)
        if TICKET_IDS in columns:
            columns[TICKET_IDS] = replace(columns[TICKET_IDS], values=place[columns[TICKET_IDS].values])
        selected = dict(self.countable.selected)
        if gone.any():
            selected = {text: row[np.flatnonzero(~gone[rows.account[row]])] for text, row in selected.items()}
        moved = Rows(columns, place[rows.account], rows.code)
        countable = CountableRows(moved, self.countable.first, selected, is_kept=True)
        return replace(self, countable=countable, accounts=accounts, again=again)

    def lacks_rows(self, accounts: pa.Array, place: Ints) -> bool:
        """Whether some of these accounts had rows in another range; one that was in no range had no rows."""
        others = np.ones(len(accounts), np.bool_)
        others[place[place >= 0]] = False
        first, end = self.borders
        return any(
            (first is not None and account < first) or (end is not None and account >= end)
            for account in accounts.take(number_array(np.flatnonzero(others))).to_pylist()
        )


def _table(columns: Sequence[Values | Ints]) -> pa.Table:
    """The columns under their positions; flags as whole numbers, because Arrow packs them into bits."""
    return pa.table({str(place): number_array(_as_number(values)) for place, values in enumerate(columns)})


def _as_number(values: Any) -> Values:
    array: Values = values.view(np.int8) if values.dtype == np.bool_ else values
    return array
