"""SLA timers: waking, escalation to the next tier, breached deadlines."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from support.nights.night_factory import NIGHT, NOW, flag_of, names, record_of, run

from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.cases.sla_timers import run_timers
from serving.nights.case_updates import case_id
from serving.policy.decision.queue_state import Decision
from serving.store import Store
from serving.store.case_queries import case_history
from serving.store.exchange import Message
from serving.store.tables import Case

ANN = Actor("ann", Role.REVIEWER, frozenset({"north"}))
CASE = case_id("a000000", "churn", NIGHT)


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
    assert run_timers(cases.store, now=hours(99)).escalated == (CASE,)
    assert (cases.get(CASE, ANN).owner, cases.get(CASE, ANN).tier) == ("cid", 2)
    assert run_timers(cases.store, now=hours(999)).escalated == ()
    with cases.store.reading() as session:
        assert [message.kind for message in session.scalars(select(Message))] == ["case.escalated"]


def test_an_unclaimed_case_stays_unclaimed_and_the_next_is_responsible(cases: Cases) -> None:
    run_timers(cases.store, now=hours(16))
    case = cases.get(CASE, ANN)
    assert (case.state, case.owner, case.responsible) == ("new", None, "cid")


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
    cases.resolve(CASE, ANN, verdict="saved")
    assert run_timers(cases.store, now=hours(999)).breached == ()
    with cases.store.reading() as session:
        case = session.scalars(select(Case)).one()
    assert (case.respond_by, case.resolve_by) == (None, None)
