"""Cases that change hands with a form: required fields, acceptance, returns, restarted timers, the third return."""

from datetime import date, timedelta
from typing import Any

import pytest
from support.nights.night_factory import NOW, Clock
from support.nights.people_factory import ANSWERS, FORMS, PEOPLE, open_people_cases, people_rules, person

from features.errors import UsageError
from serving.cases.absence.absence_entries import enter_absence
from serving.cases.case_errors import IllegalActionError
from serving.cases.cases import Cases
from serving.cases.handover.form_answers import MissingAnswersError
from serving.cases.handover.hand_over_choices import case_hand_overs
from serving.cases.permissions import Actor, Role
from serving.handoff.package import Handoff
from serving.store import Store
from serving.store.case_states import State
from serving.store.exchange import Message
from serving.store.handover_tables import HandOverRow
from serving.store.queries.case_queries import case_file, case_history
from serving.store.queries.handover_queries import handover_figures
from serving.store.tables import Case

ANN, DAN, EVE, LEA = person("ann"), person("dan"), person("eve"), person("lea", Role.LEAD)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cases(store: Store, clock: Clock) -> Cases:
    open_people_cases(store)
    return Cases(store, clock=clock)


@pytest.fixture
def case(cases: Cases) -> str:
    with cases.store.reading() as session:
        return session.query(Case).one().id


def sent(cases: Cases, case: str, clock: Clock, hours: float = 1, **more: Any) -> Case:
    clock.now += timedelta(hours=hours)
    arguments = {"squad": "south", "reason": "needs an engineer", "answers": ANSWERS} | more
    return cases.hand_over(case, ANN, **arguments)


def rows(cases: Cases) -> list[HandOverRow]:
    with cases.store.reading() as session:
        return session.query(HandOverRow).order_by(HandOverRow.id).all()


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        ({}, "Fill in “Steps tried”, “Impact” and “Customer contacted” before the case is handed over."),
        (ANSWERS | {"steps": "  "}, "Fill in “Steps tried” before the case is handed over."),
        (ANSWERS | {"impact": "some user"}, "Impact: 'some user' is no choice; did you mean 'some users'?"),
        (ANSWERS | {"contacted": "maybe"}, "Customer contacted: answer yes or no."),
        (ANSWERS | {"since": "yesterday"}, "Since when: 'yesterday' is no date; write it as 2026-07-01."),
        (ANSWERS | {"stepps": "x"}, "The form has no field 'stepps'; did you mean 'steps'?"),
        (ANSWERS | {"steps": "x" * 4001}, "Steps tried has 4,001 of at most 4,000 characters."),
    ],
)
def test_a_hand_over_without_its_required_fields_is_refused(
    cases: Cases, case: str, clock: Clock, answers: dict[str, str], text: str
) -> None:
    with pytest.raises(MissingAnswersError) as refused:
        sent(cases, case, clock, answers=answers)
    assert text in str(refused.value)
    assert (cases.get(case, ANN).state, rows(cases)) == (State.NEW, [])


def test_everything_that_is_missing_is_named_at_once(cases: Cases, case: str, clock: Clock) -> None:
    with pytest.raises(MissingAnswersError) as refused:
        sent(cases, case, clock, reason=" ", answers={})
    text = "Fill in “Reason”, “Steps tried”, “Impact” and “Customer contacted” before the case is handed over."
    assert str(refused.value) == text
    with pytest.raises(UsageError, match="why it is handed over"):
        sent(cases, case, clock, reason=" ")


def test_the_receiver_accepts_and_the_answers_are_kept(cases: Cases, case: str, clock: Clock) -> None:
    moved = sent(cases, case, clock)
    assert (moved.state, moved.squad, moved.owner, moved.responsible) == (State.HANDED_OVER, "south", None, "dan")
    with pytest.raises(IllegalActionError, match="allowed: accept, return, "):
        cases.claim(case, DAN)
    clock.now += timedelta(hours=3)
    accepted = cases.accept(case, DAN)
    assert (accepted.state, accepted.owner) == (State.CLAIMED, "dan")
    row = rows(cases)[0]
    assert (row.status, row.answered_by, row.asked, row.filled) == ("accepted", "dan", 5, 3)
    assert row.answers["steps"] == {"label": "Steps tried", "kind": "text", "value": "restarted"}
    assert row.answers["since"]["value"] is None
    undone = cases.undo(case, DAN)
    assert (undone.state, undone.owner, rows(cases)[0].status) == (State.HANDED_OVER, None, "pending")


def test_a_returned_case_goes_back_to_its_sender(cases: Cases, case: str, clock: Clock) -> None:
    cases.claim(case, ANN)
    sent(cases, case, clock)
    with pytest.raises(UsageError, match="why it is returned"):
        cases.return_to_sender(case, DAN, reason=" ")
    clock.now += timedelta(hours=2)
    back = cases.return_to_sender(case, DAN, reason="no error code")
    assert (back.state, back.squad, back.owner) == (State.CLAIMED, "north", "ann")
    assert (rows(cases)[0].status, rows(cases)[0].reason) == ("returned", "no error code")
    with cases.store.reading() as session:
        event = case_history(session, case)[-1]
    assert (event.kind, event.comment, event.after["squad"]) == ("return", "no error code", "north")


def test_a_sender_who_is_absent_does_not_get_it_back(cases: Cases, case: str, clock: Clock) -> None:
    sent(cases, case, clock)
    enter_absence(cases.store, ANN, "ann", date(2026, 3, 1), date(2026, 3, 9), now=clock.now)
    back = cases.return_to_sender(case, DAN, reason="no error code")
    assert (back.state, back.owner, back.responsible) == (State.NEW, None, "bob")
    with cases.store.reading() as session:
        event = case_history(session, case)[-1]
    assert event.comment == "no error code"
    assert event.after["notes"] == ["Ann Ames is absent (back on 10 Mar 2026), so it went to the squad."]


def test_the_third_return_goes_to_the_accountable_person(cases: Cases, case: str, clock: Clock) -> None:
    for times in (1, 2, 3):
        moved = sent(cases, case, clock, reason=f"attempt {times}")
        assert moved.state == State.HANDED_OVER
        back = cases.return_to_sender(case, DAN, reason="not ours")
        assert back.owner == ("ann" if times < 3 else "pat")  # pat is the lead of north
    with cases.store.reading() as session:
        event = case_history(session, case)[-1]
    assert event.comment == "not ours"
    assert event.after["notes"] == [
        "This is return 3 between north and south: Pat Lead is accountable and has the case now."
    ]
    assert back.state == State.CLAIMED


def test_the_receiver_has_the_full_time_to_respond_and_a_reassignment_has_not(
    cases: Cases, case: str, clock: Clock
) -> None:
    first = cases.claim(case, ANN)
    assert first.respond_by == NOW + timedelta(hours=24)
    clock.now += timedelta(hours=10)
    reassigned = cases.assign(case, LEA, person="bob")
    assert (reassigned.respond_by, reassigned.resolve_by) == (first.respond_by, first.resolve_by)
    moved = cases.hand_over(case, person("bob"), squad="south", reason="theirs", answers=ANSWERS)
    assert moved.respond_by == clock.now + timedelta(hours=24)
    assert moved.resolve_by == first.resolve_by
    clock.now += timedelta(hours=30)
    back = cases.return_to_sender(case, DAN, reason="not ours")
    assert back.respond_by == clock.now + timedelta(hours=24)


def test_a_form_of_a_tier_applies_within_the_squad(store: Store, clock: Clock) -> None:
    forms = {"second": {"tier": 2, "fields": {"tried": {"label": "Tried"}}}}
    case = open_people_cases(store, rules=people_rules(forms=forms))[0]
    cases = Cases(store, clock=clock)
    cases.claim(case, ANN)
    with pytest.raises(MissingAnswersError, match="“Tried”"):
        cases.hand_over(case, ANN, squad="north", tier=2, reason="too hard")
    moved = cases.hand_over(case, ANN, squad="north", tier=2, reason="too hard", answers={"tried": "all"})
    assert (moved.state, moved.responsible, moved.tier) == (State.HANDED_OVER, "bob", 1)
    with pytest.raises(UsageError, match="leave out the tier"):
        cases.hand_over(case, ANN, squad="south", tier=2, reason="x")
    accepted = cases.accept(case, person("bob"))
    assert accepted.owner == "bob"
    assert cases.hand_over(case, person("bob"), squad="south", reason="no form").state == State.NEW


def test_several_forms_for_one_squad_are_chosen_by_the_skill_or_by_name(store: Store, clock: Clock) -> None:
    fields = {"a": {"label": "A", "required": False}}
    squads = {
        "north": {"skills": ["churn"], "members": ["ann", "bob", "cid"], "capacity": 10},
        "south": {"skills": ["escalation", "billing"], "members": ["dan", "eve"], "capacity": 10},
    }
    forms = {name: {"skill": name, "fields": fields} for name in ("escalation", "billing")}
    case = open_people_cases(store, rules=people_rules(forms=forms, squads=squads))[0]
    cases = Cases(store, clock=clock)
    with pytest.raises(UsageError, match="several forms: name one of escalation, billing"):
        cases.hand_over(case, ANN, squad="south", reason="x")
    with pytest.raises(UsageError, match="did you mean 'billing'"):
        cases.hand_over(case, ANN, squad="south", reason="x", form="biling")
    cases.hand_over(case, ANN, squad="south", reason="x", form="billing")
    assert rows(cases)[0].form == "billing"


def test_answers_without_a_form_are_refused(cases: Cases, case: str, clock: Clock) -> None:
    sent(cases, case, clock)
    cases.accept(case, DAN)
    with pytest.raises(UsageError, match="squad north has no form"):
        cases.hand_over(case, DAN, squad="north", reason="yours", answers={"steps": "x"})


def test_a_form_is_filled_in_as_far_as_it_is_known(cases: Cases, case: str, clock: Clock) -> None:
    cases.claim(case, ANN)
    cases.contact(case, ANN)
    with cases.store.reading() as session:
        file = case_file(session, case, visible=None)
        assert file is not None
        found = case_hand_overs(session, file.case, Handoff.model_validate_json(file.handoff), clock.now)
    choice = found.choices[0]
    assert [(choice.squad, choice.tier, choice.form, choice.title)] == [("south", 1, "technical", "Technical question")]
    assert {field.name: field.value for field in choice.fields} == {
        "steps": "",
        "impact": "",
        "since": "",
        "contacted": "yes",
        "summary": "Nordlicht Logistik may leave",
    }
    assert found.notes["ann"] == "primary on duty, 1 of 50 open, local time 07:00"
    assert found.notes["bob"] == "secondary on duty, 0 open, local time 01:00"


def test_a_returned_form_begins_with_the_answers_of_before(cases: Cases, case: str, clock: Clock) -> None:
    sent(cases, case, clock, answers=ANSWERS | {"since": "2026-02-01", "summary": "it fails"})
    cases.return_to_sender(case, DAN, reason="no error code")
    with cases.store.reading() as session:
        file = case_file(session, case, visible=None)
        assert file is not None
        found = case_hand_overs(session, file.case, Handoff.model_validate_json(file.handoff), clock.now)
    assert {field.name: field.value for field in found.choices[0].fields} == ANSWERS | {
        "since": "2026-02-01",
        "summary": "it fails",
    }
    assert found.sent is not None
    assert (found.sent.status, found.sent.reason, found.sent.return_reason, found.sent.answered_by) == (
        "returned",
        "needs an engineer",
        "no error code",
        "dan",
    )


def with_path(named: bool) -> dict[str, Any]:
    """The severities of the rules, with a path of the policy for each."""
    more: dict[str, Any] = {}
    if named:
        severities = people_rules().model_dump(mode="json", exclude_unset=True)["severities"]
        for row in severities:
            row.pop("escalate_after_hours", None)
            row["path"] = "p"
        more = {"severities": severities, "paths": {"p": [{"to": "primary"}, {"to": "secondary", "after": "2 hours"}]}}
    return more


@pytest.mark.parametrize("named", [True, False], ids=["path of the policy", "tiers of the squad"])
def test_the_receiver_is_asked_to_accept_and_reads_the_answers(
    store: Store, clock: Clock, named: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    people = PEOPLE | {"dan": {"addresses": {"mail": "dan@example.org"}}}
    case = open_people_cases(store, rules=people_rules(people=people, **with_path(named)))[0]
    sent(Cases(store, clock=clock), case, clock, answers=ANSWERS | {"since": "2026-02-01"})
    with store.reading() as session:
        texts = [row.payload["text"] for row in session.query(Message) if row.person == "dan"]
    assert len(texts) == 1
    assert "What to do: accept it, or return it with a reason.\n" in texts[0]
    assert "- Steps tried: restarted\n- Impact: some users\n- Since when: 1 Feb 2026\n" in texts[0]
    assert "needs an engineer" in texts[0]
    assert "restarted" not in caplog.text


@pytest.mark.parametrize(("actor", "kinds"), [(DAN, []), (ANN, ["case.handed_over"])])
def test_nobody_is_told_of_what_they_did_themselves_nor_twice_of_one_text(
    store: Store, clock: Clock, actor: Actor, kinds: list[str]
) -> None:
    people = PEOPLE | {"dan": {"addresses": {"mail": "dan@example.org"}}}
    case = open_people_cases(store, rules=people_rules(people=people, **with_path(True)))[0]
    Cases(store, clock=clock).hand_over(case, actor, squad="south", reason="for you, @dan", answers=ANSWERS)
    with store.reading() as session:
        assert [row.kind for row in session.query(Message) if row.person == "dan"] == kinds


@pytest.mark.parametrize("named", [True, False], ids=["path of the policy", "tiers of the squad"])
def test_who_accepts_acknowledges_a_path_of_the_policy(store: Store, clock: Clock, named: bool) -> None:
    case = open_people_cases(store, rules=people_rules(**with_path(named)))[0]
    cases = Cases(store, clock=clock)
    assert (sent(cases, case, clock).path_due is not None) == named
    accepted = cases.accept(case, DAN)
    assert (accepted.acknowledged_by, accepted.path_due) == ("dan" if named else None, None)
    assert cases.undo(case, DAN).acknowledged_by is None


def test_the_figures_count_completeness_returns_and_lost_hours(cases: Cases, case: str, clock: Clock) -> None:
    sent(cases, case, clock)
    clock.now += timedelta(hours=5)
    cases.return_to_sender(case, DAN, reason="no error code")
    sent(cases, case, clock, answers=ANSWERS | {"summary": "it fails", "since": "2026-02-01"})
    clock.now += timedelta(hours=3)
    cases.accept(case, DAN)
    with cases.store.reading() as session:
        figures = handover_figures(session)
        assert handover_figures(session, squads=frozenset({"west"})) == []
        assert handover_figures(session, since=clock.now) == []
    assert [figure.to_json() for figure in figures] == [
        {
            "from_squad": "north",
            "to_squad": "south",
            "sent": 2,
            "accepted": 1,
            "returned": 1,
            "pending": 0,
            "completeness": 0.8,
            "hours_to_answer": 4.0,
            "hours_lost": 5.0,
            "return_share": 0.5,
        }
    ]


def test_without_forms_nothing_changes(store: Store, clock: Clock) -> None:
    case = open_people_cases(store, rules=people_rules(forms={}, people={}, roles={}))[0]
    cases = Cases(store, clock=clock)
    deadline = cases.get(case, ANN).respond_by
    moved = cases.hand_over(case, ANN, squad="south", reason="theirs")
    assert (moved.state, moved.respond_by, rows(cases)) == (State.NEW, deadline, [])
    with store.reading() as session:
        file = case_file(session, case, visible=None)
        assert file is not None
        found = case_hand_overs(session, file.case, Handoff.model_validate_json(file.handoff), clock.now)
    assert found.choices == ()
    assert dict(found.notes) == {"dan": "primary on duty, 1 open", "eve": "secondary on duty, 0 open"}
    assert FORMS
