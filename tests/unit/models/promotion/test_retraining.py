"""A model trained again a month later is promoted; one without its best columns, or of other outcomes, is not."""

from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from support.worlds.learning_world import FIRST, World, world

from models import training
from models.promotion.comparison import compare_with_champion
from models.promotion.gate import Promotion, evaluate_challenger
from models.risks.defaults import CHURN
from models.training import TrainingResult

WEEKS = 130
MONTH_AGO, TODAY = ((FIRST + 7 * week).astype(date) for week in (WEEKS - 4, WEEKS))


@cache
def made() -> World:
    return world(accounts=240, weeks=WEEKS, base=-4.3, noise=2)


@cache
def champion() -> TrainingResult:
    return training.fit(made().frame, made().labels, CHURN, through=MONTH_AGO, threads=1)


def put_before_the_gate(challenger: TrainingResult, frame: pa.Table) -> Promotion:
    newest = frame.filter(pc.less(frame["as_of"], pa.scalar(TODAY)))
    compared = compare_with_champion(
        challenger.model, challenger.scored, champion().model, champion().scored, newest, margin=0.03
    )
    return evaluate_challenger(compared, risk="churn", challenger="2", champion="1")


def failed(decision: Promotion) -> set[str]:
    return {check.code for check in decision.checks if not check.passed}


def test_the_same_recipe_a_month_later_is_a_refresh_and_is_promoted() -> None:
    refreshed = training.fit(made().frame, made().labels, CHURN, through=TODAY, threads=1)
    assert refreshed.through > champion().through
    decision = put_before_the_gate(refreshed, made().frame)
    assert (decision.mode, decision.evidence) == ("refresh", "test_periods")
    assert decision.promoted, failed(decision)
    assert {"final_fit", "agreement"} <= {check.code for check in decision.checks}
    assert decision.power is not None
    assert decision.power.promote_good > 0.9


def test_without_the_columns_that_show_the_trouble_it_is_a_challenge_and_is_refused() -> None:
    frame = made().frame
    blind = frame.drop_columns(["health_score", "tickets_opened_90d"])
    crippled = training.fit(blind, made().labels, CHURN, through=TODAY, threads=1)
    decision = put_before_the_gate(crippled, frame)
    assert decision.mode == "challenge"
    assert decision.recipe["groups"] == [["account", "contract", "health", "support"], ["account", "contract"]]
    assert {"not_worse", "some_better"} <= failed(decision)


def test_a_refresh_on_outcomes_that_were_rewritten_is_refused() -> None:
    """In the last months before the champion's newest cutoff, the healthiest accounts are now said to have left."""
    scored = champion().scored
    days, rank = scored["as_of"].to_numpy(), scored["rank_score"].to_numpy()
    lately = days > np.datetime64(champion().through - timedelta(weeks=40))
    event = scored["event"].to_numpy(zero_copy_only=False) | (lately & (rank < np.quantile(rank, 0.4)))
    rewritten = scored.set_column(scored.column_names.index("event"), "event", pa.array(event))
    decision = put_before_the_gate(replace(champion(), scored=rewritten), made().frame)
    assert failed(decision) == {"same_outcomes"}
