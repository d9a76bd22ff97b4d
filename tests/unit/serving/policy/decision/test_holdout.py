"""The hold-out is stable, drawn by group, and has the share that the policy sets."""

import pytest
from support.nights.policy_factory import account_rows

from serving.policy.decision.holdout import HoldoutAssignment, holdout_number
from serving.policy.definition.case_rules import Holdout
from serving.policy.detection.account_table import AccountTable


def drawn(rule: Holdout | None, count: int = 4000, **extra: str) -> list[bool]:
    rows = AccountTable.of(account_rows(*({"a": f"A{number:05d}", **extra} for number in range(count))))
    by = HoldoutAssignment(rows, rule, {})
    return [by.is_held_out(place) for place in range(count)]


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.5])
def test_the_share_is_held_out(share: float) -> None:
    held = sum(drawn(Holdout(share=share, salt="s"))) / 4000
    assert abs(held - share) <= 4 * (share * (1 - share) / 4000) ** 0.5


def test_the_draw_is_uniform() -> None:
    numbers = sorted(holdout_number(f"A{number}", "s") for number in range(4000))
    furthest = max(abs(number - place / 4000) for place, number in enumerate(numbers))
    assert furthest < 1.63 / 4000**0.5  # Kolmogorov and Smirnov at 1%


def test_the_same_account_is_held_out_every_night_and_a_new_salt_draws_anew() -> None:
    assert drawn(Holdout(share=0.2, salt="s")) == drawn(Holdout(share=0.2, salt="s"))
    assert drawn(Holdout(share=0.2, salt="s")) != drawn(Holdout(share=0.2, salt="t"))
    assert holdout_number("A1", "s") == 0.9332281141270796


def test_a_larger_share_keeps_everyone_who_was_held_out() -> None:
    small, large = drawn(Holdout(share=0.1, salt="s")), drawn(Holdout(share=0.3, salt="s"))
    assert all(after for before, after in zip(small, large, strict=True) if before)


def test_a_group_is_held_out_as_one() -> None:
    rows = AccountTable.of(account_rows(*({"a": f"A{n:03d}", "parent_id": f"G{n % 40}"} for n in range(400))))
    by = HoldoutAssignment(rows, Holdout(share=0.5, salt="s"), {})
    groups: dict[str, set[bool]] = {}
    for place in range(400):
        groups.setdefault(by.unit(place)[0], set()).add(by.is_held_out(place))
    assert {len(held) for held in groups.values()} == {1}
    assert {held.pop() for held in groups.values()} == {True, False}


def test_a_segment_may_have_its_own_share_and_a_group_has_one_stratum() -> None:
    rule = Holdout(share=0.5, salt="s", by_segment={"enterprise": 0.0})
    assert not any(drawn(rule, segment="enterprise"))
    assert any(drawn(rule, segment="smb"))
    rows = AccountTable.of(
        account_rows(
            {"a": "A1", "parent_id": "G", "segment": "enterprise"}, {"a": "A2", "parent_id": "G", "segment": "smb"}
        )
    )
    draw = HoldoutAssignment(rows, rule, {})
    assert {draw.unit(place)[1] for place in (0, 1)} == {"enterprise"}


def test_no_rule_holds_nobody_out() -> None:
    assert not any(drawn(None, count=50))
