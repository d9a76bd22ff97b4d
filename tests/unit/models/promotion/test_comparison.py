"""Challenger and champion meet only on cutoffs of which neither knew the outcome."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from support.worlds.trained_factory import FIRST, made_events, made_frame, made_model, scored_rows

from models.learners.risk_model import RiskModel
from models.promotion.comparison import (
    compare_with_baselines,
    compare_with_champion,
    differences_of_question,
    first_unseen_cutoff,
    shared_cutoffs,
)
from models.risks.defaults import CHURN


def champion_through(day: date) -> RiskModel:
    frame = made_frame(accounts=60)
    return replace(made_model(frame, made_events(frame)), facts={"through": day.isoformat()})


def test_the_champion_is_asked_only_after_its_last_label_was_over() -> None:
    champion = champion_through(FIRST - timedelta(days=CHURN.embargo + 1) + timedelta(weeks=3))
    assert first_unseen_cutoff(champion) == FIRST + timedelta(weeks=3)
    frame = made_frame(accounts=50, seed=5)
    scored = scored_rows(champion, frame, made_events(frame))
    cutoffs = [FIRST + timedelta(weeks=week) for week in (3, 4, 5)]
    assert shared_cutoffs(scored, champion) == cutoffs

    compared = compare_with_champion(
        scored, CHURN, champion, frame.take(np.random.default_rng(1).permutation(frame.num_rows))
    )
    expected = scored.filter(pc.greater_equal(scored["as_of"], pa.scalar(cutoffs[0])))
    assert np.array_equal(compared.rows.event, expected["event"].to_numpy())
    assert np.array_equal(compared.challenger.rank, expected["rank_score"].to_numpy())
    assert compared.champion is not None
    assert np.allclose(compared.champion.rank, expected["rank_score"].to_numpy()), "the same model, the same rows"
    assert sorted(compared.baselines) == ["lowest_health", "random"]


def test_a_first_comparison_takes_every_test_row_and_no_champion() -> None:
    champion = champion_through(FIRST)
    frame = made_frame(accounts=50, seed=5)
    compared = compare_with_baselines(scored_rows(champion, frame, made_events(frame)), CHURN)
    assert (len(compared.rows), compared.rows.units, compared.champion) == (frame.num_rows, 50, None)


def test_a_champion_trained_yesterday_leaves_no_rows() -> None:
    champion = champion_through(FIRST + timedelta(weeks=5))
    frame = made_frame(accounts=20, seed=5)
    scored = scored_rows(champion, frame, made_events(frame))
    assert shared_cutoffs(scored, champion) == []
    assert len(compare_with_champion(scored, CHURN, champion, frame).rows) == 0


def test_the_gate_uses_the_weights_of_the_evaluation() -> None:
    champion = champion_through(FIRST)
    frame = made_frame(accounts=50, seed=5)
    scored = scored_rows(champion, frame, made_events(frame))
    weight = np.random.default_rng(1).uniform(1, 5, scored.num_rows)
    place = scored.column_names.index("weight")
    compared = compare_with_baselines(scored.set_column(place, "weight", pa.array(weight)), CHURN)
    assert np.array_equal(compared.rows.weight, weight)


def test_a_champion_of_another_horizon_answers_another_question() -> None:
    champion = replace(champion_through(FIRST), risk=replace(CHURN, label=replace(CHURN.label, horizon=30)))
    frame = made_frame(accounts=20, seed=5)
    scored = scored_rows(champion, frame, made_events(frame))
    compared = compare_with_champion(scored, CHURN, champion, frame)
    assert compared.differing == {"horizon": (30, 90)}
    assert compared.champion is None


def test_what_a_rule_does_not_read_makes_no_other_question() -> None:
    other = replace(CHURN, label=replace(CHURN.label, active=17), capacity=3)
    assert differences_of_question(other, CHURN) == {}
