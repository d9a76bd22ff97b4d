"""What of each account ends, kept from one night to the next: few accounts have contracts that change in a day.

The answer for an account at a cutoff is the answer at an earlier cutoff, unless something about its contracts has
changed in between. So a night keeps its answers with the next moment at which each may change, and the next night asks
only for the accounts whose moment has come, and for those that rows of new files concern, or whose rows have changed
where a file has changed or is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import combine_chunks, flag_array, nullable_array, number_array, text_array, to_numpy
from features.history.cache_files import CachedFile, cache_key, read_cache_file, write_cache_file
from features.history.history import History
from features.history.partitions import DAY_MICROSECONDS
from features.history.row_digests import changed_accounts, keep_digests
from features.history.row_parts import are_all_there, labels_by_key, new_labels
from features.history.versions import EPOCH
from features.succession.contract_versions import has_replacements

ANSWERS_SUFFIX = ".contracts"

_TABLES = ("accounts", "subscriptions")
"""The tables that answers depend on."""

PartsByKey = Mapping[str, Mapping[str, str]]
"""By table the label of each part of its rows tonight, by key."""

NEVER = 2**63 - 1
"""The moment of a change that does not come."""

KEPT_FILES = 4
"""Cutoffs that are kept: a night asks at two, its own and one some weeks earlier."""


def kept_contracts(
    history: History, cutoff: date, question: str, ask: Callable[[pa.Array | None], pa.Table]
) -> pa.Table:
    """The answers at a cutoff, ordered by account; ``ask`` gives those of some accounts (ids), or of all.

    ``question`` is the query of a certain day: answers to another query are not used.

    Answers have the columns ``account_known`` and ``until`` (the next moment of a change; both in microseconds since
    1970) and ``overdue_day``, from which ``is_known`` and ``renewal_overdue_days`` follow.
    """
    tonight = labels_by_key(history, _TABLES)
    if history.state is None or tonight is None:
        return _on_day(ask(None), cutoff)
    folder, key = Path(history.state, "subscriptions"), cache_key(question, duckdb.__version__)
    earlier = _newest_until(folder, key, cutoff, history, tonight)
    answers = ask(None) if earlier is None else _brought_to(cutoff, *earlier, history, ask)
    values = {"key": key, "parts": {table: [*parts] for table, parts in tonight.items()}}
    keep_digests(history, [table for table in _TABLES if table in history.present])
    if write_cache_file(folder / f"{(cutoff - EPOCH).days}{ANSWERS_SUFFIX}", CachedFile(values, [answers])):
        _remove_oldest(folder)
    return _on_day(answers, cutoff)


def _brought_to(
    cutoff: date,
    earlier: pa.Table,
    concerned: pa.Array,
    history: History,
    ask: Callable[[pa.Array | None], pa.Table],
) -> pa.Table:
    """Earlier answers, with new ones for the accounts whose contracts may have changed since."""
    place = pc.index_in(earlier["account_id"], value_set=history.accounts)
    same = to_numpy(pc.is_valid(place)) & (to_numpy(earlier["until"]) > _midnight(cutoff))
    same &= ~to_numpy(pc.is_in(earlier["account_id"], value_set=concerned))
    if same.all() and not len(concerned):
        return earlier
    stale = earlier["account_id"].filter(flag_array(~same, np.ones(len(same), np.bool_)))
    asked = pc.unique(pa.chunked_array([*stale.chunks, concerned]))
    answers = pa.concat_tables([earlier.take(number_array(np.flatnonzero(same))), ask(asked).cast(earlier.schema)])
    place = pc.index_in(answers["account_id"], value_set=history.accounts).cast(earlier.schema.field("account").type)
    answers = answers.set_column(earlier.schema.get_field_index("account"), "account", place)
    return answers.take(number_array(np.argsort(to_numpy(place), kind="stable"))).combine_chunks()


def _concerned(history: History, kept: Mapping[str, Sequence[str]], tonight: PartsByKey) -> pa.Array | None:
    """The accounts whose answers may be others than with the parts that have these keys; ``None`` for all accounts."""
    if are_all_there(kept, tonight):
        new = new_labels(kept, tonight)
        return _with_new_rows(history, new) if any(new.values()) else text_array([])
    if has_replacements(history):  # a row that is gone may have named a contract of another account
        return None
    tables = [table for table in tonight if tonight[table].keys() != set(kept[table])]
    changed = [changed_accounts(history, table, kept[table]) for table in tables]
    ids = [some for some in changed if some is not None]
    return pc.unique(pa.concat_arrays(ids)) if len(ids) == len(changed) else None


def _with_new_rows(history: History, new: Mapping[str, Sequence[str]]) -> pa.Array:
    """The accounts of the rows of new files, and those with a contract that one of theirs continues.

    A contract may have been another account's before, which has lost it.
    """
    rows = {table: history.row_parts[table].rows_query(labels) for table, labels in new.items() if labels}
    parts = [f"SELECT account_id FROM ({rows['accounts']})"] if "accounts" in rows else []
    if "subscriptions" in rows:
        own = f"SELECT subscription_id FROM ({rows['subscriptions']})"
        parts.append(f"SELECT account_id FROM subscriptions WHERE subscription_id IN ({own})")
    accounts = " UNION ".join(parts)
    if has_replacements(history):
        named = "SELECT replaces FROM subscriptions WHERE account_id IN (SELECT account_id FROM direct)"
        others = f"SELECT account_id FROM subscriptions WHERE subscription_id IN ({named})"
        accounts = f"WITH direct AS MATERIALIZED ({accounts}) SELECT account_id FROM direct UNION {others}"
    return combine_chunks(history.query(accounts)["account_id"]).cast(pa.string())


def _on_day(answers: pa.Table, cutoff: date) -> pa.Table:
    """The answers with what depends on the day of the cutoff."""
    overdue = nullable_array((cutoff - EPOCH).days - to_numpy(answers["overdue_day"]))
    known = to_numpy(answers["account_known"]) < _midnight(cutoff)
    dated = answers.append_column("is_known", flag_array(known, np.ones(len(known), np.bool_)))
    return dated.append_column("renewal_overdue_days", overdue.cast(pa.int32()))


def _midnight(cutoff: date) -> int:
    """The first instant of the day, in microseconds since 1970."""
    return (cutoff - EPOCH).days * DAY_MICROSECONDS


def _newest_until(
    folder: Path, key: str, cutoff: date, history: History, tonight: PartsByKey
) -> tuple[pa.Table, pa.Array] | None:
    """The answers of the newest kept cutoff that is not after this one, and the accounts whose rows are others now."""
    days = sorted((int(path.stem) for path in _files(folder)), reverse=True)
    for day in days:
        file = read_cache_file(folder / f"{day}{ANSWERS_SUFFIX}") if day <= (cutoff - EPOCH).days else None
        if file and file.values.get("key") == key:
            kept = file.values["parts"]
            concerned = history.cached(f"contracts since {kept}", partial(_concerned, history, kept, tonight))
            if concerned is not None:
                return file.tables[0], concerned
    return None


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.glob(f"*{ANSWERS_SUFFIX}") if path.stem.lstrip("-").isdigit()]


def _remove_oldest(folder: Path) -> None:
    """Remove all files but the last ones that were written."""
    with suppress(OSError):
        for path in sorted(_files(folder), key=lambda path: path.stat().st_mtime_ns)[:-KEPT_FILES]:
            path.unlink(missing_ok=True)
