"""Escalation paths as the timers execute them: the rules that users of on-call tools rely on."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from support.nights.night_factory import names, record_of, run
from support.nights.path_world import CASE, LEAD, OPENED, PathWorld, absence_of, rules_text

from serving.cases.case_errors import IllegalActionError
from serving.cases.permissions import Actor, Role
from serving.policy.definition.policy_file import Policy
from serving.policy.state.queue_state import Decision
from serving.store import Store

ANN = Actor("ann", Role.REVIEWER, frozenset({"support"}))
EVE = Actor("eve", Role.REVIEWER, frozenset({"engineering"}))

PEOPLE = """
[people.ann]
addresses = { mail = "ann@team.example" }
timezone = "Europe/Berlin"
[people.bob]
addresses = { mail = "bob@team.example", chat = "UBOB12345" }
timezone = "America/New_York"
[people.cid]
[people.eve]
addresses = { mail = "eve@team.example" }
[people.fay]
[people.lia]
addresses = { mail = "lia@team.example" }
[people.max]
title = "Max Meier"
addresses = { mail = "max@team.example" }

[roles]
"support lead" = "lia"
"engineer on call" = "engineering"
"engineering manager" = "max"
"""

P2 = """
[[paths.p2]]
to = "support lead"

[[paths.p2]]
to = "engineer on call"
after = "30 minutes"
repeat = { count = 2, every = "10 minutes" }

[[paths.p2]]
to = "engineering manager"
after = "1 hour"

[[paths.p2]]
to = "noc@vendor.example"
after = "1 hour"
message = "Please help with {account} by {deadline}."
"""
USE = 'path = "p2"'

Open = Callable[..., PathWorld]


@pytest.fixture
def world(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Open]:
    worlds: list[PathWorld] = []

    def build(more: str, severity: str = USE, **parts: object) -> PathWorld:
        worlds.append(PathWorld.open(migrated_sqlite, tmp_path, rules_text(more, severity), **parts))  # type: ignore[arg-type]
        return worlds[-1]

    yield build
    for built in worlds:
        built.close()


def step_messages(world: PathWorld) -> list[tuple[timedelta, str, str]]:
    return [(sent.at - OPENED, sent.person, sent.channel) for sent in world.sent(steps=True)]


def test_the_path_of_the_guide(world: Open) -> None:
    """P2, four hours: support lead, engineer on call, engineering manager, and a vendor."""
    case = world(PEOPLE + P2)
    case.run_until(case.after(hours=24))
    minutes = [(length.total_seconds() / 60, person) for length, person, _ in step_messages(case)]
    assert minutes == [(0, "lia"), (30, "eve"), (40, "eve"), (50, "eve"), (90, "max"), (150, "noc@vendor.example")]
    assert case.case().responsible == "max"
    vendor = case.sent(steps=True)[-1]
    assert (vendor.row.recipient, vendor.channel) == ("noc@vendor.example", "mail")
    assert "Please help with Ünit a000000 by Fri 2 Jan 2026, 10:00 (UTC)." in vendor.text
    assert "rescue.example" not in vendor.text


def test_acknowledging_stops_the_path_and_makes_responsible(world: Open) -> None:
    case = world(PEOPLE + P2)
    case.run_until(case.after(minutes=35))
    case.cases.acknowledge(CASE, EVE)  # eve is in another squad: the path has reached her
    case.run_until(case.after(hours=24))
    assert [person for _, person, _ in step_messages(case)] == ["lia", "eve"]
    assert (case.case().responsible, case.case().acknowledged_by) == ("eve", "eve")
    with pytest.raises(IllegalActionError, match="acknowledged already, by eve"):
        case.cases.acknowledge(CASE, LEAD)
    assert [event.kind for event in case.history()] == ["opened", "escalated", "acknowledge", "breached"]


def test_a_step_that_only_informs_is_sent_after_an_acknowledgement_too(world: Open) -> None:
    informing = P2.replace(
        'to = "engineering manager"\nafter = "1 hour"',
        'to = "engineering manager"\nafter = "1 hour"\nacknowledge = false',
    )
    case = world(PEOPLE + informing)
    case.now = case.after(minutes=10)
    case.cases.acknowledge(CASE, LEAD)
    case.run_until(case.after(hours=24))
    assert step_messages(case)[1:] == [(timedelta(minutes=90), "max", "mail")]
    assert case.case().responsible == "lia"


def test_contact_stops_the_path_and_its_undoing_starts_it_again(world: Open) -> None:
    case = world(PEOPLE + P2)
    case.now = case.after(minutes=5)
    case.cases.claim(CASE, ANN)
    case.cases.contact(CASE, ANN)
    case.run_until(case.after(minutes=10))
    assert case.case().path_due is None
    case.cases.undo(CASE, ANN)
    case.run_until(case.after(minutes=45))
    assert [person for _, person, _ in step_messages(case)] == ["lia", "eve", "eve"]


def test_an_empty_step_is_skipped_at_once_and_recorded(world: Open) -> None:
    away = (date(2026, 1, 1), date(2026, 1, 5))
    case = world(PEOPLE + P2, absent={"eve": away, "fay": away})
    case.run_until(case.after(hours=1))
    assert step_messages(case) == [(timedelta(0), "lia", "mail"), (timedelta(minutes=30), "max", "mail")]
    (event,) = [event for event in case.history() if event.kind == "escalated"]
    assert event.comment == (
        "No contact in time: Max Meier is responsible now. Step 2 of the path p2 was skipped. "
        "eve is absent (back on 6 Jan 2026) and was left out. fay is absent (back on 6 Jan 2026) and was left out."
    )


def test_the_next_on_duty_steps_in_for_somebody_disabled(world: Open) -> None:
    case = world(PEOPLE + P2, disabled=("eve",))
    case.run_until(case.after(minutes=31))
    assert case.case().responsible == "fay"  # who has no address: responsible, and no message
    assert step_messages(case) == [(timedelta(0), "lia", "mail")]


def test_each_step_has_its_full_time_after_an_outage(world: Open) -> None:
    case = world(PEOPLE + P2)
    case.tick(case.after(hours=3))  # every step was due
    case.run_until(case.after(hours=3, minutes=59))
    assert step_messages(case)[1:] == [
        (timedelta(hours=3), "eve", "mail"),
        (timedelta(hours=3, minutes=10), "eve", "mail"),
        (timedelta(hours=3, minutes=20), "eve", "mail"),
    ]
    case.tick(case.after(hours=4))
    assert step_messages(case)[-1] == (timedelta(hours=4), "max", "mail")


def test_repetitions_that_were_missed_are_one(world: Open) -> None:
    case = world(PEOPLE + P2)
    case.tick(case.after(minutes=30))
    assert case.tick(case.after(minutes=55)).repeated == (CASE,)
    assert case.tick(case.after(minutes=55)).repeated == ()
    assert [person for _, person, _ in step_messages(case)] == ["lia", "eve", "eve"]


def test_a_repetition_to_nobody_is_recorded_and_the_path_goes_on(world: Open) -> None:
    absent = {name: (date(2026, 1, 2), date(2026, 1, 2)) for name in ("eve",)}
    case = world(PEOPLE + P2.replace('to = "engineer on call"', 'to = "eve"'))
    case.run_until(case.after(minutes=31))
    with case.store.transaction() as session:
        session.add(absence_of("eve", *absent["eve"]))
    case.run_until(case.after(minutes=91))
    assert [person for _, person, _ in step_messages(case)] == ["lia", "eve", "max"]
    texts = [event.comment for event in case.history() if event.kind == "path_repeated"]
    assert texts == ["Step 2 of the path p2 was not sent again: nobody can act at the moment."] * 2


def test_nobody_is_escalated_to_themselves(world: Open) -> None:
    case = world(PEOPLE + P2)
    case.now = case.after(minutes=1)
    case.cases.claim(CASE, Actor("eve", Role.ADMIN))
    case.run_until(case.after(minutes=31))
    assert step_messages(case)[1:] == [(timedelta(minutes=30), "max", "mail")]
    assert "eve is responsible already." in (case.history()[-1].comment or "")


def test_handing_over_restarts_the_path_and_a_new_owner_does_not(world: Open) -> None:
    tiers = '[[paths.p2]]\nto = "primary"\n[[paths.p2]]\nto = "secondary"\nafter = "1 hour"\n'
    case = world(PEOPLE + tiers)
    case.now = case.after(minutes=10)
    case.cases.claim(CASE, ANN)
    case.cases.acknowledge(CASE, ANN)
    case.cases.assign(CASE, LEAD, person="cid")
    assert case.case().acknowledged_by == "ann"
    case.run_until(case.after(hours=5))
    assert [person for _, person, _ in step_messages(case)] == ["ann"]
    case.cases.hand_over(CASE, LEAD, squad="engineering", reason="it is a defect")
    assert (case.case().responsible, case.case().acknowledged_at) == ("eve", None)
    case.run_until(case.after(hours=5, minutes=59))
    assert case.case().responsible == "eve"
    case.run_until(case.after(hours=6))
    assert case.case().responsible == "fay"


def test_a_snooze_holds_the_path(world: Open) -> None:
    case = world(PEOPLE + P2)
    case.now = case.after(minutes=10)
    case.cases.snooze(CASE, LEAD, until=date(2026, 1, 3), reason="they are away")
    case.run_until(case.after(days=1))
    midnight = datetime.fromisoformat("2026-01-03")
    assert [sent.at for sent in case.sent(steps=True)][:2] == [OPENED, midnight + timedelta(minutes=20)]


def test_a_path_goes_on_with_another_one(world: Open) -> None:
    more = '[[paths.p2]]\nto = "primary"\nthen = "top"\n[[paths.top]]\nto = "engineering manager"\nafter = "2 hours"\n'
    case = world(PEOPLE + more)
    case.run_until(case.after(hours=3))
    assert step_messages(case) == [(timedelta(0), "ann", "mail"), (timedelta(hours=2), "max", "mail")]


def test_the_shorthand_is_a_path_of_the_tiers(world: Open) -> None:
    case = world(PEOPLE, severity="escalate_after_hours = [1, 3]")
    case.run_until(case.after(hours=4))
    assert [
        (event.at - OPENED, event.after.get("path_step")) for event in case.history() if event.kind == "escalated"
    ] == [
        (timedelta(hours=1), 1),
        (timedelta(hours=3), 2),
    ]
    assert case.case().responsible == "cid"


def test_the_time_of_the_next_step_is_stored_with_each_change(world: Open) -> None:
    case = world(PEOPLE + P2)
    assert case.case().path_due == case.after(minutes=30)
    case.cases.acknowledge(CASE, LEAD)
    assert case.case().path_due is None


def test_a_changed_path_applies_to_open_cases_from_the_next_night_on(world: Open) -> None:
    case = world(PEOPLE + P2)
    faster = Policy.parse(rules_text(PEOPLE + P2.replace("30 minutes", "5 minutes"), USE)).rules
    record = record_of(names(1), Decision(date(2026, 1, 3), "p2"), channels=())
    case.now = case.after(minutes=10)
    run(case.store, replace(record, rules=faster), case.now)
    case.tick()
    assert [person for _, person, _ in step_messages(case)] == ["lia", "eve"]


def test_many_open_cases_need_no_look_up_each(store: Store) -> None:
    """The number of statements of a run does not depend on the number of cases that are not due."""
    from sqlalchemy import event
    from support.nights.night_factory import NOW, open_cases

    from serving.cases.sla_timers import run_timers

    statements: list[str] = []
    counts = []
    open_cases(store, 300)
    event.listen(store.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    for hours in (1, 2):
        statements.clear()
        run_timers(store, now=NOW + timedelta(hours=hours))
        counts.append(len(statements))
    assert max(counts) <= 12
