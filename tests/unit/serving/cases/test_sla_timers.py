"""SLA timers: waking, escalation to the next tier, breached deadlines."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from support.nights.night_factory import NIGHT, NOW, flag_of, names, record_of, run

from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.cases.sla_timers import TimerReport, run_timers, snooze_case, start_timers, wake_by_alarm
from serving.nights.case_updates import case_id
from serving.paths.calendars import WorkingCalendar
from serving.policy.state.queue_state import Decision
from serving.store import Store
from serving.store.exchange import Message
from serving.store.people_tables import User
from serving.store.queries.case_queries import case_history
from serving.store.tables import Case, Squad

ANN = Actor("ann", Role.REVIEWER, frozenset({"north"}))
CASE = case_id("a000000", "churn", NIGHT)


BOB = Actor("bob", Role.REVIEWER, frozenset({"north"}))
LEA = Actor("lea", Role.LEAD, frozenset({"north"}))


def disable(store: Store, person: str) -> None:
    """A user of that name who cannot sign in any more."""
    with store.transaction() as session:
        session.add(User(name=person, password=None, roles=[], squads=[], created_at=NOW, disabled_at=NOW))


def hours(count: float) -> datetime:
    return NOW + timedelta(hours=count)


@pytest.fixture
def cases(store: Store) -> Cases:
    """One severe case: respond in 4 hours, resolve in 48, escalate after 8 and 16."""
    flag = flag_of("a000000", severity="high")
    run(store, record_of(names(1), Decision(NIGHT, "p1", flags=(flag,)), channels=()))
    return Cases(store, clock=lambda: NOW)


def test_the_secondary_then_the_tertiary_owner_takes_over(cases: Cases) -> None:
    cases.claim(CASE, ANN)
    assert run_timers(cases.store, now=hours(7.9)).escalated == ()
    assert run_timers(cases.store, now=hours(8), channels=("hook",)).escalated == (CASE,)
    assert cases.get(CASE, ANN).owner == "bob"
    assert run_timers(cases.store, now=hours(8)).escalated == ()
    assert run_timers(cases.store, now=hours(15.9)).escalated == ()
    assert run_timers(cases.store, now=hours(16)).escalated == (CASE,)
    assert (cases.get(CASE, ANN).owner, cases.get(CASE, ANN).tier) == ("cid", 2)
    assert run_timers(cases.store, now=hours(999)).escalated == ()
    with cases.store.reading() as session:
        assert [message.kind for message in session.scalars(select(Message))] == ["case.escalated"]


def test_an_unclaimed_case_stays_unclaimed_and_the_next_is_responsible(cases: Cases) -> None:
    run_timers(cases.store, now=hours(8))
    case = cases.get(CASE, ANN)
    assert (case.state, case.owner, case.responsible) == ("new", None, "bob")


def test_each_tier_has_its_full_time_after_an_outage_of_the_timers(cases: Cases) -> None:
    """Both tiers were due during the 60 hours; the secondary has 8 hours from when the case reaches them."""
    cases.claim(CASE, ANN)
    assert run_timers(cases.store, now=hours(60)).escalated == (CASE,)
    assert cases.get(CASE, ANN).owner == "bob"
    assert run_timers(cases.store, now=hours(67.9)).escalated == ()
    assert run_timers(cases.store, now=hours(68)).escalated == (CASE,)
    assert cases.get(CASE, ANN).owner == "cid"


def test_a_snooze_moves_the_time_of_a_tier_too(cases: Cases) -> None:
    run_timers(cases.store, now=hours(60))
    late = Cases(cases.store, clock=lambda: hours(61))
    until = NIGHT + timedelta(days=10)
    late.snooze(CASE, ANN, until=until, reason="they close the year")
    morning = datetime.combine(until, datetime.min.time())
    assert run_timers(cases.store, now=morning).woken == (CASE,)
    assert run_timers(cases.store, now=morning + timedelta(hours=6.9)).escalated == ()
    assert run_timers(cases.store, now=morning + timedelta(hours=7)).escalated == (CASE,)


def test_another_squad_has_its_full_time(cases: Cases) -> None:
    later = Cases(cases.store, clock=lambda: hours(7))
    later.hand_over(CASE, ANN, squad="south", reason="it is theirs")
    assert run_timers(cases.store, now=hours(14.9)).escalated == ()
    assert run_timers(cases.store, now=hours(15)).escalated == (CASE,)


def test_a_disabled_person_is_left_out_and_recorded(cases: Cases) -> None:
    cases.claim(CASE, ANN)
    disable(cases.store, "bob")
    assert run_timers(cases.store, now=hours(8)).escalated == (CASE,)
    case = cases.get(CASE, ANN)
    assert (case.owner, case.tier, case.escalation_path) == ("cid", 1, ["ann", "cid"])
    with cases.store.reading() as session:
        (escalated,) = [event for event in case_history(session, CASE) if event.kind == "escalated"]
    assert escalated.comment == "No contact in time: cid is responsible now. bob is disabled and was left out."
    assert run_timers(cases.store, now=hours(999)).escalated == ()


def test_nobody_is_escalated_to_themselves(cases: Cases) -> None:
    Cases(cases.store, clock=lambda: NOW).claim(CASE, BOB)
    run_timers(cases.store, now=hours(8))
    case = cases.get(CASE, ANN)
    assert (case.owner, case.escalation_path) == ("cid", ["ann", "cid"])


def test_a_case_without_anybody_left_stays_and_says_so_once(cases: Cases) -> None:
    cases.claim(CASE, ANN)
    for person in ("bob", "cid"):
        disable(cases.store, person)
    assert run_timers(cases.store, now=hours(8)).escalated == (CASE,)
    assert run_timers(cases.store, now=hours(99)).escalated == ()
    assert cases.get(CASE, ANN).owner == "ann"
    with cases.store.reading() as session:
        said = [event.comment or "" for event in case_history(session, CASE) if event.kind == "escalated"]
    assert said == [
        "No contact in time, and there is nobody else to escalate to. bob is disabled and was left out. "
        "cid is disabled and was left out."
    ]


def test_a_new_case_does_not_wait_for_a_disabled_person(store: Store) -> None:
    disable(store, "ann")
    run(store, record_of(names(1), Decision(NIGHT, "p1", flags=(flag_of("a000000"),)), channels=()))
    case = Cases(store).get(CASE, LEA)
    assert (case.responsible, case.escalation_path) == ("bob", ["bob", "cid"])


def test_a_contacted_case_does_not_escalate(cases: Cases) -> None:
    cases.claim(CASE, ANN)
    cases.contact(CASE, ANN)
    assert run_timers(cases.store, now=hours(40)).escalated == ()


def test_each_deadline_is_breached_once(cases: Cases) -> None:
    assert run_timers(cases.store, now=hours(4)).breached == (CASE,)
    assert run_timers(cases.store, now=hours(5)).breached == ()
    assert run_timers(cases.store, now=hours(48)).breached == (CASE,)
    assert run_timers(cases.store, now=hours(500)).breached == ()
    case = cases.get(CASE, ANN)
    assert (case.respond_breached_at, case.resolve_breached_at) == (hours(4), hours(48))
    with cases.store.reading() as session:
        assert [event.kind for event in case_history(session, CASE)].count("breached") == 2


def test_a_snoozed_case_breaches_nothing_and_wakes_on_its_day(cases: Cases) -> None:
    until = NIGHT + timedelta(days=10)
    cases.snooze(CASE, ANN, until=until, reason="they close the year")
    assert run_timers(cases.store, now=hours(200)).breached == ()
    morning = datetime.combine(until, datetime.min.time())
    assert run_timers(cases.store, now=morning - timedelta(seconds=1)).woken == ()
    assert run_timers(cases.store, now=morning).woken == (CASE,)
    case = cases.get(CASE, ANN)
    assert (case.state, case.snoozed_until) == ("new", None)
    assert case.respond_by == morning + timedelta(hours=4)


def test_a_closed_case_has_no_deadlines(cases: Cases) -> None:
    cases.claim(CASE, ANN)
    cases.resolve(CASE, ANN, verdict="saved", comment="They stay.")
    assert run_timers(cases.store, now=hours(999)).breached == ()
    with cases.store.reading() as session:
        case = session.scalars(select(Case)).one()
    assert (case.respond_by, case.resolve_by) == (None, None)


def test_an_escalation_and_a_breach_are_on_the_record_and_sent(cases: Cases) -> None:
    cases.claim(CASE, ANN)
    run_timers(cases.store, now=hours(8), channels=("hook",))
    with cases.store.reading() as session:
        changes = [(event.kind, event.actor) for event in case_history(session, CASE)]
        messages = sorted(message.kind for message in session.scalars(select(Message)))
    assert changes[2:] == [("escalated", "rescue"), ("breached", "rescue")]
    assert messages == ["case.breached", "case.escalated"]


def test_a_tier_without_hours_does_not_escalate(cases: Cases) -> None:
    with cases.store.transaction() as session:
        session.scalars(select(Case)).one().escalate_after = ["8 hours"]
    assert run_timers(cases.store, now=hours(8)).escalated == (CASE,)
    assert run_timers(cases.store, now=hours(99)).escalated == ()


def test_working_hours_count_by_the_calendar_of_the_squad(store: Store) -> None:
    """The case is opened on Saturday at 02:30 in Berlin; work begins on Monday at 09:00."""
    berlin = WorkingCalendar.checked("Europe/Berlin", ["mon-fri 09:00-17:00"])
    saturday = datetime.fromisoformat("2026-06-06T00:30")
    run(store, record_of(names(1), Decision(NIGHT, "p1", flags=(flag_of("a000000", severity="high"),)), channels=()))
    with store.transaction() as session:
        session.get_one(Squad, "north").calendar = berlin.to_json()
        case = session.scalars(select(Case)).one()
        case.respond_within, case.resolve_within = "4 working hours", "3 working days"
        case.escalate_after = ["8 working hours", "16 working hours"]
        start_timers(case, saturday, berlin)
    late = Cases(store, clock=lambda: saturday)
    case = late.get(CASE, ANN)
    assert case.respond_by == datetime.fromisoformat("2026-06-08T11:00")  # Monday 13:00 in Berlin
    assert case.resolve_by == datetime.fromisoformat("2026-06-11T07:00")  # Thursday 09:00
    assert run_timers(store, now=datetime.fromisoformat("2026-06-08T10:59")) == TimerReport()
    assert run_timers(store, now=datetime.fromisoformat("2026-06-08T11:00")).breached == (CASE,)
    assert run_timers(store, now=datetime.fromisoformat("2026-06-08T14:59")).escalated == ()
    assert run_timers(store, now=datetime.fromisoformat("2026-06-08T15:00")).escalated == (CASE,)  # Monday 17:00
    assert run_timers(store, now=datetime.fromisoformat("2026-06-09T14:59")).escalated == ()
    assert run_timers(store, now=datetime.fromisoformat("2026-06-09T15:00")).escalated == (CASE,)  # Tuesday 17:00
    assert late.get(CASE, ANN).responsible == "cid"


def test_working_time_that_was_left_begins_at_the_end_of_a_snooze(store: Store) -> None:
    """Snoozed on Monday at 11:00, when two of the four hours have passed, until a Saturday."""
    berlin = WorkingCalendar.checked("Europe/Berlin", ["mon-fri 09:00-17:30"])
    monday = datetime.fromisoformat("2026-06-08T06:30")  # 08:30 in Berlin
    run(store, record_of(names(1), Decision(NIGHT, "p1", flags=(flag_of("a000000", severity="high"),)), channels=()))
    with store.transaction() as session:
        session.get_one(Squad, "north").calendar = berlin.to_json()
        case = session.scalars(select(Case)).one()
        case.respond_within, case.resolve_within = "4 working hours", "48 hours"
        start_timers(case, monday, berlin)
    eleven = Cases(store, clock=lambda: monday + timedelta(hours=2.5))
    case = eleven.snooze(CASE, ANN, until=date(2026, 6, 13), reason="they are away")
    assert case.respond_by == datetime.fromisoformat("2026-06-15T09:00")  # the Monday after, 11:00 in Berlin
    assert case.resolve_by == datetime.fromisoformat("2026-06-14T21:30")  # 45.5 hours of the clock were left


def test_a_deadline_that_was_missed_before_a_snooze_stays_missed() -> None:
    berlin = WorkingCalendar.checked("Europe/Berlin", ["mon-fri 09:00-17:30"])
    case = Case(state="new", tier_since=NOW, respond_by=NOW, resolve_by=None, respond_within="4 working hours")
    snooze_case(case, NIGHT + timedelta(days=1), hours(1), berlin)
    assert case.respond_by == hours(18)


def test_a_new_alarm_wakes_a_case_with_a_full_time_to_respond_by_the_calendar() -> None:
    """The deadline was missed before the snooze; the alarm comes on a Sunday night, and work begins on Monday."""
    berlin = WorkingCalendar.checked("Europe/Berlin", ["mon-fri 09:00-17:30"])
    friday, sunday = datetime.fromisoformat("2026-06-05T12:00"), datetime.fromisoformat("2026-06-07T01:05")
    case = Case(state="claimed", tier_since=friday, resolve_by=None, respond_within="4 working hours")
    case.respond_by = case.respond_breached_at = friday - timedelta(hours=24)
    snooze_case(case, date(2026, 6, 8), friday, berlin)
    wake_by_alarm(case, sunday, berlin)
    assert (case.state, case.snoozed_until, case.respond_breached_at) == ("claimed", None, None)
    assert case.respond_by == datetime.fromisoformat("2026-06-08T11:00")  # Monday 13:00 in Berlin
