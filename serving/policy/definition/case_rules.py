"""The sections of a policy about contracts that end, and about the life of a case: cool-down, groups, hold-out, health.

A received cancellation is not a probability, so it has rules of its own: what it is worth follows from the revenue that
ends and from how soon it ends.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from serving.policy.definition.policy_section import (
    Bands,
    Days,
    Money,
    Names,
    Nights,
    Section,
    Share,
    Text,
    Word,
    refuse_overlap,
)


class CancellationRule(Section):
    """Customers whose last contract has a known end: value = revenue that ends × save rate × urgency − cost.

    They have their own lane of the queue, reach it on the same night whatever the capacity, and are never held out.
    """

    save_rate: Share = Field(0.15, description="share of the revenue of received cancellations that can be saved")
    cost: Money = Field(0, description="what working a cancellation costs the team")
    urgency: Bands = Field((), description="bands of days to the end; default: those of `[priority]`")
    severity: Word | None = Field(None, description="lowest severity of the case")
    skill: Word | None = Field(None, description="skill to route the case by; default: that of the risk")
    risk: Word | None = Field(
        None, description="the risk whose family its cases belong to; default: the first of `[risks]`"
    )
    cooldown_days: Days = Field(30, description="days after a closed case before the same alarm raises a new one")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        refuse_overlap(self.urgency)
        return self


class PartialLossRule(Section):
    """A part of the contracts has a known end while others go on: valued like a cancellation, by the part's revenue.

    It competes for the squad's places with the accounts at risk.
    """

    save_rate: Share = Field(0.15, description="share of the revenue of ending parts that can be saved")
    cost: Money | None = Field(None, description="what working it costs the team; default: the `cost` of the risk")
    min_share: Share = Field(0.01, description="share of the account's revenue from which it raises a case")
    severity: Word | None = Field(None, description="lowest severity of the case")
    skill: Word | None = Field(None, description="skill to route the case by; default: that of the risk")
    cooldown_days: Days = Field(30, description="days after a closed case before the same alarm raises a new one")


class CooldownRule(Section):
    """How long the alarms of a closed case raise no new case, by outcome; another alarm raises one at once.

    After *lost* the whole account rests until its contract ends, a later term is agreed, or it cancels anew.
    """

    saved: Days | None = Field(None, description="days after *saved*; default: the `cooldown_days` of the alarm")
    false_alarm: Days | None = Field(None, description="days after *false alarm*; default: `cooldown_days`")
    no_action: Days | None = Field(None, description="days after *no action*; default: `cooldown_days`")
    expired: Days | None = Field(None, description="days after *expired*; default: `cooldown_days`")
    lost: Days = Field(90, description="days of rest after *lost* where the end of the contract is not known")

    def days(self, outcome: str, alarm_days: int) -> int:
        """The days after a case with this outcome, for an alarm with these days of its own."""
        own = {name: getattr(self, name) for name in ("saved", "false_alarm", "no_action", "expired")}
        days: int | None = own.get(outcome)
        return alarm_days if days is None else days


class ReconcileRule(Section):
    """When the night closes a case whose cause is gone: the risk fell, or the contract goes on after all."""

    nights: Nights = Field(
        5,
        description="nights that a case in work stays marked as resolved, then: saved where somebody contacted the "
        "customer or made a plan, else: expired",
    )
    unclaimed_nights: Annotated[int, Field(ge=0, le=365)] = Field(
        1,
        description="nights for a case that nobody has started, then: expired; also where the account is gone",
    )


class ExcludeRule(Section):
    """Accounts that never get a case; the night's report counts them by rule."""

    types: Names = Field(
        ("internal", "test", "demo", "trial", "free"), description="types of accounts, in any case of letters"
    )
    without_revenue: bool = Field(True, description="accounts whose revenue is known to be zero")
    accounts: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        (), description="ids of single accounts; leads exclude one on its page, with a reason"
    )
    when: dict[str, Text] = Field(default_factory=dict, description="name -> condition")


class GroupRule(Section):
    """Cases of groups: accounts with the same `parent_id`."""

    one_case: bool = Field(
        False,
        description="one case for all accounts of a group that are at risk; a cancellation always has its own",
    )


class Holdout(Section):
    """The hold-out: accounts that the team does not work, so that the effect of its work can be measured."""

    share: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.2, description="share of accounts (groups) held out; 0: none"
    )
    salt: Word = Field(description="any text; a new salt draws a new hold-out, so keep it while an experiment runs")
    by_segment: dict[str, Annotated[float, Field(ge=0, le=0.5)]] = Field(
        default_factory=dict, description="segment -> share for that segment"
    )
    exempt: dict[str, Text] = Field(
        default_factory=dict,
        description="name -> condition for accounts that are never held out; every use is recorded",
    )


Points = Annotated[float, Field(ge=-100, le=100)]


class Health(Section):
    """How an outcome changes an account's health score: points of 100, which decay and never enter the features."""

    saved: Points = Field(10, description="points for a case closed as saved")
    lost: Points = Field(-20, description="points for a case closed as lost")
    false_alarm: Points = Field(5, description="points for a case closed as false alarm")
    no_action: Points = Field(0, description="points for a case closed without action")
    cap: Annotated[float, Field(gt=0, le=100)] = Field(
        15, description="limit of the sum of all adjustments, in either direction"
    )
    half_life_days: Annotated[float, Field(gt=0, le=3660)] = Field(
        30, description="days after which half of an adjustment is left"
    )
