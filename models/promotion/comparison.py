"""The rows on which a challenger is compared with the champion: neither may have learned from what it is scored on.

There are two kinds of such rows. At cutoffs *later* than anything that the champion learned from, its embargo included,
the champion itself scores the challenger's test rows. That is the best evidence, and a champion trained last month
leaves none of it. At *earlier* cutoffs both trainings have test rows in common, each scored by a model of a fold that
knew nothing of them: these scores are recorded with both versions, and compare how the two models are made. The later
rows are used alone where they hold enough events, else together with the earlier ones.

Two models can be compared only where they answer the same question. A champion of another label, horizon, lead or
eligibility is not scored at all: the gate refuses the comparison and names what differs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.conditions import Columns, ConditionError, compile_condition
from features.labels.label_rule import SETTINGS
from models.data.arrays import Floats
from models.data.recipe import differences_of_recipe
from models.data.row_sampling import REPRESENTS
from models.evaluation.evaluation_rows import EvaluationRows, Scores, scored_rows, unit_column
from models.evaluation.metrics_report import RULE
from models.learners.risk_model import RiskModel
from models.promotion.agreement import Agreement, agreement_with
from models.risks.configuration import FEATURE_COLUMNS, METRIC_COLUMN
from models.risks.risk import Risk

KEYS = ["account_id", "as_of"]
CROSS_FITTED = "cross_fitted"
COMPARISON_DRAWS = 400
LATER_FROM = 200
"""Accounts with an event at later cutoffs from which these are compared alone."""
MIN_SHARED = 0.5
"""Share of the champion's test rows, at cutoffs that both trainings tested, that the challenger must have tested."""

Mode = Literal["challenge", "refresh", "first"]
Evidence = Literal["later", "test_periods", "both"]


@dataclass(frozen=True)
class FinalFits:
    """Rows that both trainings have, with the log-odds of final fits that knew all but the row's own account.

    They tell what test periods cannot: whether the newest months, which only the final fit learned from, did harm.
    """

    rows: EvaluationRows
    challenger: Floats
    champion: Floats


@dataclass(frozen=True)
class Comparison:
    """Rows that neither model learned from, with the scores of both and of the baselines.

    Attributes:
        champion: None where there is none yet, or where it answers another question.
        capacity: how many accounts of one cutoff the team can work.
        differing: each property of the question that differs, with the champion's value and the challenger's.
        mode: ``refresh`` where both have one recipe, ``challenge`` where they do not, ``first`` without a champion.
        recipe: what differs between the recipes.
        evidence: which rows these are: later than the champion's training, test periods of both, or both kinds.
        agreement: how alike the final fits order the newest cutoff; only of a refresh.
        final_fits: the final fits of both on accounts that they did not know; only of a refresh.
        outcomes: of the rows that both trainings tested, how many had the event by either, and by one of them only.
        margin: by how much of AUC a refresh may be worse.
    """

    rows: EvaluationRows
    segment: NDArray[np.str_]
    challenger: Scores
    champion: Scores | None = None
    baselines: Mapping[str, Floats] = field(default_factory=dict)
    capacity: int = 20
    differing: Mapping[str, tuple[object, object]] = field(default_factory=dict)
    mode: Mode = "challenge"
    recipe: Mapping[str, Any] = field(default_factory=dict)
    evidence: Evidence = "later"
    agreement: Agreement | None = None
    final_fits: FinalFits | None = None
    outcomes: tuple[int, int] | None = None
    margin: float = 0.0


def first_unseen_cutoff(champion: RiskModel) -> date:
    """The first cutoff that the champion knows nothing of: its last training label is over by then."""
    through = date.fromisoformat(str(champion.facts["through"]))
    return through + timedelta(days=champion.risk.embargo + 1)


def needed_cutoffs(scored: pa.Table, champion: RiskModel, newest: date) -> list[date]:
    """The cutoffs whose features :func:`compare_with_champion` needs, ascending: the later ones, and the newest."""
    days = {day for day in pc.unique(scored["as_of"]).to_pylist() if day >= first_unseen_cutoff(champion)}
    return sorted(days | {newest})


def compare_with_baselines(scored: pa.Table, risk: Risk) -> Comparison:
    """All test rows of a challenger, where there is no champion yet."""
    return _comparison(scored, risk, mode="first")


def compare_with_champion(
    challenger: RiskModel,
    scored: pa.Table,
    champion: RiskModel,
    recorded: pa.Table,
    frame: pa.Table,
    *,
    margin: float,
) -> Comparison:
    """The rows on which both can be evaluated.

    Args:
        challenger: the new model.
        scored: its test rows (:class:`models.training.TrainingResult`).
        champion: the present champion.
        recorded: the champion's own test rows.
        frame: features of at least the rows at :func:`needed_cutoffs`.
        margin: by how much of AUC a refresh may be worse.

    Raises:
        SignatureError: the frame lacks columns of the champion.
    """
    risk = challenger.risk
    scored, recorded = _with_represents(scored), _with_represents(recorded)
    differing = differences_of_question(champion.risk, risk) | _other_money(champion, challenger)
    differing |= _other_accounts(scored, recorded)
    if differing:
        return _comparison(scored, risk, differing=differing)
    recipe = differences_of_recipe(champion.facts.get("recipe"), challenger.facts.get("recipe"))
    later = _scored_by(champion, scored, frame)
    rows, evidence = later, "later"
    if _accounts_with_event(later) < LATER_FROM:
        earlier = _recorded_of(recorded, scored, first_unseen_cutoff(champion))
        rows = pa.concat_tables([earlier, later])
        evidence = "both" if later.num_rows else "test_periods"
    return _comparison(
        rows,
        risk,
        mode="challenge" if recipe else "refresh",
        recipe=recipe,
        evidence=evidence,
        agreement=None if recipe else agreement_with(challenger, champion, frame),
        final_fits=None if recipe else _final_fits(scored, recorded),
        outcomes=_outcomes(scored, recorded),
        margin=margin,
    )


def differences_of_question(champion: Risk, challenger: Risk) -> dict[str, tuple[object, object]]:
    """What differs between two risks' labels (kind, horizon, lead, eligibility): the champion's value, the other's.

    Conditions that differ in spelling only are equal.
    """
    names = ("kind", *SETTINGS[challenger.label.kind])
    pairs = {name: (getattr(champion.label, name), getattr(challenger.label, name)) for name in names}
    pairs["eligible"] = (champion.eligible, challenger.eligible)
    same = {
        "where": lambda: champion.label.condition().sql == challenger.label.condition().sql,
        "eligible": lambda: _rebuilt(champion.eligible) == _rebuilt(challenger.eligible),
    }
    different = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    if {"kind", "table"} & set(different):
        return different
    return {name: pair for name, pair in different.items() if name not in same or not same[name]()}


def _rebuilt(condition: str) -> str:
    """A condition over features without its author's spacing and capitals; as written where it cannot be read."""
    metrics: Columns = {column: (column, "number") for column in METRIC_COLUMN.findall(condition)}
    try:
        return compile_condition(condition, {**FEATURE_COLUMNS, **metrics}).sql if condition else ""
    except ConditionError:
        return condition


def _other_money(champion: RiskModel, challenger: RiskModel) -> dict[str, tuple[object, object]]:
    """Money in another currency has other numbers, which the champion would misread.

    A model that was trained without a currency does not know the revenue of accounts in several; with rates, the other
    reads numbers that it does not have. A model of a version that recorded none is compared.
    """
    before, now = (model.facts.get("currency") for model in (champion, challenger))
    if before is None or now is None or before == now:
        return {}
    return {"currency": (before or "none", now or "none")}


def _other_accounts(scored: pa.Table, recorded: pa.Table) -> dict[str, tuple[object, object]]:
    """Whether the two trainings tested mostly other accounts: then they describe different customers."""
    common = pc.is_in(recorded["as_of"], value_set=pc.unique(scored["as_of"]))
    rows = recorded.filter(common)
    if not rows.num_rows:
        return {}
    joined = _with_other(scored.select([*KEYS, REPRESENTS]), rows.select([*KEYS, REPRESENTS]))
    shared, tested = float(np.sum(_represented(joined))), float(pc.sum(rows[REPRESENTS]).as_py())
    if shared >= MIN_SHARED * tested:
        return {}
    return {"accounts": (f"{tested:,.0f} test rows", f"{shared:,.0f} of these")}


def _outcomes(scored: pa.Table, recorded: pa.Table) -> tuple[int, int]:
    """Rows of both that had the event by either, and by one only: a label that has matured should not change."""
    before = recorded.select([*KEYS, "event"]).rename_columns([*KEYS, "before"])
    joined = scored.select([*KEYS, "event"]).join(before, KEYS, join_type="inner")
    either = pc.sum(pc.or_(joined["event"], joined["before"])).as_py() or 0
    return either, pc.sum(pc.xor(joined["event"], joined["before"])).as_py() or 0


def _scored_by(champion: RiskModel, scored: pa.Table, frame: pa.Table) -> pa.Table:
    """The test rows at cutoffs later than the champion's training, with the champion's own scores."""
    later = scored.filter(pc.greater_equal(scored["as_of"], pa.scalar(first_unseen_cutoff(champion))))
    places = frame.select(KEYS).append_column("place", pa.array(np.arange(frame.num_rows)))
    joined = _numbered(later).join(places, KEYS, join_type="inner").sort_by("row")
    features = frame.take(joined["place"].combine_chunks())
    fit = pc.is_null(champion.unfit(features))
    predicted = champion.predict(features.filter(fit))
    return _with_champion(
        joined.filter(fit).drop_columns(["place", "row"]), predicted.rank_score, predicted.probability
    )


def _recorded_of(recorded: pa.Table, scored: pa.Table, before: date) -> pa.Table:
    """The test rows that both trainings have at cutoffs before that day, with the champion's recorded scores."""
    scores = recorded.select([*KEYS, "rank_score", "probability", REPRESENTS])
    joined = _weighted_as_shared(_with_other(scored.filter(pc.less(scored["as_of"], pa.scalar(before))), scores))
    rank, probability = (joined[f"other_{name}"].to_numpy() for name in ("rank_score", "probability"))
    return _with_champion(joined.select(scored.column_names), rank, probability)


def _final_fits(scored: pa.Table, recorded: pa.Table) -> FinalFits | None:
    """The cross-fitted scores of both at the rows that both have; None where a training recorded none."""
    if any(CROSS_FITTED not in rows.column_names for rows in (scored, recorded)):
        return None
    columns = dict.fromkeys([*KEYS, unit_column(scored), "event", "weight", REPRESENTS, CROSS_FITTED])
    joined = _with_other(scored.select(list(columns)), recorded.select([*KEYS, REPRESENTS, CROSS_FITTED]))
    joined = joined.filter(pc.and_(joined[CROSS_FITTED].is_valid(), joined[f"other_{CROSS_FITTED}"].is_valid()))
    if not joined.num_rows:
        return None
    joined = _weighted_as_shared(joined)
    scores = (np.asarray(joined[name].to_numpy(), dtype=np.float64) for name in (CROSS_FITTED, f"other_{CROSS_FITTED}"))
    return FinalFits(scored_rows(joined, COMPARISON_DRAWS), *scores)


def _with_represents(rows: pa.Table) -> pa.Table:
    """Test rows of a version that recorded no sampling count once."""
    if REPRESENTS in rows.column_names:
        return rows
    return rows.append_column(REPRESENTS, pa.array(np.ones(rows.num_rows)))


def _with_other(scored: pa.Table, recorded: pa.Table) -> pa.Table:
    """The rows that both have, in the order of the first; the columns of the second are named ``other_…``."""
    names = [name if name in KEYS else f"other_{name}" for name in recorded.column_names]
    joined = _numbered(scored).join(recorded.rename_columns(names), KEYS, join_type="inner")
    return joined.sort_by("row").drop_columns(["row"])


def _represented(joined: pa.Table) -> Floats:
    """For how many rows each counts: a row is in two samples of one source where it is in the smaller one."""
    return np.asarray(np.maximum(joined[REPRESENTS].to_numpy(), joined[f"other_{REPRESENTS}"].to_numpy()))


def _weighted_as_shared(joined: pa.Table) -> pa.Table:
    """The rows with the weights that they have in the smaller of the two samples."""
    weight = joined["weight"].to_numpy() * _represented(joined) / joined[REPRESENTS].to_numpy()
    return joined.set_column(joined.column_names.index("weight"), "weight", pa.array(weight))


def _numbered(rows: pa.Table) -> pa.Table:
    return rows.append_column("row", pa.array(np.arange(rows.num_rows)))


def _with_champion(rows: pa.Table, rank: Floats, probability: Floats) -> pa.Table:
    scores = {"champion_rank": rank, "champion_probability": probability}
    for name, values in scores.items():
        rows = rows.append_column(name, pa.array(np.asarray(values, dtype=np.float64)))
    return rows


def _accounts_with_event(rows: pa.Table) -> int:
    return int(pc.count_distinct(rows.filter(rows["event"])[unit_column(rows)]).as_py())


def _comparison(scored: pa.Table, risk: Risk, **about: Any) -> Comparison:
    def column(name: str) -> Floats:
        return np.asarray(scored[name].to_numpy(), dtype=np.float64)

    compared = "champion_rank" in scored.column_names
    return Comparison(
        rows=scored_rows(scored, COMPARISON_DRAWS),
        segment=np.asarray(scored["segment"].to_pylist(), dtype=np.str_),
        challenger=Scores(column("rank_score"), column("probability")),
        champion=Scores(column("champion_rank"), column("champion_probability")) if compared else None,
        baselines={name.removeprefix(RULE): column(name) for name in scored.column_names if name.startswith(RULE)},
        capacity=risk.capacity,
        **about,
    )
