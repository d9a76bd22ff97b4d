"""The frame: one row for each account known at each cutoff, one column for each feature."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from features.arrow import array, numbers
from features.arrow import days as dates
from features.catalogue import FEATURES
from features.definitions.feature import Feature
from features.definitions.health import unaided
from features.definitions.measures import Stream, relations
from features.engine.account_range import Scope
from features.engine.engines import Aggregates, Embedded, Engine
from features.engine.evaluate import Evaluation, columns
from features.engine.feeds import PATIENCE, Feeds
from features.engine.memory_budget import Budget, bind
from features.engine.windows import Ints
from features.errors import UsageError
from features.history.history import History
from features.history.versions import EPOCH

FrameBuilder = Callable[[History, Sequence[date]], pa.Table]
"""Builds the frame of a history at some cutoffs."""

KNOWN = Stream("accounts", "accounts", "created_at").count()
"""Versions of the account that hold at the cutoff: none means that we did not know it yet."""


def build(
    history: History,
    cutoffs: Sequence[date],
    *,
    features: Sequence[Feature] = FEATURES,
    accounts: Sequence[str] | None = None,
    memory: str = "4GiB",
    engine: Engine | None = None,
    loop_guard: bool = False,
) -> pa.Table:
    """The features of every account known at each cutoff, ordered by ``as_of`` and ``account_id``.

    Columns: ``account_id`` (string), ``as_of`` (date32), then each feature: float64, or string for a category; null
    where nothing is known. ``accounts`` limits the rows to some accounts, ``memory`` is what the work may take;
    ``engine`` answers the aggregates of rows: this process, unless another is given. ``loop_guard`` leaves out of every
    feature what the rescue team itself wrote into the health scores.
    """
    chosen = [unaided(feature) for feature in features] if loop_guard else features
    return _whole(list(parts(history, cutoffs, features=chosen, accounts=accounts, memory=memory, engine=engine)))


def parts(
    history: History,
    cutoffs: Sequence[date],
    *,
    features: Sequence[Feature] = FEATURES,
    accounts: Sequence[str] | None = None,
    memory: str = "4GiB",
    engine: Engine | None = None,
) -> Iterator[pa.Table]:
    """The frame by ranges of accounts, each ordered, for those who write it away as it comes."""
    if not cutoffs:
        raise UsageError("no cutoff was asked for: name at least one day.")
    days = np.unique(np.array([(cutoff - EPOCH).days for cutoff in cutoffs], dtype=np.int64))
    feeds = Feeds.of(history, frozenset(PATIENCE) | {table for feature in features for table in feature.sources})
    wanted = (KNOWN, *(feature.measure for feature in features))
    budget = Budget.of(memory, len(days), len(features), relations(wanted))
    codes = _codes(history, accounts)
    bind(history.connection, memory)
    for begin in range(0, max(len(codes), 1), budget.read):
        scope = Scope(codes[begin : begin + budget.read])
        aggregates = (engine or Embedded()).aggregates(history, days, scope, wanted)
        yield from _range(history, aggregates.pieces(budget.worked), features, feeds)
        del aggregates  # its rows go before those of the next range come


def _whole(found: Sequence[pa.Table]) -> pa.Table:
    """Parts by ranges of accounts, ascending and each ordered, as one: cutoff by cutoff, so that nothing is sorted."""
    if len(found) == 1:
        return found[0]
    days = [array(part["as_of"].cast(pa.int32())) for part in found]
    runs = []
    for cutoff in np.unique(np.concatenate(days)):
        for part, day in zip(found, days, strict=True):
            first, end = np.searchsorted(day, (cutoff, cutoff + 1)).tolist()
            runs.append(part.slice(first, end - first))
    return pa.concat_tables(runs).combine_chunks() if runs else found[0]


def _range(
    history: History, pieces: Iterator[Aggregates], features: Sequence[Feature], feeds: Feeds
) -> Iterator[pa.Table]:
    for piece in pieces:
        yield _part(history, piece, features, feeds)


def _part(history: History, piece: Aggregates, features: Sequence[Feature], feeds: Feeds) -> pa.Table:
    days, scope = piece.cutoffs.days, piece.scope
    evaluation = Evaluation(piece, feeds)

    def found() -> Ints:
        return np.flatnonzero(evaluation.value(KNOWN).ravel() > 0)

    with ThreadPoolExecutor(1) as beside:
        places = beside.submit(found)
        told = columns(evaluation, features, places.result)
    known = places.result()
    keys = {
        "account_id": history.accounts.take(numbers(scope.codes[known % len(scope)])),
        "as_of": dates(days[known // len(scope)]),
    }
    return pa.table(keys | told)


def _codes(history: History, accounts: Sequence[str] | None) -> Ints:
    if accounts is None:
        return np.arange(len(history.accounts), dtype=np.int64)
    wanted = set(accounts)
    found = [place for place, account in enumerate(history.accounts.to_pylist()) if account in wanted]
    return np.array(found, dtype=np.int64)


def weekly(first: date, last: date, every: int = 7) -> list[date]:
    """Cutoffs every so many days, from the first to the last."""
    return [first + timedelta(days=step) for step in range(0, (last - first).days + 1, every)]
