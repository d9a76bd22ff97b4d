"""The sections `[squads.NAME]` and `[routing]`: the teams, and which of them gets a case."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from serving.policy.definition.people.people_rules import DutyRule
from serving.policy.definition.policy_section import Names, Section, Text, Word, refuse


class SquadRule(Section):
    """A team with skills, members, a capacity, and an escalation path of up to three tiers."""

    skills: Annotated[Names, Field(min_length=1)] = Field(description="skills that cases are routed by")
    members: Annotated[Names, Field(min_length=1)] = Field(description="people in the squad")
    capacity: Annotated[int, Field(ge=1, le=100_000)] = Field(description="new cases per night")
    max_open: Annotated[int, Field(ge=1)] | None = Field(
        None, description="number of open cases from which it gets no new ones; default: no limit"
    )
    regions: Names = Field((), description="regions that it serves; default: all")
    languages: Names = Field((), description="languages that it speaks; default: all")
    calendar: Word | None = Field(None, description="its working time, one of `[calendars]`; default: the clock")
    escalation_path: Names = Field((), description="primary, secondary and tertiary; default: the first three members")
    duty: DutyRule | None = Field(None, description="who is primary, secondary and tertiary when")

    @model_validator(mode="after")
    def _members(self) -> Self:
        repeated = next((name for place, name in enumerate(self.members) if name in self.members[:place]), None)
        if repeated is not None:
            raise refuse("members", f"the member {repeated} is listed twice")
        if set(self.escalation_path) - set(self.members) or len(self.escalation_path) > 3:
            allowed = ", ".join(self.members)
            raise refuse("escalation_path", f"escalation_path takes up to three of the members ({allowed})")
        return self

    @property
    def tiers(self) -> tuple[str, ...]:
        """Primary, secondary and tertiary, as many as there are."""
        return self.escalation_path or self.members[:3]


class Vip(Section):
    """Accounts that are routed to a separate squad, which needs at least two members."""

    when: Text = Field(description="the condition")
    skill: Word = Field("vip", description="skill of the squad for VIP accounts")


class Routing(Section):
    """Which skill a case is routed by: VIP first, then trigger, first reason, last ticket and risk."""

    fallback: Word = Field(description="squad for the cases that no other squad can take")
    reasons: dict[str, Word] = Field(default_factory=dict, description="reason group -> skill")
    ticket_categories: dict[str, Word] = Field(default_factory=dict, description="ticket category -> skill")
    languages: dict[str, Word] = Field(default_factory=dict, description="region -> its language")
    vip: Vip | None = Field(None, description="routing of VIP accounts")
