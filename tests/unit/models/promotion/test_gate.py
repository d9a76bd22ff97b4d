"""The gate: a challenger has to show that it is better; equal, worse and lucky ones are refused, and it says why."""

import json
from dataclasses import replace

import numpy as np
import pytest

from models.data.arrays import Floats
from models.evaluation.evaluation_rows import EvaluationRows, Scores
from models.evaluation.ranking_metrics import ranking_draws
from models.promotion.comparison import Comparison
from models.promotion.gate import Promotion, evaluate_challenger
from models.reports.gate_text import CHECK_CODES, check_title, decision_tags, render_check, render_decision

ACCOUNTS, CUTOFFS, DRAWS = 600, 6, 200


def world(
    seed: int, *, challenger: float, champion: float | None, signal: float = 1.5, accounts: int = ACCOUNTS
) -> Comparison:
    """Rows of accounts with a lasting risk of their own; a scorer sees it through noise of the given size."""
    rng = np.random.default_rng(seed)
    account = np.tile(np.arange(accounts), CUTOFFS)
    latent = signal * np.repeat(rng.normal(size=(1, accounts)), CUTOFFS, axis=0).ravel()
    event = rng.random(account.size) < sigmoid(latent - 2.5)
    baselines = {"random": rng.random(account.size), "lowest_health": latent + rng.normal(0, 4, account.size)}
    own = seen(rng, latent, challenger, signal)
    other = None if champion is None else seen(rng, latent, champion, signal)
    rows = EvaluationRows(
        event=event,
        weight=np.ones(account.size),
        day=np.repeat(np.arange(CUTOFFS), accounts),
        unit=account,
        event_number=np.full(account.size, -1),
        revenue=np.full(account.size, np.nan),
        draws=DRAWS,
    )
    return Comparison(rows, np.where(account % 3 == 0, "enterprise", "smb"), own, other, baselines)


def seen(rng: np.random.Generator, latent: Floats, noise: float, signal: float) -> Scores:
    """What a calibrated model makes of a noisy look at the latent risk."""
    shrunk = (latent + rng.normal(0, noise, latent.size)) * signal**2 / (signal**2 + noise**2)
    spread = signal**2 * noise**2 / (signal**2 + noise**2)
    margin = (shrunk - 2.5) / np.sqrt(1 + np.pi * spread / 8)
    return Scores(margin, sigmoid(margin))


def sigmoid(margin: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-margin)))


def decide(comparison: Comparison) -> Promotion:
    champion = None if comparison.champion is None else "1"
    return evaluate_challenger(comparison, risk="churn", challenger="2", champion=champion)


def failed(promotion: Promotion) -> set[tuple[str, str]]:
    return {(check.code, check.subject) for check in promotion.checks if not check.passed}


def test_a_clearly_better_challenger_is_promoted_and_the_decision_says_by_what() -> None:
    decision = decide(world(1, challenger=0.6, champion=2.5))
    assert decision.promoted, failed(decision)
    assert "better by" in render_decision(decision)
    assert decision_tags(decision)["decision"] == "promoted"


def test_a_worse_challenger_is_refused_with_the_figures_that_say_so() -> None:
    assert failed(decide(world(2, challenger=2.5, champion=0.6))) >= {("not_worse", "auc"), ("some_better", "")}


def test_no_signal_is_refused_as_such() -> None:
    decision = decide(world(3, challenger=1.0, champion=None, signal=1e-9))
    assert ("signal", "") in failed(decision)
    assert "No signal: AUC" in render_decision(decision)


def test_a_first_champion_only_has_to_beat_the_baselines() -> None:
    decision = decide(world(4, challenger=0.8, champion=None))
    assert decision.promoted
    assert decision_tags(decision)["against"] == "baselines"


def test_a_challenger_that_no_baseline_needs_is_refused() -> None:
    comparison = world(5, challenger=0.8, champion=None)
    decision = decide(replace(comparison, baselines={"as good": comparison.challenger.rank}))
    assert failed(decision) == {("best_baseline", "")}


def test_probabilities_that_do_not_add_up_are_refused_although_the_ranking_is_better() -> None:
    comparison = world(6, challenger=0.6, champion=2.5)
    probability = comparison.challenger.probability
    assert probability is not None
    inflated = Scores(comparison.challenger.rank, np.clip(probability * 2, 0, 0.999))
    assert ("calibration_kept", "") in failed(decide(replace(comparison, challenger=inflated)))


def test_a_segment_that_suffers_stops_a_challenger_that_is_better_on_the_whole() -> None:
    comparison = world(7, challenger=0.3, champion=2.0, accounts=1500)
    shuffled = np.random.default_rng(1).permutation(comparison.challenger.rank)
    margin = np.where(comparison.segment == "enterprise", shuffled, comparison.challenger.rank)
    subjects = failed(decide(replace(comparison, challenger=Scores(margin, sigmoid(margin)))))
    assert ("segment", "enterprise") in subjects
    assert ("segment", "smb") not in subjects


def test_with_too_few_accounts_with_an_event_nothing_else_is_compared() -> None:
    decision = decide(world(8, challenger=0.6, champion=2.5, accounts=40))
    assert [check.code for check in decision.checks] == ["enough_events"]
    assert "are needed" in render_decision(decision)


def test_models_of_different_questions_are_not_compared() -> None:
    comparison = replace(world(9, challenger=0.6, champion=2.5), differing={"horizon": (90, 30)})
    decision = decide(comparison)
    assert [check.code for check in decision.checks] == ["same_question"]
    assert "answers another question: horizon (90 against 30)" in render_decision(decision)


def test_weights_decide_the_gate_as_they_decide_the_training() -> None:
    """Hold-out rows stand for the treated ones. Unweighted, the model that ranks them last would be promoted."""
    comparison = world(10, challenger=1.0, champion=1.0, accounts=1200)
    rng = np.random.default_rng(1)
    held = rng.random(len(comparison.rows)) < 0.1
    strong, weak = (rng.normal(0, noise, len(held)) for noise in (0.5, 6.0))
    truth = comparison.rows.event * 2.0 - 3.0
    naive = Scores(truth + np.where(held, weak, strong), sigmoid(truth + np.where(held, weak, strong)))
    weighted = Scores(truth + np.where(held, strong, weak / 4), sigmoid(truth + np.where(held, strong, weak / 4)))
    rows = replace(comparison.rows, weight=np.where(held, 30.0, 1.0))
    fair = decide(replace(comparison, rows=rows, challenger=weighted, champion=naive))
    assert fair.promoted, failed(fair)
    without = decide(replace(comparison, challenger=weighted, champion=naive))
    assert not without.promoted


def test_a_decision_is_the_same_for_the_same_rows_and_survives_as_json() -> None:
    comparison = world(9, challenger=1.0, champion=1.0)
    first, second = decide(comparison), decide(comparison)
    assert first.to_json() == second.to_json()
    assert Promotion.from_json(json.loads(json.dumps(first.to_json()))) == first


def test_every_check_has_a_title_and_a_sentence() -> None:
    decisions = [
        decide(world(1, challenger=0.6, champion=2.5)),
        decide(world(2, challenger=2.5, champion=0.6)),
        decide(world(4, challenger=0.8, champion=None)),
        decide(replace(world(9, challenger=0.6, champion=2.5), differing={"lead": (7, 0)})),
    ]
    checks = [check for decision in decisions for check in decision.checks]
    assert {check.code for check in checks} == CHECK_CODES
    for check in checks:
        for answer in (check, replace(check, passed=not check.passed)):
            assert check_title(answer)
            assert render_check(answer).endswith(".")


def promoted_share(rounds: int, *, challenger: float, champion: float) -> float:
    worlds = (world(1000 + number, challenger=challenger, champion=champion) for number in range(rounds))
    return float(np.mean([decide(comparison).promoted for comparison in worlds]))


def auc_gap(challenger: float, champion: float) -> float:
    comparison = world(1, challenger=challenger, champion=champion, accounts=20_000)
    rows, other = replace(comparison.rows, draws=0), comparison.champion
    assert other is not None
    own, others = (ranking_draws(rows, scores.rank)["auc"] for scores in (comparison.challenger, other))
    return float((own - others)[0])


def test_in_simulation_an_equal_model_is_seldom_promoted_and_a_worse_one_never() -> None:
    assert promoted_share(25, challenger=1.0, champion=1.0) <= 0.05
    assert auc_gap(1.6, 1.0) == pytest.approx(-0.05, abs=0.01)
    assert promoted_share(25, challenger=1.6, champion=1.0) == 0.0


@pytest.mark.soak
def test_in_200_rounds_an_equal_model_is_promoted_in_5_percent_and_a_worse_one_in_1() -> None:
    assert promoted_share(200, challenger=1.0, champion=1.0) <= 0.05
    assert promoted_share(200, challenger=1.6, champion=1.0) <= 0.01
    assert promoted_share(200, challenger=1.0, champion=1.6) >= 0.5, "the gate must let a better model through"
