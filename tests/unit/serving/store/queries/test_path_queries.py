"""The metrics of a queue that people worked, by hand: what was undone does not count, squads are separate."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from support.nights.night_factory import NIGHT, NOW, flag_of, names, record_of, run

from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.cases.sla_timers import run_timers
from serving.contracts import RoutingCode, RoutingReason
from serving.nights.case_updates import case_id
from serving.path_metrics.path_report import PathReport
from serving.policy.state.queue_state import Decision
from serving.store import Store
from serving.store.policy_tables import PolicyVersionRow
from serving.store.queries.path_queries import path_report, recent_path_report
from serving.store.tables import Account, NightRow, Squad

ANN = Actor("ann", Role.REVIEWER, frozenset({"north", "south"}))
IDS = [case_id(name, "churn", NIGHT) for name in names(4)]
OFFICE = {"timezone": "UTC", "hours": ["mon-fri 09:00-17:00"], "holidays": None, "closed": []}


def at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


@pytest.fixture
def worked(store: Store) -> Store:
    """Four cases of Sunday 05:00: reached after 30 h, resolved and reopened, undone, untouched."""
    routing = RoutingReason(RoutingCode.REASON, skill="adoption", subject="usage")
    flags = tuple(flag_of(name, rank + 1, severity="high", routing=routing) for rank, name in enumerate(names(4)))
    run(store, record_of(names(4), Decision(NIGHT, "p1", flags=flags), channels=()))
    clock = [NOW]
    cases = Cases(store, clock=lambda: clock[0])
    clock[0] = at(1)
    cases.claim(IDS[0], ANN)
    cases.claim(IDS[2], ANN)
    cases.undo(IDS[2], ANN)
    run_timers(store, now=at(5))  # the response was due after 4 hours
    clock[0] = at(30)
    cases.contact(IDS[0], ANN)
    cases.claim(IDS[1], ANN)
    cases.contact(IDS[1], ANN)
    clock[0] = at(31)
    cases.resolve(IDS[1], ANN, verdict="saved", comment="They stay.")
    clock[0] = at(40)
    cases.resolve(IDS[0], ANN, verdict="lost")
    cases.reopen(IDS[0], Actor("lea", Role.LEAD, frozenset({"north"})), reason="a mistake")
    cases.hand_over(IDS[3], ANN, squad="south", reason="theirs")
    return store


def report(store: Store, squads: frozenset[str] | None = None) -> PathReport:
    with store.reading() as session:
        return path_report(session, at(50), squads)


def test_the_figures_of_a_queue_by_hand(worked: Store) -> None:
    whole = report(worked).groups[0]
    assert (whole.cases, whole.units) == (4, 4)
    times = {name: (time.reached, time.median.value) for name, time in whole.times.items()}
    # accepted after 1 and 30 hours, the undone claim is none: two of four were never accepted
    assert times["accept"] == (2, 30)
    assert times["contact"] == (2, 30)
    assert times["resolve"] == (1, float("inf"))  # the lost case was opened again
    counted = {name: (share.hits, share.cases) for name, share in whole.shares.items()}
    assert counted["response_breached"] == (4, 4)
    assert counted["saved"] == (1, 1)
    assert counted["resolution_breached"] == (2, 4)  # the two that are open after their 48 hours


def test_a_squad_sees_its_own_figures(worked: Store) -> None:
    assert report(worked, frozenset({"south"})).groups[0].cases == 1
    assert [group.name for group in report(worked).of("squad")] == ["north", "south"]
    assert [group.name for group in report(worked).of("skill")] == ["adoption"]
    assert [group.name for group in report(worked).of("policy_version")] == ["p1"]
    assert report(worked, frozenset()).groups == []


def test_times_are_working_time_where_the_squad_has_a_calendar(worked: Store) -> None:
    """Sunday 05:00 until Monday 11:00 is two working hours."""
    with worked.transaction() as session:
        session.get_one(Squad, "north").calendar = OFFICE
    north, south = report(worked).of("squad")
    assert (north.working_time, south.working_time) == (True, False)
    assert north.times["contact"].median.value == pytest.approx(2)


def test_accounts_of_one_group_are_one_unit(worked: Store) -> None:
    with worked.transaction() as session:
        for name in names(3):
            session.get_one(Account, name).parent_id = "holding"
    assert report(worked).groups[0].units == 2


def test_the_reporting_view_has_instants_hours_and_counts(worked: Store) -> None:
    with worked.reading() as session:
        rows = {row.case_id: row for row in session.execute(text("SELECT * FROM path_report"))}
    assert rows[IDS[1]].hours_to_accept == rows[IDS[1]].hours_to_contact == 30
    assert (rows[IDS[1]].hours_to_resolve, rows[IDS[1]].outcome) == (31, "saved")
    assert rows[IDS[2]].hours_to_accept is None
    assert [rows[name].response_breached for name in IDS] == [1, 1, 1, 1]
    assert [rows[name].hand_overs for name in IDS] == [0, 0, 0, 1]
    assert {row.policy_version for row in rows.values()} == {"p1"}


def test_the_report_of_a_page_follows_the_record(worked: Store) -> None:
    with worked.reading() as session:
        first = recent_path_report(session, at(50), None, 26)
        assert recent_path_report(session, at(50.2), None, 26) is first
    Cases(worked, clock=lambda: at(51)).claim(IDS[2], ANN)
    with worked.reading() as session:
        assert recent_path_report(session, at(51.1), None, 26).groups[0].times["accept"].reached == 3


def test_a_night_stores_the_policy_that_decided_it(worked: Store) -> None:
    with worked.reading() as session:
        assert session.get_one(NightRow, NIGHT).policy_version == "p1"
        stored = session.get_one(PolicyVersionRow, "p1")
        assert (stored.first_night, stored.last_night, stored.hypothesis) == (NIGHT, NIGHT, None)
        assert stored.rules
        assert stored.rules["squads"]["north"]["members"] == ["ann", "bob", "cid"]
