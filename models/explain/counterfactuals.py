"""What would have to change: "two open tickets solved and a day of use this week: 41% → 18%".

Every lever (:mod:`models.explain.actions`) that an account offers is tried by itself and together with one other,
and the model
is asked again. Told is the one that brings the risk down furthest, unless something smaller comes close. The sentence
says what the model expects of an account that looks like this; it is no promise that the change causes it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import pyarrow as pa

from models.contracts import Change
from models.explain.actions import LEVERS, Lever, Moved, Row
from models.learners.risk_model import RiskModel

WORTH_TELLING = 0.2
"""A change must bring the risk down by at least this share of it …"""
POINTS = 0.02
"""… and by at least two percentage points."""
CLOSE = 0.8
"""A smaller change is told instead where it brings at least this share of the larger one's effect."""


@dataclass(frozen=True)
class Candidate:
    """One or two levers pulled at one row: the row's place, what they are told as, and the row afterwards."""

    place: int
    sentence: str
    size: int
    row: Mapping[str, object]


def changes(model: RiskModel, rows: pa.Table) -> list[tuple[Change, ...]]:
    """For each row the change that brings its risk down furthest, or an empty tuple where none is worth telling.

    Args:
        model: the model that scored the rows.
        rows: rows of the frame (the flagged ones), with every column of the model.
    """
    before = model.predict(rows).probability
    candidates = [it for place, row in enumerate(rows.to_pylist()) for it in _candidates(model, place, row)]
    after = _rescored(model, candidates, rows.schema)
    found: list[tuple[Change, ...]] = []
    for place, risk in enumerate(before):
        own = [(it, after[number]) for number, it in enumerate(candidates) if it.place == place]
        found.append(_best(own, float(risk)))
    return found


def _candidates(model: RiskModel, place: int, row: Row) -> Iterator[Candidate]:
    """Single levers, smaller steps first, then pairs of levers of different names."""
    single = [(lever, moved) for lever in LEVERS if (moved := _fitting(model, lever.move(row), row))]
    pairs = [pair for pair in combinations(single, 2) if pair[0][0].name != pair[1][0].name]
    for chosen in [*((one,) for one in single), *pairs]:
        yield _pulled(place, row, chosen)


def _pulled(place: int, row: Row, chosen: Sequence[tuple[Lever, Moved]]) -> Candidate:
    after = dict(row)
    for _, moved in chosen:
        after |= moved
    told = " and ".join(lever.sentence(row) for lever, _ in chosen)
    return Candidate(place, told[:1].upper() + told[1:], len(chosen), after)


def _fitting(model: RiskModel, moved: Moved | None, row: Row) -> Moved:
    """The part of a move that the model looks at and may be fed; empty where that changes nothing."""
    if moved is None:
        return {}
    columns = {column.name: column.nullable for column in model.signature.columns}
    fitted = {
        name: 0.0 if value is None and not columns[name] else value for name, value in moved.items() if name in columns
    }
    return fitted if any(row.get(name) != value for name, value in fitted.items()) else {}


def _rescored(model: RiskModel, candidates: Sequence[Candidate], schema: pa.Schema) -> list[float]:
    if not candidates:
        return []
    table = pa.Table.from_pylist([dict(candidate.row) for candidate in candidates], schema=schema)
    return [float(risk) for risk in model.predict(table).probability]


def _best(tried: Sequence[tuple[Candidate, float]], before: float) -> tuple[Change, ...]:
    """The smallest change that comes close to the largest effect, where that is worth telling."""
    if not tried:
        return ()
    most = before - min(after for _, after in tried)
    if most < max(POINTS, WORTH_TELLING * before):
        return ()
    close = ((it, after) for it, after in tried if before - after >= CLOSE * most)
    smallest, after = min(close, key=lambda found: found[0].size)
    return (Change(smallest.sentence, before, after),)
