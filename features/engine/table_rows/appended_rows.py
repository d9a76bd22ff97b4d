"""Rows of a relation behind others of the same relation, where each side has its own numbers for texts and tickets.

Texts and classes of the second side get numbers after those of the first. Tickets are numbered in the order of their
accounts and ids, which decides ties, so that new tickets move the numbers of others.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import combine_chunks, number_array, to_numpy
from features.engine.table_rows.countable_rows import CountableRows
from features.engine.table_rows.rows import RowColumn, Rows
from features.engine.table_rows.ticket_timeline import TICKET_IDS, TICKET_NUMBER
from features.engine.windows import Flags, Ints, Values
from features.history.versions import FOREVER


def append_rows(kept: CountableRows, added: CountableRows, again: Flags) -> CountableRows:
    """The kept rows of some accounts, followed by added rows, which are all rows of the accounts that are ``again``.

    Both may count from the first day of the kept rows on, for the same selections.
    """
    count = np.int32(len(kept.rows))
    selected = {}
    for selection, row in kept.selected.items():
        used = row[np.flatnonzero(~again[kept.rows.account[row]])] if again.any() else row
        selected[selection] = np.concatenate((used, added.selected[selection].astype(np.int32) + count))
    return CountableRows(concatenate_rows(kept.rows, added.rows), kept.first, selected, is_kept=True)


def concatenate_rows(first: Rows, second: Rows) -> Rows:
    """The rows of the first, then those of the second, with the columns that both have."""
    columns = {
        name: _append_column(column, second.columns[name])
        for name, column in first.columns.items()
        if name in second.columns and name not in (TICKET_IDS, TICKET_NUMBER)
    }
    days = [rows.columns["replaced"].values if "replaced" in rows.columns else None for rows in (first, second)]
    if any(it is not None for it in days):
        never = [np.full(len(rows), FOREVER, np.int32) for rows in (first, second)]
        both = [other if some is None else some for some, other in zip(days, never, strict=True)]
        columns["replaced"] = RowColumn(np.concatenate(both))
    if TICKET_IDS in first.columns:
        columns |= _number_tickets(first, second)
    code = None
    if first.code is not None and second.code is not None:
        classes = [len(it.values) for name, it in first.columns.items() if it.of_classes and name != TICKET_IDS]
        code = np.concatenate((first.code, second.code + second.code.dtype.type(max(classes, default=0))))
    return Rows(columns, np.concatenate((first.account, second.account.astype(first.account.dtype))), code)


def _append_column(first: RowColumn, second: RowColumn) -> RowColumn:
    values, words = second.values, first.words
    if first.words is not None and second.words is not None:
        words, values = _append_words(first.words, second.words, second.values)
    return RowColumn(np.concatenate((first.values, values)), first.of_classes, words)


def _append_words(first: pa.Array, second: pa.Array, codes: Values) -> tuple[pa.Array, Values]:
    """All words, each once, and the codes of the second ones among them."""
    known = pc.index_in(second, value_set=first)
    new = second.filter(known.is_null())
    place = to_numpy(known.fill_null(-1))
    place[place < 0] = len(first) + np.arange(len(new))
    codes = np.append(place, np.int32(-1))[codes]  # a missing text has the code −1, which is the last of these
    return pa.concat_arrays([first, new]), codes


def _number_tickets(first: Rows, second: Rows) -> dict[str, RowColumn]:
    """The numbers of the tickets of both sides, in the order of accounts and ids, and the account and id of each.

    Only tickets of accounts with a ticket on the second side are compared: those of the first are in order.
    """
    sides = [rows.columns[TICKET_IDS] for rows in (first, second)]
    account = np.concatenate([side.values for side in sides])
    ids = pa.concat_arrays([combine_chunks(side.words) for side in sides])
    changed = np.zeros(int(account.max(initial=0)) + 1, np.bool_)
    changed[sides[1].values] = True
    same, place = np.flatnonzero(~changed[account]), np.flatnonzero(changed[account])
    place, group = _sort_tickets(account, ids, place)
    heads = place[np.flatnonzero(np.diff(group, prepend=-1))]
    tickets = np.concatenate((same, heads))
    order = np.argsort(account[tickets], kind="stable")
    rank = np.empty(len(tickets), np.int32)
    rank[order] = np.arange(len(tickets), dtype=np.int32)
    number = np.empty(len(account), np.int32)
    number[same], number[place] = rank[: len(same)], rank[len(same) + group]
    of_first, of_second = (rows.columns[TICKET_NUMBER].values for rows in (first, second))
    numbers = np.concatenate((number[of_first], number[len(sides[0].values) :][of_second]))
    in_order = tickets[order]
    return {
        TICKET_NUMBER: RowColumn(numbers),
        TICKET_IDS: RowColumn(account[in_order], of_classes=True, words=ids.take(number_array(in_order))),
    }


def _sort_tickets(account: Ints, ids: pa.Array, place: Ints) -> tuple[Ints, Ints]:
    """Some tickets by account and id, and a number for each different one, ascending."""
    rows = pa.table({"account": number_array(account[place]), "id": ids.take(number_array(place))})
    order = pc.sort_indices(rows, [("account", "ascending"), ("id", "ascending")])
    rows, place = rows.take(order), place[to_numpy(order)]
    texts = combine_chunks(rows["id"])
    other = np.diff(account[place]) != 0
    if len(other):
        other |= to_numpy(pc.not_equal(texts[1:], texts[:-1]))
    return place, np.concatenate(([0], np.cumsum(other)))[: len(place)].astype(np.int64)
