"""Challenger and champion meet only on cutoffs of which neither knew the outcome."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from support.worlds.trained_factory import FIRST, made_events, made_frame, made_model, scored_rows

from features.labels.label_rule import LabelRule
from models.data.recipe import Recipe
from models.learners.risk_model import RiskModel
from models.promotion import comparison
from models.promotion.comparison import (
    Comparison,
    compare_with_baselines,
    compare_with_champion,
    differences_of_question,
    first_unseen_cutoff,
    needed_cutoffs,
)
from models.risks.defaults import CHURN, ESCALATION

PARAMETERS = {"num_leaves": 5, "prior_spread": 1.25}


def model_through(day: date, **facts: object) -> RiskModel:
    frame = made_frame(accounts=60)
    model = made_model(frame, made_events(frame))
    recipe = Recipe.of("automatic", PARAMETERS, model.signature).to_json()
    return replace(model, facts={"through": day.isoformat(), "recipe": recipe, **facts})


def compared(champion: RiskModel, scored: pa.Table, frame: pa.Table, challenger: RiskModel | None = None) -> Comparison:
    """The champion's own test rows are the challenger's, with other scores."""
    place = scored.column_names.index("rank_score")
    recorded = scored.set_column(place, "rank_score", pa.array(np.arange(scored.num_rows, dtype=float)))
    newer = challenger or model_through(FIRST + timedelta(weeks=5))
    return compare_with_champion(newer, scored, champion, recorded, frame, margin=0.03)


def test_the_champion_is_asked_only_after_its_last_label_was_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "LATER_FROM", 5)
    champion = model_through(FIRST - timedelta(days=CHURN.embargo + 1) + timedelta(weeks=3))
    assert first_unseen_cutoff(champion) == FIRST + timedelta(weeks=3)
    frame = made_frame(accounts=50, seed=5)
    scored = scored_rows(champion, frame, made_events(frame))
    cutoffs = [FIRST + timedelta(weeks=week) for week in (3, 4, 5)]
    assert needed_cutoffs(scored, champion, FIRST + timedelta(weeks=9)) == [*cutoffs, FIRST + timedelta(weeks=9)]

    found = compared(champion, scored, frame.take(np.random.default_rng(1).permutation(frame.num_rows)))
    expected = scored.filter(pc.greater_equal(scored["as_of"], pa.scalar(cutoffs[0])))
    assert found.evidence == "later"
    assert np.array_equal(found.rows.event, expected["event"].to_numpy())
    assert np.array_equal(found.challenger.rank, expected["rank_score"].to_numpy())
    assert found.champion is not None
    assert np.allclose(found.champion.rank, expected["rank_score"].to_numpy()), "the same model, the same rows"
    assert sorted(found.baselines) == ["lowest_health", "random"]


def test_few_later_events_are_joined_by_the_test_periods_of_both() -> None:
    champion = model_through(FIRST - timedelta(days=CHURN.embargo + 1) + timedelta(weeks=3))
    frame = made_frame(accounts=50, seed=5)
    scored = scored_rows(champion, frame, made_events(frame))
    found = compared(champion, scored, frame)
    assert (found.evidence, len(found.rows)) == ("both", scored.num_rows)
    assert found.champion is not None
    earlier = scored["as_of"].to_numpy() < np.datetime64(FIRST + timedelta(weeks=3))
    assert np.array_equal(found.champion.rank[: earlier.sum()], np.flatnonzero(earlier)), "recorded scores"
    assert np.allclose(found.champion.rank[earlier.sum() :], scored["rank_score"].to_numpy()[~earlier]), "its own"


def test_a_champion_trained_yesterday_is_compared_on_the_test_periods_of_both() -> None:
    champion = model_through(FIRST + timedelta(weeks=5))
    frame = made_frame(accounts=50, seed=5)
    found = compared(champion, scored_rows(champion, frame, made_events(frame)), frame)
    assert (found.evidence, len(found.rows), found.mode) == ("test_periods", frame.num_rows, "refresh")
    assert found.outcomes == (int(made_events(frame).sum()), 0)
    assert found.agreement is not None
    assert found.agreement.value == pytest.approx(1.0), "the same model"


def test_final_fits_are_compared_on_the_rows_that_both_recorded() -> None:
    champion = model_through(FIRST + timedelta(weeks=5))
    frame = made_frame(accounts=50, seed=5)
    scored = scored_rows(champion, frame, made_events(frame))
    own = np.arange(scored.num_rows, dtype=float)
    thinned = pa.array(np.where(own % 2 == 0, own, np.nan), from_pandas=True)
    newer = scored.append_column("cross_fitted", pa.array(own))
    recorded = scored.append_column("cross_fitted", thinned).slice(10)
    challenger = model_through(FIRST + timedelta(weeks=5))
    fits = compare_with_champion(challenger, newer, champion, recorded, frame, margin=0.03).final_fits
    assert fits is not None
    assert fits.challenger.tolist() == fits.champion.tolist() == own[10::2].tolist()
    assert np.array_equal(fits.rows.event, scored["event"].to_numpy()[10::2])


def test_another_recipe_is_a_challenge_and_names_what_differs() -> None:
    champion = model_through(FIRST)
    frame = made_frame(accounts=50, seed=5)
    other = Recipe.of("automatic", {**PARAMETERS, "num_leaves": 31}, champion.signature).to_json()
    challenger = model_through(FIRST, recipe=other)
    found = compared(champion, scored_rows(champion, frame, made_events(frame)), frame, challenger)
    assert (found.mode, found.recipe, found.agreement) == ("challenge", {"parameters.num_leaves": [5, 31]}, None)


def test_a_champion_without_a_recorded_recipe_is_challenged() -> None:
    champion = replace(model_through(FIRST), facts={"through": FIRST.isoformat()})
    frame = made_frame(accounts=50, seed=5)
    found = compared(champion, scored_rows(champion, frame, made_events(frame)), frame)
    assert (found.mode, list(found.recipe)) == ("challenge", ["recipe"])


def test_a_champion_of_other_customers_is_not_compared() -> None:
    champion = model_through(FIRST)
    frame = made_frame(accounts=50, seed=5)
    scored = scored_rows(champion, frame, made_events(frame))
    others = pa.array([f"x{name}" for name in scored["account_id"].to_pylist()])
    recorded = scored.set_column(0, "account_id", others)
    found = compare_with_champion(model_through(FIRST), scored, champion, recorded, frame, margin=0.03)
    assert found.differing == {"accounts": ("300 test rows", "0 of these")}


def test_money_in_another_currency_is_not_compared() -> None:
    frame = made_frame(accounts=50, seed=5)
    champion = model_through(FIRST, currency="USD")
    scored = scored_rows(champion, frame, made_events(frame))
    found = compared(champion, scored, frame, model_through(FIRST, currency="EUR"))
    assert found.differing == {"currency": ("USD", "EUR")}
    without = compared(champion, scored, frame, model_through(FIRST, currency=""))
    assert without.differing == {"currency": ("USD", "none")}
    assert compared(champion, scored, frame, model_through(FIRST)).differing == {}


def test_a_first_comparison_takes_every_test_row_and_no_champion() -> None:
    champion = model_through(FIRST)
    frame = made_frame(accounts=50, seed=5)
    found = compare_with_baselines(scored_rows(champion, frame, made_events(frame)), CHURN)
    assert (len(found.rows), found.rows.units, found.champion, found.mode) == (frame.num_rows, 50, None, "first")


def test_the_gate_uses_the_weights_of_the_evaluation() -> None:
    champion = model_through(FIRST)
    frame = made_frame(accounts=50, seed=5)
    scored = scored_rows(champion, frame, made_events(frame))
    weight = np.random.default_rng(1).uniform(1, 5, scored.num_rows)
    place = scored.column_names.index("weight")
    found = compare_with_baselines(scored.set_column(place, "weight", pa.array(weight)), CHURN)
    assert np.array_equal(found.rows.weight, weight)


def test_a_champion_of_another_horizon_answers_another_question() -> None:
    champion = replace(model_through(FIRST), risk=replace(CHURN, label=replace(CHURN.label, horizon=30)))
    frame = made_frame(accounts=20, seed=5)
    scored = scored_rows(champion, frame, made_events(frame))
    found = compared(champion, scored, frame)
    assert found.differing == {"horizon": (30, 90)}
    assert found.champion is None


def test_what_a_rule_does_not_read_makes_no_other_question() -> None:
    other = replace(CHURN, label=replace(CHURN.label, active=17), capacity=3)
    assert differences_of_question(other, CHURN) == {}


def test_conditions_that_differ_in_spelling_only_are_one_question() -> None:
    def escalation(where: str) -> LabelRule:
        return replace(ESCALATION.label, where=where)

    spelled = replace(ESCALATION, label=escalation("kind='escalated'"), eligible="contract_running>0")
    other = replace(ESCALATION, eligible="contract_running > 0")
    assert differences_of_question(spelled, other) == {}
    assert list(differences_of_question(replace(spelled, eligible="contract_running > 1"), other)) == ["eligible"]
    reopened = replace(spelled, label=escalation("kind = 'reopened'"))
    assert list(differences_of_question(reopened, other)) == ["where"]
