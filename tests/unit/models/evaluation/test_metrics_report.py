"""The report of an evaluation: what it counts, what it warns of, and that it survives as JSON."""

import json
from dataclasses import replace

import numpy as np
from support.worlds.drawn_scores import draw_scored_rows

from models.data.arrays import Floats
from models.data.findings import Finding
from models.evaluation.evaluation_rows import EvaluationRows, Scores
from models.evaluation.metrics import FIGURES
from models.evaluation.metrics_report import (
    MODEL,
    Evaluation,
    assess_signal,
    find_suspicions,
    lead_over_baselines,
    report_metrics,
    report_parts,
)
from models.evaluation.statistics.signal_test import SignalTest, compare_with_chance
from models.learners.calibration import sigmoid


def evaluation() -> Evaluation:
    rows, score = draw_scored_rows()
    scorers = {
        MODEL: Scores(score, sigmoid(score)),
        "rule_random": Scores(np.random.default_rng(3).random(len(score))),
    }
    overall = report_metrics("all test periods", rows, scorers, 20)
    signal, verdict = assess_signal(overall, compare_with_chance(rows, score))
    return Evaluation(
        risk="churn",
        kind="blend",
        reason=Finding("trees_worse", {"events": 60}),
        capacity=20,
        signal=signal,
        verdict=verdict,
        overall=overall,
        folds=report_parts(np.repeat([1, 2], 1500), rows, scorers, 20),
        warnings=(Finding("possible_leak", {"auc": 0.96}),),
        lead=lead_over_baselines(rows, scorers),
    )


def test_json_keeps_an_evaluation() -> None:
    before = evaluation()
    after = Evaluation.from_json(json.loads(json.dumps(before.to_json())))
    assert after.to_json() == before.to_json()
    assert after == before


def test_a_baseline_has_no_figures_that_need_a_probability() -> None:
    figures = evaluation().overall.scorers
    assert set(figures[MODEL]) == set(FIGURES)
    assert set(figures["rule_random"]) == {"auc", "average_precision", *(n for n in figures[MODEL] if "capacity" in n)}


def test_a_report_counts_rows_accounts_and_events_and_how_much_the_weights_leave() -> None:
    rows, score = draw_scored_rows()
    rows = replace(rows, weight=np.where(rows.unit < 30, 10.0, 1.0))
    report = report_metrics("", rows, {MODEL: Scores(score)}, 20)
    assert (report.rows, report.accounts, report.cutoffs) == (3000, 300, 10)
    assert report.events == report.accounts_with_event == len(np.unique(rows.unit[rows.event]))
    assert report.effective_rows < 0.5 * report.rows


def test_one_class_only_is_null_in_the_json() -> None:
    rows, score = draw_scored_rows()
    quiet = replace(rows, event=np.zeros(len(rows), dtype=bool), event_number=np.full(len(rows), -1))
    report = report_metrics("quiet", quiet, {MODEL: Scores(score, sigmoid(score))}, 1)
    assert report.to_json()["scorers"][MODEL]["auc"] == {"value": None, "low": None, "high": None}
    assert assess_signal(report, compare_with_chance(quiet, score))[1].code == "no_signal"


def test_a_signal_is_distinguished_from_chance() -> None:
    rows, score = draw_scored_rows()
    by_chance = np.random.default_rng(4).normal(-1.5, 0.1, 300)[rows.unit]
    assert verdict_of(rows, score) == (True, "signal")
    assert verdict_of(rows, by_chance) == (False, "no_signal")


def verdict_of(rows: EvaluationRows, score: Floats) -> tuple[bool, str]:
    report = report_metrics("", rows, {MODEL: Scores(score, sigmoid(score))}, 20)
    signal, verdict = assess_signal(report, compare_with_chance(rows, score))
    return signal, verdict.code


def test_a_verdict_needs_the_test_and_the_interval() -> None:
    rows, score = draw_scored_rows()
    report = report_metrics("", rows, {MODEL: Scores(score, sigmoid(score))}, 20)
    refused = assess_signal(report, SignalTest(0.02))[1]
    assert (refused.code, refused.parameters["p_value"], refused.parameters["level"]) == ("no_signal", 0.02, 0.01)
    backwards = report_metrics("", rows, {MODEL: Scores(-score, sigmoid(-score))}, 20)
    assert assess_signal(backwards, SignalTest(0.0))[1].code == "no_signal"
    assert assess_signal(report, SignalTest(np.nan))[1].parameters["p_value"] is None


def test_a_growing_shop_of_equal_buyers_has_no_signal_and_no_lead() -> None:
    """A score that only follows the base rate: pooled over cutoffs its AUC is far above a half."""
    rng = np.random.default_rng(2)
    rows, _ = draw_scored_rows(accounts=200, weeks=10)
    rate = 0.05 + rows.day / 140
    event = rng.random(len(rows)) < rate
    rows = replace(rows, event=event, event_number=np.where(event, np.arange(len(rows)), -1))
    score = rate + rng.normal(0, 0.05, len(rate))
    scorers = {MODEL: Scores(score, np.clip(score, 0.01, 0.99)), "rule_random": Scores(rng.random(len(rate)))}
    report = report_metrics("", rows, scorers, 20)
    signal, verdict = assess_signal(report, compare_with_chance(rows, score))
    assert (signal, verdict.code) == (False, "no_signal")
    lead = lead_over_baselines(rows, scorers)
    assert lead is not None
    assert not lead.shown


def test_a_baseline_that_finds_as_much_is_named() -> None:
    rows, score = draw_scored_rows()
    noise = np.random.default_rng(5).normal(0, 0.05, len(score))
    lead = lead_over_baselines(rows, {MODEL: Scores(score + noise), "rule_lowest_health": Scores(score)})
    assert lead is not None
    assert (lead.baseline, lead.shown) == ("lowest_health", False)


def test_a_lead_over_every_baseline_is_shown() -> None:
    rows, score = draw_scored_rows()
    by_chance = np.random.default_rng(4).normal(size=len(score))
    lead = lead_over_baselines(rows, {MODEL: Scores(score), "rule_random": Scores(by_chance)})
    assert lead is not None
    assert lead.shown
    assert lead_over_baselines(rows, {MODEL: Scores(score)}) is None


def test_an_auc_that_is_too_good_suggests_a_leak() -> None:
    rows, _ = draw_scored_rows()
    perfect = rows.event.astype(float)
    report = report_metrics("", rows, {MODEL: Scores(perfect, np.clip(perfect, 0.1, 0.9))}, 20)
    assert "possible_leak" in {finding.code for finding in find_suspicions(report, 20, signal=True)}


def test_probabilities_are_doubted_only_where_there_is_a_signal() -> None:
    rows, score = draw_scored_rows()
    report = report_metrics("", rows, {MODEL: Scores(score, np.full(len(rows), 0.9))}, 20)
    codes = [[finding.code for finding in find_suspicions(report, 20, signal)] for signal in (True, False)]
    assert codes == [["probabilities_off"], []]


def test_a_capacity_beyond_the_accounts_is_mentioned() -> None:
    overall = evaluation().overall
    assert find_suspicions(overall, 20, signal=True) == ()
    assert find_suspicions(overall, 200, signal=True) == (
        Finding("large_capacity", {"capacity": 200, "accounts": 300}),
    )
