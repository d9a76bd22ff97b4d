"""What a message about an escalation says: who is responsible, since which wait, and what a message of a step asks."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from support.nights.night_factory import flag_of, names, record_of, run
from support.nights.path_world import CASE, LEAD, NIGHT, PathWorld, rules_text

from serving.cases.escalation.path_context import responsible_of
from serving.paths.directory import Directory, Reader, ReaderKind
from serving.paths.durations import Duration
from serving.paths.message_text import Occasion, compose_message
from serving.paths.path_plan import plan_path
from serving.paths.path_progress import PathState, advance, next_due
from serving.paths.path_steps import EscalationPath, PathStep
from serving.paths.protocol import Party, ProtocolEvent
from serving.paths.subjects import Subject
from serving.policy.definition.policy_file import Policy
from serving.policy.state.queue_state import Decision
from serving.store.tables import Case

NOON = datetime.fromisoformat("2026-03-02T12:00")
OUTAGE = Subject(
    id="inc_1",
    title="Outage",
    squad="support",
    severity="P2",
    opened_at=NOON,
    kind="incident",
    responsible="paula",
    titles={"paula": "Paula Berg", "tom": "Tom Baker"},
)
PAULA = Reader("paula", ReaderKind.PERSON, (), "UTC", "Paula Berg")
LIA = Reader("lia", ReaderKind.PERSON, (), "UTC", "Lia Lang")
VENDOR = Reader("noc@vendor.example", ReaderKind.OUTSIDE, (), "UTC")
MOVED = Occasion(ProtocolEvent.ESCALATED, at=NOON, moved=True, waited="step 1 had 15 minutes")


@pytest.mark.parametrize(
    ("subject", "reader", "occasion", "first"),
    [
        (OUTAGE, PAULA, MOVED, "yet (step 1 had 15 minutes), so you are responsible now."),
        (OUTAGE, LIA, MOVED._replace(party=Party.ACCOUNTABLE), "so Paula Berg is responsible now."),
        (OUTAGE, LIA, MOVED._replace(moved=False, waited=""), "Outage yet; Paula Berg is responsible."),
        (replace(OUTAGE, responsible=None), LIA, MOVED._replace(moved=False), "and nobody is responsible."),
        (replace(OUTAGE, acknowledged_by="tom"), VENDOR, MOVED._replace(moved=False), "Tom Baker has acknowledged"),
    ],
)
def test_an_escalation_names_who_is_responsible(
    subject: Subject, reader: Reader, occasion: Occasion, first: str
) -> None:
    text = compose_message(subject, reader, occasion).text
    assert first in text
    assert ("Nobody has acknowledged Outage yet" in text) == (subject.acknowledged_by is None)
    assert "paula" not in text


@pytest.mark.parametrize("message", ["Please help with {account}.", "{account} is down. What to do: {request}"])
def test_the_message_of_a_step_that_only_informs_says_what_to_do(message: str) -> None:
    text = compose_message(OUTAGE, VENDOR, MOVED._replace(acknowledge=False, template=message)).text
    assert "nothing" not in text and "please help" in text.lower()


def test_a_reminder_begins_with_a_capital_letter() -> None:
    assert compose_message(OUTAGE, PAULA, MOVED).subject == "Outage: Escalated"
    assert compose_message(OUTAGE, PAULA, MOVED._replace(repeat=1)).subject == "Outage: Reminder: escalated"


STEPS = """
[people.ann]
addresses = { mail = "ann@team.example" }
[people.bob]
addresses = { mail = "bob@team.example" }
[people.cid]
[people.eve]
[people.fay]
[people.lia]
[[paths.p]]
to = "ann"
[[paths.p]]
to = "bob"
after = "1 hour"
[[paths.p]]
to = "bob"
after = "1 hour"
repeat = { count = 3, every = "10 minutes" }
"""


def test_a_step_that_was_never_sent_is_not_sent_again(migrated_sqlite: Path, tmp_path: Path) -> None:
    """The last step is for somebody who is responsible already; a case that is reopened has not sent its first step."""
    world = PathWorld.open(migrated_sqlite, tmp_path, rules_text(STEPS, "path = 'p'"))
    try:
        world.run_until(world.after(hours=20))
        assert [sent.person for sent in world.sent(steps=True)] == ["ann", "bob"]
        assert "(step 1 had 1 hour), so you are responsible now" in world.sent(steps=True)[-1].text
    finally:
        world.close()


def test_a_case_that_is_reopened_repeats_no_step(migrated_sqlite: Path, tmp_path: Path) -> None:
    first = STEPS.replace('to = "ann"\n', 'to = "ann"\nrepeat = { count = 3, every = "10 minutes" }\n', 1)
    world = PathWorld.open(migrated_sqlite, tmp_path, rules_text(first, "path = 'p'"))
    try:
        world.cases.claim(CASE, LEAD)
        world.cases.resolve(CASE, LEAD, verdict="saved", comment="They stay.")
        world.cases.reopen(CASE, LEAD, reason="x")
        world.run_until(world.after(minutes=50))
        assert [sent.person for sent in world.sent(steps=True)] == ["ann"]
    finally:
        world.close()


LOAD = """
[squads.engineering.duty]
rotation = "load"
[people.ann]
[people.bob]
[people.cid]
[people.eve]
[people.fay]
[[paths.p]]
to = "ann"
[[paths.p]]
to = "engineering"
after = "1 hour"
"""


def test_cases_of_one_run_are_shared_by_load(migrated_sqlite: Path, tmp_path: Path) -> None:
    """Four cases escalate to a squad at once: two for each person, and none counts for the person before."""
    world = PathWorld.open(migrated_sqlite, tmp_path, rules_text(LOAD, "path = 'p'"))
    try:
        day = NIGHT + timedelta(days=1)
        flags = tuple(flag_of(f"a00000{number}", as_of=day, squad="support", severity="normal") for number in (1, 2, 3))
        record = record_of(names(4), Decision(day, "p1", flags=flags), channels=())
        run(world.store, replace(record, rules=world.rules), world.after(hours=24))
        world.tick(world.after(hours=26))
        with world.store.reading() as session:
            people = sorted(responsible_of(case) or "" for case in session.scalars(select(Case)))
        assert people == ["eve", "eve", "fay", "fay"]
    finally:
        world.close()


@pytest.mark.parametrize("acknowledged_after", [0, 10, 20, 50])
def test_an_acknowledgement_does_not_move_a_step_that_informs(acknowledged_after: int) -> None:
    """The vendor is told 75 minutes after the opening: 15, 30 and 30 minutes after the steps before."""
    waits = [None, *(Duration(minutes / 60) for minutes in (15, 30, 30))]
    people = ("ann", "bob", "cid", "noc@vendor.example")
    steps = tuple(PathStep((who,), after, acknowledge="@" not in who) for who, after in zip(people, waits, strict=True))
    path, directory = EscalationPath("p", steps), Directory(Policy.parse(rules_text(STEPS, "path = 'p'")).rules.roster)
    state, at = PathState(since=NOON), NOON
    while (at := next_due(path, state, None) or NOON) <= NOON + timedelta(minutes=acknowledged_after):
        state = advance(path, state, replace(OUTAGE, responsible=state.responsible), directory, None, at).state
    told = list(plan_path(path, replace(state, acknowledged=True), OUTAGE, directory, None))
    assert [(row.at - NOON, row.sent.readers[0].name) for row in told if row.sent] == [
        (timedelta(minutes=75), "noc@vendor.example")
    ]
