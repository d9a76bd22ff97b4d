"""A few bad rows, as every real source has them, so that the quarantine has something to show.

Bad rows are added as spoiled copies: what really happened is all still there.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

import numpy as np
import pyarrow as pa

Spoil = Callable[[pa.Table], pa.Table]


def add_flaws(tables: Mapping[str, pa.Table], share: float, random: np.random.Generator) -> dict[str, pa.Table]:
    """The tables with about that share of spoiled copies added; ``truth``, ``accounts`` and ``outcomes`` stay clean."""
    return {name: _spoiled(name, table, share, random) if name in _SPOILS else table for name, table in tables.items()}


def _spoiled(name: str, table: pa.Table, share: float, random: np.random.Generator) -> pa.Table:
    parts = [table]
    for spoil in _SPOILS[name]:
        count = random.poisson(share * table.num_rows / len(_SPOILS[name]))
        rows = np.sort(random.integers(0, max(table.num_rows, 1), count))
        parts.append(spoil(table.take(pa.array(rows))))
    whole = pa.concat_tables(parts).unify_dictionaries()
    return whole.take(pa.array(_in_order(parts, random)))


def _in_order(parts: list[pa.Table], random: np.random.Generator) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Spoiled copies somewhere among the good rows rather than at the end."""
    good, bad = parts[0].num_rows, sum(part.num_rows for part in parts[1:])
    places = np.concatenate([np.arange(good, dtype=np.float64), random.uniform(0, good, bad)])
    return np.argsort(places, kind="stable")


def _set(column: str, value: object) -> Spoil:
    def spoil(rows: pa.Table) -> pa.Table:
        place = rows.schema.get_field_index(column)
        plain = rows.schema.field(column).type
        spoiled = pa.array([value] * rows.num_rows, plain.value_type if pa.types.is_dictionary(plain) else plain)
        return rows.set_column(place, column, spoiled.dictionary_encode() if pa.types.is_dictionary(plain) else spoiled)

    return spoil


def _shift(column: str, by: str, days: int) -> Spoil:
    """Move ``column`` to some days from the column ``by``."""

    def spoil(rows: pa.Table) -> pa.Table:
        import pyarrow.compute as pc

        moved = pc.add(rows[by], pa.scalar(timedelta(days=days), pa.duration("us")))
        return rows.set_column(rows.schema.get_field_index(column), column, moved)

    return spoil


def _again(rows: pa.Table) -> pa.Table:
    return rows


_NOBODY: Final = _set("account_id", "a-unknown")
_SPOILS: Final[Mapping[str, tuple[Spoil, ...]]] = {
    "subscriptions": (_NOBODY, _shift("ended_at", "started_at", -20), _set("seats", -1)),
    "health_scores": (_set("score", 180.0), _set("score", float("nan")), _NOBODY, _again),
    "tickets": (_NOBODY, _set("opened_at", None), _shift("opened_at", "known_at", 3)),
    "ticket_events": (_set("kind", None), _shift("occurred_at", "known_at", 2), _again),
    "usage_daily": (_set("events", -1), _NOBODY, _set("day", None)),
    "invoices": (_set("amount", None), _NOBODY, _set("amount", float("inf"))),
}
