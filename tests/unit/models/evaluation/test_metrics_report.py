"""Figures at capacity by hand, ranking figures against scikit-learn, and intervals that respect accounts."""

import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from models.evaluation import metrics
from models.evaluation.metrics import Rows
from models.evaluation.metrics_report import MODEL, Evaluation, Scores, by_part, has_signal, judge, suspicions, unproven
from models.learners.calibration import sigmoid


def rows(
    happened: list[int], day: list[int], account: list[int], revenue: list[float] | None = None, weight: float = 1.0
) -> Rows:
    hit = np.array(happened, dtype=bool)
    return Rows(
        hit,
        np.full(len(hit), weight),
        np.array(day),
        np.array(account),
        np.where(hit, np.array(account), -1),
        np.array(revenue or [1.0] * len(hit)),
    )


def many(accounts: int = 300, weeks: int = 10, *, slope: float = 1.0, seed: int = 1) -> tuple[Rows, np.ndarray]:
    """Accounts with one risk each; what happened is drawn once an account and holds for all of its weeks."""
    rng = np.random.default_rng(seed)
    margin = rng.normal(-1.5, 1.2, accounts)
    happened = rng.random(accounts) < sigmoid(slope * margin)
    account = np.tile(np.arange(accounts), weeks)
    day = np.repeat(np.arange(weeks) * 7, accounts)
    return rows(happened[account].astype(int).tolist(), day.tolist(), account.tolist()), margin[account]


def test_figures_at_capacity_by_hand() -> None:
    night = rows([1, 0, 0, 1, 0, 1], [0, 0, 0, 7, 7, 7], [0, 1, 2, 0, 1, 2], [10.0, 1, 1, 10.0, 1, 30.0])
    found = metrics.at_capacity(night, np.array([0.9, 0.5, 0.1, 0.2, 0.8, 0.3]), 1)
    assert found["precision_at_capacity"].value == pytest.approx(1 / 2)
    assert found["recall_at_capacity"].value == pytest.approx(1 / 3)
    assert found["lift_at_capacity"].value == pytest.approx((1 / 2) / (3 / 6))
    assert found["revenue_at_capacity"].value == pytest.approx(10 / 50)
    assert found["caught_at_capacity"].value == pytest.approx(1 / 2)


def test_capacity_is_a_night_not_a_total() -> None:
    day = np.repeat([0, 7, 14], 5)
    assert metrics.flags(day, np.random.default_rng(1).random(15), 2).reshape(3, 5).sum(axis=1).tolist() == [2, 2, 2]


def test_ties_are_settled_the_same_way_each_time() -> None:
    day, score = np.zeros(50, dtype=int), np.zeros(50)
    assert np.array_equal(metrics.flags(day, score, 7), metrics.flags(day, score, 7))


def test_ranking_figures_are_scikit_learns() -> None:
    judged, score = many()
    found = metrics.ranking(judged, np.round(score, 1))
    assert found["auc"].value == pytest.approx(roc_auc_score(judged.happened, np.round(score, 1)))
    assert found["average_precision"].value == pytest.approx(
        average_precision_score(judged.happened, np.round(score, 1))
    )


def test_draws_of_the_ranking_figures_centre_on_them() -> None:
    judged, score = many()
    for estimate in metrics.ranking(judged, score).values():
        assert estimate.low < estimate.value < estimate.high


def test_an_interval_counts_accounts_not_rows() -> None:
    """Ten copies of every row are no evidence: the interval stays as wide as with one."""
    once, ten = (metrics.ranking(*many(weeks=weeks))["auc"] for weeks in (1, 10))
    assert ten.high - ten.low == pytest.approx(once.high - once.low, rel=0.05)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    held = []
    for seed in range(60):
        judged, margin = many(accounts=400, weeks=2, seed=seed)
        slope = metrics.probabilistic(judged, sigmoid(margin))["calibration_slope"]
        held.append(slope.low <= 1 <= slope.high)
    assert 0.85 <= np.mean(held) <= 1.0


@pytest.mark.parametrize(("stretch", "slope"), [(1.0, 1.0), (2.0, 0.5)])
def test_the_slope_tells_overconfidence(stretch: float, slope: float) -> None:
    judged, margin = many(accounts=20_000, weeks=1)
    found = metrics.probabilistic(judged, sigmoid(stretch * margin))
    assert found["calibration_slope"].value == pytest.approx(slope, abs=0.05)


def test_the_intercept_tells_risks_that_are_too_low() -> None:
    judged, margin = many(accounts=20_000, weeks=1)
    assert metrics.probabilistic(judged, sigmoid(margin - 0.7))["calibration_intercept"].value == pytest.approx(
        0.7, abs=0.06
    )


def test_the_base_rate_has_no_skill() -> None:
    judged, _ = many()
    base = np.full(len(judged.happened), judged.happened.mean())
    found = metrics.probabilistic(judged, base)
    assert found["brier_skill"].value == pytest.approx(0, abs=1e-9)
    assert found["log_loss_skill"].value == pytest.approx(0, abs=1e-9)


def test_rows_that_stand_for_several_count_several_times() -> None:
    judged, score = many(weeks=1)
    twice = Rows(**{**_parts(judged), "weight": np.where(judged.account < 100, 2.0, 1.0)})
    copies = np.concatenate([np.arange(300), np.arange(100)])
    assert metrics.ranking(twice, score)["auc"].value == pytest.approx(
        roc_auc_score(judged.happened[copies], score[copies])
    )


def _parts(judged: Rows) -> dict[str, np.ndarray]:
    return {name: getattr(judged, name) for name in ("happened", "weight", "day", "account", "event", "revenue")}


def test_one_class_only_gives_no_ranking_figures() -> None:
    judged = rows([0, 0, 0], [0, 0, 0], [0, 1, 2])
    panel = judge("quiet", judged, {MODEL: Scores(np.arange(3.0), np.full(3, 0.1))}, 1)
    assert np.isnan(panel.scorers[MODEL]["auc"].value)
    assert panel.to_json()["scorers"][MODEL]["auc"]["value"] is None


def evaluation() -> Evaluation:
    judged, score = many()
    scorers = {MODEL: Scores(score, sigmoid(score)), "rule_random": Scores(np.random.default_rng(3).random(len(score)))}
    pooled = judge("all test periods", judged, scorers, 20)
    origins = by_part(np.repeat([1, 2], 1500), judged, scorers, 20)
    return Evaluation("churn", "lightgbm", 20, *has_signal(pooled), pooled, origins, None, (), ("a warning",))


def test_json_keeps_an_evaluation() -> None:
    before = evaluation()
    after = Evaluation.from_json(json.loads(json.dumps(before.to_json())))
    assert after.to_json() == before.to_json()
    assert after.pooled == before.pooled


def test_a_rule_has_no_figures_that_need_a_probability() -> None:
    figures = evaluation().pooled.scorers
    assert set(figures[MODEL]) == set(metrics.FIGURES)
    assert set(figures["rule_random"]) == {"auc", "average_precision", *(n for n in figures[MODEL] if "capacity" in n)}


def test_signal_is_told_from_chance() -> None:
    judged, score = many()
    by_chance = np.random.default_rng(4).normal(-1.5, 0.1, 300)[judged.account]
    known, told = has_signal(judge("", judged, {MODEL: Scores(score, sigmoid(score))}, 20))
    assert (known, told[:8]) == (True, "It tells")
    unknown, told = has_signal(judge("", judged, {MODEL: Scores(by_chance, sigmoid(by_chance))}, 20))
    assert (unknown, told[:9]) == (False, "No signal")


def test_a_rule_that_finds_as_much_is_named() -> None:
    judged, score = many()
    noise = np.random.default_rng(5).normal(0, 0.05, len(score))
    told = unproven(judged, {MODEL: Scores(score + noise), "rule_lowest_health": Scores(score)})
    assert told is not None
    assert "not shown to find more than the rule of thumb 'lowest CRM health first'" in told


def test_nothing_is_said_where_the_model_is_ahead_of_every_rule() -> None:
    judged, score = many()
    by_chance = np.random.default_rng(4).normal(size=len(score))
    assert unproven(judged, {MODEL: Scores(score), "rule_random": Scores(by_chance)}) is None
    assert unproven(judged, {MODEL: Scores(score)}) is None


def test_being_ahead_is_measured_on_the_same_draws() -> None:
    judged, score = many()
    found = metrics.ahead(judged, score, score)
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_too_good_is_a_leak_until_shown_otherwise() -> None:
    judged, _ = many()
    perfect = judged.happened.astype(float)
    panel = judge("", judged, {MODEL: Scores(perfect, np.clip(perfect, 0.1, 0.9))}, 20)
    assert "a leak until shown otherwise" in " ".join(suspicions(panel, 20))


def test_a_capacity_beyond_the_accounts_is_mentioned() -> None:
    panel = evaluation().pooled
    assert suspicions(panel, 20) == []
    assert "say little" in suspicions(panel, 200)[0]
