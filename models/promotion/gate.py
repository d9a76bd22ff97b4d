"""May this challenger become champion?

A new model that merely differs would be promoted half of the time by any rule that looks at one figure, and every
change of champion costs trust: reviewers see other accounts for no reason. So the burden is on the challenger. On later
rows that neither model learned from, and on the same drawn accounts, it must be *not worse* by each of four margins,
*better* by at least one, keep its calibration, let no segment suffer, and beat the best rule of thumb. Where the data
has no signal, nothing passes, and the verdict says why.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from models.data.arrays import Floats
from models.evaluation.bootstrap import Estimate, interval
from models.evaluation.paired_comparison import Draws, Rows, Scored
from models.learners.baselines import RULES

MARGINS: Mapping[str, float] = {"AUC": 0.02, "average precision": 0.02, "recall at capacity": 0.03, "log loss": 0.02}
"""What is compared, and by how much the challenger may at worst be behind and still count as not worse. Log loss is a
share of the base rate's, turned round, so that more is better in all four."""

_KEY = re.compile(r"[^A-Za-z0-9]+")
"""What no store takes in a tag's name; a segment may be called anything."""

_RULE_TITLES: Mapping[str, str] = {rule.name: rule.title for rule in RULES}

DRAWS = 400
ALPHA = 0.05
MIN_EVENTS = 50
MIN_SEGMENT_EVENTS = 30
OFF_BY = 0.1
"""A shift of the mean probability of less than about 10% is not held against a challenger."""


@dataclass(frozen=True)
class Check:
    """One question of the gate: the difference with its interval where there is one, and the answer as a sentence."""

    name: str
    passed: bool
    told: str
    difference: Estimate | None = None


@dataclass(frozen=True)
class Promotion:
    """The gate's verdict: every check, and by them whether the challenger may become champion."""

    risk: str
    challenger: str
    champion: str | None
    checks: tuple[Check, ...]

    @property
    def promoted(self) -> bool:
        """Whether every check was passed."""
        return all(check.passed for check in self.checks)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why not, a sentence each; empty where the challenger is promoted."""
        return tuple(check.told for check in self.checks if not check.passed)

    def sentence(self) -> str:
        """The verdict in one line."""
        return f"{self.risk}: version {self.challenger} {self.outcome()}"

    def outcome(self) -> str:
        """What comes of the verdict, for those who know of which version."""
        if self.promoted:
            instead = f", in place of version {self.champion}" if self.champion else ""
            return f"is champion now{instead}: {self.told()}"
        return f"stays challenger. {self.told()}"

    def told(self) -> str:
        """Why the verdict is what it is."""
        return _better(self.checks) if self.promoted else " ".join(self.reasons)

    def to_json(self) -> dict[str, object]:
        """Plain data: for the registry's tags and for ``--json``."""
        return {
            "risk": self.risk,
            "challenger": self.challenger,
            "champion": self.champion,
            "promoted": self.promoted,
            "checks": [
                {"name": c.name, "passed": c.passed, "told": c.told}
                | ({"difference": c.difference.to_json()} if c.difference else {})
                for c in self.checks
            ],
        }

    def tags(self) -> dict[str, str]:
        """What :meth:`models.registry.registry.Registry.record` writes beside the version."""
        verdict = "promoted" if self.promoted else "refused"
        return {"verdict": verdict, "against": self.champion or "rules", "told": self.told()} | {
            f"check.{_KEY.sub('_', check.name)}": f"{'passed' if check.passed else 'failed'}: {check.told}"
            for check in self.checks
        }


def judge(
    rows: Rows, *, risk: str, challenger: str, champion: str | None = None, draws: int = DRAWS, seed: int = 7
) -> Promotion:
    """The gate's verdict on ``rows``; equal input gives an equal verdict.

    Args:
        rows: rows later than what either model learned from, scored by both (and by the rules of thumb).
        risk: the risk's name, for the verdict.
        challenger: the challenger's version.
        champion: the champion's version, where there is one.
        draws: how often the accounts are drawn again.
        seed: of the draws.
    """
    enough = _enough(rows)
    if not enough.passed:
        return Promotion(risk, challenger, champion, (enough,))
    drawn = Draws(rows, draws, seed)
    own = _figures(drawn, rows.challenger)
    checks = [enough, _signal(own), *_against_rules(drawn, own)]
    if rows.champion is None:
        checks.append(_adds_up(drawn))
    else:
        differences = {name: own[name] - other for name, other in _figures(drawn, rows.champion).items()}
        checks += [*_not_worse(differences), _some_better(differences), _calibration(drawn, rows.champion)]
        checks += _segments(drawn, rows.champion)
    return Promotion(risk, challenger, champion, tuple(checks))


def _figures(drawn: Draws, scored: Scored) -> dict[str, Floats]:
    auc, precision = drawn.ranking(scored.rank_score)
    caught, loss = drawn.caught(scored.rank_score), drawn.log_loss(scored.probability)
    return dict(zip(MARGINS, (auc, precision, caught, -loss), strict=True))


def _enough(rows: Rows) -> Check:
    events = int(rows.event.sum())
    happened = len(np.unique(rows.accounts[rows.event])) if events else 0
    told = f"{happened} accounts with an event in {len(rows.event):,} later rows"
    if happened >= MIN_EVENTS:
        return Check("enough events", True, told + ".")
    needed = f"{MIN_EVENTS} accounts with an event are needed to tell two models apart"
    if not len(rows.event):
        return Check("enough events", False, f"No cutoff is yet later than what the champion learned from: {needed}.")
    return Check("enough events", False, f"There are only {told}: {needed}.")


def _signal(own: Mapping[str, Floats]) -> Check:
    auc = interval(own["AUC"])
    passed = auc.low > 0.5
    told = f"AUC {auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]"
    return Check("signal", passed, f"{told}." if passed else f"No signal was found: {told} is not above chance.")


def _against_rules(drawn: Draws, own: Mapping[str, Floats]) -> Iterator[Check]:
    """Against the rule with the best average precision: ahead by average precision or AUC, with room for two looks."""
    ranked = {name: drawn.ranking(score) for name, score in drawn.rows.rules.items()}
    if not ranked:
        return
    best = max(ranked, key=lambda name: float(ranked[name][1][0]))
    auc, precision = own["AUC"] - ranked[best][0], own["average precision"] - ranked[best][1]
    passed = max(_lower(auc, ALPHA / 2), _lower(precision, ALPHA / 2)) > 0
    told = "ahead of the best rule" if passed else "It is not shown to be ahead of the best rule"
    told = f"{told}, '{_RULE_TITLES.get(best, best)}': {_told(precision)} of average precision."
    yield Check("best rule", passed, told, interval(precision))


def _not_worse(differences: Mapping[str, Floats]) -> Iterator[Check]:
    for name, difference in differences.items():
        passed = _lower(difference, ALPHA) >= -MARGINS[name]
        told = "not worse" if passed else f"By {name} it may be worse by more than {MARGINS[name]:.2f}"
        yield Check(f"{name}, not worse", passed, f"{told} ({_told(difference)}).", interval(difference))


def _some_better(differences: Mapping[str, Floats]) -> Check:
    """Better by some margin, with the chance of being wrong shared out among the four looks."""
    better = [name for name, difference in differences.items() if _lower(difference, ALPHA / len(MARGINS)) > 0]
    if better:
        return Check("some margin better", True, f"better by {' and '.join(better)}.")
    return Check("some margin better", False, "By no margin is it better than the champion beyond chance.")


def _calibration(drawn: Draws, champion: Scored) -> Check:
    worse = drawn.off_by(drawn.rows.challenger.probability) - drawn.off_by(champion.probability)
    passed = not (worse[0] > OFF_BY and _lower(worse, ALPHA) > 0)
    told = (
        "kept" if passed else f"Its probabilities are off by {100 * np.expm1(worse[0]):.0f}% more than the champion's"
    )
    return Check("calibration", passed, f"{told}.", interval(-worse))


def _adds_up(drawn: Draws) -> Check:
    """For a first champion: the events expected are those observed, give or take what chance allows."""
    off = drawn.off_by(drawn.rows.challenger.probability)
    passed = off[0] <= OFF_BY or _lower(off, ALPHA) <= 2 * OFF_BY
    told = "events expected and observed agree" if passed else "Its probabilities do not add up to what happened"
    return Check("calibration", passed, f"{told} (off by {100 * np.expm1(off[0]):.0f}%).")


def _segments(drawn: Draws, champion: Scored) -> Iterator[Check]:
    """No segment with enough events to tell may lose log loss for certain."""
    rows = drawn.rows
    for segment in np.unique(rows.segment):
        mask = rows.segment == segment
        if int((rows.event & mask).sum()) < MIN_SEGMENT_EVENTS:
            continue
        gain = drawn.log_loss(champion.probability, mask) - drawn.log_loss(rows.challenger.probability, mask)
        passed = not (gain[0] < -MARGINS["log loss"] / 2 and _lower(-gain, ALPHA) > 0)
        told = "does not suffer" if passed else f"The segment {segment} suffers by log loss ({_told(gain)})"
        yield Check(f"segment {segment}", passed, f"{told}.", interval(gain))


def _lower(difference: Floats, alpha: float) -> float:
    """The one-sided lower bound of a difference, missed with probability ``alpha``; minus infinity where undefined."""
    drawn = difference[1:]
    return float(np.quantile(drawn, alpha)) if np.isfinite(drawn).all() and np.isfinite(difference[0]) else -np.inf


def _told(difference: Floats) -> str:
    found = interval(difference)
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


def _better(checks: tuple[Check, ...]) -> str:
    return next((c.told for c in checks if c.name == "some margin better"), "it is ahead of every rule of thumb.")
