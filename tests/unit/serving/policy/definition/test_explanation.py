"""The explanation of a policy, its reference, and the lines of its keys."""

import time

import numpy as np
import pyarrow as pa
import pytest
from support.nights.policy_factory import NIGHT, POLICY, policy

from features.catalogue import FEATURES
from pipelines.reference.policy_reference import render_policy
from serving.drawings.raci_table import raci_markdown
from serving.policy.decision.decide import Policy, decide
from serving.policy.definition.columns import condition_columns
from serving.policy.definition.explanation import explain, list_columns
from serving.policy.definition.policy_file import PolicyError
from serving.policy.definition.toml_lines import line_index, line_of
from serving.policy.state.queue_state import OpenCase, QueueState


def test_one_new_case_per_night_has_no_plural() -> None:
    assert "Squad care (skills retention): 1 new case per night;" in explain(policy(capacity="capacity = 1"))


def test_a_policy_is_explained_in_words() -> None:
    text = explain(policy('[holdout]\nshare = 0.2\nsalt = "s"\nby_segment = {smb = 0.1}'))
    for sentence in (
        "churn: an account enters at 50% or more on one night, and leaves after 2 consecutive nights below 30%.",
        "Any other risk: an account enters at 3 times the base rate, but not below 10% or above 60%;",
        "20% of the groups of accounts, drawn once with the salt 's', before capacity.",
        "Segment smb: 10%.",
        "Squad care (skills retention): 2 new cases per night; escalation path ana → ben → cleo.",
        "high (probability: 80% or more): response in 4 hours, resolution in 48 hours; without contact escalated after "
        "4 hours and 8 hours. Responsible primary, accountable lead.",
        "Cases that no squad can take go to care.",
        "Cancellation: worth the revenue that ends × 15% × urgency − 0. It gets a case on the same night, beyond the ",
        "Partial loss, from 1% of the account's revenue: worth the part's revenue × 15% × urgency − 0. It competes for",
        "Accounts of the types internal, test, demo, trial, free.",
        "after 5 nights it is closed: as saved where somebody contacted the customer or made a plan, else as expired. "
        "One that nobody has started expires after 1 night.",
        "(at most 250,000; the median of the segment where unknown)",
        "Below a priority of 0 no new case is raised.",
        "Saved +10 points, lost -20, false alarm +5, no action +0; the sum is limited to ±15,",
        "support, normal: Fri 06:00 dan is responsible; informed: nobody; Sat 06:00 the response is overdue; ",
    ):
        assert sentence in text
    assert "None: the effect of the team cannot be measured." in explain(policy())


def test_the_settings_of_cases_are_explained_where_they_differ() -> None:
    more = """[groups]\none_case = true
[cooldown]\nfalse_alarm = 45
[exclude]\nwithout_revenue = false\ntypes = []\nwhen = {pilots = "segment = 'pilot'"}
[cancellations]\nseverity = "high"\nurgency = [{within_days = 9, factor = 3}]"""
    text = explain(policy(more))
    for sentence in (
        "The accounts of a group share one case.",
        "After false alarm it is 45 days for every alarm.",
        "pilots (customer segment: pilot).",
        "× urgency − 0, severity at least high.",
        "The urgency of an end within 9 days is 3.",
    ):
        assert sentence in text
    assert "known to be zero" not in text
    assert "of the types" not in text


def test_the_columns_of_a_condition_can_be_listed() -> None:
    lines = list_columns(policy()).splitlines()
    assert {"arr (number)", "segment (text)", "churn (number)", "tickets_open (number)"} <= set(lines)


def test_every_part_of_the_default_policy_is_explained() -> None:
    default = Policy.default()
    text = explain(default)
    assert all(name in text for name in (*default.rules.triggers, *default.rules.squads, *default.rules.risks))


def test_the_default_policy_reads_only_columns_that_exist() -> None:
    known = {feature.name for feature in FEATURES} | {"segment", "renews_in", "arr"}
    read = {name for condition in Policy.default().conditions.triggers.values() for name in condition.columns}
    assert read <= known


def test_the_reference_names_every_key() -> None:
    text = render_policy()
    for key in ("`enter_nights`", "`escalate_after_hours`", "`[[severities]]`", "`[squads.NAME]`", "`by_segment`"):
        assert key in text
    assert "`alone`, `with_risk`" in text


def test_a_condition_may_name_every_feature_and_each_risk_twice() -> None:
    known = condition_columns(["churn"])
    assert {feature.name for feature in FEATURES} <= known.keys()
    assert known["churn"] == known["probability_churn"] == ("probability_churn", "number")
    assert "probability" not in known
    assert "probability" in condition_columns(["churn"], of_case=True)


TOML = '''# a comment = 1
a = 1
[one."two three"]
"k e y" = 2
text = """
[not.a.table]
no = 3
"""
after = 4
[[rows]]
x = 1
[[rows]]
y.z = [
  2,
]
'''


def test_keys_have_their_lines() -> None:
    lines = line_index(TOML)
    assert lines["a",] == 2
    assert lines["one", "two three"] == 3
    assert lines["one", "two three", "k e y"] == 4
    assert lines["one", "two three", "after"] == 9
    assert (lines["rows", 0], lines["rows", 1, "y", "z"]) == (10, 13)
    assert ("not", "a", "table") not in lines
    assert line_of(lines, ("rows", 1, "missing")) == 12
    assert line_of(lines, ("nothing",)) is None


def test_a_night_of_a_hundred_thousand_accounts_is_decided_in_seconds() -> None:
    count, draw = 100_000, np.random.default_rng(1)
    table = pa.table(
        {
            "account_id": [f"A{number:06d}" for number in range(count)],
            "segment": draw.choice(["smb", "mid", "enterprise"], count),
            "arr": draw.lognormal(10, 1, count),
            "renews_in": draw.integers(0, 365, count).astype(float),
            "probability_churn": draw.beta(1, 12, count),
            "probability_escalation": draw.beta(1, 14, count),
            "tickets_open": draw.poisson(2, count).astype(float),
            "escalations_90d": draw.poisson(0.3, count).astype(float),
            "contract_notices": (draw.random(count) < 0.01).astype(float),
        }
    )
    cases = tuple(OpenCase(f"c{n}", f"A{n * 50:06d}", "churn", "normal", 0.2, NIGHT) for n in range(2000))
    started = time.process_time()
    decision = decide(table, QueueState(open_cases=cases), Policy.default(), NIGHT)
    assert time.process_time() - started <= 3
    assert len(decision.flags) == 23
    assert len(decision.waiting) > 1000


OUTAGE = """
[incidents.failed_checkouts]
when = "kind = 'checkout.failed'"
count = 3
within = "15 minutes"
severity = "outage"

[[paths.outage]]
to = "primary"
[[paths.outage]]
to = "secondary"
after = "15 minutes"
"""
SEVERITY = """
[[severities]]
name = "outage"
when = "FALSE"
respond_hours = "30 minutes"
resolve_hours = 400
responsible = "commander"
accountable = "lead"
path = "outage"
"""


def _outage(more: str = "") -> Policy:
    place = POLICY.index("[[severities]]")
    return Policy.parse(f"{POLICY[:place]}{SEVERITY}\n{POLICY[place:].replace('= 48', '= 336')}{OUTAGE}{more}")


def test_a_severity_of_incidents_alone_is_no_path_of_cases() -> None:
    text = explain(_outage())
    assert "outage (only incidents): response in 30 minutes" in text
    assert "care, outage" not in text and "care, high: Fri 06:00" in text
    assert "step by step: 1. at once primary; 2. 15 minutes after the step before secondary." in text
    assert "commander" not in raci_markdown(_outage())
    raised = (
        '[triggers.down]\nwhen = "arr > 0"\nmessage = "Down"\nrisk = "churn"\nraises = "alone"\nseverity = "outage"\n'
    )
    assert "care, outage, path outage: Fri 06:00" in explain(_outage(raised))


def test_a_time_after_a_week_names_the_days() -> None:
    text = explain(_outage())
    assert "after 14 days: Fri 06:00 the case is due to be closed" in text
    assert "rises by 15 percentage points" in text or "rises by 10 percentage points" in text


def test_a_key_that_does_not_exist_hides_no_mistake_in_the_rest() -> None:
    with pytest.raises(PolicyError) as refused:
        _outage('[[paths.other]]\nto = "nobody here"\nchanels = ["mail"]\n')
    text = "\n".join(refused.value.problems)
    assert "chanels is not a known key" in text and "there is no person, role or squad 'nobody here'" in text
