"""What a message says of a name that does not exist."""

import pytest

from features.errors import MOST_LISTED, nearest_name, suggest_name

RISKS = ("escalation", "churn")


@pytest.mark.parametrize(
    ("name", "nearest"), [("chrun", "churn"), ("ESCALATION", "escalation"), ("weather", None), ("", None)]
)
def test_the_nearest_name(name: str, nearest: str | None) -> None:
    assert nearest_name(name, RISKS) == nearest


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("chrun", "did you mean 'churn'? Allowed: churn, escalation."),
        ("weather", "allowed: churn, escalation."),
    ],
)
def test_a_suggestion_names_the_nearest_and_all_allowed_names(name: str, text: str) -> None:
    assert suggest_name(name, RISKS) == text


def test_many_allowed_names_are_listed_only_where_none_is_near() -> None:
    many = [f"column_{number}" for number in range(MOST_LISTED + 1)]
    assert suggest_name("colum_7", many) == "did you mean 'column_7'?"
    assert suggest_name("zzz", many).startswith("allowed: column_0, ")


def test_without_allowed_names_nothing_is_suggested() -> None:
    assert suggest_name("churn", ()) == "there are none."
