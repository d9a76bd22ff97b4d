"""Launches: the planted failures are found, named and caught, and adopted triggers end the broad path."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.metrics import adjusted_rand_score
from support.worlds.launch_world import LAUNCH, NO_FAILURE, START, LaunchSettings, LaunchWorld, simulate_launch

from features.errors import UsageError
from features.history.history import History
from pipelines.path_design.launches.launch_map import LaunchMap, map_launch
from pipelines.path_design.launches.launch_report import launch_blocks, launch_json, propose_launch
from pipelines.path_design.report_blocks import write_markdown
from serving.policy.definition.policy_file import Policy, default_text

POLICY = Policy.parse(default_text() + LAUNCH)
NEXT_MORNING = START + timedelta(hours=24)
FIRST = START + timedelta(hours=48)


def history_of(world: LaunchWorld) -> History:
    return History.from_tables({name: table for name, table in world.tables.items() if name != "signals"})


def mapped(world: LaunchWorld, by: Policy = POLICY) -> LaunchMap:
    return map_launch(history_of(world), by.rules, "checkout", world.tables["signals"].to_pylist())


def planted(world: LaunchWorld, found: LaunchMap, number: int) -> str:
    inside = [world.truth[ticket] for ticket, label in found.labels.items() if label == number]
    return Counter(inside).most_common(1)[0][0]


@pytest.mark.parametrize("seed", range(1, 7))
def test_the_three_failures_are_found_and_their_later_tickets_caught(seed: int) -> None:
    world = simulate_launch(LaunchSettings(seed=seed))
    found = mapped(world)
    truth = [world.truth[ticket] for ticket in found.labels]
    assert adjusted_rand_score(truth, list(found.labels.values())) >= 0.8
    about = {planted(world, found, number): it for number, it in enumerate(found.clusters)}
    assert {"payment", "tax", "enable"} <= set(about)
    assert (about["payment"].technical, about["tax"].technical, about["enable"].technical) == (True, True, False)
    assert about["payment"].signals == ("gateway_timeout",)
    assert about["tax"].signals == ("tax_mismatch",)
    assert about["enable"].signals == ()
    adopted = Policy.parse(default_text() + LAUNCH + propose_launch(found, POLICY.rules).text)
    later = later_by_night(world, adopted)
    failures = [ticket for ticket, kind in world.truth.items() if kind != NO_FAILURE and ticket in later]
    assert np.mean([bool(later[ticket]) for ticket in failures]) >= 0.8


def later_by_night(world: LaunchWorld, adopted: Policy) -> dict[str, list[str]]:
    """The issue types that take each later ticket, by the filters that a night runs."""
    from pipelines.night.ticket_counts import opened_tickets

    kinds = [it for it in adopted.conditions.tickets if it.name.startswith("issues_")]
    marks = ", ".join(f'({it.sql()}) AS "{it.name}"' for it in kinds)
    rows = (
        history_of(world)
        .query(
            f"SELECT ticket_id, {marks} FROM ({opened_tickets(history_of(world), ['subject', 'body'])}) "
            f"WHERE opened_at >= TIMESTAMP '{FIRST}'"
        )
        .to_pylist()
    )
    return {
        row["ticket_id"]: [it.name for it in kinds if row[it.name]] for row in rows if row["ticket_id"] in world.truth
    }


def test_the_proposals_go_to_tier_two_and_a_specialist_and_end_the_broad_path() -> None:
    found = mapped(simulate_launch(LaunchSettings(seed=2)))
    proposal = propose_launch(found, POLICY.rules)
    adopted = Policy.parse(default_text() + LAUNCH + proposal.text)
    skills = {name: adopted.rules.triggers[name].skill for name in proposal.names}
    assert sorted(skills.values(), key=str) == ["adoption", "technical", "technical"]
    (broad,) = [it for it in adopted.conditions.tickets if it.name == "launch_checkout"]
    assert broad.ends is not None
    assert len(broad.without) == len(proposal.names)
    assert {it.squad for it in adopted.rules.incidents.values()} == {"support"}
    assert mapped(simulate_launch(LaunchSettings(seed=2)), adopted).adopted == tuple(proposal.names)


def test_the_report_names_the_clusters_and_what_they_would_have_caught() -> None:
    found = mapped(simulate_launch(LaunchSettings(seed=2)))
    text = write_markdown(launch_blocks(found, propose_launch(found, POLICY.rules)))
    for cluster in found.clusters:
        assert cluster.name in text
        assert f"{cluster.caught.later} of {cluster.caught.later_total}" in text
    assert launch_json(found)["tickets"] == found.tickets


@pytest.mark.parametrize(("tickets", "sentence"), [(0, "too few"), (8, "too few")])
def test_a_launch_with_no_or_few_tickets_says_so_and_proposes_nothing(tickets: int, sentence: str) -> None:
    world = simulate_launch(LaunchSettings(seed=1))
    about = list(world.truth)[:tickets]
    rows = world.tables["tickets"]
    chosen = pc.or_(
        pc.starts_with(rows["ticket_id"], "O-"), pc.is_in(rows["ticket_id"], value_set=pa.array(about, pa.string()))
    )
    few = replace(world, tables={**world.tables, "tickets": rows.filter(chosen)})
    found = map_launch(history_of(few), POLICY.rules, "checkout")
    assert found.tickets == tickets
    proposal = propose_launch(found, POLICY.rules)
    assert proposal.text == ""
    assert sentence in write_markdown(launch_blocks(found, proposal))


def test_tickets_that_have_nothing_in_common_are_no_cluster() -> None:
    found = mapped(simulate_launch(LaunchSettings(seed=4, noise=0.999)))
    assert propose_launch(found, POLICY.rules).names == []


def test_only_what_was_reported_before_the_instant_is_used() -> None:
    world = simulate_launch(LaunchSettings(seed=3))
    early = map_launch(history_of(world), POLICY.rules, "checkout", as_of=NEXT_MORNING)
    rows = world.tables["tickets"].filter(pc.less(world.tables["tickets"]["opened_at"], pa.scalar(NEXT_MORNING)))
    cut = History.from_tables({"accounts": world.tables["accounts"], "tickets": rows})
    again = map_launch(cut, POLICY.rules, "checkout", as_of=NEXT_MORNING)
    assert [(it.name, it.terms) for it in early.clusters] == [(it.name, it.terms) for it in again.clusters]


def test_an_unknown_launch_and_one_that_lies_ahead_are_one_sentence() -> None:
    history = history_of(simulate_launch(LaunchSettings(seed=1)))
    with pytest.raises(UsageError, match="did you mean 'checkout'"):
        map_launch(history, POLICY.rules, "chekout")
    ahead = Policy.parse(default_text() + LAUNCH.replace("2026-03-02", "2027-03-02"))
    with pytest.raises(UsageError, match="starts at 2027-03-02"):
        map_launch(history, ahead.rules, "checkout")
