"""May this challenger become champion?

There are two questions, and the recorded recipes decide which one is asked. A *challenge*, another recipe, would be
promoted half of the time by any rule that looks at one figure, and every change of champion costs trust: reviewers see
other accounts for no reason. So the burden is on the challenger: on rows that neither model learned from, and on the
same drawn accounts, it must be not worse by each of four figures, *better* by at least one, and beat the best
baseline. A *refresh*, the same recipe on newer data, is expected to be about as good, and a champion that is never
replaced grows old. It must be shown to be *not worse* in its order by more than a margin, be worse by no other figure,
and agree with the champion as fits of one recipe do. Both must keep the calibration and let no segment suffer, and
where the data has no signal nothing passes. The decision reports its power: with few events, a refusal says little.

Every check is a code with numbers; `models.reports.gate_text` renders the sentences.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from models.data.arrays import Floats
from models.evaluation.bootstrap import Estimate, interval, lower_bound
from models.evaluation.evaluation_rows import EvaluationRows, Scores
from models.evaluation.statistics.probability_metrics import log_loss_draws, observed_to_expected_draws
from models.evaluation.statistics.ranking_metrics import ranking_draws
from models.evaluation.statistics.signal_test import compare_with_chance
from models.promotion.comparison import Comparison, Evidence, Mode
from models.promotion.power import Power, power_of

TOLERANCES: Mapping[str, float] = {
    "auc": 0.02,
    "average_precision": 0.02,
    "recall_at_capacity": 0.03,
    "log_loss_skill": 0.02,
}
"""What is compared, and by how much a challenger may at worst be behind and still count as not worse."""

_ALPHA = 0.05
SHOWN_BETTER = 0.03
"""Chance of taking an equal challenge for better by some figure; with few events it comes closer to 5%."""
REFRESH_ALPHA = 0.025
"""Chance of promoting a refresh that is worse by just the margin."""
SHOWN_WORSE = 0.02
"""Chance of holding against a refresh, by all other figures or by all segments together, what is not there."""
BETTER_BY = 0.03
"""The gain in AUC within a night for which the power of a challenge is reported."""
MIN_ACCOUNTS: Mapping[str, int] = {"challenge": 50, "first": 50, "refresh": 30}
"""Accounts with an event that are needed to tell two models apart, by the gate's mode."""
ENOUGH_FOR_REFRESH = 100
"""Accounts with an event from which an equal refresh is promoted in about 90% (docs/decisions/0018)."""
MIN_SEGMENT_ACCOUNTS_COMPARED = 30
MOST_CHANGED = 0.2
"""Share of the rows with an event whose outcome may differ from the champion's record: late rows and corrections."""
OFF_BY = 0.1
"""A shift of the mean probability of less than about 10% is not held against a challenger."""


@dataclass(frozen=True)
class Check:
    """One question of the gate: its code, the answer, the numbers it rests on, and the difference where there is one.

    ``subject`` is the figure or the segment that the question is about, empty where there is only one of its kind.
    """

    code: str
    passed: bool
    parameters: Mapping[str, Any] = field(default_factory=dict)
    difference: Estimate | None = None
    subject: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        difference = self.difference.to_json() if self.difference else None
        return {**vars(self), "parameters": dict(self.parameters), "difference": difference}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Check":
        """What :meth:`to_json` wrote."""
        difference = data["difference"]
        return cls(**{**data, "difference": Estimate.from_json(difference) if difference else None})


@dataclass(frozen=True)
class Promotion:
    """The gate's decision: every check, and by them whether the challenger may become champion.

    Attributes:
        mode: whether it was a challenge, a refresh, or the first model of its risk.
        recipe: what differs between the recipes; empty for a refresh.
        evidence: which rows were compared (:class:`models.promotion.comparison.Comparison`).
        power: how likely right decisions are; None where no two models were compared.
    """

    risk: str
    challenger: str
    champion: str | None
    checks: tuple[Check, ...]
    mode: Mode = "challenge"
    recipe: Mapping[str, Any] = field(default_factory=dict)
    evidence: Evidence = "later"
    power: Power | None = None

    @property
    def promoted(self) -> bool:
        """Whether every check was passed."""
        return all(check.passed for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Plain data, for ``--json``."""
        checks = [check.to_json() for check in self.checks]
        power = self.power.to_json() if self.power else None
        return {**vars(self), "recipe": dict(self.recipe), "promoted": self.promoted, "power": power, "checks": checks}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Promotion":
        """What :meth:`to_json` wrote."""
        checks = tuple(Check.from_json(check) for check in data["checks"])
        power = Power.from_json(data["power"]) if data["power"] else None
        plain = {name: data[name] for name in ("risk", "challenger", "champion", "mode", "recipe", "evidence")}
        return cls(**plain, checks=checks, power=power)


def evaluate_challenger(
    comparison: Comparison, *, risk: str, challenger: str, champion: str | None = None
) -> Promotion:
    """The gate's decision on a comparison; equal input gives an equal decision.

    Args:
        comparison: rows that neither model learned from, scored by both and by the baselines.
        risk: the risk's name.
        challenger: the challenger's version.
        champion: the champion's version, where there is one.
    """
    decision = Promotion(risk, challenger, champion, (), comparison.mode, comparison.recipe, comparison.evidence)
    if comparison.differing:
        differing = {name: list(pair) for name, pair in comparison.differing.items()}
        return replace(decision, checks=(Check("same_question", False, {"differing": differing}),))
    enough, same = _enough_events(comparison), tuple(_same_outcomes(comparison))
    if not enough.passed or not all(check.passed for check in same):
        return replace(decision, checks=(enough, *same))
    own = _figures(comparison, comparison.challenger)
    if comparison.champion is None:
        checks = (_signal(comparison, own), *_best_baseline(comparison, own), _calibrated(comparison))
        return replace(decision, checks=(enough, *checks))
    others = _figures(comparison, comparison.champion)
    differences = {name: own[name] - others[name] for name in TOLERANCES}
    refresh = comparison.mode == "refresh"
    asked = _refresh(comparison, differences) if refresh else _challenge(comparison, own, differences)
    kept = (_calibration_kept(comparison, comparison.champion), *_segments(comparison, comparison.champion))
    checks = (enough, *same, _signal(comparison, own), *asked, *kept)
    return replace(decision, checks=checks, power=_power(comparison, differences["auc"]))


def _challenge(comparison: Comparison, own: Mapping[str, Floats], differences: Mapping[str, Floats]) -> Iterator[Check]:
    """Another recipe has to be better, and better than a rule that needs no model."""
    yield from _best_baseline(comparison, own)
    for name, difference in differences.items():
        yield _not_worse(name, difference, TOLERANCES[name])
    yield _some_better(differences)


def _refresh(comparison: Comparison, differences: Mapping[str, Floats]) -> Iterator[Check]:
    """The same recipe has to order accounts no worse, and to be shown worse by nothing else."""
    yield _not_worse("auc", differences["auc"], comparison.margin, REFRESH_ALPHA)
    yield _none_worse({name: difference for name, difference in differences.items() if name != "auc"})
    yield from _final_fit(comparison)
    if comparison.agreement is not None:
        agreement = comparison.agreement
        yield Check("agreement", agreement.value >= agreement.expected, vars(agreement))


def _final_fit(comparison: Comparison) -> Iterator[Check]:
    """The fit that would be used, on accounts that it does not know, is no worse than the champion's."""
    fits = comparison.final_fits
    if fits is None or fits.rows.units_with_event < MIN_ACCOUNTS["refresh"]:
        return
    own, other = (ranking_draws(fits.rows, score)["auc"] for score in (fits.challenger, fits.champion))
    passed = lower_bound(own - other, REFRESH_ALPHA) >= -comparison.margin
    yield Check("final_fit", passed, {"tolerance": comparison.margin}, interval(own - other))


def _figures(comparison: Comparison, scores: Scores) -> dict[str, Floats]:
    ranking = ranking_draws(comparison.rows, scores.rank, comparison.capacity)
    return {**ranking, "log_loss_skill": log_loss_draws(comparison.rows, _probability(scores))}


def _probability(scores: Scores) -> Floats:
    assert scores.probability is not None  # noqa: S101 - champion and challenger give probabilities, baselines do not
    return scores.probability


def _power(comparison: Comparison, auc: Floats) -> Power:
    accounts = comparison.rows.units_with_event
    if comparison.mode == "refresh":
        margin = comparison.margin
        return power_of(auc, good=0.0, bad=-margin, threshold=-margin, alpha=REFRESH_ALPHA, accounts=accounts)
    return power_of(
        auc, good=BETTER_BY, bad=0.0, threshold=0.0, alpha=SHOWN_BETTER / len(TOLERANCES), accounts=accounts
    )


def _enough_events(comparison: Comparison) -> Check:
    rows = comparison.rows
    accounts, needed = rows.units_with_event if len(rows) else 0, MIN_ACCOUNTS[comparison.mode]
    numbers = {
        "accounts_with_event": accounts,
        "rows": len(rows),
        "effective_rows": round(rows.effective_rows) if len(rows) else 0,
        "needed": needed,
        **({"usual": ENOUGH_FOR_REFRESH} if comparison.mode == "refresh" else {}),
    }
    return Check("enough_events", accounts >= needed, numbers)


def _same_outcomes(comparison: Comparison) -> Iterator[Check]:
    """Outcomes that have matured are those that were recorded with the champion, but for late rows."""
    if comparison.outcomes is not None:
        rows, changed = comparison.outcomes
        yield Check("same_outcomes", changed <= MOST_CHANGED * rows, {"rows_with_event": rows, "changed": changed})


def _signal(comparison: Comparison, own: Mapping[str, Floats]) -> Check:
    chance = compare_with_chance(comparison.rows, comparison.challenger.rank)
    return Check("signal", chance.shown, {"auc": interval(own["auc"]).to_json(), "p_value": chance.p_value})


def _best_baseline(comparison: Comparison, own: Mapping[str, Floats]) -> Iterator[Check]:
    """Against the baseline with the best average precision: ahead by average precision or AUC, with room for two."""
    ranked = {name: ranking_draws(comparison.rows, score) for name, score in comparison.baselines.items()}
    if not ranked:
        return
    best = max(ranked, key=lambda name: float(ranked[name]["average_precision"][0]))
    leads = {name: own[name] - ranked[best][name] for name in ("auc", "average_precision")}
    passed = any(lower_bound(lead, _ALPHA / 2) > 0 for lead in leads.values())
    yield Check("best_baseline", passed, {"baseline": best}, interval(leads["average_precision"]))


def _not_worse(name: str, difference: Floats, tolerance: float, alpha: float = _ALPHA) -> Check:
    passed = lower_bound(difference, alpha) >= -tolerance
    return Check("not_worse", passed, {"tolerance": tolerance}, interval(difference), name)


def _none_worse(differences: Mapping[str, Floats]) -> Check:
    """Not shown to be worse by more than the tolerance, with the chance of being wrong shared out."""
    worse = [
        name
        for name, difference in differences.items()
        if difference[0] < -TOLERANCES[name] and _below_zero(difference, SHOWN_WORSE / len(differences))
    ]
    return Check("none_worse", not worse, {"figures": worse})


def _below_zero(difference: Floats, alpha: float) -> bool:
    """Whether a difference is shown to be negative; by its spread, because draws are too few for small shares."""
    from scipy.stats import norm

    spread = float(np.std(difference[1:]))
    return bool(np.isfinite(spread) and difference[0] + norm.ppf(1 - alpha) * spread < 0)


def _some_better(differences: Mapping[str, Floats]) -> Check:
    """Better by some figure, with the chance of being wrong shared out among the four."""
    alpha = SHOWN_BETTER / len(TOLERANCES)
    better = [name for name, difference in differences.items() if _below_zero(-difference, alpha)]
    return Check("some_better", bool(better), {"figures": better})


def _calibration_kept(comparison: Comparison, champion: Scores) -> Check:
    worse = _off_by(comparison.rows, comparison.challenger) - _off_by(comparison.rows, champion)
    passed = not (worse[0] > OFF_BY and lower_bound(worse, _ALPHA) > 0)
    return Check("calibration_kept", passed, {"off_by": float(np.expm1(worse[0]))}, interval(-worse))


def _calibrated(comparison: Comparison) -> Check:
    """For a first champion: the events expected are those observed, give or take what chance allows."""
    off = _off_by(comparison.rows, comparison.challenger)
    passed = bool(off[0] <= OFF_BY or lower_bound(off, _ALPHA) <= 2 * OFF_BY)
    return Check("calibrated", passed, {"off_by": float(np.expm1(off[0]))})


def _off_by(rows: EvaluationRows, scores: Scores) -> Floats:
    """|ln(events observed / events expected)| on every draw: 0 where the probabilities add up to what happened."""
    with np.errstate(divide="ignore"):
        return np.abs(np.log(observed_to_expected_draws(rows, _probability(scores))))


def _segments(comparison: Comparison, champion: Scores) -> Iterator[Check]:
    """No segment with enough events to tell may lose log loss for certain; the chance of error is shared out."""
    masks = {str(segment): comparison.segment == segment for segment in np.unique(comparison.segment)}
    parts = {name: (mask, comparison.rows.take(mask)) for name, mask in masks.items()}
    known = {name: part for name, part in parts.items() if part[1].units_with_event >= MIN_SEGMENT_ACCOUNTS_COMPARED}
    for name, (mask, rows) in known.items():
        own, other = (
            log_loss_draws(rows, _probability(scores.take(mask))) for scores in (comparison.challenger, champion)
        )
        gain, alpha = own - other, (SHOWN_WORSE if comparison.mode == "refresh" else _ALPHA) / len(known)
        passed = not (gain[0] < -TOLERANCES["log_loss_skill"] / 2 and _below_zero(gain, alpha))
        numbers = {"accounts_with_event": rows.units_with_event, "alpha": alpha}
        yield Check("segment", passed, numbers, interval(gain), name)
