"""The sections of a policy about escalation: steps of paths, and the communication protocol."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from features.errors import suggest_name
from serving.paths.durations import Duration
from serving.paths.message_text import PLACEHOLDERS, unknown_placeholders
from serving.paths.path_steps import PathStep, Repeat
from serving.paths.protocol import DEFAULT_PROTOCOL, EventRule, Party, Protocol, ProtocolEvent
from serving.policy.definition.policy_section import Names, Section, Text, Within, Word, refuse, refuse_value

Fact = Literal[
    "account_owner",
    "accountable",
    "actor",
    "affected",
    "comment",
    "opened",
    "probability",
    "reason",
    "renewal",
    "responsible",
    "revenue",
    "severity",
    "squad",
    "state",
    "users",
]
MOST_RULES = 50
"""A path of a policy has at most so many steps."""

PartyName = Literal[
    "responsible", "accountable", "consulted", "informed", "account_owner", "receiving_squad", "vendor", "mentioned"
]


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _as_channels(value: Any) -> Any:
    """``true`` is the reader's first address, which is written as no channel."""
    return () if value is True else None if value is False else _one_or_more(value)


Addressed = Annotated[
    Names,
    BeforeValidator(_one_or_more),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Channels = Annotated[
    Names | None,
    BeforeValidator(_as_channels),
    PlainSerializer(lambda channels: False if channels is None else list(channels) or True),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "array", "items": {"type": "string"}}]}),
]
"""Names of channels; ``true`` for the reader's first address, ``false`` for no message."""


class RepeatRule(Section):
    """A step is sent again while nobody has acknowledged."""

    count: Annotated[int, Field(ge=1, le=20)] = Field(description="how often it is sent again")
    every: Within = Field(description="time between two messages: hours, or for example `30 minutes`")


class StepRule(Section):
    """One step of an escalation path."""

    to: Addressed = Field(
        description="whom it addresses: `primary`, `secondary`, `tertiary`, `responsible`, `accountable`, `consulted`, "
        "`informed`, `account owner`, a role, a squad (its person on duty), a person, or a mail address"
    )
    after: Within | None = Field(
        None, description="time since the step before, or since the case was opened: hours, or `4 working hours`"
    )
    channels: Names = Field(
        (), description="channels of `rescue.toml` that it is sent through; default: the first address of each reader"
    )
    message: Text | None = Field(
        None, description="first paragraph of its message; may contain `{account}`, `{request}`, `{deadline}`, `{link}`"
    )
    acknowledge: bool = Field(
        True,
        description="asks to act: its first person becomes responsible, and an acknowledgement stops it; `false`: it "
        "only informs, also after an acknowledgement",
    )
    repeat: RepeatRule | None = Field(None, description="how often it is sent again while nobody has acknowledged")
    then: Word | None = Field(None, description="only in the last step: the path that goes on after it")

    @model_validator(mode="after")
    def _placeholders(self) -> Self:
        refuse_unknown_placeholders("message", self.message)
        return self

    @cached_property
    def step(self) -> PathStep:
        """The step as the executor takes it."""
        repeat = Repeat(self.repeat.count, self.repeat.every) if self.repeat else None
        return PathStep(self.to, self.after, self.channels, self.message, self.acknowledge, repeat)

    @property
    def durations(self) -> tuple[Duration, ...]:
        """Every time that the step has."""
        times = (self.after, self.repeat.every if self.repeat else None)
        return tuple(time for time in times if time is not None)


def _check_count(steps: tuple[StepRule, ...]) -> tuple[StepRule, ...]:
    if not 1 <= len(steps) <= MOST_RULES:
        raise refuse_value(f"a path has between 1 and {MOST_RULES} steps, and this one has {len(steps)}")
    return steps


Steps = Annotated[tuple[StepRule, ...], Field(strict=False), AfterValidator(_check_count)]
"""The steps of one path, in their order."""


class ProtocolRule(Section):
    """Who is notified of an event: for each party the channels, `true` for its first address, or `false`.

    Events: `opened`, `raised_again`, `assigned`, `escalated`, `handed_over`, `accepted`, `returned`, `contacted`,
    `sla_breached`, `resolved`, `reopened`, `mentioned`, `incident_opened` and `incident_over`. Those that are left out
    have the default.
    """

    responsible: Channels = Field(None, description="the person who has to act")
    accountable: Channels = Field(None, description="the accountable role of the severity")
    consulted: Channels = Field(None, description="the consulted roles of the severity")
    informed: Channels = Field(None, description="the informed roles of the severity")
    account_owner: Channels = Field(None, description="the owner of the account in the CRM")
    receiving_squad: Channels = Field(None, description="everybody in the squad that has the case now")
    vendor: Channels = Field(None, description="people and addresses outside the team that the path has reached")
    mentioned: Channels = Field(None, description="of `mentioned`: the people whom a comment names")
    daily: Annotated[tuple[PartyName, ...], Field(strict=False)] = Field(
        (), description="parties whose messages wait for their next morning, and arrive as one mail"
    )
    template: Text | None = Field(
        None, description="first paragraph of the message; may contain `{account}`, `{request}`, `{deadline}`, `{link}`"
    )
    fields: Annotated[tuple[Fact, ...], Field(strict=False)] = Field(
        (), description="facts that every message lists; with `comment`, the action needs a text"
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        refuse_unknown_placeholders("template", self.template)
        silent = next((party for party in self.daily if getattr(self, party) is None), None)
        if silent is not None:
            raise refuse("daily", f"{silent} is in `daily` and gets no message: add {silent} = true")
        return self

    @cached_property
    def event_rule(self) -> EventRule:
        """The rule as the executor reads it."""
        parties = {party: channels for party in Party if (channels := getattr(self, party.value)) is not None}
        return EventRule(parties, frozenset(Party(name) for name in self.daily), self.template, self.fields)


def full_protocol(rules: Mapping[str, ProtocolRule]) -> Protocol:
    """The rules of the policy, and the default for every event that it does not mention."""
    return {**DEFAULT_PROTOCOL, **{ProtocolEvent(event): rule.event_rule for event, rule in rules.items()}}


def refuse_unknown_placeholders(field: str, template: str | None) -> None:
    """Raise the error of a template that contains a name in braces that does not exist."""
    unknown = unknown_placeholders(template or "")
    if unknown:
        reason = f"{field} cannot contain {{{unknown[0]}}}: {suggest_name(unknown[0], PLACEHOLDERS)}"
        raise refuse(field, reason.rstrip("."))
