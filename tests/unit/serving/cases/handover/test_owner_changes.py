"""A case gets another person or none: what was done stays, a missed deadline too, and nobody who is away gets it."""

from datetime import date, timedelta

import pytest
from support.nights.night_factory import Clock
from support.nights.people_factory import ANSWERS, open_people_cases, person

from serving.cases.absence.absence_entries import enter_absence
from serving.cases.cases import Cases
from serving.cases.permissions import Role
from serving.cases.sla_timers import run_timers
from serving.store import Store
from serving.store.case_states import State
from serving.store.queries.case_queries import case_history

ANN, BOB, DAN, LEA = person("ann"), person("bob"), person("dan"), person("lea", Role.LEAD)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cases(store: Store, clock: Clock) -> Cases:
    return Cases(store, clock=clock)


@pytest.fixture
def case(store: Store) -> str:
    return open_people_cases(store)[0]


def planned(cases: Cases, case: str) -> None:
    cases.claim(case, ANN)
    cases.contact(case, ANN)
    cases.plan(case, ANN, plan="weekly call")


def test_contact_and_plan_stay_when_the_case_is_given_back_and_claimed(cases: Cases, case: str) -> None:
    planned(cases, case)
    back = cases.release(case, ANN, reason="on holiday")
    assert (back.state, back.responded_at is not None) == (State.NEW, True)
    assert cases.claim(case, BOB).state == State.IN_PLAN
    assert cases.undo(case, BOB).state == State.NEW
    assert cases.assign(case, LEA, person="ann").state == State.IN_PLAN


def test_contact_and_plan_stay_when_the_case_is_handed_over_and_accepted_or_returned(
    cases: Cases, case: str, clock: Clock
) -> None:
    planned(cases, case)
    moved = cases.hand_over(case, ANN, squad="south", reason="theirs", answers=ANSWERS)
    assert moved.respond_by == clock.now + timedelta(hours=24), "somebody has to answer"
    back = cases.return_to_sender(case, DAN, reason="not ours")
    assert (back.state, back.owner, back.respond_by, back.path_due) == (State.IN_PLAN, "ann", None, None)
    cases.hand_over(case, ANN, squad="south", reason="theirs", answers=ANSWERS)
    accepted = cases.accept(case, DAN)
    assert (accepted.state, accepted.owner, accepted.respond_by) == (State.IN_PLAN, "dan", None)
    assert cases.undo(case, DAN).respond_by is not None


def test_a_plan_that_was_undone_or_is_of_before_a_reopening_does_not_count(cases: Cases, case: str) -> None:
    planned(cases, case)
    cases.undo(case, ANN)
    cases.release(case, ANN, reason="x")
    assert cases.claim(case, BOB).state == State.CONTACTED
    cases.plan(case, BOB, plan="y")
    cases.resolve(case, BOB, verdict="no_action", comment="z")
    cases.reopen(case, ANN, reason="again")
    cases.release(case, ANN, reason="x")
    assert cases.claim(case, BOB).state == State.CONTACTED


def test_a_case_that_is_given_back_goes_to_somebody_who_is_there(cases: Cases, case: str, clock: Clock) -> None:
    cases.claim(case, BOB)
    enter_absence(cases.store, ANN, "ann", date(2026, 3, 1), date(2026, 3, 9), now=clock.now)
    back = cases.release(case, BOB, reason="too many")
    assert (back.owner, back.responsible) == (None, "cid")
    assert back.escalation_path == ["cid", "bob"], "who gave it back is the last"
    with cases.store.reading() as session:
        event = case_history(session, case)[-1]
    assert (event.comment, event.after["notes"]) == (
        "too many",
        ["Ann Ames is absent (back on 10 Mar 2026) and was skipped."],
    )


@pytest.mark.parametrize("missed", [True, False])
def test_a_return_does_not_forgive_a_missed_deadline(cases: Cases, case: str, clock: Clock, missed: bool) -> None:
    first = cases.claim(case, ANN).respond_by
    clock.now += timedelta(hours=30 if missed else 3)
    run_timers(cases.store, now=clock.now)
    owner = cases.get(case, LEA).owner
    cases.hand_over(case, person(str(owner)), squad="south", reason="theirs", answers=ANSWERS)
    clock.now += timedelta(hours=2)
    back = cases.return_to_sender(case, DAN, reason="not ours")
    assert back.respond_by == (first if missed else clock.now + timedelta(hours=24))
    assert (back.respond_breached_at is not None) == missed


def test_the_record_names_who_was_responsible_before_a_claim(cases: Cases, case: str) -> None:
    assert cases.get(case, BOB).responsible == "ann"
    cases.claim(case, BOB)
    with cases.store.reading() as session:
        assert case_history(session, case)[-1].after["replaced"] == "ann"
    cases.release(case, BOB, reason="x")
    taken = cases.take_next("north", ANN)
    assert taken is not None and taken.owner == "ann"
    with cases.store.reading() as session:
        assert "replaced" not in case_history(session, case)[-1].after
