"""The rows on which a challenger meets the champion: later than anything that either of them learned from.

The challenger's rows are those of its own evaluation, each scored by a model of its origin, which knew nothing of them.
Of these the champion may be asked only about cutoffs after the last outcome that it was trained on, its embargo
included. A champion trained last month leaves few such rows; then the gate says so, and the champion stays.
"""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.data.arrays import Floats
from models.evaluation.paired_comparison import Rows, Scored
from models.learners.risk_model import RiskModel
from models.risks import Risk

KEYS = ["account_id", "as_of"]


def later_than(champion: RiskModel) -> date:
    """The first cutoff that the champion knows nothing of: its last training label is over by then."""
    through = date.fromisoformat(str(champion.facts["through"]))
    return through + timedelta(days=champion.risk.embargo + 1)


def needed_cutoffs(scored: pa.Table, champion: RiskModel) -> list[date]:
    """The cutoffs of a challenger's test rows on which the champion can be judged too, ascending."""
    days = pc.unique(scored["as_of"]).to_pylist()
    return sorted(day for day in days if day >= later_than(champion))


def first_contest(scored: pa.Table, risk: Risk) -> Rows:
    """The rows of a challenger where there is no champion yet: all of its test rows, against the rules alone."""
    return _rows(scored, risk, None)


def contest(scored: pa.Table, risk: Risk, champion: RiskModel, frame: pa.Table) -> Rows:
    """The rows that both can be judged on.

    Args:
        scored: the challenger's test rows (:class:`models.training.Trained`).
        risk: what both predict; its capacity is the team's.
        champion: the present champion.
        frame: features of at least the rows at :func:`needed_cutoffs`.
    """
    later = scored.filter(pc.greater_equal(scored["as_of"], pa.scalar(later_than(champion))))
    places = frame.select(KEYS).append_column("place", pa.array(np.arange(frame.num_rows)))
    joined = later.append_column("row", pa.array(np.arange(later.num_rows))).join(places, KEYS, join_type="inner")
    joined = joined.sort_by("row")
    asked = frame.take(joined["place"].combine_chunks())
    fit = pc.is_null(champion.unfit(asked))
    predicted = champion.predict(asked.filter(fit))
    return _rows(joined.filter(fit), risk, Scored(predicted.probability, predicted.rank_score))


def _rows(scored: pa.Table, risk: Risk, champion: Scored | None) -> Rows:
    def column(name: str) -> Floats:
        return np.asarray(scored[name].to_numpy(), dtype=np.float64)

    rules = {name.removeprefix("rule_"): column(name) for name in scored.column_names if name.startswith("rule_")}
    return Rows(
        accounts=np.unique(scored["account_id"].to_numpy(), return_inverse=True)[1].astype(np.int64),
        cutoffs=np.unique(scored["as_of"].to_numpy(), return_inverse=True)[1].astype(np.int64),
        event=scored["event"].to_numpy().astype(bool),
        segment=np.asarray(scored["segment"].to_pylist(), dtype=np.str_),
        challenger=Scored(column("probability"), column("rank_score")),
        champion=champion,
        rules=rules,
        capacity=risk.capacity,
    )
