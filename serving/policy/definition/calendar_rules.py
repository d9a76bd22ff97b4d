"""The calendars of a policy: when a squad or a person works."""

from collections.abc import Callable
from datetime import date
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from features.errors import UsageError
from serving.paths.calendars import WorkingCalendar, check_region, check_timezone, check_working_hours
from serving.policy.definition.policy_section import Section, Word, refuse_value


def _checked_by(check: Callable[[Any], None]) -> AfterValidator:
    """A validator of one value, so that every wrong value of a calendar is reported and not only the first."""

    def validate(value: Any) -> Any:
        try:
            check(value)
        except UsageError as error:
            raise refuse_value(str(error).rstrip(".")) from None
        return value

    return AfterValidator(validate)


def _check_line(line: str) -> None:
    check_working_hours([line])


Timezone = Annotated[Word, _checked_by(check_timezone)]
HoursLine = Annotated[Word, _checked_by(_check_line)]
Hours = Annotated[tuple[HoursLine, ...], Field(strict=False), _checked_by(check_working_hours)]
Region = Annotated[Word, _checked_by(check_region)]


class CalendarRule(Section):
    """When people work: severities that count working hours or days do so by the calendar of the squad."""

    timezone: Timezone = Field(description="time zone, such as `Europe/Berlin`")
    hours: Hours = Field(description="working hours, such as `mon-thu 09:00-12:30 13:30-17:30`")
    holidays: Region | None = Field(
        None, description="country, or country and region, whose public holidays are free, such as `DE` or `DE-BE`"
    )
    closed: Annotated[tuple[date, ...], Field(strict=False)] = Field((), description="further days without work")

    @cached_property
    def calendar(self) -> WorkingCalendar:
        """The calendar that deadlines are computed with."""
        return WorkingCalendar.checked(self.timezone, self.hours, self.holidays, self.closed)
