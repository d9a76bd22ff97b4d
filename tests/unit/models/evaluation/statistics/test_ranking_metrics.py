"""Ranking figures: properties under test on small random rows, and the cases that older versions got wrong."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from models.data.arrays import Floats
from models.evaluation.bootstrap import interval
from models.evaluation.evaluation_rows import EvaluationRows
from models.evaluation.metrics import precision_lead, probability_figures, ranking_figures
from models.evaluation.statistics.ranking_metrics import at_shares, ranking_draws

FIGURES = (
    "auc",
    "average_precision",
    "precision_at_capacity",
    "recall_at_capacity",
    "lift_at_capacity",
    "caught_at_capacity",
    "revenue_at_capacity",
)


def rows_of(
    event: list[int], day: list[int], unit: list[int], weight: list[float] | None = None, revenue: float = 1.0
) -> EvaluationRows:
    happened = np.array(event, dtype=bool)
    return EvaluationRows(
        event=happened,
        weight=np.array(weight or [1.0] * len(event)),
        day=np.array(day),
        unit=np.array(unit),
        event_number=np.where(happened, np.array(unit), -1),
        revenue=np.full(len(event), revenue),
    )


@st.composite
def scored_nights(draw: st.DrawFn) -> tuple[EvaluationRows, Floats, int]:
    """Up to 12 accounts at up to 4 cutoffs, few distinct scores, whole weights, and a capacity."""
    accounts, nights = draw(st.integers(2, 12)), draw(st.integers(1, 4))
    size = accounts * nights
    event = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    score = draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))
    weight = draw(st.lists(st.integers(1, 3), min_size=size, max_size=size))
    rows = rows_of(
        [int(one) for one in event],
        np.repeat(np.arange(nights) * 7, accounts).tolist(),
        np.tile(np.arange(accounts), nights).tolist(),
        [float(one) for one in weight],
    )
    return rows, np.array(score, dtype=float), draw(st.integers(1, accounts))


@settings(max_examples=60, deadline=None)
@given(scored_nights())
def test_every_figure_lies_within_its_interval(case: tuple[EvaluationRows, Floats, int]) -> None:
    rows, score, capacity = case
    figures = ranking_figures(rows, score, capacity) | probability_figures(rows, (score + 0.5) / 4)
    for name, estimate in figures.items():
        if np.isfinite(estimate.low):
            assert estimate.low <= estimate.value <= estimate.high, name


@settings(max_examples=60, deadline=None)
@given(scored_nights())
def test_a_row_of_weight_two_equals_the_row_twice(case: tuple[EvaluationRows, Floats, int]) -> None:
    rows, score, capacity = case
    times = rows.weight.astype(int)
    places = np.repeat(np.arange(len(rows)), times)
    twice = replace(rows.take(places), weight=np.ones(len(places)))
    once, copied = ranking_draws(rows, score, capacity), ranking_draws(twice, score[places], capacity)
    for name in FIGURES:
        np.testing.assert_allclose(once[name], copied[name], err_msg=name)


@settings(max_examples=60, deadline=None)
@given(scored_nights(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(case: tuple[EvaluationRows, Floats, int], random: object) -> None:
    rows, score, capacity = case
    order = np.array(sorted(range(len(rows)), key=lambda _: random.random()))  # type: ignore[attr-defined]
    first, second = ranking_draws(rows, score, capacity), ranking_draws(rows.take(order), score[order], capacity)
    for name in FIGURES:
        np.testing.assert_allclose(first[name], second[name], err_msg=name)


@settings(max_examples=12, deadline=None)
@given(scored_nights())
def test_ties_count_by_their_expected_value(case: tuple[EvaluationRows, Floats, int]) -> None:
    """Averaged over random orders of equal scores, AUC and recall are what the ties give. Weights are 1 here."""
    rows, score, capacity = case
    rows = replace(rows, weight=np.ones(len(rows)), draws=0)
    rng = np.random.default_rng(1)
    shuffled = [ranking_draws(rows, score + rng.random(len(score)) / 2, capacity) for _ in range(300)]
    tied = ranking_draws(rows, score, capacity)
    for name in ("auc", "recall_at_capacity", "precision_at_capacity"):
        if np.isfinite(tied[name][0]):
            assert np.mean([one[name][0] for one in shuffled]) == pytest.approx(tied[name][0], abs=0.09), name


@settings(max_examples=40, deadline=None)
@given(scored_nights())
def test_constant_scores_have_an_auc_of_a_half_whatever_the_base_rates(
    case: tuple[EvaluationRows, Floats, int],
) -> None:
    rows, _, capacity = case
    figures = ranking_draws(rows, rows.day.astype(float), capacity)
    auc, lift = figures["auc"][0], figures["lift_at_capacity"][0]
    assert np.isnan(auc) or auc == pytest.approx(0.5)
    assert np.isnan(lift) or lift == pytest.approx(1.0)


def test_a_night_on_which_everybody_has_the_event_compares_nobody() -> None:
    everybody, mixed = [1, 1, 1], [0, 1, 0, 1]
    rows = rows_of(everybody + mixed, [0] * 3 + [7] * 4, [0, 1, 2, 0, 1, 2, 3])
    score = np.array([3.0, 2.0, 1.0, 4.0, 3.0, 2.0, 1.0])
    figures = ranking_draws(rows, score)
    assert figures["auc"][0] == pytest.approx(roc_auc_score(mixed, score[3:]))
    assert figures["average_precision"][0] == pytest.approx(average_precision_score(mixed, score[3:]))


def test_a_score_that_follows_the_base_rate_does_not_rank_accounts() -> None:
    rng = np.random.default_rng(1)
    day = np.repeat(np.arange(10), 100)
    event = rng.random(1000) < day / 12
    rows = rows_of(event.astype(int).tolist(), day.tolist(), np.tile(np.arange(100), 10).tolist())
    assert roc_auc_score(event, day) > 0.75
    assert ranking_figures(rows, day.astype(float))["auc"].value == pytest.approx(0.5)


def test_the_capacity_that_is_left_is_shared_by_equal_scores() -> None:
    rows = rows_of([1, 0, 0, 0], [0, 0, 0, 0], [0, 1, 2, 3])
    score = np.array([1.0, 1.0, 1.0, 5.0])
    assert ranking_draws(rows, score, 1)["recall_at_capacity"][0] == 0.0
    assert ranking_draws(rows, score, 2)["recall_at_capacity"][0] == pytest.approx(1 / 3)
    assert ranking_draws(rows, score, 4)["recall_at_capacity"][0] == 1.0


def test_figures_at_capacity_by_hand() -> None:
    rows = replace(
        rows_of([1, 0, 0, 1, 0, 1], [0, 0, 0, 7, 7, 7], [0, 1, 2, 0, 1, 2]),
        revenue=np.array([10.0, 1, 1, 10.0, 1, 30.0]),
    )
    figures = ranking_figures(rows, np.array([0.9, 0.5, 0.1, 0.2, 0.8, 0.3]), 1)
    assert figures["precision_at_capacity"].value == pytest.approx(1 / 2)
    assert figures["recall_at_capacity"].value == pytest.approx(1 / 3)
    assert figures["lift_at_capacity"].value == pytest.approx((1 * 3 / 1 + 0) / 3), "of three events, one at 3 times"
    assert figures["revenue_at_capacity"].value == pytest.approx(10 / 50)
    assert figures["caught_at_capacity"].value == pytest.approx(1 / 2)


def test_within_one_cutoff_the_figures_are_scikit_learns() -> None:
    rows, score = many(weeks=1)
    score = np.round(score, 1)
    figures = ranking_figures(rows, score)
    weight = {"sample_weight": rows.weight}
    assert figures["auc"].value == pytest.approx(roc_auc_score(rows.event, score, **weight))
    assert figures["average_precision"].value == pytest.approx(average_precision_score(rows.event, score, **weight))


def test_cutoffs_are_averaged_by_their_events() -> None:
    rows, score = many(weeks=4)
    aucs, events = [], []
    for day in np.unique(rows.day):
        own = rows.day == day
        aucs.append(roc_auc_score(rows.event[own], score[own], sample_weight=rows.weight[own]))
        events.append(rows.weight[own & rows.event].sum())
    assert ranking_figures(rows, score)["auc"].value == pytest.approx(np.average(aucs, weights=events))


def test_a_draw_is_the_figure_on_the_drawn_rows_written_out() -> None:
    rows, score = many(weeks=1)
    times = rows.counts[3].astype(int)[rows.unit_places]
    event, copied = np.repeat(rows.event, times), np.repeat(score, times)
    weight = np.repeat(rows.weight, times)
    drawn = ranking_draws(rows, score)
    assert drawn["auc"][3] == pytest.approx(roc_auc_score(event, copied, sample_weight=weight))
    expected = average_precision_score(event, copied, sample_weight=weight)
    assert drawn["average_precision"][3] == pytest.approx(expected)


def test_rare_events_and_sharp_scores_lie_within_their_intervals() -> None:
    """10,000 accounts, 52 cutoffs, 0.05% events: scores cut into 512 groups gave .659 outside [.186, .245]."""
    rng = np.random.default_rng(1)
    accounts, nights = 10_000, 52
    event = rng.random(accounts * nights) < 0.0005
    score = np.where(event, rng.normal(6, 1.5, event.size), rng.normal(0, 1, event.size))
    rows = rows_of(
        event.astype(int).tolist(),
        np.repeat(np.arange(nights) * 7, accounts).tolist(),
        np.tile(np.arange(accounts), nights).tolist(),
    )
    figures = ranking_draws(rows, score, 20)
    for name, draws in figures.items():
        estimate = interval(draws)
        assert estimate.low <= estimate.value <= estimate.high, name
    low, high = np.quantile(figures["average_precision"][1:], [0.001, 0.999])
    assert low <= figures["average_precision"][0] <= high, "without moving the draws, too"


def test_an_interval_counts_accounts_not_rows() -> None:
    """Ten copies of every row are no evidence: the interval stays as wide as with one."""
    once, ten = (ranking_figures(*many(weeks=weeks))["auc"] for weeks in (1, 10))
    assert ten.high - ten.low == pytest.approx(once.high - once.low, rel=0.05)


def test_draws_may_be_of_groups_instead_of_accounts() -> None:
    rows, score = many(weeks=1)
    accounts = ranking_figures(rows, score)["auc"]
    groups = ranking_figures(replace(rows, unit=rows.unit // 10), score)["auc"]
    assert groups.value == accounts.value
    assert (groups.low, groups.high) != (accounts.low, accounts.high)


def test_a_lead_is_measured_on_the_same_draws() -> None:
    rows, score = many(weeks=2)
    lead = precision_lead(rows, score, score)
    assert (lead.value, lead.low, lead.high) == (0, 0, 0)


def test_one_class_only_has_no_ranking_figures() -> None:
    figures = ranking_figures(rows_of([0, 0, 0], [0, 0, 0], [0, 1, 2]), np.arange(3.0), 1)
    assert np.isnan(figures["auc"].value)
    assert np.isnan(figures["caught_at_capacity"].value)


def test_flagging_everybody_finds_everything_and_nobody_nothing() -> None:
    rows, score = many(weeks=3)
    recall = at_shares(rows, score, np.array([0.0, 0.5, 1.0]))["recall_at_capacity"]
    assert recall[0] == 0.0
    assert 0.5 < recall[1] < recall[2]
    assert recall[2] == pytest.approx(1.0)


def many(accounts: int = 300, weeks: int = 10) -> tuple[EvaluationRows, Floats]:
    """Accounts with one risk each; the event is drawn once an account and holds for all of its weeks."""
    rng = np.random.default_rng(1)
    margin = rng.normal(-1.5, 1.2, accounts)
    happened = rng.random(accounts) < 1 / (1 + np.exp(-margin))
    account = np.tile(np.arange(accounts), weeks)
    weight = np.where(account % 5 == 0, 2.5, 1.0)
    rows = rows_of(
        happened[account].astype(int).tolist(),
        np.repeat(np.arange(weeks) * 7, accounts).tolist(),
        account.tolist(),
        weight.tolist(),
    )
    return rows, margin[account]
