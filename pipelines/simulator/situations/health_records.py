"""How health scores are recorded: two sources at one instant, and scores that were not measured."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.simulator.clock import Flags, Ints

NOT_MEASURED: Final = 0.06
"""The share of health scores that are empty: not measured then."""

SAME_INSTANT: Final = 0.25
"""The share of managers' opinions that are entered at the instant of the computed score."""

_TWO_YEARS: Final = 2**26
"""More seconds than the scores of a month span: keeps the accounts apart in one sorted list of numbers."""

_SECOND: Final = 1_000_000


def scores_as_recorded(table: pa.Table, number: Ints, generator: np.random.Generator) -> pa.Table:
    """The scores of a month; ``number`` is the account of each row."""
    measured = table["measured_at"].cast(pa.int64()).to_numpy().copy()
    computed = pc.equal(table["source"].cast(pa.string()), "crm").to_numpy()
    moved = ~computed & (generator.random(table.num_rows) < SAME_INSTANT)
    earlier = _computed_before(measured, number, computed, np.flatnonzero(moved))
    measured[moved] = earlier
    empty = generator.random(table.num_rows) < NOT_MEASURED
    score = pc.if_else(pa.array(empty), pa.scalar(None, pa.float64()), table["score"])
    recorded = table.set_column(
        table.column_names.index("measured_at"), "measured_at", pa.array(measured).cast(pa.timestamp("us"))
    ).set_column(table.column_names.index("score"), "score", score)
    return recorded.take(pa.array(_first_of_each(recorded, number, computed)))


def _computed_before(measured: Ints, number: Ints, computed: Flags, rows: Ints) -> Ints:
    """For each of the rows: the instant of the account's computed score before it, or its own."""
    if not measured.size:
        return measured
    origin = int(measured.min())
    key = number * _TWO_YEARS + (measured - origin) // _SECOND
    known = np.sort(key[computed])
    place = np.searchsorted(known, key[rows], side="right") - 1
    found = known[np.maximum(place, 0)] if known.size else key[rows]
    same = (place >= 0) & (found // _TWO_YEARS == number[rows])
    instants: Ints = np.where(same, found % _TWO_YEARS * _SECOND + origin, measured[rows])
    return instants


def _first_of_each(table: pa.Table, number: Ints, computed: Flags) -> Ints:
    """The rows without those that repeat account, instant, source and the time they were known."""
    measured, known = (table[name].cast(pa.int64()).to_numpy() for name in ("measured_at", "known_at"))
    order = np.lexsort((np.arange(len(number)), known, computed, measured, number))
    columns = [values[order] for values in (number, measured, computed.astype(np.int64), known)]
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = np.any([values[1:] != values[:-1] for values in columns], axis=0)
    first_rows: Ints = np.sort(order[new])
    return first_rows
