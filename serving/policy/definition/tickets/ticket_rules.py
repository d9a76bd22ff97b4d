"""The sections of a policy about tickets: `[issue_types.NAME]` and `[launches.NAME]`."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from serving.policy.definition.policy_section import Names, Section, Text, Word, refuse

ISSUES, LAUNCH = "issues_", "launch_"
"""The beginnings of the names that conditions use for the numbers of tickets."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
"""What a kind of ticket may be called: conditions write it as a part of a column's name."""


def _parse_start(value: object) -> datetime:
    """A day, an instant, or one of both as ISO text; without an offset it is UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        raise PydanticCustomError("start", "has to be a day or an instant, such as 2026-03-01T08:00:00Z")
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


StartTime = Annotated[datetime, BeforeValidator(_parse_start), WithJsonSchema({"type": "string"})]


class IssueTypeRule(Section):
    """A kind of ticket, as it was opened; `issues_NAME` is the number of an account's unresolved tickets of it.

    A ticket has to meet `when` and to contain one of `terms`, where they are given.
    """

    when: Text | None = Field(None, description="condition over the columns of a ticket as it was opened")
    terms: Names = Field(
        (), description="words, of which the subject or the body contains one; `fail*` is any word that begins so"
    )
    opened_within_days: Annotated[int, Field(ge=1, le=365)] = Field(
        14, description="days after which a ticket counts no more, resolved or not"
    )
    launch: Word | None = Field(
        None, description="only tickets about this launch, one of `[launches]`; a trigger of it ends the broad path"
    )

    @model_validator(mode="after")
    def _given(self) -> Self:
        if self.when is None and not self.terms:
            raise refuse("when", "an issue type needs when, or terms, or both")
        return self


class LaunchRule(Section):
    """A new feature: from its start, unresolved tickets about it raise a case for the response squad.

    It is a trigger named `launch_NAME`, whose cases are never held out. Tickets that an adopted issue type takes (one
    with `launch = "NAME"` that a trigger reads) are left to that trigger. From `hours` on, an adopted issue type ends
    the broad path. `launch_NAME` is the number of an account's tickets that the broad path takes.
    """

    start: StartTime = Field(description="when the feature is available: a day, or an instant")
    hours: Annotated[float, Field(gt=0, le=8784)] = Field(
        48, description="hours after the start until which triggers for single failures have to be adopted"
    )
    when: Text | None = Field(None, description="condition over the columns of a ticket that is about the feature")
    terms: Names = Field((), description="words, of which such a ticket contains one: names of the feature")
    product: Word | None = Field(None, description="`product` of the signals that are about the feature")
    skill: Word = Field(description="skill of the response squad")
    specialist: Word | None = Field(None, description="skill for questions of use; default: that of the response squad")
    technical: Word | None = Field(
        None, description="skill of tier 2 for failures; default: that of the response squad"
    )
    risk: Word | None = Field(None, description="risk that a case is evidence of; default: the last of `[risks]`")
    severity: Word | None = Field(None, description="lowest severity of the case")
    message: Word | None = Field(None, description="sentence shown to the reviewer")

    @model_validator(mode="after")
    def _given(self) -> Self:
        if self.when is None and not self.terms:
            raise refuse("terms", "a launch needs terms, or when, or both: they say which tickets are about it")
        return self

    @property
    def ends(self) -> datetime:
        """When the time for adopting triggers is over."""
        return self.start + timedelta(hours=self.hours)
