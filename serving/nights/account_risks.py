"""The newest score of every account, with its rank and its curve by horizon, for the lists and pages of accounts."""

import json
from collections.abc import Mapping, Sequence
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.orm import Session

from serving.store import bulk
from serving.store.tables import AccountRisk

Curves = Mapping[tuple[str, str], Sequence[tuple[int, float]]]
"""Days and probability by horizon, shortest first, by account and risk."""


def save_account_risks(session: Session, as_of: date, scores: pa.Table, curves: Curves) -> None:
    """Replace the newest scores by those of a night; ``scores`` has account_id, risk and probability."""
    parts = [_ranked(scores.filter(pc.equal(scores["risk"], risk))) for risk in pc.unique(scores["risk"]).to_pylist()]
    if not parts:
        bulk.replace(session, AccountRisk.__table__, pa.table({}))
        return
    rows = pa.concat_tables(parts).sort_by([("account_id", "ascending"), ("risk", "ascending")]).combine_chunks()
    keys = zip(rows["account_id"].to_pylist(), rows["risk"].to_pylist(), strict=True)
    columns = {
        **{name: rows[name] for name in ("account_id", "risk", "probability", "rank")},
        "as_of": pa.array([as_of], pa.date32()).take(pa.array([0] * len(rows), pa.int8())),
        "curve": pa.array([_curve_text(curves.get(key)) for key in keys], pa.string()),
    }
    bulk.replace(session, AccountRisk.__table__, pa.table(columns))


def _ranked(scores: pa.Table) -> pa.Table:
    """The scores of one risk with their rank: equal probabilities share the best one."""
    rank = pc.rank(scores["probability"], sort_keys="descending", tiebreaker="min")
    return scores.select(["account_id", "risk", "probability"]).append_column("rank", rank.cast(pa.int64()))


def _curve_text(curve: Sequence[tuple[int, float]] | None) -> str | None:
    return json.dumps([[days, round(probability, 4)] for days, probability in curve]) if curve else None
