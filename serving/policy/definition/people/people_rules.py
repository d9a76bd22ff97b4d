"""The sections `[people.NAME]`, `[roles]` and `[squads.NAME.duty]`, and the roster that is built from them."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from serving.paths.roster import parse_handover
from serving.policy.definition.calendar_rules import Timezone
from serving.policy.definition.policy_section import Names, Section, Word, refuse


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _by_squad(value: object) -> object:
    return {"": value} if isinstance(value, str | list | tuple) else value


_NAMES_SCHEMA = [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
OneOrMore = Annotated[
    Names, BeforeValidator(_as_list), Field(min_length=1), WithJsonSchema({"anyOf": [*_NAMES_SCHEMA]})
]
RoleRule = Annotated[
    dict[str, OneOrMore],
    BeforeValidator(_by_squad),
    Field(min_length=1),
    WithJsonSchema(
        {"anyOf": [*_NAMES_SCHEMA, {"type": "object", "additionalProperties": {"anyOf": [*_NAMES_SCHEMA]}}]}
    ),
]
"""The people and squads of a role; by squad where it is a table, with "" for every other squad."""


class PersonRule(Section):
    """A person: members of squads, and those who are accountable, consulted or informed.

    The name of the table is the name with which the person signs in.
    """

    title: Word | None = Field(None, description="name that others read; default: the name of the table")
    timezone: Timezone | None = Field(None, description="time zone; default: that of the calendar, else of the squad")
    calendar: Word | None = Field(None, description="working time, one of `[calendars]`; default: that of the squad")
    skills: Names = Field((), description="skills, shown where a case is assigned")
    addresses: dict[str, Word] = Field(
        default_factory=dict, description="kind or name of a channel -> address, such as `mail` or `slack`"
    )
    manager: Word | None = Field(None, description="the person's manager, one of `[people]`")
    max_open: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        None, description="number of open cases from which the person gets no new ones; default: no limit"
    )
    weight: Annotated[float, Field(gt=0, le=100)] = Field(
        1, description='share of cases relative to others with `rotation = "load"`: 0.5 is half as many'
    )
    absences: Word | None = Field(
        None, description="calendar of absences: the https address of an `.ics` calendar, or a file"
    )


class DutyRule(Section):
    """Who of a squad is primary, secondary and tertiary when; without it, the squad's escalation path."""

    rotation: Literal["weekly", "daily", "load"] = Field(
        description="`weekly`, `daily`, or `load`: whoever has the fewest open cases by weight"
    )
    handover: Word | None = Field(
        None, description="when the shift changes: `mon 09:00` (weekly) or `09:00` (daily); default: midnight, Mondays"
    )
    start: date | None = Field(
        None, strict=False, description="a day of the first member's first shift; default: 1 Jan 2024"
    )
    timezone: Timezone | None = Field(
        None, description="time zone of the hand-over; default: that of the squad's calendar, else UTC"
    )
    order: Names = Field((), description="who takes turns, in this order; default: all members of the squad")
    working_hours: bool = Field(
        False, description="skip whoever is outside their own working hours, such as in a rota around the world"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.handover is None:
            return self
        if self.rotation == "load":
            raise refuse("handover", 'rotation = "load" has no hand-over: remove handover')
        example = "'mon 09:00'" if self.rotation == "weekly" else "'09:00'"
        try:
            weekday, _ = parse_handover(self.handover)
        except ValueError:
            raise refuse("handover", f"handover = {self.handover!r} cannot be read: write {example}") from None
        if (weekday is not None) != (self.rotation == "weekly"):
            wrong = "has no weekday" if weekday is None else "has a weekday"
            raise refuse("handover", f"handover = {self.handover!r} {wrong}: write {example}")
        return self

    @model_validator(mode="after")
    def _once(self) -> Self:
        repeated = next((name for place, name in enumerate(self.order) if name in self.order[:place]), None)
        if repeated is not None:
            raise refuse("order", f"{repeated} is listed twice in the rota")
        return self
