"""The team treats 85% of the accounts in danger for a reason that no column shows, and the model learns from the rest.

The hold-out rows are all that tells how many would leave. The world is `support.worlds.rescue_loop`; "observed" is the
share of accounts that leave within the window if nobody acts from now on.
"""

import numpy as np
import pyarrow.compute as pc
import pytest
from support.worlds.rescue_loop import LEARNED, QUARTER, RISK, RescueLoop

from models.learners.training_set import prepare_training_set
from models.promotion.comparison import compare_with_champion
from models.promotion.gate import evaluate_challenger
from models.training import TrainingResult, fit

ROUND = 39


def loop(seed: int, accounts: int) -> RescueLoop:
    """A world whose team begins its work after the first rows to learn from."""
    begun = RescueLoop(np.random.default_rng(seed), accounts, held_share=0.15)
    begun.live(LEARNED + QUARTER, team=False)
    return begun


@pytest.mark.parametrize("recorded", [False, True])
def test_the_rows_to_learn_from_have_the_base_rate_of_all_accounts(recorded: bool) -> None:
    """Of 1,500 accounts some 40 are held out at a time, so chance alone moves the rate by a tenth."""
    world = loop(seed=0, accounts=1500)
    world.live(LEARNED + QUARTER)
    examples = prepare_training_set(*world.tables(recorded=recorded), RISK, threads=1).examples
    found = np.average(examples.labelled.happened, weights=examples.weight)
    rows = examples.labelled.holdout
    assert 0.85 < found / world.share_leaving(4) < 1.25
    assert examples.labelled.happened[~rows].mean() < 0.8 * found
    assert examples.weight[rows].mean() > 5


@pytest.mark.soak
@pytest.mark.parametrize(("naive", "low", "high"), [(False, 0.9, 1.1), (True, 1.4, 3.0)])
def test_observed_over_expected_after_four_retrainings(naive: bool, low: float, high: float) -> None:
    """Train, treat, retrain on what has matured, gate; four times. The naive one counts rescued accounts as safe."""
    ratios = [observed_over_expected(seed, naive) for seed in (1, 2, 3)]
    assert low < np.exp(np.mean(np.log(ratios))) < high


def observed_over_expected(seed: int, naive: bool) -> float:
    """Of the promoted model on all accounts, after four retrainings."""
    world, champion = loop(seed, accounts=2000), None
    for number in range(5):
        frame, labels = world.tables(recorded=not naive, naive=naive)
        trained = fit(frame, labels, RISK, threads=1)
        champion = trained if champion is None or promoted(trained, champion, frame) else champion
        if number < 4:
            world.live(ROUND)
    tonight = frame.filter(pc.equal(frame["as_of"], pc.max(frame["as_of"])))
    expected = champion.model.predict(tonight).probability.mean()
    return float(world.share_leaving() / expected)


def promoted(trained: TrainingResult, champion: TrainingResult, frame: object) -> bool:
    """Whether the gate lets the newly trained model follow the champion."""
    compared = compare_with_champion(
        trained.model,
        trained.scored,
        champion.model,
        champion.scored,
        frame,
        margin=0.025,  # type: ignore[arg-type]
    )
    return evaluate_challenger(compared, risk=RISK.name, challenger="2", champion="1").promoted
