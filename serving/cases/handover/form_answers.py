"""Which hand-off form a hand-over needs, and whether its fields are filled.

A form is for squads with a skill, or for every squad that has no form of a skill. A form with a tier is for handing a
case up within its squad. A squad with several skills can have several forms: the skill that the case was routed by
decides, else the person chooses.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from features.errors import UsageError, suggest_name
from serving.policy.definition.people.form_rules import FieldRule, FormRule

LONGEST_ANSWER = 4_000
YES_NO = ("yes", "no")


class MissingAnswersError(UsageError):
    """Required fields of a hand-off form are empty, or answers cannot be read; the message names them."""


@dataclass(frozen=True)
class FilledForm:
    """A form with its answers by field, as text; fields without an answer are left out."""

    name: str
    rule: FormRule
    answers: Mapping[str, str]

    @property
    def asked(self) -> int:
        """The number of fields."""
        return len(self.rule.fields)

    def to_json(self) -> dict[str, Any]:
        """Every field in its order with label, kind and value; the value is null where it is empty."""
        return {
            name: {"label": field.label, "kind": field.kind, "value": self.answers.get(name)}
            for name, field in self.rule.fields.items()
        }


def matching_forms(forms: Mapping[str, FormRule], skills: Collection[str], tier: int) -> dict[str, FormRule]:
    """The forms for a squad with these skills and for a tier (1 is another squad); those of a skill come first."""
    fits = {
        name: form
        for name, form in forms.items()
        if (form.skill is None or form.skill in skills) and (form.tier or 1) == tier
    }
    return {name: form for name, form in fits.items() if form.skill is not None} or fits


def choose_form(
    forms: Mapping[str, FormRule], skill: str | None, name: str | None = None
) -> tuple[str, FormRule] | None:
    """One of the matching forms: the named one, the only one, or that of the case's skill; None where there is none.

    Raises:
        UsageError: the named form is not one of them, or several match and none is named.
    """
    if not forms:
        return None
    if name:
        if name not in forms:
            raise UsageError(f"There is no form {name!r} for this hand-over; {suggest_name(name, forms)}")
        return name, forms[name]
    chosen = [key for key, form in forms.items() if form.skill == skill] or list(forms)
    if len(forms) > 1 and len(chosen) > 1:
        raise UsageError(f"This hand-over has several forms: name one of {', '.join(forms)}.")
    return chosen[0], forms[chosen[0]]


def check_answers(name: str, rule: FormRule, answers: Mapping[str, str], reason: str = "given") -> FilledForm:
    """The form with its answers, where every required field has one and every answer has the kind of its field.

    An empty ``reason``, which the hand-over itself needs, is named with the fields that are missing.

    Raises:
        MissingAnswersError: the message names every field that is empty or wrong.
    """
    unknown = next((field for field in answers if field not in rule.fields), None)
    if unknown is not None:
        raise MissingAnswersError(f"The form has no field {unknown!r}; {suggest_name(unknown, rule.fields)}")
    filled = {field: str(answers.get(field) or "").strip() for field in rule.fields}
    missing = [field.label for key, field in rule.fields.items() if field.required and not filled[key]]
    if missing:
        missing = missing if reason.strip() else ["Reason", *missing]
        raise MissingAnswersError(f"Fill in {_listed(missing)} before the case is handed over.")
    for key, field in rule.fields.items():
        if filled[key]:
            filled[key] = _read(field, filled[key])
    return FilledForm(name, rule, {key: value for key, value in filled.items() if value})


def _read(field: FieldRule, text: str) -> str:
    if field.kind == "choice" and text not in field.choices:
        raise MissingAnswersError(f"{field.label}: {text!r} is no choice; {suggest_name(text, field.choices)}")
    if field.kind == "yes-no" and text.lower() not in YES_NO:
        raise MissingAnswersError(f"{field.label}: answer yes or no.")
    if field.kind == "date":
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            raise MissingAnswersError(f"{field.label}: {text!r} is no date; write it as 2026-07-01.") from None
    if len(text) > LONGEST_ANSWER:
        raise MissingAnswersError(f"{field.label} has {len(text):,} of at most {LONGEST_ANSWER:,} characters.")
    return text.lower() if field.kind == "yes-no" else text


def _listed(labels: list[str]) -> str:
    quoted = [f"“{label}”" for label in labels]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
