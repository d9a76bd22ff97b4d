"""Rescued is not safe: a team works the accounts that a model names, and the next model learns from what is left.

A numpy world of accounts whose trouble drifts; a rescue takes nine tenths of an account's risk for a quarter. Every 9
months the model is trained again on the weeks since, and the team works the riskiest fifth of the accounts by it, four
fifths of them (the rest is held out by a coin). Through four retrainings the model must still rank the accounts by the
risk that they run when nobody helps them. The naive variant, which reads every rescued account as a safe one, must not.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from features.labels.labels import LabelRule
from models.learners.calibration import sigmoid
from models.learners.training_set import prepare_training_set
from models.risks.risk import Risk

Score = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
QUARTER = 13
RISK = Risk("churn", LabelRule("churn", "silence", horizon=7 * QUARTER))
ACCOUNTS, ROUND, ROUNDS = 500, 39, 5
WORKED, HELD_OUT = 0.2, 0.2


def hazard(trouble: NDArray[np.float64]) -> NDArray[np.float64]:
    """A week's chance of leaving where nobody helps."""
    return sigmoid(-5.0 + 1.6 * trouble)


@dataclass
class Town:
    """Accounts as they live on; who leaves is replaced by a new account in the same place."""

    rng: np.random.Generator
    trouble: NDArray[np.float64] = field(init=False)
    names: NDArray[np.int64] = field(init=False)
    rescued: NDArray[np.float64] = field(init=False)
    weeks: list[dict[str, NDArray[np.float64]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.trouble = self.rng.normal(size=ACCOUNTS)
        self.names = np.arange(ACCOUNTS)
        self.rescued = np.full(ACCOUNTS, -np.inf)

    def live(self, scorer: Score | None) -> None:
        """One week: the team works by the scorer, some leave, the others drift."""
        week = len(self.weeks)
        shown = self.trouble + 0.5 * self.rng.normal(size=ACCOUNTS)
        since = np.where(np.isinf(self.rescued), np.nan, week - self.rescued)
        flagged = np.zeros(ACCOUNTS, bool)
        if scorer is not None:
            score = scorer(shown, since)
            flagged = score >= np.quantile(score, 1 - WORKED)
        held = self.names * 2654435761 % 1000 < 1000 * HELD_OUT
        self.rescued[flagged & ~held] = week
        leaving = self.rng.random(ACCOUNTS) < hazard(self.trouble) * np.where(week - self.rescued < QUARTER, 0.1, 1.0)
        self.weeks.append(
            {
                "name": self.names.copy(), "shown": shown, "since": since, "left": leaving,
                "treated": flagged & ~held, "holdout": flagged & held,
            }
        )  # fmt: skip
        self.trouble = 0.97 * self.trouble + np.sqrt(1 - 0.97**2) * self.rng.normal(size=ACCOUNTS)
        self.trouble[leaving] = self.rng.normal(size=leaving.sum())
        self.names[leaving] += ACCOUNTS
        self.rescued[leaving] = -np.inf

    def told(self, naive: bool) -> tuple[pa.Table, pa.Table]:
        """Frame and labels of the settled weeks since the last training; the naive ones count the rescued as safe."""
        recent = self.weeks[-(ROUND + QUARTER) :]
        seen = {key: np.stack([week[key] for week in recent]) for key in self.weeks[0]}
        settled = len(recent) - QUARTER
        within = {key: np.zeros((settled, ACCOUNTS), bool) for key in ("left", "treated", "holdout")}
        at = np.zeros((settled, ACCOUNTS), int)
        for ahead in range(QUARTER):
            rows = slice(ahead, settled + ahead)
            still = seen["name"][rows] == seen["name"][:settled]
            for key, any_of in within.items():
                any_of |= seen[key][rows].astype(bool) & still
            at = np.where(seen["left"][rows].astype(bool) & still, ahead, at)
        day = np.datetime64("2024-01-01") + 7 * np.arange(settled)[:, None] + np.zeros((1, ACCOUNTS), int)
        keys = {
            "account_id": [f"a{name}" for name in seen["name"][:settled].ravel()],
            "as_of": pa.array(day.ravel().astype("datetime64[D]"), pa.date32()),
        }
        columns = {key: pa.array(seen[key][:settled].ravel(), from_pandas=True) for key in ("shown", "since")}
        event = within["left"] & ~within["treated"] if naive else within["left"]
        event_at = np.where(event, day + 7 * at, np.datetime64("NaT")).astype("datetime64[us]").ravel()
        marks = {key: np.zeros(day.size, bool) if naive else within[key].ravel() for key in ("treated", "holdout")}
        labels = pa.table({**keys, "event": event.ravel(), "event_at": pa.array(event_at), **marks})
        return pa.table({**keys, **columns}), labels


def learn(town: Town, naive: bool) -> Score:
    """Trees on the weeks since the last training; before the first rescue there is no time since one to learn from."""
    material = prepare_training_set(*town.told(naive), RISK, threads=1)
    trees, names = material.learner.trees(material.examples, 60).cut(60), material.learner.signature.names

    def score(shown: NDArray[np.float64], since: NDArray[np.float64]) -> NDArray[np.float64]:
        columns = {"shown": shown, "since": since}
        return trees.margin(np.column_stack([columns[name] for name in names]).astype(np.float32))

    return score


def untreated_auc(scorer: Score, seed: int = 99) -> float:
    """How well it ranks accounts that nobody has helped by whether they leave when nobody does."""
    rng = np.random.default_rng(seed)
    trouble = rng.normal(size=40_000)
    leaves = rng.random(40_000) < 1 - (1 - hazard(trouble)) ** QUARTER
    shown = trouble + 0.5 * rng.normal(size=40_000)
    return float(roc_auc_score(leaves, scorer(shown, np.full(40_000, np.nan))))


def fall_within_four_retrainings(naive: bool, seed: int) -> float:
    """How far the first model's AUC is above the worst of the four that follow it."""
    town, scorer, found = Town(np.random.default_rng(seed)), None, []
    for _ in range(52):
        town.live(None)
    for _ in range(ROUNDS):
        scorer = learn(town, naive)
        found.append(untreated_auc(scorer))
        for _ in range(ROUND):
            town.live(scorer)
    return found[0] - min(found[1:])


def test_four_retrainings_on_rescued_accounts_cost_next_to_nothing() -> None:
    assert fall_within_four_retrainings(naive=False, seed=1) <= 0.03


def test_a_model_that_reads_rescued_as_safe_unlearns_the_risk() -> None:
    assert fall_within_four_retrainings(naive=True, seed=1) > 0.03
