"""What comes back into the data, and when it was known."""

from datetime import datetime, timedelta

from support.nights.night_factory import NIGHT, NOW, names, record_of, run, simple_decision

from features.contract import OUTCOMES
from serving.cases.cases import Cases
from serving.cases.outcomes import SCHEMA, outcomes
from serving.cases.permissions import Actor, Role
from serving.nights.case_updates import case_id
from serving.policy.decision.queue_state import HeldOut
from serving.store import Store

ANN = Actor("ann", Role.REVIEWER, frozenset({"north"}))
CASE = case_id("a000000", "churn", NIGHT)


class Ticking:
    """A clock on which every look is an hour later."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=5)
        return self.now


def begin(store: Store) -> Cases:
    held = HeldOut("a000001", "a000001", "churn", "enterprise", 0.7, 10.0)
    run(store, record_of(names(2), simple_decision(names(1), held_out=(held,))))
    return Cases(store, clock=Ticking())


def told(store: Store) -> list[tuple[object, ...]]:
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
    cases.resolve(CASE, ANN, verdict="saved")
    assert told(store) == [
        ("a000001", "held_out", None, True),
        ("a000000", "contacted", None, False),
        ("a000000", "planned", None, False),
        ("a000000", "resolved", "saved", False),
    ]


def test_a_verdict_taken_back_was_known_until_then(store: Store) -> None:
    cases = begin(store)
    cases.claim(CASE, ANN)
    cases.resolve(CASE, ANN, verdict="saved")
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
