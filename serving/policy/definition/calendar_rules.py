"""The calendars of a policy: when a squad works."""

from datetime import date
from functools import cached_property
from typing import Annotated, Self

from pydantic import Field, model_validator

from features.errors import UsageError
from serving.paths.calendars import WorkingCalendar
from serving.policy.definition.policy_section import Names, Section, Word, refuse


class CalendarRule(Section):
    """When people work: severities that count working hours or days do so by the calendar of the squad."""

    timezone: Word = Field(description="time zone, such as `Europe/Berlin`")
    hours: Annotated[Names, Field(min_length=1)] = Field(
        description="working hours, such as `mon-thu 09:00-12:30 13:30-17:30`"
    )
    holidays: Word | None = Field(
        None, description="country, or country and region, whose public holidays are free, such as `DE` or `DE-BE`"
    )
    closed: Annotated[tuple[date, ...], Field(strict=False)] = Field((), description="further days without work")

    @model_validator(mode="after")
    def _valid(self) -> Self:
        try:
            _ = self.calendar
        except UsageError as error:
            raise refuse(self._wrong_key(str(error)), str(error).rstrip(".")) from None
        return self

    @cached_property
    def calendar(self) -> WorkingCalendar:
        """The calendar that deadlines are computed with."""
        return WorkingCalendar.checked(self.timezone, self.hours, self.holidays, self.closed)

    @staticmethod
    def _wrong_key(sentence: str) -> str:
        """The key that a sentence is about, whose line the message names."""
        if "time zone" in sentence:
            return "timezone"
        return "holidays" if "holidays" in sentence or "region" in sentence else "hours"
