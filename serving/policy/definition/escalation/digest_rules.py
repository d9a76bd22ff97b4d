"""The section `[digest]`: when people get their morning digest, where they have chosen nothing else."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from serving.paths.calendars import WEEKDAYS
from serving.paths.digests.digest_schedule import EVERY_DAY, MORNING, MessageChoices, parse_time, parse_weekdays
from serving.policy.definition.policy_section import Names, Section, Word, refuse_value


def _check_time(value: object) -> object:
    try:
        parse_time(str(value))
    except ValueError:
        raise refuse_value(f"time = {str(value)!r} cannot be read: write it like '08:00'") from None
    return value


def _check_days(value: object) -> object:
    words = [str(word) for word in value] if isinstance(value, list | tuple) else []
    try:
        parse_weekdays(words)
    except ValueError:
        raise refuse_value(f"days has to be a list of {', '.join(WEEKDAYS)}") from None
    return value


class DigestRule(Section):
    """When people get their morning digest: one message with what is new, due today, overdue and changed.

    Everybody who has an address gets one, and may choose another time on the page *Preferences*.
    """

    time: Annotated[Word, BeforeValidator(_check_time)] = Field("08:00", description="time, in each person's time zone")
    days: Annotated[Names, BeforeValidator(_check_days)] = Field(
        (), description="days on which it is sent, such as `mon`; default: every day"
    )
    channels: Names = Field(
        (), description="channels that a person may choose; default: every one on which they have an address"
    )

    @property
    def choices(self) -> MessageChoices:
        """What holds for somebody who has chosen nothing."""
        return MessageChoices(at=parse_time(self.time) if self.time else MORNING, weekdays=self._days)

    @property
    def _days(self) -> tuple[int, ...]:
        return parse_weekdays(self.days) if self.days else EVERY_DAY
