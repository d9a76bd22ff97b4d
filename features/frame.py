"""The frame: one row for each account known at each cutoff, one column for each feature."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from typing import Protocol, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import combine_chunks, date_array, number_array, store_tables, text_array, to_numpy
from features.catalogue import FEATURES, field_metadata
from features.definitions.feature import Feature
from features.definitions.health import without_rescue_entries
from features.definitions.measures import Ago, Measure, Succession, relations
from features.engine.account_range import Scope, account_ranges
from features.engine.cube import Cube
from features.engine.engine_protocol import Aggregates, Engine
from features.engine.evaluate import Evaluation, evaluate_features, write_features
from features.engine.feeds import Feeds
from features.engine.frame_columns import FrameColumns
from features.engine.late_feeds import (
    KNOWN,
    CutoffGroup,
    cutoff_days,
    cutoff_groups,
    described_features,
    is_any_late,
    join_groups,
)
from features.engine.memory_budget import Budget, limit_memory
from features.engine.portfolio import Portfolio, compares_with_portfolio, own_values
from features.engine.windows import Flags, Ints
from features.history.history import History
from features.history.versions import EPOCH
from features.progress import report_share
from features.succession.succession import ask_contracts

OF_SEVERAL = 0.6
"""The share of the accounts that would fit which each of several ranges has: while the first one is computed, DuckDB
writes the rows of all of them."""


class FrameBuilder(Protocol):
    """Builds the frame of a history at some cutoffs; ``rows`` as for :func:`build`."""

    def __call__(self, history: History, cutoffs: Sequence[date], /, *, rows: Flags | None = None) -> pa.Table:
        """The frame."""


Built: TypeAlias = tuple[pa.Table, pa.Table | None]
"""A frame, and of a frame of some rows the columns of all rows that its features are compared with, if computed."""


def build(
    history: History,
    cutoffs: Sequence[date],
    *,
    features: Sequence[Feature] = FEATURES,
    accounts: Sequence[str] | None = None,
    rows: Flags | None = None,
    memory: str = "4GiB",
    engine: Engine | None = None,
    loop_guard: bool = False,
) -> pa.Table:
    """The features of every account known at each cutoff, ordered by ``as_of`` and ``account_id``.

    Columns: ``account_id`` (string), ``as_of`` (date32), then each feature: float64, or string for a category; null
    where nothing is known. The column of a declared metric carries its declaration (``catalogue.field_metadata``).

    Args:
        history: what was known, and when.
        cutoffs: the days at whose first instant the features are computed.
        features: the columns.
        accounts: only these accounts, or all of them.
        rows: only these rows, by cutoff (ascending) and account (in the order of ``history.accounts``), or all of them.
        memory: what the work may use.
        engine: what computes the aggregates of rows; this process, unless another is given.
        loop_guard: leave out of every feature what the rescue team itself wrote into the health scores.

    Raises:
        UsageError: there is no cutoff.
    """
    guarded = [without_rescue_entries(feature) for feature in features] if loop_guard else features
    groups = cutoff_groups(history, cutoff_days(cutoffs), guarded)
    own = own_values(guarded)
    columns = [*(feature for feature in guarded if not compares_with_portfolio(feature)), *own]

    def part(group: CutoffGroup, columns: Sequence[Feature], of: Sequence[str] | None, only: Flags | None) -> Built:
        measured, some = group.measured(columns), None if only is None else only[group.places]
        if engine is None and len(group.days) > 1:
            return _build_columns(history, group.days, measured, of, some, memory, group.measured(own))
        return _join(list(_build_parts(history, group.days, measured, of, some, memory, engine))), None

    built = [part(group, columns, accounts, rows) for group in groups]
    frame = join_groups(groups, [of_group for of_group, _ in built])
    if own:
        of_all: Iterable[pa.Table] = (
            part(group, own, None, None)[0] if compared is None else compared
            for group, (_, compared) in zip(groups, built, strict=True)
        )
        has_all = accounts is None and rows is None
        frame = _compare(frame, [frame] if has_all else of_all, guarded)
    return _describe(frame, groups, guarded)


def _compare(frame: pa.Table, of_all: Iterable[pa.Table], features: Sequence[Feature]) -> pa.Table:
    """The columns of the features, with those that compare an account with the rows of all (:meth:`Portfolio.of`)."""
    for name, column in Portfolio.of(of_all, features).compare(frame).items():
        frame = frame.append_column(name, column)
    return frame.select(["account_id", "as_of", *(feature.name for feature in features)])


def _describe(frame: pa.Table, groups: Sequence[CutoffGroup], features: Sequence[Feature]) -> pa.Table:
    """The frame whose columns say what they are, and at which cutoffs they are measured earlier."""
    if not is_any_late(groups):
        return frame
    described = {feature.name: field_metadata(feature) for feature in described_features(groups, features)}
    fields = [field.with_metadata(described.get(field.name) or {}) for field in frame.schema]
    return pa.table(frame.columns, schema=pa.schema(fields))


def _build_parts(
    history: History,
    days: Ints,
    features: Sequence[Feature],
    accounts: Sequence[str] | None,
    rows: Flags | None,
    memory: str,
    engine: Engine | None,
) -> Iterator[pa.Table]:
    """The frame by ranges of accounts, each ordered; of several ranges, the finished ones are on disk."""
    wanted, feeds = _measures(features), _feeds(history, features)
    one_night = len(days) == 1 and accounts is None  # its ranges are kept, and do not depend on the features asked for
    used = [*wanted, *(feature.measure for feature in FEATURES)] if one_night else wanted
    budget = Budget.of(memory, len(days), len(features), relations(used))
    limit_memory(history.connection, memory)
    if engine is None and len(days) == 1:
        ask_contracts(history, _cutoffs_of_contracts(features, int(days[0])))
    scopes = _scopes(history, accounts, budget.accounts_read, keep=one_night)
    for done, scope in enumerate(scopes, start=1):
        read = Cube if engine is None else engine.aggregates
        aggregates: Aggregates = read(history, days, scope, wanted)
        pieces = aggregates.chunks(budget.accounts_computed)
        parts = (_part(history, piece, features, feeds, rows) for piece in pieces)
        yield from parts if len(scopes) == 1 or history.scratch is None else store_tables(parts, history.scratch)
        report_share(done / len(scopes))  # by range: its rows are read before its first piece
        del aggregates, pieces, parts  # frees its rows before those of the next range are read


def _build_columns(
    history: History,
    days: Ints,
    features: Sequence[Feature],
    accounts: Sequence[str] | None,
    rows: Flags | None,
    memory: str,
    compared: Sequence[Feature],
) -> Built:
    """The frame at several cutoffs, in this process: each range of accounts is written to its place.

    And the columns ``compared`` of all accounts, where the frame has only some ``rows``: they were computed with it.
    """
    wanted, feeds = _measures(features), _feeds(history, features)
    budget = Budget.of(memory, len(days), len(features), relations(wanted))
    limit_memory(history.connection, memory)
    scopes = _scopes(history, accounts, budget.accounts_read, keep=False)
    codes = np.concatenate([scope.codes for scope in scopes])
    known = np.zeros((len(days), len(history.accounts)), np.bool_)
    for piece in Cube(history, days, Scope(codes), [KNOWN]).chunks(len(codes)):
        known[:, piece.scope.codes] = Evaluation(piece, feeds).value(KNOWN) > 0
    filled = [(FrameColumns(known if rows is None else known & rows, days, history.accounts), features)]
    if rows is not None and accounts is None and compared:
        filled.append((FrameColumns(known, days, history.accounts), compared))
    for done, scope in enumerate(scopes, start=1):
        aggregates = Cube(history, days, scope, wanted)
        for piece in aggregates.chunks(budget.accounts_computed):
            evaluation = Evaluation(piece, feeds)
            for columns, written in filled:
                places, targets = columns.begin(piece.scope)
                write_features(evaluation, written, partial(_same, places), partial(columns.write, targets=targets))
            if len(scopes) == 1 and len(codes):
                report_share((int(piece.scope.codes[-1]) + 1) / (int(codes[-1]) + 1))
        report_share(done / len(scopes))
        del aggregates, piece, evaluation  # frees its rows before those of the next range are read
    frame = filled[0][0].table(features, {feature.name: field_metadata(feature) for feature in features})
    return frame, filled[1][0].values(compared) if len(filled) > 1 else None


def _measures(features: Sequence[Feature]) -> tuple[Measure, ...]:
    """What has to be computed of each account for some features."""
    return (KNOWN, *(feature.measure for feature in features))


def _cutoffs_of_contracts(features: Sequence[Feature], day: int) -> set[date]:
    """The cutoffs at which features look at what contracts said, for one cutoff of their own."""
    found = set()

    def visit(measure: Measure, day: int) -> None:
        if isinstance(measure, Succession):
            found.add(EPOCH + timedelta(days=day))
        for inner in measure.inner_measures:
            visit(inner, day - measure.days if isinstance(measure, Ago) else day)

    for feature in features:
        visit(feature.measure, day)
    return found


def _feeds(history: History, features: Sequence[Feature]) -> Feeds:
    return Feeds.of(history, frozenset(table for feature in features for table in feature.sources))


def _same(places: Ints) -> Ints:
    return places


def _join(parts: Sequence[pa.Table]) -> pa.Table:
    """Parts by ranges of accounts, ascending and each ordered, as one; at one cutoff nothing is copied."""
    if len(parts) == 1:
        return parts[0]
    whole = pa.concat_tables(parts)
    day = np.concatenate([to_numpy(part["as_of"].cast(pa.int32())) for part in parts])
    if not (day != day[:1]).any():
        return whole
    order = number_array(np.argsort(day, kind="stable"))
    return pa.table([combine_chunks(column).take(order) for column in whole.columns], schema=whole.schema)


def _part(
    history: History, piece: Aggregates, features: Sequence[Feature], feeds: Feeds, rows: Flags | None
) -> pa.Table:
    days, scope = piece.cutoffs.days, piece.scope
    evaluation = Evaluation(piece, feeds)

    def known_places() -> Ints:
        known = evaluation.value(KNOWN) > 0
        return np.flatnonzero(known if rows is None else known & rows[:, scope.codes])

    with ThreadPoolExecutor(1) as background:
        places = background.submit(known_places)
        values = evaluate_features(evaluation, features, places.result)
    known = places.result()
    keys = {
        "account_id": history.accounts.take(number_array(scope.codes[known % len(scope)])),
        "as_of": date_array(days[known // len(scope)]),
    }
    columns = keys | values
    metadata = {feature.name: field_metadata(feature) for feature in features}
    fields = [pa.field(name, column.type, metadata=metadata.get(name)) for name, column in columns.items()]
    return pa.table(columns, schema=pa.schema(fields))


def _scopes(history: History, accounts: Sequence[str] | None, width: int, *, keep: bool) -> list[Scope]:
    """The ranges of all accounts, or some accounts as many at a time."""
    if accounts is None:
        several = len(history.accounts) > width
        return account_ranges(history, max(1, int(width * OF_SEVERAL)) if several else width, keep=keep)
    wanted = pc.is_in(history.accounts, value_set=text_array(accounts))
    codes = np.flatnonzero(to_numpy(wanted))
    return [Scope(codes[first : first + width]) for first in range(0, max(len(codes), 1), width)]
