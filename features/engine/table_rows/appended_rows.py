"""Rows of a relation behind others of the same relation, where each side has its own numbers for texts and tickets.

Texts and classes of the second side get numbers after those of the first. Tickets are numbered in the order of their
accounts and ids, which decides ties, so that new tickets move the numbers of others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import combine_chunks, number_array, to_numpy
from features.engine.table_rows.countable_rows import CountableRows
from features.engine.table_rows.rows import RowColumn, Rows
from features.engine.table_rows.ticket_timeline import TICKET_IDS, TICKET_NUMBER
from features.engine.windows import Flags, Ints, Values
from features.history.versions import FOREVER


def append_rows(kept: CountableRows, added: CountableRows, again: Flags, *, with_ids: bool = False) -> CountableRows:
    """The kept rows of some accounts, followed by added rows, which are all rows of the accounts that are ``again``.

    Both may count from the first day of the kept rows on, for the same selections. The ids of tickets are of use where
    the rows are kept.
    """
    count = np.int32(len(kept.rows))
    selected = {}
    for selection, row in kept.selected.items():
        used = row[np.flatnonzero(~again[kept.rows.account[row]])] if again.any() else row
        selected[selection] = np.concatenate((used, added.selected[selection].astype(np.int32) + count))
    rows = concatenate_rows(kept.rows, added.rows, with_ids=with_ids)
    return CountableRows(rows, kept.first, selected, is_kept=True)


def concatenate_rows(first: Rows, second: Rows, *, with_ids: bool = True) -> Rows:
    """The rows of the first, then those of the second, with the columns that both have; the first are not copied."""
    columns = {
        name: _append_column(column, second.columns[name])
        for name, column in first.columns.items()
        if name in second.columns and name not in (TICKET_IDS, TICKET_NUMBER)
    }
    if ("replaced" in first.columns) != ("replaced" in second.columns):
        days = [
            rows.columns["replaced"].values if "replaced" in rows.columns else np.full(len(rows), FOREVER, np.int32)
            for rows in (first, second)
        ]
        columns["replaced"] = RowColumn(days[0], added=days[1])
    if TICKET_IDS in first.columns:
        columns |= _number_tickets(first, second, with_ids=with_ids)
    code = None
    if first.code is not None and second.code is not None:
        classes = [len(it.values) for name, it in first.columns.items() if it.of_classes and name != TICKET_IDS]
        code = np.concatenate((first.code, second.code + second.code.dtype.type(max(classes, default=0))))
    return Rows(columns, np.concatenate((first.account, second.account.astype(first.account.dtype))), code)


def _append_column(first: RowColumn, second: RowColumn) -> RowColumn:
    values, words = second.values, first.words
    if first.words is not None and second.words is not None:
        words, values = _append_words(first.words, second.words, second.values)
    if first.of_classes:
        return RowColumn(np.concatenate((first.values, values)), of_classes=True, words=words)
    return RowColumn(first.values, words=words, added=values)


def _append_words(first: pa.Array, second: pa.Array, codes: Values) -> tuple[pa.Array, Values]:
    """All words, each once, and the codes of the second ones among them."""
    known = pc.index_in(second, value_set=first)
    new = second.filter(known.is_null())
    place = to_numpy(known.fill_null(-1))
    place[place < 0] = len(first) + np.arange(len(new))
    codes = np.append(place, np.int32(-1))[codes]  # a missing text has the code −1, which is the last of these
    return pa.concat_arrays([first, new]), codes


def _number_tickets(first: Rows, second: Rows, *, with_ids: bool) -> dict[str, RowColumn]:
    """The numbers of the tickets of both sides, in the order of accounts and ids, and the account and id of each.

    Only tickets of accounts with a ticket on the second side are compared, all others move by as many places.
    """
    ids, more = first.columns[TICKET_IDS], second.columns[TICKET_IDS]
    compared = np.zeros(int(max(ids.values.max(initial=0), more.values.max(initial=0))) + 1, np.bool_)
    compared[more.values] = True
    place = np.flatnonzero(compared[ids.values])
    account = np.concatenate((ids.values[place], more.values))
    order, group = _sort_tickets(account, [_take(ids.words, place), combine_chunks(more.words)])
    heads = order[np.flatnonzero(np.diff(group, prepend=-1))]
    size = len(compared)
    before = np.bincount(ids.values, minlength=size)
    after = np.where(compared, np.bincount(account[heads], minlength=size), before)
    begins = np.cumsum(after) - after
    numbers = np.arange(len(ids.values)) + (begins - (np.cumsum(before) - before))[ids.values]
    of_account = np.bincount(account[heads], minlength=size)
    number = np.empty(len(account), np.int64)
    number[order] = (group - (np.cumsum(of_account) - of_account)[account[order]]) + begins[account[order]]
    numbers[place] = number[: len(place)]
    numbers, number = numbers.astype(np.int32), number.astype(np.int32)
    of_first, of_second = (rows.columns[TICKET_NUMBER].values for rows in (first, second))
    added = number[len(place) :]
    columns = {TICKET_NUMBER: RowColumn(of_first, added=added[of_second], numbers=numbers)}
    if with_ids:
        source = np.zeros(int(after.sum()), np.int64)
        source[numbers] = np.arange(len(numbers))
        source[added] = len(numbers) + np.arange(len(added))
        owner = np.concatenate((ids.values, more.values))[source]
        words = pa.concat_arrays([combine_chunks(ids.words), combine_chunks(more.words)])
        columns[TICKET_IDS] = RowColumn(owner, of_classes=True, words=_take(words, source))
    return columns


def _sort_tickets(account: Values, ids: Sequence[pa.Array]) -> tuple[Ints, Ints]:
    """The positions of tickets by account and id, and for each a number that is its own, ascending."""
    rows = pa.table({"account": number_array(account), "id": pa.concat_arrays(ids)})
    order = to_numpy(pc.sort_indices(rows, [("account", "ascending"), ("id", "ascending")])).astype(np.int64)
    texts = _take(combine_chunks(rows["id"]), order)
    other = np.diff(account[order]) != 0
    if len(other):
        other |= to_numpy(pc.not_equal(texts[1:], texts[:-1]))
    return order, np.concatenate(([0], np.cumsum(other)))[: len(order)].astype(np.int64)


def _take(words: pa.Array, place: Ints) -> pa.Array:
    return combine_chunks(words).take(number_array(place))
