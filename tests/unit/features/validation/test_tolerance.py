"""How much of a table may be in quarantine: by default, by table and by rule."""

import pytest

from features.errors import UsageError
from features.validation.rules import Rule
from features.validation.tolerance import Tolerance


def test_a_limit_holds_for_its_table_or_its_rule() -> None:
    limits = Tolerance.from_settings({"default": 0.02, "invoices": 0.1, "tickets": {"unknown_account": 0.3}})
    assert (limits.of_table("usage_daily"), limits.of_table("invoices")) == (0.02, 0.1)
    assert limits.of_rule("tickets", Rule.UNKNOWN_ACCOUNT) == 0.3
    assert limits.of_rule("tickets", Rule.RANGE) is None
    assert limits == Tolerance.from_settings({"default": 0.02, "invoices": 0.1, "tickets.unknown_account": 0.3})


def test_half_of_a_table_may_belong_to_accounts_that_are_gone() -> None:
    assert Tolerance(0.01).of_rule("invoices", Rule.UNKNOWN_ACCOUNT) == 0.5
    assert Tolerance(0.8).of_rule("invoices", Rule.UNKNOWN_ACCOUNT) == 0.8
    assert Tolerance(0.01, {"unknown_account": 0.1}).of_rule("invoices", Rule.UNKNOWN_ACCOUNT) == 0.1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"invoice": 0.1}, "did you mean 'invoices'"),
        ({"tickets.unknown_acount": 0.1}, "did you mean 'unknown_account'"),
        ({"ticket.unknown_account": 0.1}, "there is no table 'ticket'"),
        ({"invoices": 1.5}, "must be a share from 0 to 1"),
        ({"invoices": True}, "must be a share from 0 to 1"),
    ],
)
def test_a_wrong_limit_is_a_usage_error(values: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Tolerance.from_settings(values)
