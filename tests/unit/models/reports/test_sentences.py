"""Each code has a sentence, in one place; models saved with sentences still speak."""

import pytest

from models.data.findings import Finding
from models.evaluation.bootstrap import Estimate
from models.evaluation.metrics_report import BaselineLead
from models.reports.sentences import FINDING_CODES, render_finding, render_lead, saved_lead, saved_verdict

ESTIMATE = Estimate(0.1, 0.05, 0.2).to_json()
PARAMETERS = {
    "of": 9_000,
    "of_events": 7,
    "auc": ESTIMATE,
    "log_loss_skill": ESTIMATE,
    "lead": ESTIMATE,
    "gain": ESTIMATE,
    "folds": 2,
    "wanted": 6,
    "cutoffs": 23,
    "embargo": 127,
    "treated": 1200,
    "rows": 9000,
    "holdout_rows": 0,
    "capacity": 20,
    "accounts": 30,
    "events": 7,
    "needed": 20,
    "trees_share": 0.25,
    "table": "subscriptions",
    "columns": ["seats", "arr", "renews_at"],
}


@pytest.mark.parametrize("code", sorted(FINDING_CODES))
def test_every_code_has_a_sentence(code: str) -> None:
    parameters = {**PARAMETERS, "auc": 0.97} if code == "possible_leak" else PARAMETERS
    sentence = render_finding(Finding(code, parameters))
    assert sentence[0] == sentence[0].upper()
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("skill", "said"),
    [
        (Estimate(-0.69, -0.9, -0.5), "its probabilities are worse than the base rate: "),
        (Estimate(-0.01, -0.04, 0.02), "its probabilities are no better than the base rate: "),
    ],
)
def test_a_skill_that_is_clearly_negative_is_called_worse(skill: Estimate, said: str) -> None:
    numbers = {**PARAMETERS, "log_loss_skill": skill.to_json()}
    assert said in render_finding(Finding("ranking_only", numbers))


def test_treated_rows_with_and_without_a_hold_out() -> None:
    without = render_finding(Finding("treated_rows_left_out", PARAMETERS))
    assert without.startswith("1,200 of 9,000 rows were left out because the team acted on the account")
    assert "Without a hold-out nothing replaces them" in without
    held = render_finding(Finding("treated_rows_left_out", {**PARAMETERS, "holdout_rows": 300}))
    assert "300 hold-out rows are weighted in their place" in held


def test_a_sample_says_whether_every_event_is_in_it() -> None:
    numbers = {"rows": 1_200, "of": 9_000, "events": 300, "of_events": 300}
    said = "Learned from and tested on a sample of 1,200 of about 9,000 rows: "
    assert render_finding(Finding("rows_sampled", numbers)).startswith(said + "all rows with the event, and")
    some = render_finding(Finding("rows_sampled", numbers | {"of_events": 600}))
    assert some.startswith(said + "300 of 600 rows with the event, and")


def test_a_lead_says_whether_it_is_shown() -> None:
    shown = BaselineLead("lowest_health", Estimate(0.1, 0.05, 0.2))
    assert render_lead(shown).startswith("It finds more than the best baseline, 'lowest CRM health first' (+0.100")
    assert "is not shown" in render_lead(BaselineLead("random", Estimate(0.1, -0.05, 0.2)))


def test_a_verdict_names_the_p_value_where_there_is_one() -> None:
    without = render_finding(Finding("no_signal", PARAMETERS))
    assert "p " not in without.split("chance")[1]
    tested = render_finding(Finding("no_signal", {**PARAMETERS, "p_value": 0.0212, "level": 0.01}))
    assert "[0.05, 0.20], p = 0.021, log-loss skill 0.100; a signal has p below 0.01)." in tested
    assert ", p < 0.001," in render_finding(Finding("signal", {**PARAMETERS, "p_value": 1e-9, "level": 0.01}))


def test_models_saved_with_codes_and_with_sentences_are_both_read() -> None:
    lead = BaselineLead("random", Estimate(0.1, -0.05, 0.2))
    new = {"verdict": Finding("no_signal", PARAMETERS).to_json(), "lead": lead.to_json()}
    assert saved_verdict(new).startswith("No signal: within a night")
    assert saved_lead(new) == render_lead(lead)
    assert saved_lead({"verdict": {}, "lead": BaselineLead("random", Estimate(0.1, 0.05, 0.2)).to_json()}) == ""
    old = {"verdict": "No signal was found.", "unproven": "It was not shown to find more."}
    assert (saved_verdict(old), saved_lead(old)) == ("No signal was found.", "It was not shown to find more.")
