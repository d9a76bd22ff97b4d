"""Comparisons of a champion and a challenger whose true difference is known, as arrays: for the gate's error rates.

Accounts have a lasting risk and leave by it; an account that leaves is seen leaving from every cutoff of the quarter
before. A scorer sees the risk through noise that lasts for an account and changes a little from night to night. Two
scorers share a part of that noise, as two fits of one recipe do, so that their scores are correlated. How much noise
gives which AUC within a night is measured once, on a large sample.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from models.data.arrays import Bools, Floats, Ints
from models.evaluation.evaluation_rows import EvaluationRows, Scores
from models.evaluation.statistics.ranking_metrics import ranking_draws
from models.learners.calibration import fit_calibrator
from models.promotion.comparison import Comparison, Mode

CUTOFFS, WINDOW = 8, 3
"""Monthly cutoffs, and how many months before its event an account's rows show it."""
BASE = -4.0
SPREAD = 1.2
"""Of the accounts' log-odds of leaving in a month."""
LASTING = 0.8
"""Share of a scorer's noise that stays with the account."""
SHARE_LEAVING = 0.25
DRAWS = 200


@dataclass(frozen=True)
class _Rows:
    account: Ints
    day: Ints
    event: Bools
    risk: Floats


def comparison_world(
    seed: int,
    *,
    events: int,
    champion: float,
    difference: float,
    alike: float,
    mode: Mode,
    margin: float = 0.03,
    draws: int = DRAWS,
) -> Comparison:
    """About ``events`` accounts with an event, scored by both.

    Args:
        seed: of the world.
        events: how many accounts leave, about.
        champion: the champion's AUC within a night.
        difference: the challenger's AUC minus the champion's.
        alike: the share of the champion's noise (its variance) that the challenger has, too.
        mode: what the gate asks.
        margin: of a refresh.
        draws: how often accounts are drawn again.
    """
    rng = np.random.default_rng(seed)
    rows = _rows(rng, round(events / SHARE_LEAVING))
    size, other = noise_of(champion), noise_of(champion + difference)
    shared, own, others = (_noise(rng, rows) for _ in range(3))
    both = min(size, other) * np.sqrt(alike)
    first = rows.risk + both * shared + np.sqrt(size**2 - both**2) * own
    second = rows.risk + both * shared + np.sqrt(other**2 - both**2) * others
    return Comparison(
        rows=_evaluation(rows, draws),
        segment=np.asarray(["enterprise", "mid", "smb"])[rows.account % 3],
        challenger=Scores(second, calibrator_of(champion + difference).apply(second)),
        champion=Scores(first, calibrator_of(champion).apply(first)),
        baselines={"random": rng.random(len(first)), "lowest_health": rows.risk + 6 * _noise(rng, rows)},
        mode=mode,
        margin=margin,
    )


@cache
def noise_of(auc: float) -> float:
    """The spread of the noise through which a scorer has this AUC within a night."""
    low, high = 0.0, 20.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if _auc(middle) > auc else (low, middle)
    return (low + high) / 2


@cache
def calibrator_of(auc: float):  # type: ignore[no-untyped-def]
    """The calibrator of a scorer of this AUC, from the large sample."""
    rows, noise = _large()
    score = rows.risk + noise_of(auc) * noise
    return fit_calibrator(score, rows.event, np.ones(len(score)), 400)


@cache
def _large() -> tuple[_Rows, Floats]:
    rng = np.random.default_rng(12345)
    rows = _rows(rng, 6_000)
    return rows, _noise(rng, rows)


def _auc(noise: float) -> float:
    rows, unit = _large()
    return float(ranking_draws(_evaluation(rows, 0), rows.risk + noise * unit)["auc"][0])


def _rows(rng: np.random.Generator, accounts: int) -> _Rows:
    risk = BASE + SPREAD * rng.normal(size=accounts)
    leaves = rng.random((CUTOFFS + WINDOW, accounts)) < 1 / (1 + np.exp(-risk))
    left = np.where(leaves.any(axis=0), leaves.argmax(axis=0), CUTOFFS + WINDOW)
    day, account = np.nonzero(np.arange(CUTOFFS)[:, None] <= left[None, :])
    return _Rows(account, day, left[account] < day + WINDOW, risk[account])


def _noise(rng: np.random.Generator, rows: _Rows) -> Floats:
    lasting = rng.normal(size=int(rows.account.max()) + 1)[rows.account]
    return np.sqrt(LASTING) * lasting + np.sqrt(1 - LASTING) * rng.normal(size=len(rows.account))


def _evaluation(rows: _Rows, draws: int) -> EvaluationRows:
    size = len(rows.event)
    return EvaluationRows(
        event=rows.event,
        weight=np.ones(size),
        day=rows.day,
        unit=rows.account,
        event_number=np.full(size, -1),
        revenue=np.full(size, np.nan),
        draws=draws,
    )
