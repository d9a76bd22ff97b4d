"""The section `[outcomes.NAME]`: why a case ended so, as codes that a team can count."""

from typing import Self

from pydantic import Field, model_validator

from serving.policy.definition.policy_section import Section, Word, refuse


class OutcomeRule(Section):
    """The reasons of one outcome (`saved`, `lost`, `false_alarm` or `no_action`)."""

    reasons: dict[str, Word] = Field(default_factory=dict, description="code -> title, in the order of the form")
    required: bool = Field(False, description="whether a case is not closed with this outcome without a reason")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.required and not self.reasons:
            raise refuse("required", "required = true needs reasons to choose from")
        return self
