"""What a policy file may say: its tables, their keys, their ranges, and what has to fit together.

Every field's ``description`` is its documentation: ``docs/policy.md`` is generated from them. Conditions are only text
here; :mod:`serving.policy.definition.policy_file` compiles them against the columns there are.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

Share = Annotated[float, Field(gt=0, lt=1)]
Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Hours = Annotated[float, Field(gt=0, le=24 * 366)]
Nights = Annotated[int, Field(ge=1, le=365)]
Days = Annotated[int, Field(ge=0, le=3660)]
Word = Annotated[str, Field(min_length=1, max_length=200)]
Names = Annotated[tuple[Word, ...], Field(strict=False)]
Text = Annotated[str, Field(min_length=1, max_length=4000)]


class Section(BaseModel):
    """A table of the policy file: no unknown keys, no coerced types, frozen once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def refuse(field: str, message: str) -> PydanticCustomError:
    """An error of a rule between fields; ``field`` is the key of the section whose line is named."""
    return PydanticCustomError("policy", "{reason}", {"reason": message, "field": field})


class RiskRule(Section):
    """When an account enters and leaves a risk, how long it is left alone afterwards, and what a rescue is worth."""

    enter: Share = Field(description="probability from which an account enters the risk")
    enter_nights: Nights = Field(1, description="nights in a row at or above `enter` before it is raised")
    leave: Share = Field(description="probability below which an account is on its way out; under `enter`")
    leave_nights: Nights = Field(3, description="nights in a row below `leave` before it has left")
    worsen_by: Share = Field(0.15, description="rise of the probability that raises an open case again")
    cooldown_days: Days = Field(30, description="days after a case is closed before the account may have a new one")
    family: Word | None = Field(None, description="risks of one family share a case; the risk's own name where absent")
    saveability: Annotated[float, Field(ge=0, le=1)] = Field(
        0.3, description="share of the revenue at risk that a rescue is expected to save"
    )
    cost: Money = Field(0, description="what one rescue costs the team, in the currency of `arr`")
    skill: Word | None = Field(None, description="skill needed where neither a trigger, a reason nor a ticket says")

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.leave >= self.enter:
            raise refuse(
                "leave", f"leave = {self.leave} has to be under enter = {self.enter}, or accounts would flicker"
            )
        return self


class Urgency(Section):
    """A nearer renewal weighs more."""

    within_days: Annotated[int, Field(ge=1)] = Field(description="renewal within this many days")
    factor: Annotated[float, Field(gt=0, le=10)] = Field(description="what the value at stake is multiplied by")


class PriorityRule(Section):
    """The order of the queue: probability × capped revenue × saveability × urgency − cost."""

    revenue_cap: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        250_000, description="revenue above this counts as this, so that no single account owns the team"
    )
    unknown_revenue: Money = Field(10_000, description="revenue of an account whose contracts are not known")
    urgency: Annotated[tuple[Urgency, ...], Field(strict=False)] = Field(
        (), description="bands of renewal distance, nearest first; the first that fits counts"
    )
    minimum: float | None = Field(None, description="priority under which a risk alone raises no case; absent: none")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        days = [band.within_days for band in self.urgency]
        if days != sorted(set(days)):
            raise refuse("urgency", f"the urgency bands overlap: within_days has to rise, and it is {days}")
        return self


class TriggerRule(Section):
    """A named condition that raises a case, alone or only together with the model's risk."""

    when: Text = Field(description="the condition")
    risk: Word = Field(description="the risk it speaks for, one of `[risks]`")
    raises: Literal["alone", "with_risk"] = Field(description="`alone`, or `with_risk`: only from `at_least` on")
    at_least: Share | None = Field(None, description="with `with_risk`: the probability that it needs beside it")
    severity: Word | None = Field(None, description="the case is at least this severe")
    skill: Word | None = Field(None, description="the skill that the rescue needs")
    says: Word = Field(description="the sentence a reviewer reads")

    @model_validator(mode="after")
    def _partner(self) -> Self:
        if (self.raises == "with_risk") != (self.at_least is not None):
            raise refuse("raises", 'at_least goes with raises = "with_risk", and has to be given there, nowhere else')
        return self


class Severity(Section):
    """A row of the escalation matrix: how fast, and who."""

    name: Word = Field(description="the severity's name")
    when: Text | None = Field(None, description="the condition; only the last row, for all others, has none")
    respond_hours: Hours = Field(description="hours until the customer has been contacted")
    resolve_hours: Hours = Field(description="hours until the case is closed")
    responsible: Word = Field(description="who does the work: `primary` (the squad's) or a role")
    accountable: Word = Field(description="who answers for the outcome")
    consulted: Names = Field((), description="who is asked")
    informed: Names = Field((), description="who is told")
    hand_on_hours: Annotated[tuple[Hours, ...], Field(strict=False)] = Field(
        (), description="hours without contact after which the secondary, then the tertiary owner takes over"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.resolve_hours < self.respond_hours:
            raise refuse("resolve_hours", "resolve_hours has to be at least respond_hours")
        if list(self.hand_on_hours) != sorted(set(self.hand_on_hours)) or len(self.hand_on_hours) > 2:
            raise refuse("hand_on_hours", "hand_on_hours is at most two rising numbers: secondary, then tertiary")
        return self


class Squad(Section):
    """A team with skills; its first three members are the primary, secondary and tertiary owner unless named."""

    skills: Annotated[Names, Field(min_length=1)] = Field(description="what it can do")
    members: Annotated[Names, Field(min_length=1)] = Field(description="who is in it")
    capacity: Annotated[int, Field(ge=1, le=100_000)] = Field(description="new cases a night")
    max_open: Annotated[int, Field(ge=1)] | None = Field(None, description="open cases at which it takes no more")
    regions: Names = Field((), description="regions it works for; empty: all")
    languages: Names = Field((), description="languages it speaks; empty: all")
    owners: Names = Field((), description="primary, secondary and tertiary owner; absent: the first three members")

    @model_validator(mode="after")
    def _members(self) -> Self:
        twice = next((name for place, name in enumerate(self.members) if name in self.members[:place]), None)
        if twice is not None:
            raise refuse("members", f"the member {twice} is there twice")
        strangers = [owner for owner in self.owners if owner not in self.members]
        if strangers or len(self.owners) > 3:
            raise refuse("owners", f"owners are up to three of the members ({', '.join(self.members)})")
        return self

    @property
    def ladder(self) -> tuple[str, ...]:
        """Primary, secondary, tertiary owner, as many as there are."""
        return self.owners or self.members[:3]


class Vip(Section):
    """Accounts that go to a skill queue of their own: a squad with that skill and at least two members."""

    when: Text = Field(description="the condition")
    skill: Word = Field("vip", description="the skill of the VIP queue")


class Routing(Section):
    """Which skill a rescue needs: VIP first, then trigger, then the first reason, then the ticket, then the risk."""

    fallback: Word = Field(description="the squad that gets what no other can take")
    reasons: dict[str, Word] = Field(default_factory=dict, description="reason group -> skill")
    ticket_categories: dict[str, Word] = Field(default_factory=dict, description="ticket category -> skill")
    languages: dict[str, Word] = Field(default_factory=dict, description="region -> language spoken there")
    vip: Vip | None = Field(None, description="the VIP queue")


class Holdout(Section):
    """The accounts kept from the team, so that the team's effect can be measured."""

    share: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.2, description="share of accounts (groups) held out; 0: none"
    )
    salt: Word = Field(description="any text; a new salt draws anew, so keep it while an experiment runs")
    by_segment: dict[str, Annotated[float, Field(ge=0, le=0.5)]] = Field(
        default_factory=dict, description="segment -> its own share"
    )
    exempt: dict[str, Text] = Field(default_factory=dict, description="name -> condition; logged whenever it decides")


Points = Annotated[float, Field(ge=-100, le=100)]


class Health(Section):
    """What a verdict says about an account's health: points of 100, which fade and are never fed back as measured."""

    saved: Points = Field(10, description="points for a case that ended saved")
    lost: Points = Field(-20, description="points for a case that ended lost")
    false_alarm: Points = Field(5, description="points for a case that was a false alarm")
    no_action: Points = Field(0, description="points for a case that nothing was done about")
    cap: Annotated[float, Field(gt=0, le=100)] = Field(15, description="the most that all of them together may move")
    half_life_days: Annotated[float, Field(gt=0, le=3660)] = Field(30, description="days after which half is left")


class PolicyFile(Section):
    """The whole file."""

    risks: Annotated[dict[str, RiskRule], Field(min_length=1)] = Field(description="one table a risk")
    priority: PriorityRule = Field(
        default_factory=lambda: PriorityRule.model_validate({}), description="the order of the queue"
    )
    triggers: dict[str, TriggerRule] = Field(default_factory=dict, description="one table a trigger")
    severities: Annotated[tuple[Severity, ...], Field(strict=False, min_length=1)] = Field(
        description="the escalation matrix, worst first; the first row whose condition holds counts"
    )
    squads: Annotated[dict[str, Squad], Field(min_length=1)] = Field(description="one table a squad")
    routing: Routing = Field(description="which squad gets a case")
    holdout: Holdout | None = Field(None, description="who is kept from the team, to measure it; absent: nobody")

    health: Health = Field(
        default_factory=lambda: Health.model_validate({}), description="what verdicts say about an account's health"
    )

    def family(self, risk: str) -> str:
        """The family whose one case covers this risk; a risk the policy does not know is its own."""
        rule = self.risks.get(risk)
        return (rule.family if rule else None) or risk

    def rank_of(self, severity: str) -> int:
        """0 for the worst severity; a name the policy no longer has counts as the mildest."""
        names = [row.name for row in self.severities]
        return names.index(severity) if severity in names else len(names) - 1
