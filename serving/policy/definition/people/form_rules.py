"""The section `[forms.NAME]`: what has to be known before a case changes hands."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from serving.policy.definition.policy_section import Names, Section, Word, refuse

Prefill = Literal[
    "headline",
    "reason",
    "ticket",
    "at_stake",
    "renews_on",
    "ends_on",
    "severity",
    "owner",
    "contacted",
    "plan",
    "last_comment",
]
"""What a field can be filled from."""


class FieldRule(Section):
    """One field of a hand-off form."""

    label: Word = Field(description="what is asked, such as `Steps tried`")
    kind: Literal["text", "choice", "date", "yes-no"] = Field(
        "text", description="`text`, `choice`, `date` or `yes-no`"
    )
    required: bool = Field(True, description="whether the case is not handed over without it")
    choices: Names = Field((), description="the answers of a `choice`")
    prefill: Prefill | None = Field(None, description="what it is filled with at first; default: nothing")

    @model_validator(mode="after")
    def _answerable(self) -> Self:
        if (self.kind == "choice") != bool(self.choices):
            raise refuse("choices", f"the field {self.label!r}: choices are required for a choice, and only there")
        if len(set(self.choices)) < len(self.choices):
            raise refuse("choices", f"the field {self.label!r} has a choice twice")
        if self.prefill and self.kind == "date" and self.prefill not in {"renews_on", "ends_on"}:
            raise refuse("prefill", f"the date {self.label!r} can only be filled from renews_on or ends_on")
        return self


class FormRule(Section):
    """A hand-off form: its fields are filled before a case is handed over to a squad with this skill, or to a tier.

    The receiver then accepts the case, or returns it with a reason.
    """

    title: Word | None = Field(None, description="title; default: the name of the table")
    skill: Word | None = Field(None, description="for squads with this skill; default: every squad")
    tier: Annotated[int, Field(ge=1, le=3)] | None = Field(
        None,
        description="2 or 3: for handing a case to the secondary or tertiary of the same squad; default: 1, for "
        "handing it to another squad",
    )
    fields: Annotated[dict[str, FieldRule], Field(min_length=1, max_length=30)] = Field(
        description="one table per field, in their order"
    )
