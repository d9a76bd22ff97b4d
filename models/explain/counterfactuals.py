"""What would have to change: "two open tickets solved and a day of usage this week: 41% → 18%".

Every action (:mod:`models.explain.actions`) that is possible for an account is tried alone and together with one other,
and the model scores the changed account. The one that lowers the risk most is given, unless a smaller one comes close.
The sentence says what the model expects of an account that looks like this; it does not claim that the change causes
it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import pyarrow as pa

from models.contracts import Change
from models.explain.actions import ACTIONS, Action, Changes, Row
from models.learners.risk_model import RiskModel

MIN_SHARE = 0.2
"""A change must lower the risk by at least this share of it …"""
MIN_POINTS = 0.02
"""… and by at least two percentage points."""
CLOSE_SHARE = 0.8
"""A smaller change is given instead where it has at least this share of the larger one's effect."""


@dataclass(frozen=True)
class Trial:
    """One or two actions on one row: the row's place, their sentence, and the row afterwards."""

    place: int
    sentence: str
    size: int
    row: Mapping[str, object]


def counterfactuals(model: RiskModel, rows: pa.Table) -> list[tuple[Change, ...]]:
    """For each row the change that lowers its risk most, or an empty tuple where none lowers it enough.

    Args:
        model: the model that scored the rows.
        rows: rows of the frame (the flagged ones), with every column of the model.
    """
    before = model.predict(rows).probability
    trials = [it for place, row in enumerate(rows.to_pylist()) for it in _trials(model, place, row)]
    after = _rescored(model, trials, rows.schema)
    best: list[tuple[Change, ...]] = []
    for place, risk in enumerate(before):
        own = [(it, after[number]) for number, it in enumerate(trials) if it.place == place]
        best.append(_best(own, float(risk)))
    return best


def _trials(model: RiskModel, place: int, row: Row) -> Iterator[Trial]:
    """Single actions, smaller ones first, then pairs of actions of different names."""
    single = [(action, changed) for action in ACTIONS if (changed := _fitting(model, action.apply(row), row))]
    pairs = [pair for pair in combinations(single, 2) if pair[0][0].name != pair[1][0].name]
    for chosen in [*((one,) for one in single), *pairs]:
        yield _trial(place, row, chosen)


def _trial(place: int, row: Row, chosen: Sequence[tuple[Action, Changes]]) -> Trial:
    after = dict(row)
    for _, changed in chosen:
        after |= changed
    sentence = " and ".join(action.sentence(row) for action, _ in chosen)
    return Trial(place, sentence[:1].upper() + sentence[1:], len(chosen), after)


def _fitting(model: RiskModel, changed: Changes | None, row: Row) -> Changes:
    """The changes to columns of the model, in values that it takes; empty where they change nothing."""
    if changed is None:
        return {}
    columns = {column.name: column.nullable for column in model.signature.columns}
    fitted = {
        name: 0.0 if value is None and not columns[name] else value
        for name, value in changed.items()
        if name in columns
    }
    return fitted if any(row.get(name) != value for name, value in fitted.items()) else {}


def _rescored(model: RiskModel, trials: Sequence[Trial], schema: pa.Schema) -> list[float]:
    if not trials:
        return []
    table = pa.Table.from_pylist([dict(trial.row) for trial in trials], schema=schema)
    return [float(risk) for risk in model.predict(table).probability]


def _best(tried: Sequence[tuple[Trial, float]], before: float) -> tuple[Change, ...]:
    """The smallest change that comes close to the largest effect, where that is large enough."""
    if not tried:
        return ()
    most = before - min(after for _, after in tried)
    if most < max(MIN_POINTS, MIN_SHARE * before):
        return ()
    close = ((it, after) for it, after in tried if before - after >= CLOSE_SHARE * most)
    smallest, after = min(close, key=lambda item: item[0].size)
    return (Change(smallest.sentence, before, after),)
