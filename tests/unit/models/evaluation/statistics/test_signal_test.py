"""The test of signal: its variance is that of exchanged outcomes, and it keeps its level in worlds without signal."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from support.worlds.null_worlds import WORLDS, evaluate_world

from models.data.arrays import Floats
from models.evaluation.evaluation_rows import EvaluationRows
from models.evaluation.statistics.ranking_metrics import ranking_draws
from models.evaluation.statistics.signal_test import SIGNAL_LEVEL, compare_with_chance, placements


def rows_of(event: NDArray[np.bool_], weight: Floats | None = None) -> EvaluationRows:
    """Accounts × nights, all of them scored."""
    nights = event.shape[1]
    unit, night = np.divmod(np.arange(event.size), nights)
    return EvaluationRows(
        event=event.ravel(),
        weight=np.ones(event.size) if weight is None else weight,
        day=7 * night,
        unit=unit,
        event_number=np.where(event.ravel(), unit, -1),
        revenue=np.full(event.size, np.nan),
    )


def lasting(accounts: int, nights: int, rate: float, seed: int = 1) -> NDArray[np.bool_]:
    """Events that are seen from four nights each."""
    begins = np.random.default_rng(seed).random((accounts, nights + 3)) < rate
    return np.stack([begins[:, night : night + 4].any(axis=1) for night in range(nights)], axis=1)


def test_placements_are_the_auc_less_a_half() -> None:
    rng = np.random.default_rng(1)
    rows = rows_of(lasting(80, 6, 0.05), rng.choice([1.0, 4.0], 480))
    score = np.round(rng.normal(size=480) + rows.event, 1)
    placed = placements(rows, score, np.unique(rows.day, return_inverse=True)[1])
    auc = placed[rows.event].sum() / rows.weight[rows.event].sum() + 0.5
    assert auc == pytest.approx(ranking_draws(rows, score)["auc"][0])
    assert np.bincount(rows.day, weights=placed) == pytest.approx(0.0, abs=1e-9)


def test_the_p_value_is_the_share_of_exchanges_that_rank_as_well() -> None:
    """Outcomes of whole accounts change hands, and the AUC is computed each time."""
    rng = np.random.default_rng(2)
    event = lasting(60, 8, 0.02)
    steady = np.repeat(rng.normal(size=60), 8) + 0.2 * rng.normal(size=480)
    score = steady + 0.9 * event.ravel()
    rows = replace(rows_of(event), draws=0)
    auc = ranking_draws(rows, score)["auc"][0]
    exchanged = [
        ranking_draws(replace(rows, event=event[rng.permutation(60)].ravel()), score)["auc"][0] for _ in range(2000)
    ]
    assert compare_with_chance(rows, score).p_value == pytest.approx(np.mean(np.array(exchanged) >= auc), abs=0.015)


def test_many_events_in_a_rare_group_of_equal_scores_are_a_signal_and_one_is_not() -> None:
    event = np.zeros((1000, 1), bool)
    event[::100] = True
    score = np.zeros(1000)
    score[[0, 50, 150, 250, 350, 450, 550, 650, 750, 850]] = 1.0  # one of ten events among 1% of the accounts
    assert compare_with_chance(rows_of(event), score).p_value > SIGNAL_LEVEL
    score[[100, 200]] = 1.0
    assert compare_with_chance(rows_of(event), score).shown


def test_events_in_the_usual_group_of_equal_scores_are_no_signal() -> None:
    """All of ten events among the 90% of the accounts that score alike: every draw of accounts says the same."""
    event = np.zeros((100, 1), bool)
    event[:10] = True
    score = np.ones(100)
    score[90:] = 0.0
    assert ranking_draws(rows_of(event), score)["auc"][1:].min() > 0.5
    assert compare_with_chance(rows_of(event), score).p_value > 0.05


def test_order_of_rows_and_numbers_of_accounts_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    rows = rows_of(lasting(60, 8, 0.05), rng.choice([1.0, 3.0], 480))
    rows, score = rows.take(rng.random(480) < 0.7), rng.normal(size=480)[:480]
    score = score[: len(rows)]
    order = rng.permutation(len(rows))
    moved = replace(rows.take(order), unit=997 - rows.unit[order])
    assert compare_with_chance(moved, score[order]).p_value == pytest.approx(compare_with_chance(rows, score).p_value)


def test_groups_of_accounts_that_share_their_outcomes_are_less_evidence() -> None:
    rng = np.random.default_rng(4)
    event = np.repeat(lasting(60, 4, 0.1), 5, axis=0)
    score = np.repeat(rng.normal(size=60), 20) + 0.6 * event.ravel()
    single = rows_of(event)
    grouped = replace(single, unit=single.unit // 5)
    assert compare_with_chance(grouped, score).p_value > 3 * compare_with_chance(single, score).p_value


def test_where_nothing_can_be_ranked_there_is_no_p_value() -> None:
    quiet = rows_of(np.zeros((20, 3), bool))
    assert np.isnan(compare_with_chance(quiet, np.arange(60.0)).p_value)
    some = rows_of(lasting(20, 3, 0.1))
    alike = compare_with_chance(some, np.ones(60))
    assert np.isnan(alike.p_value)
    assert not alike.shown


def signals(world: str, draws: int, **size: float) -> int:
    """In how many draws a signal is reported."""
    found = [evaluate_world(world, seed, **size) for seed in range(draws)]
    return sum(finding is not None and finding.signal for finding in found)


def test_worlds_without_signal_have_none() -> None:
    """A few small draws of each world; `benchmarks/null_worlds.py` has the figures of 200."""
    size = {"accounts": 100, "weeks": 50}
    assert sum(signals(world, 4, **size) for world in WORLDS) <= 3


def test_a_signal_is_found() -> None:
    assert signals("persistent", 2, effect=0.36, accounts=640) == 2


@pytest.mark.soak
@pytest.mark.parametrize("world", WORLDS)
def test_worlds_without_signal_have_none_in_200_draws(world: str) -> None:
    assert signals(world, 200) <= 10


@pytest.mark.soak
def test_a_weak_signal_is_found_in_200_draws() -> None:
    assert signals("persistent", 200, effect=0.36, accounts=640) >= 180
