"""Tasks of playbooks and of people, the contact log, reasons of outcomes, and mentions, on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import select
from support.nights.night_factory import NIGHT, NOW, Clock, flag_of, record_of, run, simple_decision
from support.nights.people_factory import open_people_cases, people_rules, person

from features.errors import UsageError
from serving.cases.case_errors import CaseNotFoundError, IllegalActionError, StaleCaseError
from serving.cases.cases import Cases
from serving.cases.casework.attachment_files import UploadedFile, read_file
from serving.cases.casework.case_work import TaskChange, TaskNotFoundError
from serving.cases.casework.contact_entries import ContactDetails
from serving.cases.permissions import Actor, NotAllowedError, Role
from serving.contracts import Lane
from serving.operations.erase import erase_account
from serving.policy.state.queue_state import RaiseCode, RaisedAgain, RaiseReason
from serving.store import Store
from serving.store.casework import casework_queries as queries
from serving.store.casework.casework_tables import ContactEntry, TaskRow
from serving.store.exchange import Message
from serving.store.queries.case_queries import STAYED, case_file, case_history, stayed_cases
from serving.store.tables import Case, CaseEvent

ANN, BOB, PAT = person("ann", Role.REVIEWER, "north"), person("bob", Role.REVIEWER, "north"), person("pat", Role.LEAD)
DAN = person("dan", Role.REVIEWER, "south")
PLAYBOOKS = {
    "leaving": {"lanes": ["leaving"], "steps": [{"title": "Ask why", "due": "1 working day"}]},
    "churn": {
        "risks": ["churn"],
        "steps": [
            {"title": "Call", "due": "2 working days"},
            {"title": "Tell the lead", "owner": "lead", "due": 24},
            {"title": "Offer a plan"},
        ],
    },
}
OUTCOMES = {
    "saved": {"reasons": {"offer": "A better offer"}},
    "lost": {"reasons": {"price": "Price"}, "required": True},
}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rules() -> Any:
    return people_rules(playbooks=PLAYBOOKS, outcomes=OUTCOMES)


@pytest.fixture
def case(store: Store, rules: Any) -> str:
    return open_people_cases(store, 2, rules)[0]


@pytest.fixture
def cases(store: Store, case: str, clock: Clock) -> Iterator[Cases]:
    return Cases(store, clock=clock)


def tasks(store: Store, case: str) -> list[TaskRow]:
    with store.reading() as session:
        return queries.tasks_of(session, case)


def events(store: Store, case: str) -> list[CaseEvent]:
    with store.reading() as session:
        return case_history(session, case)


def test_a_new_case_gets_the_tasks_of_the_first_playbook_that_fits(store: Store, case: str) -> None:
    """The night is on a Sunday: work begins on Monday, and two working days later is Wednesday."""
    rows = tasks(store, case)
    assert [(row.title, row.due_on, row.owner, row.playbook, row.state) for row in rows] == [
        ("Call", date(2026, 3, 4), None, "churn", "open"),
        ("Tell the lead", date(2026, 3, 2), "pat", "churn", "open"),
        ("Offer a plan", None, None, "churn", "open"),
    ]
    assert events(store, case)[0].after["playbook"] == "churn"


def test_another_lane_brings_its_playbook_and_keeps_what_was_done(
    store: Store, cases: Cases, case: str, rules: Any
) -> None:
    cases.work.finish_task(case, ANN, tasks(store, case)[0].id)
    night = NIGHT + timedelta(days=1)
    flag = flag_of("a000000", as_of=night, lane=Lane.LEAVING, alarms=("cancellation",))
    again = RaisedAgain(case, flag, RaiseReason(RaiseCode.ALARM, "normal", "normal", 0.6, 0.6, ("cancellation",)))
    decision = replace(simple_decision([], night), raised_again=(again,))
    run(store, replace(record_of(["a000000", "a000001"], decision), rules=rules), NOW + timedelta(days=1))
    assert [(row.title, row.state) for row in tasks(store, case)] == [("Call", "done"), ("Ask why", "open")]
    with store.reading() as session:
        withdrawn = session.scalars(select(TaskRow).where(TaskRow.state == "withdrawn")).all()
    assert {(row.case_id, row.reason) for row in withdrawn} == {(case, "The case got the playbook Leaving.")}


def test_a_task_is_not_due_long_before_its_case_was_opened(store: Store, cases: Cases, case: str) -> None:
    message = "cannot be due on 9 Mar 2020: choose a day from"
    with pytest.raises(UsageError, match=message):
        cases.work.add_task(case, ANN, title="Send slides", due_on=date(2020, 3, 9))
    task = tasks(store, case)[0]
    with pytest.raises(UsageError, match=message):
        cases.work.change_task(case, ANN, task.id, 1, change=TaskChange(due_on=date(2020, 3, 9)))


def test_a_task_is_done_skipped_opened_again_and_changed(store: Store, cases: Cases, case: str) -> None:
    first, second, third = tasks(store, case)
    version = cases.get(case, ANN).version
    assert cases.work.finish_task(case, ANN, first.id, 1).closed_by == "ann"
    with pytest.raises(UsageError, match="Write why the task is skipped"):
        cases.work.skip_task(case, ANN, third.id, reason=" ")
    cases.work.skip_task(case, ANN, third.id, reason="they have a plan")
    cases.work.reopen_task(case, ANN, first.id, 2)
    changed = cases.work.change_task(
        case, ANN, second.id, 1, change=TaskChange(title="Tell Pat", owner="Ann Ames", due_on=date(2026, 4, 1))
    )
    assert (changed.title, changed.owner, changed.due_on, changed.version) == ("Tell Pat", "ann", date(2026, 4, 1), 2)
    added = cases.work.add_task(case, ANN, title="Send  the\nslides", owner="bob", due_on=date(2026, 3, 9))
    assert (added.title, added.position, added.playbook) == ("Send the slides", 4, None)
    kinds = [event.kind for event in events(store, case)][1:]
    assert kinds == ["task_done", "task_skipped", "task_reopened", "task_changed", "task_added"]
    assert events(store, case)[-2].after["task_before"] == {"due_on": "2026-03-02", "owner": "pat"}
    assert cases.get(case, ANN).version == version  # no page of a colleague becomes stale


def test_who_changed_a_task_meanwhile_is_named(store: Store, cases: Cases, case: str) -> None:
    task = tasks(store, case)[0].id
    cases.work.finish_task(case, ANN, task, 1)
    with pytest.raises(StaleCaseError) as refused:
        cases.work.finish_task(case, BOB, task, 1)
    assert (refused.value.kind, refused.value.actor) == ("task_done", "ann")
    with pytest.raises(IllegalActionError, match="is done already"):
        cases.work.finish_task(case, BOB, task)


def test_only_who_works_on_a_case_or_has_the_task_changes_it(store: Store, cases: Cases, case: str) -> None:
    cases.claim(case, ANN)
    first, second, _ = tasks(store, case)
    with pytest.raises(NotAllowedError, match="belongs to ann"):
        cases.work.finish_task(case, BOB, first.id)
    with pytest.raises(CaseNotFoundError):
        cases.work.finish_task(case, DAN, first.id)
    assert cases.work.finish_task(case, PAT, second.id).state == "done"
    with pytest.raises(TaskNotFoundError):
        cases.work.finish_task(case, ANN, 999)
    with pytest.raises(UsageError, match="did you mean 'bob'"):
        cases.work.add_task(case, ANN, title="Call", owner="bobb")


def test_a_closed_case_has_no_tasks_to_do(store: Store, cases: Cases, case: str) -> None:
    cases.claim(case, ANN)
    cases.resolve(case, ANN, verdict="no_action")
    with pytest.raises(IllegalActionError, match="is closed"):
        cases.work.add_task(case, ANN, title="Call")
    with store.reading() as session:
        left = {row.case.account_id for name in ("ann", "pat") for row in queries.open_tasks_of(session, name)}
    assert left == {"a000001"}


def test_the_tasks_of_a_person_are_theirs_and_those_of_their_cases(store: Store, cases: Cases, case: str) -> None:
    cases.claim(case, BOB)
    with store.reading() as session:
        own = queries.open_tasks_of(session, "bob", frozenset({"north"}))
        assert [(row.task.title, row.account) for row in own] == [
            ("Call", "Ünit a000000"),
            ("Offer a plan", "Ünit a000000"),
        ]
        lead = queries.open_tasks_of(session, "pat")
        assert {row.task.title for row in lead} == {"Tell the lead"}


def test_the_first_contact_that_reached_somebody_stops_the_timer(store: Store, cases: Cases, case: str) -> None:
    cases.claim(case, ANN)
    attempt = cases.log_contact(case, ANN, details=ContactDetails("Mara", "call", result="not_reached"))
    assert (attempt.state, attempt.respond_by is None) == ("claimed", False)
    when = cases.clock() - timedelta(minutes=20)
    reached = cases.log_contact(case, ANN, details=ContactDetails("Mara", "call", at=when), comment="they miss reports")
    assert (reached.state, reached.respond_by, reached.responded_at) == ("contacted", None, when)
    cases.log_contact(case, ANN, details=ContactDetails("", "mail", "inbound"), comment="thanks")
    with store.reading() as session:
        log = queries.contact_log(session, case)
    assert [(row.person, row.channel, row.direction, row.result, row.note) for row in log] == [
        ("Mara", "call", "outbound", "not_reached", None),
        ("Mara", "call", "outbound", "reached", "they miss reports"),
        (None, "mail", "inbound", "reached", "thanks"),
    ]
    assert [event.kind for event in events(store, case)][2:] == ["contact_logged", "contact", "contact_logged"]


def test_a_contact_after_the_plan_stops_the_timer_too(store: Store, cases: Cases, case: str) -> None:
    cases.claim(case, ANN)
    cases.plan(case, ANN, plan="a call on Monday")
    missed = cases.log_contact(case, ANN, details=ContactDetails("Mara", "call", result="not_reached"))
    assert missed.respond_by is not None
    reached = cases.log_contact(case, ANN, details=ContactDetails("Mara", "call"), comment="agreed")
    assert (reached.state, reached.respond_by, reached.responded_at) == ("in_plan", None, cases.clock())
    assert events(store, case)[-1].kind == "contact_logged"


def test_a_contact_that_is_undone_counts_no_more(store: Store, cases: Cases, case: str) -> None:
    cases.claim(case, ANN)
    cases.contact(case, ANN, comment="called")
    assert cases.undo(case, ANN).state == "claimed"
    with store.reading() as session:
        assert queries.contact_log(session, case) == []
        assert session.scalars(select(ContactEntry)).one().withdrawn_at == cases.clock()


def test_a_contact_cannot_be_of_an_unknown_kind_in_the_future_or_of_a_case_that_nobody_works(
    cases: Cases, case: str
) -> None:
    with pytest.raises(UsageError, match="no channel 'cal' of a contact; did you mean 'call'"):
        cases.log_contact(case, ANN, details=ContactDetails(channel="cal"))
    with pytest.raises(UsageError, match="cannot be in the future"):
        cases.log_contact(case, ANN, details=ContactDetails(at=cases.clock() + timedelta(days=1)))
    with pytest.raises(IllegalActionError, match="allowed: claim"):
        cases.log_contact(case, ANN, details=ContactDetails())


def test_saved_needs_a_word_and_lost_a_reason_where_the_policy_says_so(cases: Cases, case: str) -> None:
    cases.claim(case, ANN)
    with pytest.raises(UsageError, match="not closed as saved without it"):
        cases.resolve(case, ANN, verdict="saved")
    with pytest.raises(UsageError, match="did you mean 'offer'"):
        cases.resolve(case, ANN, verdict="saved", reason="ofer")
    with pytest.raises(UsageError, match="Choose why the case ended as lost: price"):
        cases.resolve(case, ANN, verdict="lost", comment="gone")
    with pytest.raises(UsageError, match="no reasons for no action"):
        cases.resolve(case, ANN, verdict="no_action", reason="price")
    with pytest.raises(UsageError, match="not below 0"):
        cases.resolve(case, ANN, verdict="lost", reason="price", amount=-1.0)
    with pytest.raises(UsageError, match="only a case that was saved or lost"):
        cases.resolve(case, ANN, verdict="no_action", amount=10.0)
    with pytest.raises(UsageError, match=r"99,999,999,999 is more than .* recurring revenue of 5,000 a year"):
        cases.resolve(case, ANN, verdict="lost", reason="price", amount=99_999_999_999.0)
    with pytest.raises(UsageError, match="has lost more than 0 of the account's recurring revenue of 5,000 a year"):
        cases.resolve(case, ANN, verdict="lost", reason="price", amount=0.0)
    closed = cases.resolve(case, ANN, verdict="saved", reason="A better offer")
    assert (closed.outcome_reason, closed.outcome_amount) == ("offer", 5000.0)
    assert cases.undo(case, ANN).outcome_reason is None
    lost = cases.resolve(case, ANN, verdict="lost", reason="price", amount=1200.5)
    assert (lost.outcome_reason, lost.outcome_amount) == ("price", 1200.5)
    reopened = cases.reopen(case, PAT, reason="they called")
    assert (reopened.outcome_reason, reopened.outcome_amount) == (None, None)


def test_a_saved_account_that_leaves_within_90_days_is_reported(
    store: Store, cases: Cases, case: str, clock: Clock, rules: Any
) -> None:
    cases.claim(case, ANN)
    cases.resolve(case, ANN, verdict="saved", comment="they stay")
    night = NIGHT + timedelta(days=41)
    left = {"contract_status": pa.array(["left", "left"]), "leaves_in": pa.array([-1, -1], pa.int64())}
    record = record_of(["a000000", "a000001"], simple_decision([], night))
    accounts = record.accounts
    for name, column in left.items():
        accounts = accounts.append_column(name, column)
    for _ in range(2):  # a case is marked once
        clock.now = NOW + timedelta(days=(night - NIGHT).days)
        run(store, replace(record, rules=rules, accounts=accounts), clock.now)
        night += timedelta(days=1)
        record = record_of(["a000000", "a000001"], simple_decision([], night))
    with store.reading() as session:
        assert session.get_one(Case, case).left_on == NIGHT + timedelta(days=40)
    marks = [event for event in events(store, case) if event.kind == "left_after_saved"]
    assert [event.comment for event in marks] == [
        "The account left on 10 Apr 2026, 40 days after the case was closed as saved."
    ]


@pytest.mark.parametrize(("status", "days", "marks"), [("running", 91, 1), ("running", 80, 0), ("leaving", 91, 0)])
def test_a_lost_account_that_is_still_a_customer_is_marked_once(
    store: Store, cases: Cases, case: str, clock: Clock, rules: Any, status: str, days: int, marks: int
) -> None:
    cases.claim(case, ANN)
    lost = cases.resolve(case, ANN, verdict="lost", reason="price")
    for night in (NIGHT + timedelta(days=days), NIGHT + timedelta(days=days + 1)):
        clock.now = NOW + timedelta(days=(night - NIGHT).days)
        record = record_of(["a000000", "a000001"], simple_decision([], night))
        accounts = record.accounts.append_column("contract_status", pa.array([status] * 2))
        run(store, replace(record, rules=rules, accounts=accounts), clock.now)
    found = [event for event in events(store, case) if event.kind == STAYED]
    assert len(found) == marks
    assert all(event.version == lost.version for event in found)  # no open page becomes stale
    with store.reading() as session:
        assert stayed_cases(session, [lost]) == (frozenset({case}) if marks else frozenset())


def test_mentions_notify_by_name_title_or_first_name_and_unknown_names_are_known(
    store: Store, cases: Cases, case: str
) -> None:
    cases.comment(case, BOB, text="@Ann Ames and @PAT: see a@example.org. @nobody @bob @pat")
    with store.reading() as session:
        mine = queries.unread_mentions(session, "ann")
        assert [(row.account, row.mention.mentioned_by, row.text[:9]) for row in mine] == [
            ("Ünit a000000", "bob", "@Ann Ames")
        ]
        assert len(queries.unread_mentions(session, "pat")) == 1
        assert queries.unread_mentions(session, "bob") == []
        sent = session.scalars(select(Message).where(Message.kind == "case.mentioned")).all()
        assert {(row.person, row.channel) for row in sent} == {("ann", "mail")}
        assert "bob mentioned you in the case of Ünit a000000: @Ann Ames and @PAT" in sent[0].payload["text"]
    assert cases.work.read_mentions(case, "ann") == 1
    with store.reading() as session:
        assert queries.unread_mentions(session, "ann") == []


def test_somebody_of_another_squad_who_is_mentioned_reads_the_case_and_answers(
    store: Store, cases: Cases, case: str
) -> None:
    with pytest.raises(CaseNotFoundError):
        cases.comment(case, DAN, text="hello")
    cases.comment(case, ANN, text="@dan is this a known fault?")
    cases.comment(case, DAN, text="yes, fixed tomorrow")
    with pytest.raises(CaseNotFoundError):
        cases.claim(case, DAN)
    with store.reading() as session:
        file = case_file(session, case, visible=frozenset({"south"}), reader="dan")
        assert file is not None and file.read_only
        assert case_file(session, case, visible=frozenset({"south"}), reader="eve") is None


def test_disagreements_say_with_which_sentence(store: Store, cases: Cases, case: str) -> None:
    analyst = Actor("una", Role.ANALYST)
    cases.disagree(case, ANN, reason="usage", comment="they were on holiday", sentence="Usage fell by 40%")
    cases.disagree(case, analyst, reason="usage", comment="a feed stopped", sentence="Usage fell by 41%")
    cases.disagree(case, analyst, reason="billing", comment="it was paid")
    with store.reading() as session:
        rows = queries.disputed_reasons(session, NOW)
    assert [(row.reason, row.disagreed, row.sentence) for row in rows] == [
        ("usage", 2, "Usage fell by 41%"),
        ("billing", 1, ""),
    ]


def test_an_erasure_takes_contacts_notes_and_files(store: Store, cases: Cases, case: str, clock: Clock) -> None:
    cases.claim(case, ANN)
    file = cases.work.attach(case, ANN, UploadedFile("Mara's notes.txt", b"Mara wants out"))
    cases.log_contact(case, ANN, details=ContactDetails("Mara Winter"), comment="Mara wants out")
    cases.work.add_task(case, ANN, title="Call Mara")
    cases.disagree(case, ANN, reason="usage", comment="Mara says no", sentence="Mara stopped")
    changed = erase_account(store, "a000000", "ops")
    assert (changed["contact_log"], changed["attachments"], changed["case_tasks"]) == (1, 1, 4)
    with store.reading() as session:
        assert read_file(session, case, file.id) is None
        log, rows = queries.contact_log(session, case), queries.tasks_of(session, case)
        names = [row.name for row in queries.attachments_of(session, case)]
        texts = [event.comment or "" for event in case_history(session, case)]
        notes = [str(event.after) for event in case_history(session, case)]
        assert session.scalars(select(Case).where(Case.id == case)).one().state == "contacted"
    assert "Mara" not in " ".join(
        [*texts, *notes, *names, *(row.title for row in rows), str(log[0].person), str(log[0].note)]
    )
    assert rows[0].title == "Call"
