"""The values of a policy that leads change often, as fields of a form, and writing them into its text.

A field is a path in the TOML text. Writing one changes that value alone: comments, order and everything else stay. What
is typed is written as the type that the schema has there; whether it is allowed is decided by the check of the text.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Literal

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from features.errors import UsageError
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy_versions.typed_number import typed_number

FieldKind = Literal["share", "count", "money", "names", "yes_no", "text"]
FieldPlace = tuple[str, ...]
HYPOTHESIS: FieldPlace = ("hypothesis",)
OWNERS = {"risks": "risk", "squads": "squad"}
"""What the second part of a field's place names, by the first part."""


@dataclass(frozen=True)
class PolicyField:
    """A value: where it is, its label, its kind, and as what it is shown; ``hint`` says what it does.

    A ``share`` is shown in percent. An empty text removes the key, so that its default applies. ``typed`` is what
    somebody typed that cannot be written: it stays in the form until it is corrected.
    """

    place: FieldPlace
    label: str
    kind: FieldKind
    value: str
    hint: str = ""
    typed: str | None = None

    @property
    def title(self) -> str:
        """The label, with the risk or squad that it belongs to: ``New cases per night (squad success)``."""
        owner = OWNERS.get(self.place[0])
        return f"{self.label} ({owner} {_title(self.place[1])})" if owner else self.label

    @property
    def value_text(self) -> str:
        """The value in a sentence."""
        if not self.value:
            return "nothing"
        return f"{self.value}%" if self.kind == "share" else self.value

    @property
    def name(self) -> str:
        """The name of the form's field."""
        return "set." + ".".join(self.place)


@dataclass(frozen=True)
class ChangedText:
    """A text with the values that could be written into it; ``refused`` says why of the others, by field name."""

    text: str
    refused: Mapping[str, str]


@dataclass(frozen=True)
class FieldGroup:
    """Fields that belong together, with a title."""

    title: str
    fields: tuple[PolicyField, ...]


def policy_fields(rules: PolicyFile) -> list[FieldGroup]:
    """The common values of a policy, by subject."""
    risks = [FieldGroup(f"Risk: {_title(name)}", tuple(_risk_fields(rules, name))) for name in rules.risks]
    squads = [FieldGroup(f"Squad: {_title(name)}", tuple(_squad_fields(rules, name))) for name in rules.squads]
    expected = PolicyField(HYPOTHESIS, "What it is expected to change", "text", rules.hypothesis or "", "optional")
    return [
        *risks,
        *squads,
        FieldGroup("Who gets a case", tuple(_case_fields(rules))),
        FieldGroup("This version", (expected,)),
    ]


def fields_of_text(rules: PolicyFile, text: str) -> list[FieldGroup]:
    """The fields of ``rules`` with the values that a text has, which may be no valid policy.

    A field whose key the text lacks, or whose value there is no single value, shows that of the rules.
    """
    try:
        content = tomlkit.parse(text).unwrap()
    except TOMLKitError:
        return policy_fields(rules)
    return [
        FieldGroup(group.title, tuple(_as_written(field, content) for field in group.fields))
        for group in policy_fields(rules)
    ]


def _as_written(field: PolicyField, content: object) -> PolicyField:
    for name in field.place:
        if not isinstance(content, Mapping) or name not in content:
            return field
        content = content[name]
    return field if isinstance(content, Mapping) else replace(field, value=_shown(field.kind, content))


def without_hypothesis(text: str) -> str:
    """The text of a policy without its hypothesis, which is about the version that it was written for."""
    return change_fields(text, {PolicyField(HYPOTHESIS, "", "text", ""): ""}).text


def exclude_account(text: str, account_id: str, *, excluded: bool) -> str:
    """The text of a policy that excludes this one account, or no longer does.

    Raises:
        UsageError: the text is not TOML, or its table ``exclude`` cannot be written.
    """
    document = _parsed(text)
    rule = document.get("exclude", {})
    listed = [name for name in rule.get("accounts", ()) if name != account_id] if isinstance(rule, Mapping) else []
    field = PolicyField(("exclude", "accounts"), "Excluded accounts", "names", "")
    _write(document, field, ([*listed, account_id] if excluded else listed) or None)
    return tomlkit.dumps(document)


def _risk_fields(rules: PolicyFile, name: str) -> Iterator[PolicyField]:
    rule = rules.risks[name]
    for key, label, kind, value, hint in (
        ("enter", "Becomes a case from", "share", rule.enter, "probability"),
        ("leave", "No longer at risk below", "share", rule.leave, "has to be lower"),
        ("leave_nights", "Nights below it", "count", rule.leave_nights, ""),
        ("worsen_by", "Raised again at a rise of", "share", rule.worsen_by, "percentage points"),
        ("cooldown_days", "Days of rest after a case", "count", rule.cooldown_days, ""),
        ("save_rate", "Revenue that a rescue saves", "share", rule.save_rate, "expected share"),
        ("cost", "Cost of a rescue", "money", rule.cost, ""),
    ):
        yield PolicyField(("risks", name, key), label, kind, _shown(kind, value), hint)  # type: ignore[arg-type]


def _squad_fields(rules: PolicyFile, name: str) -> Iterator[PolicyField]:
    rule = rules.squads[name]
    for key, label, kind, value, hint in (
        ("capacity", "New cases per night", "count", rule.capacity, ""),
        ("max_open", "Most open cases", "count", rule.max_open, "empty: no limit"),
        ("members", "Members", "names", rule.members, "separated by commas"),
        ("escalation_path", "Escalation path", "names", rule.escalation_path, "empty: the first three members"),
        ("skills", "Skills", "names", rule.skills, "separated by commas"),
    ):
        yield PolicyField(("squads", name, key), label, kind, _shown(kind, value), hint)  # type: ignore[arg-type]


def _case_fields(rules: PolicyFile) -> Iterator[PolicyField]:
    yield PolicyField(
        ("priority", "minimum"), "Least priority of a new case", "money", _shown("money", rules.priority.minimum)
    )
    yield PolicyField(
        ("priority", "revenue_cap"), "Revenue counts up to", "money", _shown("money", rules.priority.revenue_cap)
    )
    yield PolicyField(
        ("exclude", "types"),
        "Types of accounts that never get a case",
        "names",
        _shown("names", rules.exclude.types),
        "separated by commas",
    )
    yield PolicyField(
        ("exclude", "without_revenue"),
        "Leave out accounts without revenue",
        "yes_no",
        _shown("yes_no", rules.exclude.without_revenue),
    )
    share = rules.holdout.share if rules.holdout else 0
    yield PolicyField(
        ("holdout", "share"), "Held out to measure the effect", "share", _shown("share", share), "of the groups"
    )


def _shown(kind: str, value: object) -> str:
    if value is None:
        return ""
    if kind == "share" and isinstance(value, int | float):
        return f"{round(100 * value, 6):g}"
    if kind == "yes_no":
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _title(name: str) -> str:
    return name.replace("_", " ")


def change_fields(text: str, changes: Mapping[PolicyField, str]) -> ChangedText:
    """The text with other values in these fields; everything else stays as it was written.

    Raises:
        UsageError: the text is not TOML.
    """
    document, refused = _parsed(text), {}
    for field, typed in changes.items():
        try:
            _write(document, field, _typed_value(field, typed.strip()))
        except UsageError as error:
            refused[field.name] = str(error)
    return ChangedText(tomlkit.dumps(document), refused)


def _parsed(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise UsageError(f"The text is not TOML ({error}): correct it before you use the fields.") from None


def _write(document: MutableMapping[str, Any], field: PolicyField, value: object) -> None:
    *above, key = field.place
    table: MutableMapping[str, Any] = document
    for name in above:
        if name not in table:
            if value is None:
                return
            table[name] = tomlkit.table()
        table = table[name]
        if not isinstance(table, MutableMapping):
            raise UsageError(f"{field.title} cannot be written: {'.'.join(above)} is no table of the text.")
    if value is None:
        if key in table:
            del table[key]
        return
    if isinstance(table, Table) and key in table:
        table[key] = _with_comment(table.value.item(key), value)
    else:
        table[key] = value


def _with_comment(old: Any, value: object) -> Any:
    """The value as an item with the comment that stood behind the old one."""
    item = tomlkit.item(value)
    item.trivia.comment_ws, item.trivia.comment = old.trivia.comment_ws, old.trivia.comment
    return item


def _typed_value(field: PolicyField, typed: str) -> object:
    """What was typed as a value of the field's kind; None for an empty text, which removes the key."""
    if field.kind == "names":
        return [name.strip() for name in typed.split(",") if name.strip()] or None
    if not typed:
        return None
    if field.kind == "yes_no":
        return typed == "yes"
    if field.kind == "text":
        return typed
    number = _number(field, typed)
    if field.kind == "share":
        if not 0 <= number <= 100:
            raise UsageError(f"{field.title} is between 0% and 100%, and it is {number:g}%.")
        return round(number / 100, 10)
    whole = number.is_integer()
    if field.kind == "count" and not whole:
        raise UsageError(f"{field.title} is a whole number, and it is {typed!r}.")
    return int(number) if whole else number


def _number(field: PolicyField, typed: str) -> float:
    number = typed_number(typed.removesuffix("%"), thousands=field.kind != "share")
    if number is None or not isfinite(number) or abs(number) > 1e15:
        raise UsageError(f"{field.title} is a number, and it is {typed!r}.")
    return number
