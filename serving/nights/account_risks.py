"""The newest score of every account, with its rank and its curve by horizon, for the lists and pages of accounts."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import delete
from sqlalchemy.orm import Session

from serving.store import bulk
from serving.store.tables import AccountRisk

CURVES = pa.schema([("account_id", pa.string()), ("risk", pa.string()), ("curve", pa.string())])
"""Curves by horizon of a night: each is JSON, days and probability by horizon, shortest first."""
_STEPS = 10_000
"""A curve is kept to so many parts of one."""


def save_account_risks(session: Session, as_of: date, scores: pa.Table, curves: pa.Table | None) -> None:
    """Replace the newest scores by those of a night.

    Args:
        session: the night's transaction.
        as_of: the night.
        scores: account_id, risk and probability.
        curves: those that are known (``CURVES``).
    """
    known = CURVES.empty_table() if curves is None else curves
    session.execute(delete(AccountRisk))
    for risk in sorted(pc.unique(scores["risk"]).to_pylist()):
        rows = _rows(scores, known, risk).sort_by("account_id")
        nights = pa.repeat(pa.scalar(as_of, pa.date32()), rows.num_rows)
        bulk.append(session, AccountRisk.__table__, rows.append_column("as_of", nights))


def curve_texts(
    days: Sequence[int], values: np.ndarray[tuple[int, int], np.dtype[np.float64]], lead: int = 0
) -> pa.Array:
    """Each row of probabilities (rows × days) as JSON, ``[[30, 0.1], [60, 0.25]]``, to four places.

    Where the days count from the end of a ``lead``, it is the third number: ``[[30, 0.1, 7], [60, 0.25, 7]]``.
    """
    numbers = pa.array([repr(step / _STEPS) for step in range(_STEPS + 1)])
    steps = np.rint(values * _STEPS).astype(np.int16)
    parts: list[pa.Array | str] = []
    after = f", {lead}" if lead else ""
    for place, day in enumerate(days):
        parts += [f"{f'{after}], ' if place else '['}[{day}, ", numbers.take(pa.array(steps[:, place]))]
    return pc.binary_join_element_wise(*parts, f"{after}]]", "")


def _rows(scores: pa.Table, curves: pa.Table, risk: str) -> pa.Table:
    """The scores of one risk with their rank, where equal probabilities share the best one, and their curves."""
    own = scores.filter(pc.equal(scores["risk"], risk)).select(["account_id", "risk", "probability"]).combine_chunks()
    of_risk = curves.filter(pc.equal(curves["risk"], risk)).combine_chunks()
    rank = pc.rank(own["probability"], sort_keys="descending", tiebreaker="min")
    curve = of_risk["curve"].take(pc.index_in(own["account_id"], value_set=of_risk["account_id"].combine_chunks()))
    return own.append_column("rank", rank.cast(pa.int64())).append_column("curve", curve)
