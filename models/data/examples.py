"""Rows to learn from: the frame joined with its matured labels, as arrays.

The join never copies the whole frame: it finds the rows of the labels and fills one float32 matrix from them. Rows of
accounts that the team acted on are handled here (`models.data.treatment`), once for everything that learns or judges.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import number_array, to_numpy
from features.errors import RescueError
from models.data.arrays import Bools, Floats, Ints, Matrix
from models.data.row_sampling import REPRESENTS, mixed
from models.data.signature import Signature

DAY = 86_400_000_000  # microseconds
ONE_EVENT = 31 * DAY
SAMPLED_EVENTS = 0.4  # of the rows of a sample that may have the event
WITHOUT_DRAWS: Mapping[str, tuple[bool | float | int, pa.DataType]] = {
    "selected": (False, pa.bool_()),
    "held_probability": (float("nan"), pa.float64()),
    "held_draws": (-1, pa.int64()),
}
"""What labels say of the draws of the hold-out where none is recorded; -1 draws: as many as the row is held out."""


@dataclass(frozen=True)
class Labelled:
    """The labelled rows without their features, ordered by cutoff and account.

    Attributes:
        rows: each row's place in the frame.
        day: its cutoff in days since 1970-01-01; ``account``: dense account number. ``unit``: number of the unit of
            evidence, which is the account, or its group where the labels say to which it belongs.
        happened: whether the event came; ``event``: number of the different event, -1 where none. Events of an account
            less than a month apart count as one: they are one piece of evidence.
        treated, holdout, selected, held_probability, held_draws: as the labels say; a probability that is not recorded
            is NaN.
        decided_after: days from the cutoff to the first decision about the account in the window, NaN where none is
            known.
        represents: how many rows of the source it counts for (`models.data.row_sampling`); 1 where all were taken.
    """

    rows: Ints
    day: Ints
    account: Ints
    unit: Ints
    happened: Bools
    event: Ints
    treated: Bools
    holdout: Bools
    selected: Bools
    held_probability: Floats
    held_draws: Ints
    decided_after: Floats
    represents: Floats

    def take(self, chosen: Bools | Ints) -> "Labelled":
        """The chosen rows."""
        return Labelled(**{name: values[chosen] for name, values in vars(self).items()})

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def events(self) -> int:
        """How many different events there are: the evidence, however many rows show it."""
        return len(np.unique(self.event[self.event >= 0]))


@dataclass(frozen=True)
class Examples:
    """Rows to learn from: the matrix (rows × columns), the outcome, and the weight of each row."""

    matrix: Matrix
    labelled: Labelled
    weight: Floats

    def take(self, chosen: Bools | Ints) -> "Examples":
        """The chosen rows, copied."""
        return Examples(self.matrix[chosen], self.labelled.take(chosen), self.weight[chosen])

    def __len__(self) -> int:
        return len(self.weight)


def labelled_rows(frame: pa.Table, labels: pa.Table) -> Labelled:
    """Find the matured labels' rows in the frame, ordered by cutoff and account.

    Raises:
        RescueError: a label has no row in the frame, because they were made from different cutoffs or accounts; or a
        row of
            either is there twice.
    """
    known = labels.filter(labels["event"].is_valid())
    names = pc.unique(frame["account_id"])
    names = names.take(pc.sort_indices(names))
    keys, order = _keys(frame, names), None
    if np.any(np.diff(keys) <= 0):
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        _refuse_repeats(keys, "frame")
    wanted = np.sort(_keys(known, names)) if known.num_rows else np.empty(0, np.int64)
    _refuse_repeats(wanted, "labels")
    known = known.take(number_array(np.argsort(_keys(known, names), kind="stable")))
    places = np.searchsorted(keys, wanted)
    if np.any(places >= len(keys)) or np.any(keys[np.minimum(places, len(keys) - 1)] != wanted):
        raise RescueError("Some labels have no row in the frame; build both from the same cutoffs and accounts.")
    day, account = np.divmod(wanted, len(names))
    flags = {name: to_numpy(known[name]) for name in ("event", "treated", "holdout")}
    draws = {name: _column_or(known, name, *missing) for name, missing in WITHOUT_DRAWS.items()}
    return Labelled(
        rows=places if order is None else order[places],
        day=day,
        account=account,
        unit=_units(known, account, names),
        happened=flags["event"],
        event=_event_numbers(account, known["event_at"], flags["event"]),
        treated=flags["treated"],
        holdout=flags["holdout"],
        selected=draws["selected"].astype(np.bool_),
        held_probability=draws["held_probability"].astype(np.float64),
        held_draws=draws["held_draws"].astype(np.int64),
        decided_after=_days_after(known, day),
        represents=_column_or(known, REPRESENTS, 1.0, pa.float64()),
    )


def _units(labels: pa.Table, account: Ints, names: pa.Array) -> Ints:
    """The number of each label's group; that of its account where the labels do not name groups.

    A group that is named like an account has its number, and any other one that follows those of the accounts.
    """
    if "unit" not in labels.column_names:
        return account
    group = labels["unit"].combine_chunks()
    others = pc.unique(group.filter(pc.invert(pc.is_in(group, value_set=names))))
    numbered = pa.concat_arrays([names.cast(group.type), others.take(pc.sort_indices(others))])
    return np.asarray(to_numpy(pc.fill_null(pc.index_in(group, value_set=numbered), -1).cast(pa.int64())))


def _days_after(labels: pa.Table, day: Ints) -> Floats:
    """Days from the cutoff to the first decision; NaN without one, and for labels that do not have it."""
    if "decided_at" not in labels.column_names:
        return np.full(labels.num_rows, np.nan)
    at = labels["decided_at"].cast(pa.timestamp("us")).cast(pa.int64())
    return np.asarray(to_numpy(pc.fill_null(at.cast(pa.float64()), float("nan"))) / DAY - day)


def _column_or(table: pa.Table, name: str, missing: bool | float | int, kind: pa.DataType) -> Any:
    """A column's values, nulls replaced; the replacement for every row where the table lacks the column."""
    if name not in table.column_names:
        return np.full(table.num_rows, missing)
    return to_numpy(pc.fill_null(table[name].cast(kind), pa.scalar(missing, kind)))


def examples(frame: pa.Table, labelled: Labelled, signature: Signature, weight: Floats) -> Examples:
    """The labelled rows with their features, checked against the signature."""
    return Examples(signature.matrix(frame, labelled.rows), labelled, weight)


def thinned(labelled: Labelled, limit: int) -> Ints:
    """Places of at most about ``limit`` rows: every account stays, at every n-th cutoff, the accounts staggered.

    An account's rows of neighbouring weeks are nearly the same, so leaving some out costs little; whether a row is
    kept never depends on what happened.
    """
    step = max(1, -(-len(labelled) // limit))
    week = np.searchsorted(np.unique(labelled.day), labelled.day)
    return np.flatnonzero((week + labelled.account) % step == 0)


def sampled(labelled: Labelled, limit: int) -> tuple[Ints, Floats]:
    """Places of about ``limit`` rows to learn from, and for how many rows each of them counts.

    Rows with the event are rare, and each says more than one without: they are kept as long as they are no more than
    `SAMPLED_EVENTS` of the limit, and the others fill it. Either kind is taken evenly from every account's cutoffs and
    counts for those left out, so that what is learned from weighted rows keeps the base rate. Samples of another size
    begin elsewhere in an account: a sample of a sample would otherwise have the rows that the first one preferred.
    """
    if len(labelled) <= limit:
        return np.arange(len(labelled)), np.ones(len(labelled))
    chosen = np.zeros(len(labelled), dtype=np.bool_)
    counts = np.ones(len(labelled))
    room = float(limit)
    for kind, share in ((labelled.happened, SAMPLED_EVENTS), (~labelled.happened, 1.0)):
        places = np.flatnonzero(kind)
        start = mixed(labelled.account[places].astype(np.uint64), np.array([limit]))
        taken = places[_evenly(labelled.account[places], start, min(1.0, room * share / max(len(places), 1)))]
        chosen[taken] = True
        counts[taken] = len(places) / max(len(taken), 1)
        room -= len(taken)
    return np.flatnonzero(chosen), counts[chosen]


def _evenly(account: Ints, start: Floats, share: float) -> Bools:
    """A share of each account's rows at even distances, beginning where ``start``, in [0, 1), says."""
    order = np.argsort(account, kind="stable")
    begins = np.flatnonzero(np.diff(account[order], prepend=-1))
    sizes = np.diff(np.append(begins, len(account)))
    number = np.empty(len(account))
    number[order] = np.arange(len(account)) - np.repeat(begins, sizes)
    return np.asarray(np.floor((number + 1) * share + start) > np.floor(number * share + start))


def _keys(table: pa.Table, names: pa.Array) -> Ints:
    """One number a row that orders by cutoff, then by the account's place in ``names``."""
    account = pc.index_in(table["account_id"], value_set=names)
    if account.null_count:
        raise RescueError("Some labels are of accounts that the frame lacks; build both from the same history.")
    day = pc.cast(pc.cast(table["as_of"], pa.int32()), pa.int64())
    return np.asarray(to_numpy(day) * len(names) + to_numpy(account))


def _refuse_repeats(keys: Ints, what: str) -> None:
    repeated = int((np.diff(keys) == 0).sum())
    if repeated:
        raise RescueError(f"{repeated} rows of the {what} are there twice; an account has one row at a cutoff.")


def _event_numbers(account: Ints, event_at: pa.ChunkedArray, happened: Bools) -> Ints:
    at = to_numpy(pc.cast(event_at, pa.int64()))  # where nothing happened it has no value, and none is looked at
    numbers = np.full(len(account), -1, dtype=np.int64)
    who, when = account[happened], at[happened]
    order = np.lexsort((when, who))
    begins = (np.diff(who[order], prepend=-1) != 0) | (np.diff(when[order], prepend=0) > ONE_EVENT)
    numbers[np.flatnonzero(happened)[order]] = np.cumsum(begins) - 1
    return numbers
