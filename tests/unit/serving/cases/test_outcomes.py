"""The ``outcomes`` table: its rows, and when each was known."""

from dataclasses import replace
from datetime import datetime, timedelta

from support.nights.night_factory import NIGHT, NOW, names, record_of, run, simple_decision

from features.contract import OUTCOMES
from serving.cases.cases import Cases
from serving.cases.outcomes import SCHEMA, outcomes
from serving.cases.permissions import Actor, Role
from serving.nights.case_updates import case_id
from serving.policy.state.queue_state import Enrolment, HeldOut
from serving.store import Store

ANN = Actor("ann", Role.REVIEWER, frozenset({"north"}))
CASE = case_id("a000000", "churn", NIGHT)


class SteppingClock:
    """A clock that moves five minutes at every look."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=5)
        return self.now


def begin(store: Store) -> Cases:
    held = HeldOut("a000001", "a000001", "churn", "enterprise", 0.7, 10.0)
    run(store, record_of(names(2), simple_decision(names(1), held_out=(held,))))
    return Cases(store, clock=SteppingClock())


def outcome_rows(store: Store) -> list[tuple[object, ...]]:
    rows = outcomes(store).to_pylist()
    return [(row["account_id"], row["action"], row["verdict"], row["holdout"]) for row in rows]


def test_the_columns_are_the_contracts() -> None:
    assert tuple(SCHEMA.names) == OUTCOMES.names


def test_an_empty_queue_has_no_outcomes(store: Store) -> None:
    assert outcomes(store).schema == SCHEMA
    assert outcomes(store).num_rows == 0


def test_contact_plan_and_verdict_come_back_beside_the_held_out(store: Store) -> None:
    cases = begin(store)
    cases.claim(CASE, ANN)
    cases.contact(CASE, ANN)
    cases.plan(CASE, ANN, plan="training")
    cases.resolve(CASE, ANN, verdict="saved", comment="They stay.")
    assert outcome_rows(store) == [
        ("a000001", "held_out", None, True),
        ("a000000", "contacted", None, False),
        ("a000000", "planned", None, False),
        ("a000000", "resolved", "saved", False),
    ]


def test_a_verdict_taken_back_was_known_until_then(store: Store) -> None:
    cases = begin(store)
    cases.claim(CASE, ANN)
    cases.resolve(CASE, ANN, verdict="saved", comment="They stay.")
    cases.reopen(CASE, ANN, reason="they called again")
    cases.contact(CASE, ANN)
    cases.undo(CASE, ANN)
    rows = [row for row in outcomes(store).to_pylist() if not row["holdout"]]
    assert [(row["action"], row["verdict"]) for row in rows] == [
        ("resolved", "saved"),
        ("withdrawn", None),
        ("contacted", None),
        ("withdrawn", None),
    ]
    for given, withdrawn in (rows[:2], rows[2:]):
        assert given["decided_at"] == withdrawn["decided_at"]
        assert given["known_at"] < withdrawn["known_at"]


def test_an_account_that_was_held_out_and_worked_on_has_a_row_of_each(store: Store) -> None:
    held = HeldOut("a000000", "a000000", "churn", "enterprise", 0.7, 10.0)
    run(store, record_of(names(1), simple_decision(names(1), held_out=(held,))))
    cases = Cases(store, clock=SteppingClock())
    cases.claim(CASE, ANN)
    cases.contact(CASE, ANN)
    assert outcome_rows(store) == [
        ("a000000", "held_out", None, True),
        ("a000000", "contacted", None, False),
    ]
    assert {row["known_at"] for row in outcomes(store).to_pylist() if row["holdout"]} == {
        datetime.combine(NIGHT, datetime.min.time())
    }


def test_claiming_releasing_and_commenting_are_no_outcome(store: Store) -> None:
    run(store, record_of(names(1), simple_decision(names(1))))
    cases = Cases(store, clock=SteppingClock())
    cases.claim(CASE, ANN)
    cases.comment(CASE, ANN, text="left a message")
    cases.release(CASE, ANN, reason="not mine")
    assert outcome_rows(store) == []


def test_two_actions_in_one_instant_are_two_rows_of_the_contract(store: Store) -> None:
    begin(store)
    cases = Cases(store, clock=lambda: NOW + timedelta(minutes=5))
    cases.claim(CASE, ANN)
    cases.contact(CASE, ANN)
    cases.resolve(CASE, ANN, verdict="saved", comment="They stay.")
    keys = [(row["account_id"], row["risk"], row["decided_at"]) for row in outcomes(store).to_pylist()]
    assert len(keys) == len(set(keys)) == 3


def enrolment(unit: str, held_out: bool, share: float = 0.25) -> Enrolment:
    facts = {"stratum": "enterprise", "share": share, "probability": 0.7, "revenue": 1.0, "expected_value": 0.1}
    return Enrolment(salt="autumn", unit=unit, risk="churn", account_id=unit, held_out=held_out, **facts)


def test_cases_and_the_held_out_have_the_probability_and_the_name_of_their_draw(store: Store) -> None:
    """Of two cases and two held out, one case is exempt, and no squad had a place for one that was held out."""
    held = tuple(HeldOut(unit, unit, "churn", "enterprise", 0.7, 10.0) for unit in ("a000002", "a000003"))
    enrolled = (enrolment("a000000", held_out=False), enrolment("a000002", held_out=True))
    decision = replace(simple_decision(names(2), held_out=held), enrolments=enrolled)
    run(store, record_of(names(4), decision))
    rows = {row["account_id"]: row for row in outcomes(store).to_pylist()}
    assert {name: (row["action"], row["holdout"], row["draw_probability"]) for name, row in rows.items()} == {
        "a000000": ("selected", False, 0.25),
        "a000001": ("selected", False, 0.0),
        "a000002": ("held_out", True, 0.25),
        "a000003": ("held_out", True, 1.0),
    }
    draws = [rows[name]["draw"] for name in ("a000000", "a000002")]
    assert len(set(draws)) == 2
    assert "autumn" not in "".join(draws)
    assert rows["a000001"]["draw"] is rows["a000003"]["draw"] is None
