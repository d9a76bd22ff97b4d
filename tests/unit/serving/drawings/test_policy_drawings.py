"""Drawings of small, large and hostile policies: valid, complete, safe, and the same at every run."""

import re
import xml.etree.ElementTree as ET
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.nights.bpmn_engine import validate

from serving.drawings.drawing_text import break_lines, file_name, markdown_cell, plain_text, xml_text
from serving.drawings.policy_cycle import PolicyVersion, StoredReplay, cycle_html, cycle_markdown, rule_changes
from serving.drawings.raci_table import raci_html, raci_markdown
from serving.drawings.service_blueprint import BlueprintFacts, blueprint_html, write_blueprint_svg
from serving.drawings.swimlane_files import swimlane_files
from serving.drawings.swimlane_flow import all_flows, build_flow
from serving.drawings.swimlane_graph import build_graph
from serving.drawings.swimlane_layout import ATTACHED, lay_out
from serving.path_metrics.case_timelines import CaseTimeline
from serving.path_metrics.path_report import measure_paths
from serving.policy.definition.policy_file import Policy

HOSTILE = "<script>alert(1)</script> \u202eevil & \"quotes\" 'single' `|*_[x](y) \\\\"
FACTS = BlueprintFacts(
    ("data_samples", HOSTILE), "Europe/Berlin", {"mail": "email", HOSTILE: "slack"}, "SQLite", "password"
)
SVG = "{http://www.w3.org/2000/svg}"


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def policy_of(squads: int, severities: int, name: str = "squad") -> Policy:
    """A policy with so many squads and severities, whose names contain ``name``."""
    parts = ["[risks.churn]\nenter = 0.5\nleave = 0.3\n"]
    for number in range(severities):
        when = "" if number == severities - 1 else f'when = "probability >= 0.{9 - number}"'
        lines = [
            "[[severities]]",
            f"name = {quoted(f'{name} {number}')}",
            when,
            f"respond_hours = {4 + number}",
            "resolve_hours = 72",
            'responsible = "primary"',
            f"accountable = {quoted(name + ' lead')}",
            'consulted = ["product manager"]',
            "escalate_after_hours = [2, 6]",
        ]
        parts.append("\n".join(lines))
    for number in range(squads):
        people = ", ".join(quoted(f"{name} person {number}.{place} with quite a long name") for place in range(3))
        title = f"[squads.{quoted(f'{name} {number}')}]"
        parts.append(f"{title}\nskills = ['retention']\nmembers = [{people}]\ncapacity = 2")
    parts.append(f"[routing]\nfallback = {quoted(f'{name} 0')}\n")
    return Policy.parse("\n".join(parts))


@pytest.fixture(
    params=[(1, 1, "squad"), (8, 5, "a rather long name of a squad or severity"), (2, 2, HOSTILE)],
    ids=["small", "large", "hostile"],
)
def policy(request: pytest.FixtureRequest) -> Policy:
    return policy_of(*request.param)


def test_every_swimlane_is_valid_bpmn_and_valid_svg(policy: Policy) -> None:
    files = dict(swimlane_files(policy.rules))
    count = len(policy.rules.squads) * len(policy.rules.severities)
    assert len(files) == 2 * count + 1
    for name, content in files.items():
        if name.endswith(".bpmn"):
            validate(content)
        elif name.endswith(".svg"):
            assert ET.fromstring(content).tag == f"{SVG}svg"
        assert "<script" not in content
        assert "\u202e" not in content


def test_the_same_policy_gives_the_same_bytes(policy: Policy) -> None:
    assert dict(swimlane_files(policy.rules)) == dict(swimlane_files(policy.rules))
    assert raci_html(policy) == raci_html(policy)
    assert write_blueprint_svg(policy, FACTS) == write_blueprint_svg(policy, FACTS)


def test_every_element_is_in_its_lane_and_none_covers_another(policy: Policy) -> None:
    for flow in all_flows(policy.rules):
        layout = lay_out(build_graph(flow))
        for node in layout.graph.nodes:
            box, lane = layout.boxes[node.id], layout.lanes[node.lane]
            assert lane.x < box.x
            assert box.right < lane.right
            assert lane.y <= box.y
            assert box.bottom <= lane.bottom
        free = [layout.boxes[node.id] for node in layout.graph.nodes if node.shape not in ATTACHED]
        for place, box in enumerate(free):
            for other in free[place + 1 :]:
                apart = box.right < other.x or other.right < box.x or box.bottom < other.y or other.bottom < box.y
                assert apart, (box, other)
        for lane, below in pairwise(layout.lanes.values()):
            assert lane.bottom == below.y


def test_every_line_begins_and_ends_at_its_elements(policy: Policy) -> None:
    for flow in all_flows(policy.rules):
        layout = lay_out(build_graph(flow))
        for edge in layout.graph.edges:
            points = layout.lines[edge.id]
            for (x, y), name in ((points[0], edge.source), (points[-1], edge.target)):
                box = layout.boxes[name]
                assert box.x <= x <= box.right
                assert box.y <= y <= box.bottom
            for (x, y), (then_x, then_y) in pairwise(points):
                assert x == then_x or y == then_y


def test_the_lanes_are_the_people_who_are_asked_in_turn() -> None:
    flow = build_flow(policy_of(1, 1).rules, "squad 0", "squad 0")
    assert [stage.lane.split(":")[0] for stage in flow.stages] == ["Primary", "Secondary", "Tertiary"]
    assert [stage.wait.text for stage in flow.stages] == ["", "2 hours", "4 hours"]
    assert flow.accountable == "squad lead"


def test_the_raci_table_has_everybody_whom_a_path_reaches(root: Path) -> None:
    """Whom a step asks to act, whom it asks a question, and the order of the steps."""
    text = raci_markdown(Policy.load(root / "docs/how-to/rehearsal/checkout.policy.toml"))
    head, row = (next(line for line in text.splitlines() if part in line) for part in ("Activity", "acknowledged it"))
    letters = dict(zip(head.split(" | "), row.split(" | "), strict=True))
    assert letters["support lead"] == "R1" and letters["engineer on call"] == "R2"
    assert letters["vendor |"] == "C3 |", "asked, but nobody waits for an acknowledgement"
    assert letters["engineering manager"] == "A R4" and letters["primary"] == "–"


def test_the_raci_table_has_the_letters_of_each_severity(policy: Policy) -> None:
    text = raci_markdown(policy)
    rows = [
        line
        for line in text.split("## Roles by severity")[1].split("## ")[0].splitlines()
        if "contact the customer" in line
    ]
    assert len(rows) == len(policy.rules.severities)
    for row in rows:
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[2:-1]]
        assert sorted(cells) == ["A", "C", "R"]
    assert "<script" not in raci_html(policy)
    assert "<script" not in text


def test_the_blueprint_shows_sources_channels_and_squads(policy: Policy) -> None:
    page, drawing = blueprint_html(policy, FACTS), write_blueprint_svg(policy, FACTS)
    assert ET.fromstring(drawing).tag == f"{SVG}svg"
    for text in ("data_samples", "Channel mail (email)", "Line of visibility", "Europe/Berlin", "Front stage"):
        assert text in drawing
        assert text in page
    words = " ".join(ET.fromstring(drawing).find(f"{SVG}desc").itertext())  # type: ignore[union-attr]
    for squad in policy.rules.squads:
        assert plain_text(squad) in words
    assert "<script" not in page + drawing


def test_names_that_differ_only_in_signs_have_files_of_their_own() -> None:
    text = policy_of(2, 1).rules.model_dump(mode="json")
    squads = list(text["squads"].values())
    rules = Policy.default().rules.model_validate(
        text | {"squads": {"a b": squads[0], "a-b": squads[1]}, "routing": {"fallback": "a b"}}
    )
    names = [name for name, _ in swimlane_files(rules)]
    assert len(names) == len(set(names)) == 5


def test_the_cycle_says_what_was_expected_changed_and_replayed() -> None:
    old, new = policy_of(1, 1).rules, policy_of(1, 1).rules
    changed: dict[str, Any] = new.model_dump(mode="json")
    changed["severities"][0]["respond_hours"] = 2.0
    versions = [
        PolicyVersion("v1", None, old.model_dump(mode="json"), date(2026, 1, 1), date(2026, 1, 31), 31, 40),
        PolicyVersion(
            "v2",
            f"Faster {HOSTILE}",
            changed,
            replays=[StoredReplay(date(2026, 1, 1), date(2026, 1, 31), {"opened_per_night": 1.25, "caught": 7})],
        ),
    ]
    text = cycle_markdown(versions)
    assert "31 nights, 1 Jan 2026 to 31 Jan 2026; 40 cases opened." in text
    assert "severities\\[squad 0\\].respond_hours: 4.0 before, 2.0 now" in text
    assert "Replay of 1 Jan 2026 to 31 Jan 2026: new cases a night 1.2, events caught 7." in text
    assert "Planned: no night has used it yet." in text
    assert 'add hypothesis = "…"' in text
    assert "<script" not in text + cycle_html(versions)
    assert list(rule_changes(changed, changed)) == []


def test_the_cycle_judges_what_is_beyond_chance() -> None:
    """Version b reached customers six hours faster, kept its deadlines, and saved as often as a."""
    opened = datetime.fromisoformat("2026-01-01T08:00")
    cases = []
    for number in range(80):
        late = number % 2 == 0
        reached = opened + timedelta(days=not late, hours=10 if late else 4)
        cases.append(
            CaseTimeline(
                *(f"c{number}", f"u{number}", "care", None, "high", "a" if late else "b"),
                *(opened + timedelta(days=not late), reached, reached, opened + timedelta(days=3)),
                *("saved" if number % 4 < 2 else "lost", "8 hours", "72 hours", late, False, 0, 0, 0),
            )
        )
    (pair,) = measure_paths(cases, {}, opened + timedelta(days=30)).comparisons
    nights = (date(2026, 1, 2), date(2026, 1, 9), 8, 40)
    text = cycle_markdown([PolicyVersion("b", "Faster", None, *nights, group=pair.after, comparison=pair)])
    assert "| Time to contact | 10 h (10 to 10 h) | 4 h (4 to 4 h) | −6 h (−6 to −6 h) |" in text
    assert "Better beyond chance: time to accept, time to contact, time to resolve, response deadline missed." in text
    assert "Not decided: resolution deadline missed, returned, saved, of those saved or lost." in text
    assert "Worse" not in text


def test_texts_are_safe_and_fit() -> None:
    assert "\u202e" not in plain_text(HOSTILE)
    assert plain_text("a\x00b\x1f\nc") == "a\ufffdb\ufffd c"
    assert xml_text('<a href="x">') == "&lt;a href=&quot;x&quot;&gt;"
    assert markdown_cell("a|b <c>") == "a\\|b &lt;c&gt;"
    assert break_lines("one two three", 50, 2) == ["one two", "three"]
    assert break_lines("one two three four five", 50, 2) == ["one two", "three f…"] or break_lines(
        "one two three four five", 50, 2
    )[-1].endswith("…")
    assert all(len(line) <= 7 for line in break_lines("averyveryverylongword", 50, 9))
    assert file_name("swimlane", "Ünit A/B", "../..") == "swimlane-nit-a-b-x"
