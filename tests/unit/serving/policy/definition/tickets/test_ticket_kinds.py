"""Issue types and launches of a policy: what they compile to, what is wrong with them, and what explain says."""

from datetime import UTC, datetime

import duckdb
import pytest
from support.nights.policy_factory import policy

from serving.policy.definition.explanation import explain, list_columns
from serving.policy.definition.policy_file import Policy, PolicyError
from serving.policy.definition.tickets.ticket_filter import TicketFilter, fold_text

TIMEOUTS = """
[issue_types.timeouts]
when = "priority = 'high'"
terms = ["timeout"]
launch = "checkout"
"""
LAUNCH = """
[launches.checkout]
start = 2026-03-01T08:00:00Z
terms = ["Checkout 2"]
skill = "support"
"""
ADOPTED = """
[triggers.timeouts]
when = "issues_timeouts >= 1"
risk = "churn"
raises = "alone"
skill = "billing"
message = "Timeouts"
"""
UNRELATED = """
[triggers.other]
when = "tickets_open >= 3 AND 'issues_timeouts' <> 'x'"
risk = "churn"
raises = "alone"
skill = "retention"
message = "Many tickets"
"""


def filters(read: Policy) -> dict[str, TicketFilter]:
    return {it.name: it for it in read.conditions.tickets}


def test_a_policy_without_them_keeps_its_version_and_its_explanation() -> None:
    assert "issue_types" not in policy().rules.content()
    assert "Kinds of tickets" not in explain(policy())


def test_a_launch_becomes_a_trigger_that_is_never_held_out() -> None:
    read = policy(LAUNCH + '[holdout]\nsalt = "s"\n')
    trigger = read.rules.triggers["launch_checkout"]
    assert (trigger.when, trigger.skill, trigger.raises) == ("launch_checkout >= 1", "support", "alone")
    assert read.rules.holdout is not None
    assert read.rules.holdout.exempt == {"launch_checkout": "launch_checkout >= 1"}
    (broad,) = read.conditions.tickets
    assert broad.ends is None
    assert broad.column in read.conditions.columns


def test_a_launch_precedes_triggers_that_know_nothing_of_it_and_follows_its_own() -> None:
    read = policy(UNRELATED + TIMEOUTS + LAUNCH + ADOPTED)
    assert list(read.rules.triggers) == ["timeouts", "launch_checkout", "other"]


def test_an_issue_type_is_adopted_when_a_trigger_reads_it_and_not_when_a_text_mentions_it() -> None:
    proposed, adopted = policy(UNRELATED + TIMEOUTS + LAUNCH), policy(TIMEOUTS + LAUNCH + ADOPTED)
    assert filters(proposed)["launch_checkout"].ends is None
    assert filters(proposed)["launch_checkout"].without == ()
    assert filters(adopted)["launch_checkout"].ends == datetime(2026, 3, 3, 8, tzinfo=UTC)
    assert filters(adopted)["launch_checkout"].without == (filters(adopted)["issues_timeouts"],)


def test_explain_says_who_takes_what_and_when_the_broad_path_ends() -> None:
    before, after = explain(policy(TIMEOUTS + LAUNCH)), explain(policy(TIMEOUTS + LAUNCH + ADOPTED))
    assert "no trigger is adopted yet, so this broad path goes on after 3 Mar 2026, 08:00 UTC too" in before
    assert "tickets of issues_timeouts are left to the trigger timeouts" in after
    assert "the broad path ends at 3 Mar 2026, 08:00 UTC" in after
    assert "issues_timeouts (number)" in list_columns(policy(TIMEOUTS + LAUNCH))


def test_two_policies_with_one_name_for_different_kinds_have_different_columns() -> None:
    one = filters(policy(TIMEOUTS + LAUNCH))["issues_timeouts"]
    other = filters(policy(TIMEOUTS.replace("'high'", "'urgent'") + LAUNCH))["issues_timeouts"]
    assert one.name == other.name
    assert one.column != other.column
    assert one.column == filters(policy(TIMEOUTS + LAUNCH + UNRELATED))["issues_timeouts"].column


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            TIMEOUTS + LAUNCH.replace('"support"', '"suport"'),
            "no squad has the skill 'suport': did you mean 'support'?",
        ),
        (TIMEOUTS + LAUNCH.replace("checkout]", "chekout]"), "there is no launch 'checkout': did you mean 'chekout'?"),
        (
            TIMEOUTS.replace("priority", "prioritty") + LAUNCH,
            "names the unknown column prioritty; did you mean priority?",
        ),
        (LAUNCH.replace("checkout]", "Checkout-2]"), "the name 'Checkout-2' has to consist of lower-case letters"),
        (LAUNCH.replace("2026-03-01T08:00:00Z", '"soon"'), "has to be a day or an instant"),
        (LAUNCH.replace('terms = ["Checkout 2"]', ""), "a launch needs terms, or when, or both"),
        ("[issue_types.x]\nopened_within_days = 3\n", "an issue type needs when, or terms, or both"),
        (LAUNCH + 'risk = "chrun"\n', "there is no risk 'chrun': did you mean 'churn'?"),
        (LAUNCH + 'severity = "hihg"\n', "there is no severity 'hihg': did you mean 'high'?"),
        (LAUNCH + 'technical = "tech"\n', "no squad has the skill 'tech'"),
        (
            LAUNCH + ADOPTED.replace("triggers.timeouts", "triggers.launch_checkout").replace("issues_timeouts", "arr"),
            "has the name of the trigger of the launch checkout",
        ),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(PolicyError) as caught:
        policy(text)
    assert any(sentence in problem and "line" in problem for problem in caught.value.problems), caught.value.problems


@pytest.mark.parametrize(
    ("terms", "text", "expected"),
    [
        (("fail",), "Export fails after failover", False),
        (("fail*",), "Export fails", True),
        (("fail*",), "unfailing", False),
        (("Zeitüberschreitung",), "ZEITUBERSCHREITUNG beim Bezahlen", True),
        (("check out",), "The check   out page", True),
        (("E-504",), "we see E-504.", True),
        (("E-504",), "we see E-5040", False),
        (("a.b",), "axb", False),
        (("支付",), "无法支付订单", True),
        (("größe",), "die Größe stimmt nicht", True),
        (("it's",), "it's broken", True),
    ],
)
def test_terms_are_whole_words_without_regard_to_case_and_accents(
    terms: tuple[str, ...], text: str, expected: bool
) -> None:
    sql = TicketFilter("issues_x", terms=terms).sql()
    with duckdb.connect() as connection:
        folded = "strip_accents(lower(?))"
        (found,) = connection.execute(f"SELECT {sql} FROM (SELECT {folded} AS folded)", [text]).fetchone() or (None,)
        (same,) = connection.execute(f"SELECT {folded} = ?", [text, fold_text(text)]).fetchone() or (None,)
    assert found is expected
    assert same, "the engine and Python fold a text alike"
