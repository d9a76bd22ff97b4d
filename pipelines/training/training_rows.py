"""The rows that a training learns from: all of a source's weeks, or of a large source a sample of their rows.

Every week is used at any size. Where accounts × weeks would exceed what a training can hold, rows with an event are
kept, and of the others a share that counts for all of them (`models.data.row_sampling`). Labels are read by some weeks
at a time, so that no more of them are in memory than a training can hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import to_numpy
from features.history.versions import EPOCH
from features.labels.groups import with_groups
from features.labels.labels import label, labels_by_cutoffs
from features.progress import report_share
from models.data.row_sampling import CERTAIN_SHARE, REPRESENTS, RowSample, draw_rows, row_chances

if TYPE_CHECKING:
    from features.engine.windows import Flags, Ints
    from features.history.history import History
    from models.risks.risk import Risk

MOST_ROWS = 1_200_000
"""Training on a frame of about a hundred features and so many rows takes some 4 GiB."""
NEWEST_ACCOUNTS = 2_000
"""Of the newest cutoff, whose labels are not known yet, about so many accounts are kept, to compare models on."""


@dataclass(frozen=True)
class TrainingRows:
    """The labels of each risk, and which rows of cutoffs × accounts they are; ``rows`` is None for all of them."""

    labels: Mapping[str, pa.Table]
    rows: Flags | None = None


def training_rows(history: History, wanted: Sequence[Risk], cutoffs: Sequence[date], most_rows: int) -> TrainingRows:
    """The labels to learn each risk from: all of them, or a sample of about ``most_rows`` rows of all risks together.

    The sample has every row of which something is known but that nothing happened: an event, an action of the team, a
    draw of the hold-out; and each account's newest row, where that leaves every event in.
    """
    if len(cutoffs) * len(history.accounts) <= most_rows:
        return TrainingRows({risk.name: with_groups(history, label(history, cutoffs, risk.label)) for risk in wanted})
    certain = np.zeros((len(cutoffs), len(history.accounts)), dtype=np.bool_)
    newest = np.zeros_like(certain)
    seen = {risk.name: np.zeros(len(history.accounts), dtype=np.bool_) for risk in wanted}
    chance = row_chances(history.accounts, _days(cutoffs))
    share = most_rows / certain.size
    parts: dict[str, list[pa.Table]] = {risk.name: [] for risk in wanted}
    at_once = max(1, most_rows // len(history.accounts))
    blocks = [cutoffs[max(0, end - at_once) : end] for end in range(len(cutoffs), 0, -at_once)]  # the newest first
    by_risk = [_known(labels_by_cutoffs(history, blocks, risk.label)) for risk in wanted]
    for done, of_risks in enumerate(zip(*by_risk, strict=True), start=1):
        read = {risk.name: labels for risk, labels in zip(wanted, of_risks, strict=True)}
        places = {name: _places(labels, history.accounts, cutoffs) for name, labels in read.items()}
        for name, labels in read.items():
            _mark(certain, newest, seen[name], labels, *places[name])
        for name, labels in read.items():
            kept = certain[places[name]] | newest[places[name]] | (chance[places[name]] < share)
            parts[name].insert(0, labels.filter(pa.array(kept)))
        report_share(done / len(blocks))
    together = certain | newest
    sample = draw_rows(together if together.sum() <= most_rows * CERTAIN_SHARE else certain, chance, most_rows)
    labels = {name: _sampled(pa.concat_tables(tables), sample, history, cutoffs) for name, tables in parts.items()}
    return TrainingRows(labels, _rows_of_all(labels, sample, history, cutoffs))


def rows_of(table: pa.Table, history: History, cutoffs: Sequence[date]) -> Flags:
    """Which rows of cutoffs × accounts a table with ``account_id`` and ``as_of`` has; those elsewhere are ignored."""
    rows = np.zeros((len(cutoffs), len(history.accounts)), dtype=np.bool_)
    known = pc.and_(
        pc.is_in(table["as_of"], value_set=pa.array(cutoffs, pa.date32())),
        pc.is_in(table["account_id"], value_set=history.accounts),
    )
    rows[_places(table.filter(known), history.accounts, cutoffs)] = True
    return rows


def _known(blocks: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The labels that are known, and the events inside the lead: the curve of risk over time learns from them."""
    for labels in blocks:
        yield labels.filter(pc.or_(pc.is_valid(labels["event"]), pc.is_valid(labels["event_at"])))


def _days(cutoffs: Sequence[date]) -> Ints:
    return np.array([(cutoff - EPOCH).days for cutoff in cutoffs], dtype=np.int64)


def _places(labels: pa.Table, accounts: pa.Array, cutoffs: Sequence[date]) -> tuple[Ints, Ints]:
    """The places of each row's cutoff and account."""
    day = to_numpy(pc.cast(pc.cast(labels["as_of"], pa.int32()), pa.int64()))
    account = to_numpy(pc.index_in(labels["account_id"], value_set=accounts)).astype(np.int64)
    return np.searchsorted(_days(cutoffs), day), account


def _mark(certain: Flags, newest: Flags, seen: Flags, labels: pa.Table, cutoff: Ints, account: Ints) -> None:
    """Mark the rows that are kept for certain; ``seen`` are the accounts of which a later row was read already."""
    known = pc.or_(pc.fill_null(labels["event"], True), pc.or_(labels["treated"], labels["holdout"]))
    sure = to_numpy(pc.or_(known, labels["selected"]))
    certain[cutoff[sure], account[sure]] = True
    last = np.full(len(seen), -1, dtype=np.int64)
    np.maximum.at(last, account, cutoff)
    first_read = np.flatnonzero((last >= 0) & ~seen)
    newest[last[first_read], first_read] = True
    seen[first_read] = True


def _sampled(labels: pa.Table, sample: RowSample, history: History, cutoffs: Sequence[date]) -> pa.Table:
    """The labels of the sample, with the group of each account and the number of rows for which each counts."""
    rows = sample.at(_places(labels, history.accounts, cutoffs))
    labels = labels.append_column(REPRESENTS, pa.array(rows.represents))
    return with_groups(history, labels.filter(pa.array(rows.kept)))


def _rows_of_all(labels: Mapping[str, pa.Table], sample: RowSample, history: History, cutoffs: Sequence[date]) -> Flags:
    rows = np.zeros(sample.certain.shape, dtype=np.bool_)
    for table in labels.values():
        rows |= rows_of(table, history, cutoffs)
    rows[-1] |= sample.chance[-1] < NEWEST_ACCOUNTS / len(history.accounts)
    return rows
