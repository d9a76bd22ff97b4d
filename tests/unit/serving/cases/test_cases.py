"""The use cases, one by one, on both databases."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from support.nights.night_factory import NIGHT, NOW, Clock, next_night, open_cases, record_of, run, simple_decision

from features.errors import RescueError, UsageError
from serving.cases.case_errors import AlreadyOpenError, CaseNotFoundError, IllegalActionError, StaleCaseError
from serving.cases.cases import Cases
from serving.cases.permissions import Actor, NotAllowedError, Role
from serving.nights.case_updates import case_id
from serving.store import Store
from serving.store.exchange import HealthAdjustment
from serving.store.queries.case_queries import case_history
from serving.store.queries.night_queries import queue_state
from serving.store.tables import Case, CaseEvent

ANN = Actor("ann", Role.REVIEWER, frozenset({"north"}))
BOB = Actor("bob", Role.REVIEWER, frozenset({"north"}))
LEA = Actor("lea", Role.LEAD, frozenset({"north", "south"}))
DAN = Actor("dan", Role.REVIEWER, frozenset({"south"}))
CASE = case_id("a000000", "churn", NIGHT)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cases(store: Store, clock: Clock) -> Iterator[Cases]:
    open_cases(store, 3)
    return Cases(store, clock=clock)


def events(cases: Cases, case: str = CASE) -> list[CaseEvent]:
    with cases.store.reading() as session:
        return case_history(session, case)


def test_a_rescue_from_claim_to_saved_is_on_the_record(cases: Cases) -> None:
    cases.claim(CASE, ANN, 1)
    cases.contact(CASE, ANN, 2, comment="called")
    cases.plan(CASE, ANN, 3, plan="training on Tuesday")
    closed = cases.resolve(CASE, ANN, 4, verdict="saved", comment="They stay.")
    assert (closed.state, closed.version, closed.closed_at) == ("saved", 5, cases.clock())
    told = [(event.kind, event.actor, event.before.get("state"), event.after.get("state")) for event in events(cases)]
    assert told == [
        ("opened", "rescue", None, "new"),
        ("claim", "ann", "new", "claimed"),
        ("contact", "ann", "claimed", "contacted"),
        ("plan", "ann", "contacted", "in_plan"),
        ("resolve", "ann", "in_plan", "saved"),
    ]


def test_contact_stops_the_response_clock_and_only_that(cases: Cases) -> None:
    cases.claim(CASE, ANN)
    case = cases.contact(CASE, ANN)
    assert (case.respond_by, case.responded_at) == (None, cases.clock())
    assert case.resolve_by == NOW + timedelta(hours=240)


def test_a_stale_page_is_told_who_was_faster(cases: Cases) -> None:
    seen = cases.get(CASE, BOB).version
    cases.claim(CASE, ANN, seen)
    with pytest.raises(StaleCaseError, match=r"changed by ann \(claim\)") as caught:
        cases.claim(CASE, BOB, seen)
    assert caught.value.actor == "ann"
    assert len(events(cases)) == 2


def test_a_comment_makes_no_page_stale_and_blocks_no_undo(cases: Cases) -> None:
    claimed = cases.claim(CASE, ANN)
    cases.comment(CASE, BOB, text="they were acquired")
    assert cases.get(CASE, ANN).version == claimed.version
    assert cases.undo(CASE, ANN, claimed.version).state == "new"


def test_an_illegal_move_says_what_is_possible(cases: Cases) -> None:
    with pytest.raises(IllegalActionError) as refused:
        cases.resolve(CASE, ANN, verdict="saved", comment="They stay.")
    assert str(refused.value) == (
        "This cannot be done with a case in the state new; allowed: claim, assign, hand over, acknowledge, snooze. "
        f"Claim it first: on its page, or with `rescue queue claim {CASE}`."
    )
    assert len(events(cases)) == 1


def test_a_verdict_on_a_closed_case_is_refused(cases: Cases) -> None:
    cases.claim(CASE, ANN)
    cases.resolve(CASE, ANN, verdict="lost")
    with pytest.raises(IllegalActionError, match="in the state lost; allowed: reopen"):
        cases.resolve(CASE, ANN, verdict="saved", comment="They stay.")


@pytest.mark.parametrize("until", [NIGHT, NIGHT - timedelta(days=1)])
def test_a_snooze_has_to_end_after_today(cases: Cases, until: date) -> None:
    with pytest.raises(UsageError, match="choose a day after 1 Mar 2026"):
        cases.snooze(CASE, ANN, until=until, reason="holiday")


def test_a_snooze_ends_within_two_years(cases: Cases) -> None:
    with pytest.raises(UsageError, match="until 1 Jan 2036: choose a day up to 29 Feb 2028"):
        cases.snooze(CASE, ANN, until=date(2036, 1, 1), reason="holiday")


def test_a_snooze_moves_both_promises_and_returns_to_where_it_was(cases: Cases, clock: Clock) -> None:
    cases.claim(CASE, ANN)
    until = NIGHT + timedelta(days=3)
    asleep = cases.snooze(CASE, ANN, until=until, reason="they close the year")
    slept = datetime.combine(until, datetime.min.time()) - clock()
    assert (asleep.state, asleep.snoozed_until) == ("snoozed", until)
    assert asleep.respond_by == NOW + timedelta(hours=24) + slept
    awake = cases.wake(CASE, ANN)
    assert (awake.state, awake.snoozed_until) == ("claimed", None)
    assert awake.respond_by == clock() + timedelta(hours=24)


def test_another_squads_case_does_not_exist(cases: Cases) -> None:
    with pytest.raises(CaseNotFoundError) as foreign:
        cases.claim(CASE, DAN)
    with pytest.raises(CaseNotFoundError) as absent:
        cases.claim("nosuchcase", DAN)
    assert str(foreign.value).replace(CASE, "*") == str(absent.value).replace("nosuchcase", "*")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
def test_who_may_only_look_cannot_claim(cases: Cases, role: Role) -> None:
    with pytest.raises(NotAllowedError, match="does not include to work cases"):
        cases.claim(CASE, Actor("vic", role, frozenset({"north"})))


def test_a_colleagues_case_is_theirs_unless_a_lead_steps_in(cases: Cases) -> None:
    cases.claim(CASE, ANN)
    with pytest.raises(NotAllowedError, match="belongs to ann"):
        cases.contact(CASE, BOB)
    assert cases.contact(CASE, LEA).state == "contacted"


def test_a_lead_assigns_within_the_squad_only(cases: Cases) -> None:
    assert cases.assign(CASE, LEA, person="bob").state == "claimed"
    assert cases.assign(CASE, LEA, person="cid").owner == "cid"
    with pytest.raises(UsageError, match="'dan' is not in the squad north; did you mean 'ann'"):
        cases.assign(CASE, LEA, person="dan")
    with pytest.raises(NotAllowedError):
        cases.assign(CASE, ANN, person="ann")


def test_handing_over_leaves_one_squad_and_is_new_in_the_other(cases: Cases) -> None:
    cases.claim(CASE, ANN)
    case = cases.hand_over(CASE, ANN, squad="south", reason="it is an outage")
    assert (case.state, case.squad, case.owner, case.escalation_path) == ("new", "south", None, ["dan", "eve"])
    assert case.tier == 0
    with pytest.raises(CaseNotFoundError):
        cases.get(CASE, ANN)
    assert cases.claim(CASE, DAN).owner == "dan"


def test_handing_over_to_a_squad_that_is_not_there_names_the_nearest(cases: Cases) -> None:
    with pytest.raises(UsageError, match="no squad 'soth'; did you mean 'south'"):
        cases.hand_over(CASE, ANN, squad="soth", reason="outage")


def test_undo_puts_everything_back_for_a_quarter_of_an_hour(cases: Cases, clock: Clock) -> None:
    cases.claim(CASE, ANN)
    before = cases.contact(CASE, ANN)
    cases.resolve(CASE, ANN, verdict="saved", comment="They stay.")
    undone = cases.undo(CASE, ANN)
    assert (undone.state, undone.closed_at, undone.resolve_by) == ("contacted", None, before.resolve_by)
    last = events(cases)[-1]
    assert (last.kind, last.undoes) == ("undo", events(cases)[-2].id)
    with pytest.raises(IllegalActionError, match="cannot be undone"):
        cases.undo(CASE, ANN)
    cases.plan(CASE, ANN, plan="training")
    clock.now += timedelta(minutes=15)
    assert cases.undo(CASE, ANN).state == "contacted"
    cases.plan(CASE, ANN, plan="training")
    clock.now += timedelta(minutes=15, seconds=1)
    with pytest.raises(IllegalActionError, match="15 minutes"):
        cases.undo(CASE, ANN)


def test_assigning_and_releasing_can_be_undone(cases: Cases) -> None:
    cases.assign(CASE, LEA, person="ann")
    assert cases.undo(CASE, LEA).owner is None
    cases.claim(CASE, ANN)
    cases.release(CASE, ANN, reason="no time")
    assert cases.undo(CASE, ANN).owner == "ann"


def test_nobody_undoes_for_another(cases: Cases) -> None:
    cases.claim(CASE, ANN)
    with pytest.raises(IllegalActionError, match="claim by ann"):
        cases.undo(CASE, BOB)


def test_reopening_withdraws_the_verdict(cases: Cases) -> None:
    cases.claim(CASE, ANN)
    cases.resolve(CASE, ANN, verdict="saved", comment="They stay.")
    case = cases.reopen(CASE, BOB, reason="they called again")
    assert (case.state, case.owner, case.closed_at) == ("claimed", "bob", None)
    assert case.resolve_by == cases.clock() + timedelta(hours=240)
    with cases.store.reading() as session:
        entry = session.scalars(select(HealthAdjustment)).one()
    assert (entry.points, entry.author, entry.withdrawn_by) == (10.0, "ann", "bob")


def test_a_loss_by_mistake_is_reopened_by_a_lead(cases: Cases) -> None:
    cases.claim(CASE, ANN)
    cases.resolve(CASE, ANN, verdict="lost")
    with pytest.raises(NotAllowedError, match="ann may not reopen a case in the state lost: ask a lead"):
        cases.reopen(CASE, ANN, reason="they stay")
    case = cases.reopen(CASE, LEA, reason="the wrong account")
    assert (case.state, case.owner, case.closed_at, case.settled_on) == ("claimed", "lea", None, None)
    with cases.store.reading() as session:
        assert session.scalars(select(HealthAdjustment)).one().withdrawn_by == "lea"
        assert queue_state(session, NIGHT + timedelta(days=1)).cooldowns == ()


def test_an_account_has_one_open_case_a_family(cases: Cases) -> None:
    cases.claim(CASE, ANN)
    cases.resolve(CASE, ANN, verdict="no_action")
    as_of, now = next_night()
    ids = ["a000000"]
    run(cases.store, record_of(ids, simple_decision(ids, as_of)), now)
    with pytest.raises(AlreadyOpenError, match="another open case"):
        cases.reopen(CASE, ANN, reason="again")
    assert cases.get(CASE, ANN).state == "no_action"


def test_disagreeing_names_the_reason(cases: Cases) -> None:
    cases.disagree(CASE, ANN, reason="usage", comment="they moved to the API")
    last = events(cases)[-1]
    assert (last.kind, last.after, last.comment) == ("disagree", {"reason": "usage"}, "they moved to the API")


def test_the_next_case_is_the_most_urgent_new_one(cases: Cases) -> None:
    first, second = cases.take_next("north", ANN), cases.take_next("north", BOB)
    assert first is not None
    assert second is not None
    assert (first.account_id, second.account_id) == ("a000000", "a000001")
    (claim,) = events(cases)[1:]
    assert (claim.kind, claim.actor, claim.after["owner"]) == ("claim", "ann", "ann")
    assert cases.take_next("south", DAN) is None
    with pytest.raises(NotAllowedError, match="not in the squad"):
        cases.take_next("south", ANN)


def test_the_next_case_may_come_from_any_squad_of_the_person(cases: Cases) -> None:
    with cases.store.transaction() as session:
        first, second = session.scalars(select(Case).order_by(Case.priority.desc())).all()[:2]
        first.squad = "south"
    both = Actor("zoe", Role.REVIEWER, frozenset({"north", "south"}))
    assert cases.take_next(None, Actor("nobody", Role.REVIEWER, frozenset())) is None
    taken = [cases.take_next(None, BOB), cases.take_next(None, both)]
    assert [case and case.id for case in taken] == [second.id, first.id]


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_text_is_refused(cases: Cases, text: str) -> None:
    cases.claim(CASE, ANN)
    for action in (
        lambda: cases.release(CASE, ANN, reason=text),
        lambda: cases.plan(CASE, ANN, plan=text),
        lambda: cases.comment(CASE, ANN, text=text),
    ):
        with pytest.raises(RescueError, match="the text is empty"):
            action()
    assert len(events(cases)) == 2
