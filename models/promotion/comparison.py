"""The rows on which a challenger is compared with the champion: later than anything that either of them learned from.

The challenger's rows are those of its own evaluation, each scored by a model of its fold, which knew nothing of them.
Of these the champion may score only cutoffs after the last outcome that it was trained on, its embargo included. A
champion trained last month leaves few such rows; then the gate says so, and the champion stays.

Two models can be compared only where they answer the same question. A champion of another label, horizon, lead or
eligibility is not scored at all: the gate refuses the comparison and names what differs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.labels.label_rule import SETTINGS
from models.data.arrays import Floats
from models.evaluation.evaluation_rows import EvaluationRows, Scores, scored_rows
from models.evaluation.metrics_report import RULE
from models.learners.risk_model import RiskModel
from models.risks.risk import Risk

KEYS = ["account_id", "as_of"]
COMPARISON_DRAWS = 400


@dataclass(frozen=True)
class Comparison:
    """Rows that neither model learned from, with the scores of both and of the baselines.

    ``champion`` is None where there is none yet, or where it answers another question: ``differing`` then maps each
    property of the label that differs to the champion's value and the challenger's. ``capacity`` is how many accounts
    of one cutoff the team can work.
    """

    rows: EvaluationRows
    segment: NDArray[np.str_]
    challenger: Scores
    champion: Scores | None = None
    baselines: Mapping[str, Floats] = field(default_factory=dict)
    capacity: int = 20
    differing: Mapping[str, tuple[object, object]] = field(default_factory=dict)


def first_unseen_cutoff(champion: RiskModel) -> date:
    """The first cutoff that the champion knows nothing of: its last training label is over by then."""
    through = date.fromisoformat(str(champion.facts["through"]))
    return through + timedelta(days=champion.risk.embargo + 1)


def shared_cutoffs(scored: pa.Table, champion: RiskModel) -> list[date]:
    """The cutoffs of a challenger's test rows on which the champion can be evaluated too, ascending."""
    days = pc.unique(scored["as_of"]).to_pylist()
    return sorted(day for day in days if day >= first_unseen_cutoff(champion))


def compare_with_baselines(scored: pa.Table, risk: Risk) -> Comparison:
    """All test rows of a challenger, where there is no champion yet."""
    return _comparison(scored, risk)


def compare_with_champion(scored: pa.Table, risk: Risk, champion: RiskModel, frame: pa.Table) -> Comparison:
    """The rows on which both can be evaluated.

    Args:
        scored: the challenger's test rows (:class:`models.training.TrainingResult`).
        risk: what the challenger predicts; its capacity is the team's.
        champion: the present champion.
        frame: features of at least the rows at :func:`shared_cutoffs`.
    """
    differing = differences_of_question(champion.risk, risk)
    if differing:
        return _comparison(scored, risk, differing=differing)
    later = scored.filter(pc.greater_equal(scored["as_of"], pa.scalar(first_unseen_cutoff(champion))))
    places = frame.select(KEYS).append_column("place", pa.array(np.arange(frame.num_rows)))
    joined = later.append_column("row", pa.array(np.arange(later.num_rows))).join(places, KEYS, join_type="inner")
    joined = joined.sort_by("row")
    features = frame.take(joined["place"].combine_chunks())
    fit = pc.is_null(champion.unfit(features))
    predicted = champion.predict(features.filter(fit))
    return _comparison(joined.filter(fit), risk, champion=Scores(predicted.rank_score, predicted.probability))


def differences_of_question(champion: Risk, challenger: Risk) -> dict[str, tuple[object, object]]:
    """What differs between two risks' labels (kind, horizon, lead, eligibility): the champion's value, the other's."""
    names = ("kind", *SETTINGS[challenger.label.kind])
    pairs = {name: (getattr(champion.label, name), getattr(challenger.label, name)) for name in names}
    pairs["eligible"] = (champion.eligible, challenger.eligible)
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _comparison(
    scored: pa.Table,
    risk: Risk,
    *,
    champion: Scores | None = None,
    differing: Mapping[str, tuple[object, object]] | None = None,
) -> Comparison:
    def column(name: str) -> Floats:
        return np.asarray(scored[name].to_numpy(), dtype=np.float64)

    return Comparison(
        rows=scored_rows(scored, COMPARISON_DRAWS),
        segment=np.asarray(scored["segment"].to_pylist(), dtype=np.str_),
        challenger=Scores(column("rank_score"), column("probability")),
        champion=champion,
        baselines={name.removeprefix(RULE): column(name) for name in scored.column_names if name.startswith(RULE)},
        capacity=risk.capacity,
        differing=differing or {},
    )
