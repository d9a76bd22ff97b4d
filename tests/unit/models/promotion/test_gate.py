"""The gate: a challenger has to show that it is better; equal, worse and lucky ones are refused, and it says why."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.data.arrays import Floats
from models.evaluation.paired_comparison import Draws, Rows, Scored, top_of_cutoff
from models.promotion.gate import Promotion, judge
from pipelines.cli.output.gate_output import gate_table

ACCOUNTS, CUTOFFS = 600, 6


def world(
    seed: int, *, challenger: float, champion: float | None, signal: float = 1.5, accounts: int = ACCOUNTS
) -> Rows:
    """Rows of accounts with a lasting risk of their own; a scorer sees it through noise of the given size."""
    rng = np.random.default_rng(seed)
    account = np.tile(np.arange(accounts), CUTOFFS)
    cutoff = np.repeat(np.arange(CUTOFFS), accounts)
    latent = signal * np.repeat(rng.normal(size=(1, accounts)), CUTOFFS, axis=0).ravel()
    event = rng.random(account.size) < sigmoid(latent - 2.5)
    rules = {"random": rng.random(account.size), "health": latent + rng.normal(0, 4, account.size)}
    segment = np.where(account % 3 == 0, "enterprise", "smb")
    own = seen(rng, latent, challenger, signal)
    other = None if champion is None else seen(rng, latent, champion, signal)
    return Rows(account, cutoff, event, segment, own, other, rules, capacity=20)


def seen(rng: np.random.Generator, latent: Floats, noise: float, signal: float) -> Scored:
    """What a calibrated model makes of a noisy look at the latent risk."""
    shrunk = (latent + rng.normal(0, noise, latent.size)) * signal**2 / (signal**2 + noise**2)
    spread = signal**2 * noise**2 / (signal**2 + noise**2)
    margin = (shrunk - 2.5) / np.sqrt(1 + np.pi * spread / 8)
    return Scored(sigmoid(margin), margin)


def sigmoid(margin: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-margin)))


def verdict(rows: Rows, draws: int = 200) -> Promotion:
    champion = None if rows.champion is None else "1"
    return judge(rows, risk="churn", challenger="2", champion=champion, draws=draws)


def test_a_clearly_better_challenger_is_promoted_and_the_verdict_says_by_what() -> None:
    found = verdict(world(1, challenger=0.6, champion=2.5))
    assert found.promoted, found.reasons
    assert "better by" in found.sentence()
    assert found.tags()["verdict"] == "promoted"


def test_a_worse_challenger_is_refused_with_the_margins_that_say_so() -> None:
    found = verdict(world(2, challenger=2.5, champion=0.6))
    assert not found.promoted
    assert {check.name for check in found.checks if not check.passed} >= {"AUC, not worse", "some margin better"}


def test_no_signal_is_refused_as_such() -> None:
    found = verdict(world(3, challenger=1.0, champion=None, signal=1e-9))
    assert not found.promoted
    assert any("No signal was found" in reason for reason in found.reasons)


def test_a_first_champion_only_has_to_beat_the_rules() -> None:
    found = verdict(world(4, challenger=0.8, champion=None))
    assert found.promoted
    assert found.tags()["against"] == "rules"


def test_a_challenger_that_no_rule_needs_is_refused() -> None:
    rows = world(5, challenger=0.8, champion=None)
    found = verdict(Rows(**{**vars(rows), "rules": {"as good": rows.challenger.rank_score}}))
    assert [check.name for check in found.checks if not check.passed] == ["best rule"]


def test_probabilities_that_do_not_add_up_are_refused_although_the_ranking_is_better() -> None:
    rows = world(6, challenger=0.6, champion=2.5)
    inflated = Scored(np.clip(rows.challenger.probability * 2, 0, 0.999), rows.challenger.rank_score)
    found = verdict(Rows(**{**vars(rows), "challenger": inflated}))
    assert "calibration" in {check.name for check in found.checks if not check.passed}


def test_a_segment_that_suffers_stops_a_challenger_that_is_better_on_the_whole() -> None:
    rows = world(7, challenger=0.3, champion=2.0, accounts=1500)
    hurt = rows.segment == "enterprise"
    shuffled = np.random.default_rng(1).permutation(rows.challenger.rank_score)
    margin = np.where(hurt, shuffled, rows.challenger.rank_score)
    found = verdict(Rows(**{**vars(rows), "challenger": Scored(sigmoid(margin), margin)}))
    assert "segment enterprise" in {check.name for check in found.checks if not check.passed}
    assert "segment smb" not in {check.name for check in found.checks if not check.passed}


def test_too_few_events_are_not_judged() -> None:
    found = verdict(world(8, challenger=0.6, champion=2.5, accounts=40))
    assert [check.name for check in found.checks] == ["enough events"]
    assert "are needed" in found.reasons[0]


def test_the_verdict_is_the_same_for_the_same_rows_and_survives_as_data() -> None:
    rows = world(9, challenger=1.0, champion=1.0)
    assert verdict(rows).to_json() == verdict(rows).to_json()
    assert gate_table(verdict(rows)).row_count == len(verdict(rows).checks)


@pytest.mark.parametrize(("place", "figure"), [(0, "roc_auc_score"), (1, "average_precision_score")])
def test_ranking_figures_equal_scikit_learns_with_ties(place: int, figure: str) -> None:
    rows = world(10, challenger=1.0, champion=None, accounts=100)
    score = np.round(rows.challenger.rank_score, 1)
    assert Draws(rows, 1, 1).ranking(score)[place][0] == pytest.approx(_sklearn(figure, rows.event, score), abs=1e-12)


def test_a_drawn_figure_equals_the_figure_on_the_drawn_rows_written_out() -> None:
    rows = world(11, challenger=1.0, champion=None, accounts=80)
    drawn = Draws(rows, 3, 1)
    times = drawn.counts[2].astype(int)[rows.accounts]
    event, score = np.repeat(rows.event, times), np.repeat(rows.challenger.rank_score, times)
    written_out = _sklearn("roc_auc_score", event, score)
    assert drawn.ranking(rows.challenger.rank_score)[0][2] == pytest.approx(written_out, abs=1e-12)


def test_capacity_counts_by_cutoff_and_ties_go_to_the_earlier_row() -> None:
    top = top_of_cutoff(np.array([1.0, 1.0, 1.0, 5.0, 6.0, 7.0]), np.array([0, 0, 0, 1, 1, 1]), 2)
    assert top.tolist() == [True, True, False, False, True, True]


def promoted_share(rounds: int, *, challenger: float, champion: float) -> float:
    worlds = (world(1000 + number, challenger=challenger, champion=champion) for number in range(rounds))
    return float(np.mean([verdict(rows).promoted for rows in worlds]))


def auc_gap(challenger: float, champion: float) -> float:
    rows = world(1, challenger=challenger, champion=champion, accounts=20_000)
    assert rows.champion is not None
    drawn = Draws(rows, 1, 1)
    return float((drawn.ranking(rows.challenger.rank_score)[0] - drawn.ranking(rows.champion.rank_score)[0])[0])


def test_in_simulation_an_equal_model_is_seldom_promoted_and_a_worse_one_never() -> None:
    assert promoted_share(25, challenger=1.0, champion=1.0) <= 0.05
    assert auc_gap(1.6, 1.0) == pytest.approx(-0.05, abs=0.01)
    assert promoted_share(25, challenger=1.6, champion=1.0) == 0.0


@pytest.mark.soak
def test_in_200_rounds_an_equal_model_is_promoted_in_5_percent_and_a_worse_one_in_1() -> None:
    assert promoted_share(200, challenger=1.0, champion=1.0) <= 0.05
    assert promoted_share(200, challenger=1.6, champion=1.0) <= 0.01
    assert promoted_share(200, challenger=1.0, champion=1.6) >= 0.5, "the gate must let a better model through"


def _sklearn(name: str, event: NDArray[np.bool_], score: Floats) -> float:
    from sklearn import metrics

    return float(getattr(metrics, name)(event, score))
