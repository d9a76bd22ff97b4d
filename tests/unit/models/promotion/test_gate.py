"""The gate: a challenge has to show that it is better, a refresh that it is not worse; the decision says why."""

import json
from dataclasses import replace

import numpy as np
import pytest
from support.worlds.gate_world import comparison_world

from models.data.arrays import Floats
from models.evaluation.evaluation_rows import EvaluationRows, Scores
from models.promotion.agreement import Agreement
from models.promotion.comparison import Comparison, FinalFits, Mode
from models.promotion.gate import Promotion, evaluate_challenger
from models.reports.gate_text import (
    CHECK_CODES,
    check_title,
    decision_tags,
    render_check,
    render_comparison,
    render_decision,
)

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


def test_a_refresh_that_is_equal_is_promoted_where_a_challenge_would_not_be() -> None:
    comparison = refresh(1, difference=0.0)
    decision = decide(comparison)
    assert decision.promoted, failed(decision)
    assert "is now champion, in place of version 1: not worse by more than 0.03 of AUC" in render_decision(decision)
    assert decision_tags(decision)["mode"] == "refresh"
    assert ("some_better", "") in failed(decide(replace(comparison, mode="challenge")))


def test_a_refresh_that_is_worse_is_refused() -> None:
    assert ("not_worse", "auc") in failed(decide(refresh(1, difference=-0.06)))


def test_a_wider_margin_promotes_what_a_narrow_one_refuses() -> None:
    comparison = refresh(1, difference=-0.01)
    assert ("not_worse", "auc") not in failed(decide(replace(comparison, margin=0.05)))
    assert ("not_worse", "auc") in failed(decide(replace(comparison, margin=0.005)))


def test_a_refresh_that_orders_accounts_unlike_the_champion_is_refused() -> None:
    odd = replace(refresh(1, difference=0.0), agreement=Agreement(value=0.3, expected=0.75, accounts=400))
    decision = decide(odd)
    assert failed(decision) == {("agreement", "")}
    assert "look for a feed that changed" in render_decision(decision)


def test_a_refresh_whose_final_fit_is_worse_is_refused_although_its_test_periods_are_as_good() -> None:
    comparison, worse = refresh(1, difference=0.0), refresh(1, difference=-0.06)
    assert worse.champion is not None
    fits = FinalFits(worse.rows, worse.challenger.rank, worse.champion.rank)
    decision = decide(replace(comparison, final_fits=fits))
    assert failed(decision) == {("final_fit", "")}
    assert "the final fit may rank worse by more than 0.03 of AUC" in render_decision(decision)


def test_a_source_whose_past_has_changed_is_not_compared() -> None:
    decision = decide(replace(refresh(1, difference=0.0), outcomes=(400, 120)))
    assert failed(decision) == {("same_outcomes", "")}
    assert "outcomes of 120 of 400 rows with an event" in render_decision(decision)


def test_a_refresh_whose_probabilities_are_shown_worse_is_refused_although_it_ranks_as_well() -> None:
    comparison = refresh(1, difference=0.0)
    flattened = Scores(comparison.challenger.rank, np.full(len(comparison.rows), comparison.rows.event.mean()))
    assert ("none_worse", "") in failed(decide(replace(comparison, challenger=flattened)))


def test_few_events_have_little_power_and_the_decision_says_what_to_do() -> None:
    decision = decide(comparison_world(3, events=45, champion=0.75, difference=-0.01, alike=0.0, mode="refresh"))
    assert decision.power is not None
    assert not decision.promoted
    assert decision.power.low
    assert decision.power.needed is not None
    assert decision.power.needed > decision.power.accounts_with_event
    text = render_comparison(decision)
    assert f"About {decision.power.needed:,} such accounts would make it 90%" in text
    assert "`rescue promote churn 2 --override --reason …`" in text


def test_the_power_that_is_reported_grows_with_the_events_and_is_that_of_an_equal_refresh() -> None:
    powers = [decide(refresh(1, difference=0.0, events=events)).power for events in (60, 240)]
    promote = [power.promote_good for power in powers if power]
    assert promote[0] < promote[1]
    assert [power.refuse_bad for power in powers if power] == pytest.approx([0.975, 0.975])


def test_two_models_that_order_alike_have_no_power_to_report() -> None:
    comparison = refresh(1, difference=0.0)
    text = render_comparison(decide(replace(comparison, champion=comparison.challenger)))
    assert "Both models order these rows alike, so there is no difference to measure." in text
    assert "100%" not in text


def test_no_decision_is_certain() -> None:
    decision = decide(refresh(1, difference=0.0))
    assert decision.power is not None
    sure = replace(decision, power=replace(decision.power, promote_good=0.9999, refuse_bad=0.9975, needed=40))
    text = render_comparison(sure)
    assert text.count("more than 99%") == 2
    assert "100%" not in text


def test_an_earlier_version_is_not_called_newer_data() -> None:
    decision = replace(decide(refresh(1, difference=0.0)), champion="7", challenger="3")
    assert "An earlier version of the same recipe" in render_comparison(decision)
    assert "newer data" not in render_comparison(decision)
    assert "newer data" in render_comparison(replace(decision, champion="3", challenger="7"))


def test_own_features_of_a_recipe_are_named_by_their_titles() -> None:
    nps = json.dumps({"key": "nps", "title": "NPS"})
    extension = json.dumps({"extension": {"name": "weekend.py", "digest": "1"}})
    plan = json.dumps({"attribute": {"key": "plan", "title": "Plan"}})
    recipe = {
        "declared.attribute_plan": [plan, None],
        "declared.metric_nps_change_90d": [None, nps],
        "declared.metric_nps_last": [None, nps],
        "declared.weekend_tickets_90d": [None, extension],
    }
    decision = decide(replace(world(1, challenger=0.6, champion=2.5), recipe=recipe))
    assert "(new: NPS (2 features), weekend_tickets_90d; gone: Plan)" in render_comparison(decision)
    assert "{" not in render_comparison(decision)


def test_a_challenge_names_what_differs_between_the_recipes() -> None:
    recipe = {"parameters.num_leaves": [5, 31], "groups": [["usage"], ["usage", "support"]]}
    decision = decide(replace(world(1, challenger=0.6, champion=2.5), recipe=recipe))
    text = render_comparison(decision)
    assert "num leaves: 5 before, 31 now; groups: with support" in text


def refresh(seed: int, *, difference: float, events: int = 200) -> Comparison:
    return comparison_world(seed, events=events, champion=0.75, difference=difference, alike=0.8, mode="refresh")


def test_a_decision_is_the_same_for_the_same_rows_and_survives_as_json() -> None:
    comparison = world(9, challenger=1.0, champion=1.0)
    first, second = decide(comparison), decide(comparison)
    assert first.to_json() == second.to_json()
    assert Promotion.from_json(json.loads(json.dumps(first.to_json()))) == first


def test_every_check_has_a_title_and_a_sentence() -> None:
    equal = refresh(1, difference=0.0)
    same = FinalFits(equal.rows, equal.challenger.rank, equal.challenger.rank)
    decisions = [
        decide(world(1, challenger=0.6, champion=2.5)),
        decide(world(2, challenger=2.5, champion=0.6)),
        decide(world(4, challenger=0.8, champion=None)),
        decide(replace(world(9, challenger=0.6, champion=2.5), differing={"lead": (7, 0)})),
        decide(replace(equal, agreement=Agreement(0.9, 0.8, 400), final_fits=same, outcomes=(400, 8))),
    ]
    checks = [check for decision in decisions for check in decision.checks]
    assert {check.code for check in checks} == CHECK_CODES
    for check in checks:
        for answer in (check, replace(check, passed=not check.passed)):
            assert check_title(answer)
            assert render_check(answer).endswith(".")


def promoted_share(rounds: int, mode: Mode, difference: float, *, events: int, alike: float) -> float:
    worlds = (
        comparison_world(seed, events=events, champion=0.75, difference=difference, alike=alike, mode=mode)
        for seed in range(rounds)
    )
    return float(np.mean([decide(comparison).promoted for comparison in worlds]))


@pytest.mark.parametrize(
    ("mode", "difference", "least", "most"),
    [
        ("challenge", 0.0, 0.0, 0.15),
        ("challenge", -0.05, 0.0, 0.0),
        ("refresh", 0.0, 0.85, 1.0),
        ("refresh", -0.03, 0.0, 0.15),
    ],
)
def test_in_simulation_the_gate_decides_rightly(mode: Mode, difference: float, least: float, most: float) -> None:
    assert least <= promoted_share(15, mode, difference, events=150, alike=0.9) <= most


@pytest.mark.soak
@pytest.mark.parametrize("events", [150, 300])
@pytest.mark.parametrize(
    ("mode", "difference", "least", "most"),
    [
        ("challenge", 0.0, 0.0, 0.05),
        ("challenge", -0.05, 0.0, 0.01),
        ("challenge", 0.05, 0.5, 1.0),
        ("refresh", 0.0, 0.9, 1.0),
        ("refresh", -0.03, 0.0, 0.05),
    ],
)
def test_in_200_rounds_the_gate_keeps_its_error_rates(
    mode: Mode, difference: float, least: float, most: float, events: int
) -> None:
    assert least <= promoted_share(200, mode, difference, events=events, alike=0.8) <= most
