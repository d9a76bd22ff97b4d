"""Who is enrolled in the measurement of the effect: whoever a squad has a place for, worked or held out."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from support.nights.policy_factory import NIGHT, account_rows, policy

from serving.policy.decision.decide import Policy, decide
from serving.policy.decision.holdout import holdout_number
from serving.policy.state.queue_state import Decision, QueueState

HOLDOUT = """
[holdout]
share = 0.3
salt = "s1"

[holdout.exempt]
largest = "arr >= 50000"
"""
SHARE = 0.3


def accounts_in_turn(pattern: str) -> list[str]:
    """Accounts whose priority falls, held out (``h``) or worked (``w``) as the pattern says."""
    names = [f"a{number}" for number in range(400)]
    arms = {arm: iter([name for name in names if (holdout_number(name, "s1") < SHARE) == (arm == "h")]) for arm in "hw"}
    return [next(arms[arm]) for arm in pattern]


def rows_of(names: Sequence[str], **changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"a": name, "p": 0.9 - place / 100, "arr": 1000.0} | dict(changes.get(name, {}))
        for place, name in enumerate(names)
    ]


def decided(rows: list[dict[str, Any]], queue: QueueState | None = None, by: Policy | None = None) -> Decision:
    return decide(account_rows(*rows), queue or QueueState(), by or policy(HOLDOUT), NIGHT)


def test_held_out_accounts_are_enrolled_only_where_a_place_was_left() -> None:
    names = accounts_in_turn("whwhwh")  # the squad has two places
    decision = decided(rows_of(names))
    assert [flag.account_id for flag in decision.flags] == [names[0], names[2]]
    assert [row.account_id for row in decision.held_out] == [names[1], names[3], names[5]]
    assert [(row.account_id, row.held_out) for row in decision.enrolments] == [
        (names[0], False),
        (names[1], True),
        (names[2], False),
    ]


def test_the_own_draw_does_not_decide_who_is_enrolled() -> None:
    """Whichever arm an account is drawn into, its enrolment is the same, because it only depends on those before it."""
    for pattern in ("wwh", "hww", "whw", "hhw"):
        names = accounts_in_turn(pattern)
        enrolled = {row.account_id for row in decided(rows_of(names)).enrolments}
        for place, name in enumerate(names):
            worked_before = pattern[:place].count("w")
            assert (name in enrolled) == (worked_before < 2), pattern


def test_an_enrolment_holds_what_was_known_before_anybody_acted() -> None:
    names = accounts_in_turn("h")
    (row,) = decided(rows_of(names)).enrolments
    assert (row.salt, row.unit, row.risk, row.share, row.held_out) == ("s1", names[0], "churn", SHARE, True)
    assert (row.probability, row.revenue, row.expected_value) == (0.9, 1000.0, 0.9 * 1000 * 0.5)


def test_exempted_accounts_are_enrolled_on_neither_side() -> None:
    names = accounts_in_turn("wh")
    largest = {name: {"arr": 60_000.0} for name in names}
    decision = decided(rows_of(names, **largest))
    assert [row.account_id for row in decision.exempted] == [names[1]]
    assert decision.enrolments == ()


def test_a_unit_is_enrolled_once_for_each_salt() -> None:
    (name,) = accounts_in_turn("h")
    row = {"a": name, "p": 0.9, "arr": 1000.0}
    for earlier, count in {("s1", name): 0, ("", name): 0, ("old", name): 1}.items():
        assert len(decided([row], QueueState(enrolled=frozenset({earlier}))).enrolments) == count


def test_a_group_is_enrolled_by_its_first_account() -> None:
    parent = accounts_in_turn("w")[0]
    rows = [{"a": f"b{n}", "p": 0.9 - n / 10, "arr": 1000.0, "parent_id": parent} for n in range(2)]
    decision = decided(rows)
    assert [flag.account_id for flag in decision.flags] == ["b0", "b1"]
    assert [(row.unit, row.account_id) for row in decision.enrolments] == [(parent, "b0")]


def test_an_account_with_two_risks_counts_for_the_one_that_comes_first() -> None:
    (name,) = accounts_in_turn("w")
    decision = decided([{"a": name, "p": 0.6, "e": 0.9, "arr": 1000.0}])
    assert len(decision.flags) == 2
    assert [row.risk for row in decision.enrolments] == [max(decision.flags, key=lambda flag: flag.priority).risk]


def test_without_a_holdout_nobody_is_enrolled() -> None:
    assert decided(rows_of(accounts_in_turn("ww")), by=policy()).enrolments == ()


def test_the_end_of_a_contract_never_enrols() -> None:
    (name,) = accounts_in_turn("w")
    leaving = {"contract_status": "leaving", "leaves_in": 20.0, "leaving_arr": 1000.0}
    decision = decide(
        account_rows({"a": name, "p": 0.9, **leaving}), QueueState(), policy(HOLDOUT), NIGHT + timedelta(days=1)
    )
    assert len(decision.flags) == 1
    assert decision.enrolments == ()
