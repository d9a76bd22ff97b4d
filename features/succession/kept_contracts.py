"""What of each account ends, kept from one night to the next: few accounts have contracts that change in a day.

The answer for an account at a cutoff is the answer at an earlier cutoff, unless something about its contracts has
changed in between. So a night keeps its answers with the next moment at which each may change, under the key of the
rows of accounts and contracts, and the next night asks only for the accounts whose moment has come.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from features.arrow import flag_array, nullable_array, number_array, to_numpy
from features.history.cache_files import CachedFile, cache_key, read_cache_file, write_cache_file
from features.history.history import History
from features.history.partitions import DAY_MICROSECONDS
from features.history.versions import EPOCH

ANSWERS_SUFFIX = ".contracts"

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
    keys = [history.row_keys.get(table, "absent") for table in ("accounts", "subscriptions")]
    if history.state is None or None in keys:
        return _on_day(ask(None), cutoff)
    folder, key = Path(history.state, "subscriptions"), cache_key(question, duckdb.__version__, keys)
    earlier = _newest_until(folder, key, cutoff)
    answers = ask(None) if earlier is None else _brought_to(cutoff, earlier, ask)
    if write_cache_file(folder / f"{(cutoff - EPOCH).days}{ANSWERS_SUFFIX}", CachedFile({"key": key}, [answers])):
        _remove_oldest(folder)
    return _on_day(answers, cutoff)


def _brought_to(cutoff: date, earlier: pa.Table, ask: Callable[[pa.Array | None], pa.Table]) -> pa.Table:
    """Earlier answers, with new ones for the accounts whose contracts may have changed since."""
    unchanged = to_numpy(earlier["until"]) > _midnight(cutoff)
    if unchanged.all():
        return earlier
    same, stale = (earlier.take(number_array(np.flatnonzero(some))) for some in (unchanged, ~unchanged))
    answers = pa.concat_tables([same, ask(stale["account_id"].combine_chunks()).cast(earlier.schema)])
    return answers.take(number_array(np.argsort(to_numpy(answers["account"]), kind="stable"))).combine_chunks()


def _on_day(answers: pa.Table, cutoff: date) -> pa.Table:
    """The answers with what depends on the day of the cutoff."""
    overdue = nullable_array((cutoff - EPOCH).days - to_numpy(answers["overdue_day"]))
    known = to_numpy(answers["account_known"]) < _midnight(cutoff)
    dated = answers.append_column("is_known", flag_array(known, np.ones(len(known), np.bool_)))
    return dated.append_column("renewal_overdue_days", overdue.cast(pa.int32()))


def _midnight(cutoff: date) -> int:
    """The first instant of the day, in microseconds since 1970."""
    return (cutoff - EPOCH).days * DAY_MICROSECONDS


def _newest_until(folder: Path, key: str, cutoff: date) -> pa.Table | None:
    """The answers of the newest kept cutoff that is not after this one."""
    days = sorted((int(path.stem) for path in _files(folder)), reverse=True)
    for day in days:
        if day <= (cutoff - EPOCH).days:
            file = read_cache_file(folder / f"{day}{ANSWERS_SUFFIX}")
            if file is not None and file.values.get("key") == key:
                return file.tables[0]
    return None


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.glob(f"*{ANSWERS_SUFFIX}") if path.stem.lstrip("-").isdigit()]


def _remove_oldest(folder: Path) -> None:
    """Remove all files but the last ones that were written."""
    with suppress(OSError):
        for path in sorted(_files(folder), key=lambda path: path.stat().st_mtime_ns)[:-KEPT_FILES]:
            path.unlink(missing_ok=True)
