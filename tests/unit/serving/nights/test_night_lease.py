"""A night: who may run it, the rows that it writes, and its changes of cases that people have worked on."""

import random
from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa
import pytest
from sqlalchemy import select
from support.nights.night_factory import (
    NIGHT,
    NOW,
    RULES,
    flag_of,
    names,
    next_night,
    open_cases,
    record_of,
    run,
    simple_decision,
    take,
)

from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.night_report.report_schema import CaseChanges
from serving.nights.account_risks import CURVES
from serving.nights.case_updates import case_id
from serving.nights.night_lease import (
    LEASE,
    LateNightError,
    Night,
    NightHeldError,
    RecordedNight,
    StaleNightError,
    abandon_night,
    begin_night,
    missing_nights,
    refuse_late_run,
    renew_lease,
)
from serving.nights.record_night import NightRecord, record_night
from serving.policy.state.queue_state import Decision, RaiseCode, RaisedAgain, RaiseReason, Streak
from serving.store import Store
from serving.store.decision_tables import StreakRow
from serving.store.exchange import Message
from serving.store.queries.case_queries import case_history
from serving.store.queries.night_queries import night_report
from serving.store.tables import Account, AccountRisk, Case, FrozenHandoff, Member, NightRow, Score

ANN = Actor("ann", Role.REVIEWER, frozenset({"north"}))
CASE = case_id("a000000", "churn", NIGHT)
ROSE = RaiseReason(RaiseCode.PROBABILITY, "high", "high", 0.6, 0.9)


def only_case(store: Store) -> Case:
    with store.reading() as session:
        return session.scalars(select(Case)).one()


def test_a_night_is_held_by_one_run_until_its_lease_is_over(store: Store) -> None:
    assert begin_night(store, NIGHT, "one", now=NOW) == Night(NIGHT, "one", 1)
    with pytest.raises(NightHeldError, match=f"run by one: wait for it.*start at {NOW + LEASE:%H:%M:%S} UTC"):
        begin_night(store, NIGHT, "two", now=NOW)
    assert begin_night(store, NIGHT, "two", now=NOW + LEASE) == Night(NIGHT, "two", 2)


def test_a_run_that_was_replaced_may_neither_renew_nor_record(store: Store) -> None:
    first = take(store)
    second = begin_night(store, NIGHT, "two", now=NOW + LEASE)
    assert isinstance(second, Night)
    record = record_of(names(1), simple_decision(names(1)))
    for act in (lambda: renew_lease(store, first), lambda: abandon_night(store, first, "x")):
        with pytest.raises(StaleNightError, match="nothing of this run was written"):
            act()
    with pytest.raises(StaleNightError):
        record_night(store, first, record, now=NOW)
    assert not record_night(store, second, record, now=NOW).already


def test_a_renewed_lease_lasts(store: Store) -> None:
    night = take(store)
    renew_lease(store, night, now=NOW + LEASE)
    with pytest.raises(NightHeldError):
        begin_night(store, NIGHT, "two", now=NOW + LEASE)


def test_a_failed_night_is_free_at_once(store: Store) -> None:
    abandon_night(store, take(store), "the source was truncated")
    assert begin_night(store, NIGHT, "two", now=NOW) == Night(NIGHT, "two", 2)


def test_the_past_is_not_written_over_the_present(store: Store) -> None:
    open_cases(store, 1)
    with pytest.raises(LateNightError, match="rescue replay"):
        begin_night(store, NIGHT - timedelta(days=1), "late", now=NOW)
    with pytest.raises(LateNightError, match="rescue replay"):
        refuse_late_run(store, NIGHT - timedelta(days=1))
    refuse_late_run(store, NIGHT)
    refuse_late_run(store, NIGHT + timedelta(days=1))


def test_a_night_that_was_overtaken_while_it_ran_is_refused(store: Store) -> None:
    early = take(store, NIGHT)
    run(store, record_of(names(1), simple_decision(names(1), NIGHT + timedelta(days=1))))
    with pytest.raises(LateNightError):
        record_night(store, early, record_of(names(1), simple_decision(names(1))), now=NOW)


def test_missing_nights_are_those_after_the_newest_recorded_one(store: Store) -> None:
    assert missing_nights(store, NIGHT, limit=7) == [NIGHT]
    open_cases(store, 1)
    begin_night(store, NIGHT + timedelta(days=1), "dies", now=NOW)
    assert missing_nights(store, date(2026, 3, 4), limit=7) == [date(2026, 3, day) for day in (2, 3, 4)]
    assert missing_nights(store, date(2026, 3, 4), limit=2) == [date(2026, 3, 3), date(2026, 3, 4)]
    assert missing_nights(store, NIGHT, limit=7) == []
    assert missing_nights(store, date(2026, 3, 4), limit=0) == []


def test_the_rows_that_a_night_writes(store: Store) -> None:
    ids = names(30)
    record = record_of(ids, simple_decision(ids[:2], streaks=(Streak("a000003", "churn", 2, 0, False),)))
    run(store, record)
    with store.reading() as session:
        scores = {(row.account_id, row.risk): row for row in session.scalars(select(Score))}
        account = session.get_one(Account, "a000001")
        cases = list(session.scalars(select(Case).order_by(Case.rank)))
        frozen = session.scalars(select(FrozenHandoff).order_by(FrozenHandoff.id)).first()
        messages = list(session.scalars(select(Message)))
        streak = session.scalars(select(StreakRow)).one()
        night, report = session.get_one(NightRow, NIGHT), night_report(session, NIGHT)
        path = list(session.scalars(select(Member.person).where(Member.squad == "north").order_by(Member.position)))
    expected = record.scores.to_pylist()
    assert {key: row.probability for key, row in scores.items()} == {
        (row["account_id"], row["risk"]): row["probability"] for row in expected
    }
    assert (scores["a000000", "churn"].quality, scores["a000001", "churn"].quality) == (
        "usage_daily is 9 days old",
        None,
    )
    assert (account.name, account.renews_on, account.search) == (
        "Ünit a000001",
        NIGHT + timedelta(days=1),
        "ünit a000001 a000001",
    )
    assert [(case.account_id, case.state, case.rank, case.version) for case in cases] == [
        ("a000000", "new", 1, 1),
        ("a000001", "new", 2, 1),
    ]
    assert cases[0].responsible == "ann"
    assert frozen is not None
    assert frozen.content == record.handoffs["a000000", "churn"].content
    assert len({message.id for message in messages}) == 2
    assert (streak.above, streak.inside) == (2, False)
    assert night.status == "recorded"
    assert report is not None
    assert report.cases == CaseChanges(opened=2, raised_again=0, expired=0)
    assert [case.account_id for case in report.queue] == ["a000000", "a000001"]
    assert night.report == report.to_json()
    assert path == list(RULES.squads["north"].members)


def test_curves_are_computed_beside_the_writing_and_without_them_nothing_is_written(store: Store) -> None:
    record, night = record_of(names(3), simple_decision(names(1))), take(store)

    def broken() -> pa.Table:
        raise ValueError("no curve")

    with pytest.raises(ValueError, match="no curve"):
        record_night(store, night, replace(record, curves=broken), now=NOW)
    with store.reading() as session:
        assert session.scalars(select(Score)).first() is session.scalars(select(Case)).first() is None
    curves = pa.table([["a000001"], ["churn"], ["[[30, 0.1]]"]], schema=CURVES)
    record_night(store, night, replace(record, curves=lambda: curves), now=NOW)
    with store.reading() as session:
        shown = session.execute(select(AccountRisk.account_id, AccountRisk.curve).where(AccountRisk.risk == "churn"))
        assert dict(shown.tuples().all()) == {"a000000": None, "a000001": "[[30, 0.1]]", "a000002": None}


def test_the_hash_does_not_see_the_order_of_rows_but_every_value() -> None:
    ids = names(50)
    record = record_of(ids, simple_decision(ids[:3], streaks=tuple(Streak(n, "churn", 1, 0, False) for n in ids)))
    shuffled = list(range(record.scores.num_rows))
    random.Random(7).shuffle(shuffled)
    turned = tuple(reversed(record.decision.streaks))
    decision = Decision(NIGHT, "p1", flags=record.decision.flags, streaks=turned)
    other = NightRecord(decision, RULES, record.scores.take(pa.array(shuffled)), record.accounts, record.handoffs)
    assert other.content_hash() == record.content_hash()
    changed = record.scores.set_column(3, "probability", pa.array([0.5] * record.scores.num_rows))
    assert (
        NightRecord(decision, RULES, changed, record.accounts, record.handoffs).content_hash() != other.content_hash()
    )


def test_a_worse_account_is_raised_in_its_case_and_wakes_it(store: Store) -> None:
    open_cases(store, 1)
    Cases(store, clock=lambda: NOW).snooze(CASE, ANN, until=NIGHT + timedelta(days=20), reason="holidays")
    as_of, now = next_night()
    flag = flag_of("a000000", 1, as_of, severity="high", probabilities={"churn": 0.9})
    run(store, record_of(names(1), Decision(as_of, "p1", raised_again=(RaisedAgain(CASE, flag, ROSE),))), now)
    case = only_case(store)
    assert (case.state, case.raises, case.severity, case.probability) == ("new", 1, "high", 0.9)
    assert case.resolve_by == now + timedelta(hours=48)
    with store.reading() as session:
        handoffs = list(session.scalars(select(FrozenHandoff.as_of).order_by(FrozenHandoff.id)))
        last = case_history(session, CASE)[-1]
    assert handoffs == [NIGHT, as_of]
    assert (last.kind, last.comment, last.before["state"]) == ("raised", "Probability rose from 60% to 90%.", "snoozed")


def test_a_case_that_was_closed_while_the_night_ran_stays_closed(store: Store) -> None:
    open_cases(store, 1)
    cases = Cases(store, clock=lambda: NOW)
    cases.claim(CASE, ANN)
    cases.resolve(CASE, ANN, verdict="saved", comment="They stay.")
    as_of, now = next_night()
    again = RaisedAgain(CASE, flag_of("a000000", 1, as_of), ROSE)
    run(store, record_of(names(1), Decision(as_of, "p1", raised_again=(again,))), now)
    assert (only_case(store).state, only_case(store).raises) == ("saved", 0)


def test_a_flag_for_an_account_that_has_an_open_case_opens_no_second(store: Store) -> None:
    open_cases(store, 1)
    as_of, now = next_night()
    run(store, record_of(names(1), simple_decision(names(1), as_of)), now)
    assert only_case(store).raises == 1


def test_an_empty_night_is_a_night(store: Store) -> None:
    done = run(store, record_of([], Decision(NIGHT, "p1")))
    assert begin_night(store, NIGHT, "again", now=NOW) == RecordedNight(NIGHT, done.content_hash, already=True)
