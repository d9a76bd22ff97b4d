"""Open cases of people whom the policy does not list are given to who is on duty, and only when somebody asks."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from support.nights.night_factory import NOW, flag_of, names, open_cases, record_of, run
from support.nights.people_factory import people_rules

from serving.cases.absence.away_people import cases_of_unlisted_people
from serving.cases.absence.reassignment import reassign_unknown
from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.policy.state.queue_state import Decision
from serving.store import Store
from serving.store.queries.case_queries import case_history
from serving.store.tables import Case

ADMIN = Actor("ada", Role.ADMIN)
LATER = NOW + timedelta(days=1, hours=3)


@pytest.fixture
def renamed(store: Store) -> Store:
    """A queue of three cases from before the policy had people; then `ann` and `dan` are not in it any more."""
    open_cases(store, 3)
    with store.transaction() as session:
        first = session.scalars(select(Case.id).order_by(Case.id)).first()
    assert first is not None
    Cases(store, clock=lambda: NOW + timedelta(hours=1)).claim(first, Actor("ann", Role.REVIEWER, frozenset({"north"})))
    rules = people_rules(
        people={"bob": {}, "cid": {}, "eve": {}, "pat": {}},
        calendars={},
        roles={},
        forms={},
        squads={
            "north": {"skills": ["churn"], "members": ["bob", "cid"], "capacity": 1000},
            "south": {"skills": ["escalation"], "members": ["eve"], "capacity": 1000},
        },
    )
    night = (NOW + timedelta(days=1)).date()
    record = record_of(names(4), Decision(as_of=night, policy_version="p2", flags=(flag_of(names(4)[3], 1, night),)))
    run(store, type(record)(**{**vars(record), "rules": rules}), NOW + timedelta(days=1))
    return store


def responsible(store: Store) -> dict[str, tuple[str | None, str | None, str]]:
    with store.reading() as session:
        return {case.id: (case.responsible, case.owner, case.state) for case in session.scalars(select(Case))}


def test_a_dry_run_says_what_would_happen_and_changes_nothing(renamed: Store) -> None:
    before = responsible(renamed)
    moved = reassign_unknown(renamed, ADMIN, now=LATER, dry_run=True)
    assert {case.before for case in moved} == {"ann"}
    assert {case.person for case in moved} == {"bob"}
    assert responsible(renamed) == before


def test_owned_cases_get_another_owner_and_others_another_person_to_ask(renamed: Store) -> None:
    before = responsible(renamed)
    moved = reassign_unknown(renamed, ADMIN, now=LATER)
    after = responsible(renamed)
    assert len(moved) == 3
    for case in moved:
        was, now = before[case.case_id], after[case.case_id]
        assert now[0] == "bob"
        assert now[1] == ("bob" if was[1] else None)
        assert now[2] == was[2]
        with renamed.reading() as session:
            event = case_history(session, case.case_id)[-1]
        assert (event.kind, event.actor) == ("reassign", "ada")
        assert event.comment == "ann is not in the policy; bob is responsible now."
    with renamed.reading() as session:
        assert cases_of_unlisted_people(session) == {}
    assert reassign_unknown(renamed, ADMIN, now=LATER) == []


def test_without_people_in_the_policy_nothing_is_moved(store: Store) -> None:
    open_cases(store, 2)
    assert reassign_unknown(store, ADMIN, now=LATER) == []
