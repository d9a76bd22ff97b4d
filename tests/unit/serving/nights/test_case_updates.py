"""What a night does with cases that are open: alarms, live figures, closures and settlements."""

from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import func, select
from support.nights.night_factory import (
    NIGHT,
    NOW,
    flag_of,
    live_of,
    names,
    next_night,
    open_cases,
    record_of,
    run,
    simple_decision,
)

from models.contracts import Reason
from serving.cases.cases import Cases
from serving.cases.outcomes import outcomes
from serving.cases.permissions import Actor, Role
from serving.contracts import Flag, Lane
from serving.night_report.report_schema import NightReport
from serving.nights.case_updates import case_id
from serving.nights.night_lease import Night
from serving.nights.record_night import record_night
from serving.policy.state.case_status import Closure, ClosureCode, ClosureOutcome, Settlement
from serving.policy.state.queue_state import Decision, RaiseCode, RaisedAgain, RaiseReason
from serving.store import Store
from serving.store.exchange import HealthAdjustment, Message
from serving.store.queries.case_queries import case_history
from serving.store.queries.night_queries import count_open, night_report, open_queue, queue_state
from serving.store.queries.queue_queries import QueueFilter, list_cases
from serving.store.queries.results.weekly_queries import closed_cases, sum_outcomes
from serving.store.tables import Case, CaseEvent

ANN = Actor("ann", Role.REVIEWER, frozenset({"north"}))
LEA = Actor("lea", Role.LEAD, frozenset({"north"}))
CASE = case_id("a000000", "churn", NIGHT)
SECOND, SECOND_NOW = next_night()
CANCELLED = RaiseReason(RaiseCode.ALARM, "normal", "high", 0.6, None, ("cancellation",))


def case_of(store: Store, name: str = CASE) -> Case:
    return Cases(store).get(name, LEA)


def last_event(store: Store, name: str = CASE) -> CaseEvent:
    with store.reading() as session:
        return case_history(session, name)[-1]


def night(store: Store, accounts: int = 1, **parts: object) -> NightReport:
    """Record the second night with these parts of a decision; its report."""
    run(store, record_of(names(accounts), Decision(SECOND, "p1", **parts)), SECOND_NOW)  # type: ignore[arg-type]
    with store.reading() as session:
        report = night_report(session, SECOND)
    assert report is not None
    return report


def closure(outcome: ClosureOutcome, code: ClosureCode, rule: str = "") -> Closure:
    return Closure(CASE, "a000000", outcome, code, SECOND - timedelta(days=1), rule)


def leaving(**changes: object) -> Flag:
    """The flag of an account whose last contract ends."""
    fields = {"severity": "high", "alarms": ("cancellation", "risk:churn"), "lane": Lane.LEAVING}
    ends = {"ends_on": SECOND + timedelta(days=9), "at_stake": 4000.0, "probabilities": {}}
    return flag_of("a000000", 1, SECOND, **{**fields, **ends, **changes})


def test_a_new_case_has_the_alarms_and_figures_of_its_flag(store: Store) -> None:
    open_cases(store, 1)
    case = case_of(store)
    assert {code: row.raised_on for code, row in case.alarms.items()} == {"risk:churn": NIGHT}
    assert (case.lane, case.live_on, case.priority, case.revenue) == ("at_risk", NIGHT, 999.0, 1000.0)


def test_a_new_alarm_raises_the_case_announces_it_and_moves_it_to_its_lane(store: Store) -> None:
    open_cases(store, 1)
    night(store, raised_again=(RaisedAgain(CASE, leaving(), CANCELLED),))
    case, event = case_of(store), last_event(store)
    assert {code: row.raised_on for code, row in case.alarms.items()} == {"cancellation": SECOND, "risk:churn": NIGHT}
    assert (case.lane, case.severity, case.probability, case.at_stake) == ("leaving", "high", None, 4000.0)
    assert (event.kind, event.comment) == ("raised", "New alarm: the customer has cancelled.")
    assert event.after["alarms"] == ["cancellation"]
    with store.reading() as session:
        kinds = list(session.scalars(select(Message.kind).order_by(Message.created_at, Message.kind)))
        assert kinds == ["case.opened", "case.raised"]


def test_figures_change_without_a_version_and_without_a_record(store: Store) -> None:
    open_cases(store, 1)
    night(store, live=(live_of(CASE, "a000000", probabilities={"escalation": 0.3}),))
    case = case_of(store)
    assert (case.priority, case.revenue, case.live_on, case.version) == (2000.0, 6000.0, SECOND, 1)
    assert (case.probability, case.probabilities, case.raised_on) == (0.6, {"escalation": 0.3}, NIGHT)
    assert last_event(store).kind == "opened"


@pytest.mark.parametrize(
    ("strength", "changes", "shown"),
    [
        (0.1, {}, "2 tickets"),
        (0.1, {"lane": Lane.LEAVING}, None),
        (0.1, {"alarms": ("risk:churn", "trigger:pays_late")}, None),
        (0.9, {"lane": Lane.LEAVING, "alarms": ("trigger:pays_late",)}, "2 tickets"),
    ],
)
def test_a_hint_of_tonight_does_not_hide_a_cancellation_or_a_trigger(
    store: Store, strength: float, changes: dict[str, object], shown: str | None
) -> None:
    open_cases(store, 1)
    reason = Reason("support", "tickets_opened_90d", strength, "2 tickets", weak=False)
    night(store, live=(live_of(CASE, "a000000", first_reason=reason, **changes),))
    assert case_of(store).first_reason == shown


def test_unknown_figures_are_unknown_and_keep_the_place_in_the_queue(store: Store) -> None:
    open_cases(store, 1)
    night(store, live=(live_of(CASE, "a000000", probabilities={}, priority=None, revenue=None, status=None),))
    case = case_of(store)
    assert (case.priority, case.revenue, case.contract_status, case.probabilities) == (999.0, None, None, {})


def test_the_queue_is_ordered_by_the_figures_of_tonight(store: Store) -> None:
    accounts = open_cases(store, 3)
    ids = [case_id(account, "churn", NIGHT) for account in accounts]
    tonight = (10.0, 30.0, 20.0)
    rows = [
        live_of(name, account, priority=value, probabilities={"churn": value / 100})
        for name, account, value in zip(ids, accounts, tonight, strict=True)
    ]
    night(store, 3, live=tuple(rows))
    chosen = QueueFilter(squads=None, person="", night=SECOND)
    with store.reading() as session:
        for sort in ("priority", "churn"):
            assert [row.case.id for row in list_cases(session, chosen, sort=sort, page=1)] == [ids[1], ids[2], ids[0]]
        assert [case.case_id for case in open_queue(session)] == [ids[1], ids[2], ids[0]]
        assert [case.case_id for case in open_queue(session, 2)] == [ids[1], ids[2]]
        assert count_open(session) == 3
    assert Cases(store, clock=lambda: NOW).take_next(None, LEA).id == ids[1]  # type: ignore[union-attr]


def test_a_resolved_case_is_marked_once_and_the_mark_can_end(store: Store) -> None:
    open_cases(store, 1)
    mark = {"resolved": ClosureCode.RENEWED, "resolved_on": SECOND, "closes_on": SECOND + timedelta(days=3)}
    report = night(store, live=(live_of(CASE, "a000000", **mark),))
    event = last_event(store)
    assert (report.cases.resolved, event.kind) == (1, "updated")
    assert event.comment == "The contract was renewed; the case closes on 5 Mar 2026."
    third, now = next_night(SECOND)
    same = Decision(third, "p1", live=(live_of(CASE, "a000000", **mark),))
    run(store, record_of(names(1), same), now)
    assert last_event(store).id == event.id
    fourth, now = next_night(third)
    run(store, record_of(names(1), Decision(fourth, "p1", live=(live_of(CASE, "a000000"),))), now)
    assert (case_of(store).resolved, last_event(store).comment) == (None, "The cause of the case is back.")


def test_an_alarm_that_ended_is_no_longer_part_of_the_case(store: Store) -> None:
    run(store, record_of(names(1), Decision(NIGHT, "p1", flags=(flag_of("a000000", alarms=("cancellation",)),))))
    night(store, live=(live_of(CASE, "a000000", ended_alarms=("cancellation",)),))
    assert case_of(store).alarms == {}
    assert last_event(store).comment == "No longer true: the customer has cancelled."


@pytest.mark.parametrize(
    ("outcome", "code", "state", "text"),
    [
        (ClosureOutcome.LOST, ClosureCode.LEFT, "lost", "The contract ended on 1 Mar 2026."),
        (ClosureOutcome.LOST, ClosureCode.PART_ENDED, "lost", "The part of the contract ended on 1 Mar 2026."),
        (ClosureOutcome.NO_ACTION, ClosureCode.EXCLUDED, "no_action", "The policy excludes the account: trials."),
        (ClosureOutcome.SAVED, ClosureCode.WITHDRAWN, "saved", "The cancellation was withdrawn (since 1 Mar 2026)."),
        (ClosureOutcome.EXPIRED, ClosureCode.RISK_FALLEN, "expired", None),
    ],
)
def test_the_night_closes_a_case_with_date_and_reason(
    store: Store, outcome: ClosureOutcome, code: ClosureCode, state: str, text: str | None
) -> None:
    open_cases(store, 1)
    report = night(store, closures=(closure(outcome, code, "trials"),))
    case, event = case_of(store), last_event(store)
    assert (case.state, case.closed_at, case.closure, case.closure_on) == (state, SECOND_NOW, code, NIGHT)
    assert (case.respond_by, case.resolve_by, case.resolved) == (None, None, None)
    assert text is None or event.comment == text
    assert report.cases.closed == {code: 1}
    assert report.cases.expired == (state == "expired")
    with store.reading() as session:
        assert session.scalars(select(Message.kind)).all().count("case.closed") == 1
        assert session.scalar(select(func.count()).select_from(HealthAdjustment)) == 0


def test_a_snoozed_case_is_closed_too(store: Store) -> None:
    open_cases(store, 1)
    Cases(store, clock=lambda: NOW).snooze(CASE, ANN, until=NIGHT + timedelta(days=20), reason="holidays")
    night(store, closures=(closure(ClosureOutcome.LOST, ClosureCode.LEFT),))
    case = case_of(store)
    assert (case.state, case.snoozed_until, case.settled_on) == ("lost", None, NIGHT)


def test_a_case_that_was_claimed_while_the_night_ran_does_not_expire(store: Store) -> None:
    open_cases(store, 1)
    Cases(store, clock=lambda: NOW).claim(CASE, ANN)
    report = night(store, closures=(closure(ClosureOutcome.EXPIRED, ClosureCode.RISK_FALLEN),))
    assert (case_of(store).state, report.cases.closed) == ("claimed", {})


def test_a_claimed_case_that_nobody_acted_on_expires_and_saves_nothing(store: Store) -> None:
    open_cases(store, 1)
    Cases(store, clock=lambda: NOW).claim(CASE, ANN)
    row = closure(ClosureOutcome.EXPIRED, ClosureCode.RISK_FALLEN)._replace(state="claimed")
    report = night(store, closures=(row,))
    case = case_of(store)
    assert (case.state, case.outcome_amount, report.cases.expired) == ("expired", None, 1)
    rows = outcomes(store).to_pylist()
    assert {row["action"] for row in rows} <= {"selected"}
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(HealthAdjustment)) == 0
        sums = sum_outcomes(closed_cases(session, NOW, SECOND_NOW + timedelta(days=1), None), "EUR")
    assert (sums.closed, sums.saved, dict(sums.money_saved)) == (1, 0, {})


def test_a_contact_or_a_plan_that_stays_is_an_act_whoever_has_the_case(store: Store) -> None:
    open_cases(store, 1)
    cases = Cases(store, clock=lambda: NOW)

    def acted_on() -> bool:
        with store.reading() as session:
            (case,) = queue_state(session, SECOND).open_cases
        return case.acted_on

    cases.claim(CASE, ANN)
    assert not acted_on()
    cases.plan(CASE, ANN, plan="A call every week.")
    assert acted_on()
    cases.undo(CASE, ANN)
    assert not acted_on()
    cases.plan(CASE, ANN, plan="A call every week.")
    cases.release(CASE, ANN, reason="I am away.")
    assert (case_of(store).state, acted_on()) == ("new", True)


def test_a_case_that_somebody_closed_meanwhile_keeps_its_outcome(store: Store) -> None:
    open_cases(store, 1)
    cases = Cases(store, clock=lambda: NOW)
    cases.claim(CASE, ANN)
    cases.resolve(CASE, ANN, verdict="saved", comment="They stay.")
    night(
        store,
        closures=(closure(ClosureOutcome.LOST, ClosureCode.LEFT),),
        live=(live_of(CASE, "a000000"),),
        raised_again=(RaisedAgain(CASE, leaving(), CANCELLED),),
    )
    assert (case_of(store).state, case_of(store).live_on) == ("saved", NIGHT)


def test_a_lost_case_is_settled_once_and_tells_the_policy(store: Store) -> None:
    open_cases(store, 1)
    cases = Cases(store, clock=lambda: NOW)
    cases.claim(CASE, ANN)
    cases.resolve(CASE, ANN, verdict="lost")
    with store.reading() as session:
        (closed,) = queue_state(session, SECOND).cooldowns
    assert (closed.case_id, closed.state, closed.alarms, closed.settled) == (CASE, "lost", ("risk:churn",), False)
    settlement = Settlement(CASE, "a000000", SECOND)
    assert night(store, settlements=(settlement, settlement)).cases.settled == 1
    assert (case_of(store).settled_on, last_event(store).kind) == (SECOND, "settled")
    with store.reading() as session:
        assert queue_state(session, SECOND).cooldowns[0].settled


def test_an_account_keeps_its_first_unit_of_the_hold_out(store: Store) -> None:
    units = {"a000000": ("group", "enterprise")}
    run(store, record_of(names(1), Decision(NIGHT, "p1", holdout_units=units)))
    with store.reading() as session:
        assert queue_state(session, SECOND).holdout_units == units


def test_the_policy_reads_alarms_and_marks_of_open_cases(store: Store) -> None:
    open_cases(store, 1)
    mark = {"resolved": ClosureCode.CONTINUED, "resolved_on": SECOND, "ends_on": SECOND}
    night(store, live=(live_of(CASE, "a000000", **mark),))
    with store.reading() as session:
        (case,) = queue_state(session, SECOND + timedelta(days=1)).open_cases
    assert (case.alarms, case.resolved, case.resolved_on) == (("risk:churn",), ClosureCode.CONTINUED, SECOND)
    assert (case.ends_on, case.probability) == (SECOND, 0.6)


def test_a_renewal_that_is_overdue_lies_in_the_past(store: Store) -> None:
    record = record_of(names(2), simple_decision(names(2)))
    overdue = record.accounts.append_column("renewal_overdue_days", [[3.0, None]])
    run(store, type(record)(**{**vars(record), "accounts": overdue}))
    with store.reading() as session:
        dates = [case.renews_on for case in session.scalars(select(Case).order_by(Case.account_id))]
    assert dates == [NIGHT - timedelta(days=3), NIGHT + timedelta(days=1)]


def test_a_recorded_night_is_not_recorded_again(store: Store) -> None:
    open_cases(store, 1)
    record = record_of(names(1), Decision(SECOND, "p1", live=(live_of(CASE, "a000000", lane=Lane.LEAVING),)))
    run(store, record, SECOND_NOW)
    before = last_event(store).id
    assert record_night(store, Night(SECOND, "again", 1), record, now=datetime.combine(SECOND, time(6))).already
    assert last_event(store).id == before
