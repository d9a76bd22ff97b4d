"""The map of issue types: planted criteria are found, chance is not, and overwritten columns are not used."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from support.worlds.factories import Story
from support.worlds.support_desk import desk_history

from features.contract import Column, ColumnType, declare_ticket_columns
from features.errors import DataGateError, UsageError
from features.history.history import History
from pipelines.path_design.issues.issue_criteria import MapOptions
from pipelines.path_design.issues.issue_map import map_issues
from pipelines.path_design.issues.map_report import map_blocks, map_json, propose_policy
from pipelines.path_design.issues.opening_columns import find_opening_columns
from pipelines.path_design.issues.opening_rules import any_rule, any_rule_sql
from pipelines.path_design.issues.rule_evaluation import significant
from pipelines.path_design.issues.rule_learning import learn_rules
from pipelines.path_design.issues.ticket_outcomes import read_tickets
from pipelines.path_design.report_blocks import write_markdown, write_page
from serving.policy.definition.policy_file import Policy, default_text


@pytest.fixture(autouse=True)
def _area_is_declared() -> Iterator[None]:
    declare_ticket_columns([Column("area", ColumnType.TEXT, changing=True)])
    yield
    declare_ticket_columns(())


@pytest.fixture(scope="module")
def desk() -> History:
    declare_ticket_columns([Column("area", ColumnType.TEXT, changing=True)])
    return desk_history()


def test_planted_criteria_are_found_on_earlier_months_and_hold_on_later_ones(desk: History) -> None:
    found = map_issues(desk, "desk", MapOptions())
    (bug, *_) = found.types
    assert bug.name == "bug"
    assert bug.criteria.proposed
    assert bug.criteria.resolver == bug.resolver == "platform"
    assert bug.resolver_share == 1
    assert bug.hours_lost is not None
    assert bug.hours_lost == pytest.approx(bug.handed_on * 52, rel=0.05)  # 60 hours in place of 8
    assert bug.criteria.figures is not None
    assert bug.criteria.figures.precision.value > 0.65
    assert bug.criteria.figures.precision.low > 0.4
    conditions = " ".join(rule.sql() for rule in bug.criteria.rules)
    assert "area = 'export'" in conditions
    assert "priority = 'urgent'" in conditions
    assert [it.name for it in found.types if it.criteria.proposed] == ["bug"]
    escalated = {it.name: it for it in found.definitions}["escalated"]
    assert escalated.lift is not None
    assert escalated.lift.value >= 2.5


def test_the_proposals_are_a_valid_policy_with_squad_trigger_and_form(desk: History) -> None:
    found = map_issues(desk, "desk", MapOptions())
    proposal = propose_policy(found, Policy.default().rules)
    read = Policy.parse(default_text() + proposal.text)
    assert read.rules.squads["platform"].skills == ("platform",)
    trigger = read.rules.triggers["bug_to_escalate"]
    assert (trigger.skill, trigger.risk, trigger.raises) == ("platform", "escalation", "alone")
    assert "category" in read.rules.forms["platform"].fields
    again = propose_policy(found, read.rules)  # proposed once more beside the adopted one
    assert "bug_to_escalate_2" in again.names
    assert Policy.parse(default_text() + proposal.text + again.text).rules.squads.keys() == read.rules.squads.keys()


def test_the_report_says_the_same_in_every_form(desk: History) -> None:
    found = map_issues(desk, "desk <&>", MapOptions())
    blocks = map_blocks(found, propose_policy(found, Policy.default().rules))
    page, text, plain = write_page("Map", blocks), write_markdown(blocks), map_json(found)
    assert "desk &lt;&amp;&gt;" in page
    assert "http" not in page, "the page loads nothing"
    for rule in found.types[0].criteria.rules:
        assert rule.sql() in text
    assert plain["issue_types"][0]["criteria"]["proposed"] is True


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_without_structure_nothing_is_proposed_and_the_report_says_so(seed: int) -> None:
    found = map_issues(desk_history(seed, structure=False), "desk", MapOptions())
    assert found.proposals == []
    blocks = map_blocks(found, propose_policy(found, Policy.default().rules))
    assert "Nothing is proposed" in write_markdown(blocks)
    assert propose_policy(found, Policy.default().rules).text == ""


def test_shuffled_outcomes_give_no_proposal(desk: History, monkeypatch: pytest.MonkeyPatch) -> None:
    tickets = read_tickets(desk, find_opening_columns(desk), 7)
    order = np.random.default_rng(5).permutation(len(tickets))
    shuffled = replace(tickets, outcomes={name: it[order] for name, it in tickets.outcomes.items()})
    monkeypatch.setattr("pipelines.path_design.issues.issue_map.read_tickets", lambda *_: shuffled)
    assert map_issues(desk, "desk", MapOptions()).proposals == []


def test_a_priority_that_is_overwritten_is_not_used() -> None:
    present = desk_history(overwritten=True, known=False)
    columns = {it.name: it for it in find_opening_columns(present)}
    assert not columns["priority"].used
    assert "overwritten" in columns["priority"].reason
    assert not columns["area"].used
    assert columns["category"].used
    versions = {it.name: it.used for it in find_opening_columns(desk_history())}
    assert versions["priority"]
    assert versions["area"]


def test_a_rule_means_the_same_on_arrays_and_as_a_condition(desk: History) -> None:
    tickets = read_tickets(desk, find_opening_columns(desk), 7)
    learned = learn_rules(tickets, tickets.outcomes["escalated"])
    assert learned is not None
    for rules in ((rule,) for rule in learned.rules):
        rows = desk.query(
            f"SELECT ticket_id FROM (SELECT *, extract(hour FROM opened_at)::DOUBLE AS opened_hour, "
            f"extract(isodow FROM opened_at)::DOUBLE AS opened_weekday FROM tickets) WHERE {any_rule_sql(rules)}"
        )
        expected = set(tickets.ids[any_rule(rules, tickets)].tolist())
        assert set(rows["ticket_id"].to_pylist()) & set(tickets.ids.tolist()) == expected


def test_later_rows_change_no_criteria(desk: History) -> None:
    tickets = read_tickets(desk, find_opening_columns(desk), 7)
    first = np.arange(len(tickets)) < 1500
    early, outcome = tickets.take(first), tickets.outcomes["escalated"]
    poisoned = outcome.copy()
    poisoned[~first] = True
    assert learn_rules(early, outcome[first]) == learn_rules(early, poisoned[first])


def test_too_few_tickets_and_unknown_names_are_one_sentence(desk: History) -> None:
    with pytest.raises(DataGateError, match="criteria need at least 400"):
        map_issues(desk_history(tickets=60), "desk", MapOptions())
    with pytest.raises(UsageError, match="did you mean 'escalated'"):
        map_issues(desk, "desk", MapOptions(outcome="escalate"))
    with pytest.raises(UsageError, match="did you mean 'category'"):
        map_issues(desk, "desk", MapOptions(issue_type="categori"))


def test_the_correction_for_many_tests_is_that_of_holm() -> None:
    assert significant([0.01, 0.02, 0.04]) == [True, True, True]
    assert significant([0.01, 0.03, 0.04]) == [True, False, False]
    assert significant([0.9, 0.001]) == [False, True]
    assert significant([]) == []


def test_tier_one_is_the_group_with_most_openings_or_the_one_that_is_named(desk: History) -> None:
    assert map_issues(desk, "desk", MapOptions()).tier1 == "first line"
    assert map_issues(desk, "desk", MapOptions(tier1="all")).tier1 == ""
    with pytest.raises(UsageError, match="did you mean 'first line'"):
        map_issues(desk, "desk", MapOptions(tier1="first lin"))


def test_events_of_one_instant_are_ordered_by_the_numbers_of_their_ids() -> None:
    story = Story().account("A").ticket("A", "2026-01-01", group="one")
    for number, group in ((2, "two"), (10, "one"), (9, "two")):  # moved once, and back
        story.event("assigned", "2026-01-02", group, group=group, event_id=f"E/{number}")
    story.ticket("A", "2026-02-01", group="one")  # so that the first one has an outcome
    history = story.history()
    tickets = read_tickets(history, find_opening_columns(history), 7)
    assert tickets.outcomes["moved_twice"].tolist()[0]
    assert not tickets.outcomes["moved_three_times"].tolist()[0]


def test_the_first_assignment_of_a_ticket_without_a_group_is_no_move() -> None:
    story = (
        Story().account("A").ticket("A", "2026-01-01", group=None).event("assigned", "2026-01-02", "two", group="two")
    )
    story.ticket("A", "2026-01-01", "T2", group="one").event("assigned", "2026-01-02", "two", group="two")
    story.ticket("A", "2026-02-01", group="one")
    history = story.history()
    tickets = read_tickets(history, find_opening_columns(history), 7)
    assert dict(zip(tickets.ids.tolist(), tickets.outcomes["moved"].tolist(), strict=True)) == {"T1": False, "T2": True}


def test_a_proposed_rule_is_not_implied_by_the_others(desk: History) -> None:
    tickets = read_tickets(desk, find_opening_columns(desk), 7)
    learned = learn_rules(tickets, tickets.outcomes["escalated"], recall=0.9)
    assert learned is not None
    for rule in learned.proposed:
        others = [other for other in learned.proposed if other != rule]
        assert (rule.holds(tickets) & ~any_rule(others, tickets)).any()
