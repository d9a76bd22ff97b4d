"""The fields of the form change their value in the text, and nothing else."""

import pytest

from features.errors import UsageError
from serving.policy.definition.policy_file import Policy, default_text
from serving.policy_versions.policy_fields import PolicyField, change_fields, policy_fields


def fields() -> dict[str, PolicyField]:
    groups = policy_fields(Policy.default().rules)
    return {field.name.removeprefix("set."): field for group in groups for field in group.fields}


def changed(name: str, typed: str) -> Policy:
    return Policy.parse(change_fields(default_text(), {fields()[name]: typed}).text)


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("risks.churn.enter", "22", 0.22),
        ("risks.churn.enter", "22.5 %", 0.225),
        ("risks.churn.enter", "19,5", 0.195),
        ("risks.churn.enter", "12.345", 0.12345),
        ("risks.churn.cost", "1,250.5", 1250.5),
        ("risks.churn.cost", "1.250,5", 1250.5),
        ("priority.revenue_cap", "250.000", 250_000),
        ("risks.churn.leave_nights", "5", 5),
        ("squads.success.capacity", "14", 14),
        ("squads.success.max_open", "80", 80),
        ("squads.success.members", "ann, ben ,", ("ann", "ben")),
        ("exclude.types", "test", ("test",)),
        ("exclude.without_revenue", "no", False),
        ("holdout.share", "25", 0.25),
    ],
)
def test_a_field_changes_its_value(name: str, typed: str, value: object) -> None:
    found: object = changed(name, typed).rules
    for part in name.split("."):
        found = found[part] if isinstance(found, dict) else getattr(found, part)
    assert found == value


def test_everything_else_stays_as_it_was_written() -> None:
    text = change_fields(default_text(), {fields()["priority.minimum"]: "50"}).text
    before, after = default_text().splitlines(), text.splitlines()
    differing = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert differing == [
        (
            "minimum = 0                     # nothing that is worth less than its cost",
            "minimum = 50                     # nothing that is worth less than its cost",
        )
    ]


def test_an_empty_field_removes_the_key() -> None:
    policy = changed("risks.churn.cooldown_days", "")
    assert policy.rules.risks["churn"].cooldown_days == 30


def test_the_fields_show_the_values_of_the_policy() -> None:
    values = {name: field.value for name, field in fields().items()}
    assert values["risks.churn.enter"] == "15"
    assert values["squads.success.members"] == "success-1, success-2, success-3"
    assert values["squads.success.max_open"] == ""
    assert values["exclude.without_revenue"] == "yes"


@pytest.mark.parametrize("typed", ["many", "nan", "1.5", "1e400"])
def test_what_is_no_number_is_named(typed: str) -> None:
    field, other = fields()["squads.success.capacity"], fields()["priority.minimum"]
    result = change_fields(default_text(), {field: typed, other: "50"})
    assert result.refused[field.name].startswith("New cases per night (squad success) is a ")
    assert result.text == change_fields(default_text(), {other: "50"}).text


@pytest.mark.parametrize("typed", ["150", "150%", "-1"])
def test_a_share_is_refused_as_it_was_typed(typed: str) -> None:
    field = fields()["risks.churn.enter"]
    result = change_fields(default_text(), {field: typed})
    assert result.refused[field.name] == (
        f"Becomes a case from (risk churn) is between 0% and 100%, and it is {typed.removesuffix('%')}%."
    )
    assert result.text == default_text()


def test_a_text_that_is_not_toml_is_not_changed() -> None:
    with pytest.raises(UsageError, match="not TOML"):
        change_fields("[risks", {fields()["priority.minimum"]: "50"})
