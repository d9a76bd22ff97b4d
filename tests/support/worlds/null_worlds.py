"""Worlds without signal, as arrays: what happens to an account has nothing to do with what is known of it.

Each world has one property by which a figure over all nights together, an interval of few events, or the best of
several learners seems to rank accounts: growth, season, a changing mix of segments or base rate, ages, persistent
features, few events, ties, many columns, two events an account, outcomes that overlap with the features of later
nights. Three small learners walk forward through time, and the one with the best average precision on the tested rows
themselves is evaluated, which is the least favourable choice for a test of signal.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.data.arrays import Floats
from models.evaluation.bootstrap import Estimate
from models.evaluation.evaluation_rows import EvaluationRows, Scores
from models.evaluation.metrics import ranking_figures
from models.evaluation.metrics_report import MODEL, RULE, lead_over_baselines
from models.evaluation.statistics.ranking_metrics import ranking_draws
from models.evaluation.statistics.signal_test import SignalTest, compare_with_chance

HORIZON, FOLDS = 9, 4
WORLDS = {
    "growth": "more and more accounts, fewer and fewer events, accounts with an event leave",
    "season": "events follow the season",
    "segment mix": "newer accounts are of another segment, and events become rarer",
    "base rate": "six times as many events in the last two fifths of the time",
    "ages": "accounts of different ages",
    "persistent": "every account has features of its own that never change",
    "few events": "about ten events in the tested rows",
    "ties": "features of two values, some of them rare",
    "few events, ties": "both",
    "many columns": "eighty columns",
    "two events": "every event is followed by a second of the same account within five weeks",
    "silence": "purchases without memory, ever rarer; the event is a quarter without one, recency is a feature",
    "hold-out weights": "a quarter of the highest scores is held out and stands for four",
}
ABSORBING = {"growth", "segment mix", "base rate", "ties", "few events"}


@dataclass(frozen=True)
class NullWorld:
    """Features (accounts × weeks × columns), outcomes, whether an account is scored, and the number of its event."""

    features: Floats
    event: NDArray[np.bool_]
    scored: NDArray[np.bool_]
    number: NDArray[np.int64]


@dataclass(frozen=True)
class Finding:
    """What was found in one world: the AUC, the test of signal, and whether a lead over baselines was shown."""

    auc: Estimate
    test: SignalTest
    lead_shown: bool
    events: int

    @property
    def signal(self) -> bool:
        """The verdict of the report."""
        return self.test.shown and self.auc.low > 0.5


def make_world(name: str, seed: int, accounts: int = 300, weeks: int = 80, effect: float = 0.0) -> NullWorld:
    """A world of that name; ``effect`` is how strongly the first feature acts on the hazard (0: no signal)."""
    rng = np.random.default_rng(seed)
    if name == "silence":
        return _silence_world(rng, accounts, weeks)
    week = np.arange(weeks)
    birth = np.zeros(accounts, dtype=int)
    if name in {"growth", "segment mix"}:
        birth = np.sort(rng.integers(-10, weeks - 20, accounts)).clip(0)
    elif name == "ages":
        birth = rng.integers(-60, weeks - 25, accounts)
    age = week[None] - birth[:, None]
    features = _features(name, rng, age)
    acting = np.exp(effect * np.concatenate([features[..., 0], np.repeat(features[:, -1:, 0], HORIZON, 1)], axis=1))
    began = rng.random((accounts, weeks + HORIZON)) < _hazard(name, weeks + HORIZON)[None] * acting
    if name == "two events":
        began &= rng.random(began.shape) < 0.5
        who, when = np.nonzero(began)
        began[who, np.minimum(when + rng.integers(1, 6, len(when)), weeks + HORIZON - 1)] = True
    event = np.stack([began[:, at : at + HORIZON].any(axis=1) for at in range(weeks)], axis=1)
    before: NDArray[np.int64] = (np.cumsum(began, axis=1) - began)[:, :weeks]
    scored = (age >= 0) & ((before == 0) if name in ABSORBING else True)
    number = np.where(event, np.arange(accounts)[:, None] * 100 + before, -1)
    return NullWorld(features, event, scored, number)


def _hazard(name: str, weeks: int) -> Floats:
    """A week's chance of an event, equal for all accounts."""
    week, base = np.arange(weeks), 0.0006 if name.startswith("few") else 0.012
    if name == "season":
        return np.asarray(base * (1 + 0.9 * np.sin(week / 52 * 2 * np.pi)))
    if name == "base rate":
        return np.asarray(base * np.where(week < 0.6 * weeks, 0.4, 2.5))
    if name in {"growth", "segment mix"}:
        return np.asarray(3 * base * np.exp(-week / 30) + 0.003)
    return np.full(weeks, base)


def _features(name: str, rng: np.random.Generator, age: NDArray[np.int64]) -> Floats:
    """Slowly moving columns, the week and the account's age, and what the world adds."""
    accounts, weeks = age.shape
    columns = 80 if name == "many columns" else 6
    state = rng.normal(size=(accounts, columns))
    moving = np.empty((accounts, weeks, columns))
    memory = 1.0 if name == "persistent" else 0.97
    for week in range(weeks):
        moving[:, week] = state
        state = memory * state + np.sqrt(1 - memory**2) * rng.normal(size=state.shape)
    if name.endswith("ties"):
        rare = (rng.random((accounts, 1, 2)) < [0.02, 0.9]).astype(float)
        return np.concatenate([moving > 2.0, np.broadcast_to(rare, (accounts, weeks, 2))], axis=2).astype(float)
    calendar = np.broadcast_to(np.arange(weeks)[None, :, None] / weeks, (accounts, weeks, 1))
    parts = [moving, calendar, np.clip(age, -1, 200)[..., None] / 50]
    if name == "segment mix":
        segment = (rng.random(accounts) < np.linspace(0.1, 0.9, accounts)).astype(float)
        parts.append(np.broadcast_to(segment[:, None, None], (accounts, weeks, 1)))
    return np.concatenate(parts, axis=2)


def _silence_world(rng: np.random.Generator, accounts: int, weeks: int) -> NullWorld:
    week = np.arange(weeks + HORIZON)
    bought = rng.random((accounts, weeks + HORIZON)) < 0.35 * np.exp(-week / 120)[None]
    event = np.stack([~bought[:, at : at + HORIZON].any(axis=1) for at in range(weeks)], axis=1)
    scored = np.stack([bought[:, max(0, at - 2 * HORIZON) : at].any(axis=1) for at in range(weeks)], axis=1)
    last = np.maximum.accumulate(np.where(bought[:, :weeks], week[None, :weeks], -99), axis=1)
    recency = np.concatenate([np.full((accounts, 1), 99), week[None, 1:weeks] - last[:, :-1]], axis=1).clip(0, 99)
    count: NDArray[np.int64] = np.cumsum(bought[:, :weeks], axis=1) - bought[:, :weeks]
    noise = _features("silence", rng, np.broadcast_to(week[:weeks], (accounts, weeks)))
    features = np.concatenate([noise, recency[..., None] / 10, count[..., None] / 10], axis=2)
    begins = event & ~np.concatenate([np.zeros((accounts, 1), bool), event[:, :-1]], axis=1)
    number = np.where(event, np.cumsum(begins.ravel()).reshape(event.shape) - 1, -1)
    return NullWorld(features, event, scored, number)


def walk_forward(world: NullWorld) -> tuple[EvaluationRows, list[Floats]]:
    """The tested rows, and the scores of a linear and a quadratic learner and of the best single column."""
    weeks = world.event.shape[1]
    parts = []
    for block in np.array_split(np.arange(weeks // 3, weeks), FOLDS):
        known = world.scored & (np.arange(weeks) < block[0] - HORIZON)[None]
        tested = world.scored & np.isin(np.arange(weeks), block)[None]
        trained, outcome = world.features[known], world.event[known].astype(float)
        centre, spread = trained.mean(axis=0), trained.std(axis=0) + 1e-9
        near, later = ((rows - centre) / spread for rows in (trained, world.features[tested]))
        parts.append((*np.nonzero(tested), *_scores(near, outcome - outcome.mean(), later)))
    account, week, *scores = (np.concatenate(column) for column in zip(*parts, strict=True))
    rows = EvaluationRows(
        event=world.event[account, week],
        weight=np.ones(len(account)),
        day=7 * week,
        unit=account,
        event_number=world.number[account, week],
        revenue=np.full(len(account), np.nan),
    )
    return rows, scores


def _scores(near: Floats, outcome: Floats, later: Floats) -> tuple[Floats, Floats, Floats]:
    def ridge(rows: Floats, new: Floats, penalty: float) -> Floats:
        gram = rows.T @ rows + penalty * len(rows) * np.eye(rows.shape[1])
        return np.asarray(new @ np.linalg.solve(gram, rows.T @ outcome))

    def squared(rows: Floats) -> Floats:
        return np.concatenate([rows, rows**2 - 1, rows * np.roll(rows, 1, axis=1)], axis=1)

    agreement = near.T @ outcome
    best = int(np.argmax(np.abs(agreement)))
    return (
        ridge(near, later, 0.02),
        ridge(squared(near), squared(later), 0.05),
        later[:, best] * np.sign(agreement[best]),
    )


def evaluate_world(name: str, seed: int, **size: float) -> Finding | None:
    """What the best of the learners seems to be worth; None where no tested row has an event."""
    rows, scores = walk_forward(make_world(name, seed, **size))  # type: ignore[arg-type]
    if not rows.event.any():
        return None
    if name == "hold-out weights":
        kept, weight = _held_out(rows, scores[0], np.random.default_rng(seed))
        rows, scores = replace(rows, weight=weight).take(kept), [score[kept] for score in scores]
    quick = replace(rows, draws=0)
    score = max(scores, key=lambda values: float(ranking_draws(quick, values)["average_precision"][0]))
    by_chance = np.random.default_rng(seed).random((2, len(rows)))
    baselines = {f"{RULE}{number}": Scores(values) for number, values in enumerate((*by_chance, scores[2]))}
    lead = lead_over_baselines(rows, {MODEL: Scores(score), **baselines})
    events = len(np.unique(rows.event_number[rows.event_number >= 0]))
    test = compare_with_chance(rows, score)
    return Finding(ranking_figures(rows, score)["auc"], test, lead is not None and lead.shown, events)


def _held_out(rows: EvaluationRows, score: Floats, rng: np.random.Generator) -> tuple[NDArray[np.bool_], Floats]:
    """Rows that remain where three quarters of the accounts with a high score are treated, and their weights."""
    high = score >= np.quantile(score, 0.7)
    held = rng.random(rows.units)[rows.unit_places] < 0.25
    return ~high | held, np.where(high, 4.0, 1.0)
