"""``[incidents.NAME]``: which signals are an incident, how many within which time, and who is responsible for it."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from serving.paths.durations import Duration, Unit
from serving.paths.signal_windows import WindowRule
from serving.policy.definition.incidents.signal_columns import field_name
from serving.policy.definition.policy_section import Section, Text, Within, Word, refuse

USUAL_QUIET = Duration(0.5)
USUAL_REOPEN = Duration(24.0)


def _listed(value: object) -> object:
    """One field as a list of one."""
    return (value,) if isinstance(value, str) else value


def _refuse_no_signal(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and value < 1:
        raise PydanticCustomError("count", "has to be at least 1: an incident needs a signal")
    return value


FieldNames = Annotated[tuple[Word, ...], BeforeValidator(_listed), Field(strict=False)]
SignalCount = Annotated[int, BeforeValidator(_refuse_no_signal), Field(ge=1, le=1_000_000)]


class IncidentRule(Section):
    """An incident: `count` signals that meet the condition `within` a time, for each value of the fields of `by`."""

    when: Text = Field(description="the condition over the fields of a signal")
    count: SignalCount = Field(description="number of signals from which it is an incident")
    within: Within = Field(description="time within which they happen, such as `15 minutes`")
    distinct: Word | None = Field(
        None, description="count different values of this field, such as `user_id`, in place of signals"
    )
    by: FieldNames = Field((), description="fields that signals are grouped by: each value has an incident of its own")
    severity: Word = Field(description="severity of the incident, one of `[[severities]]`")
    path: Word | None = Field(
        None, description="escalation path, one of `[[paths.NAME]]`; default: that of the severity"
    )
    squad: Word | None = Field(None, description="squad that works the incident; default: the fallback of `[routing]`")
    quiet: Within | None = Field(
        None, description="time without a signal after which it is over; default: 30 minutes, at least `within`"
    )
    reopen: Within | None = Field(
        None,
        description="time after its end within which it is opened again in place of a new one; default: 24 hours",
    )
    users: Annotated[int, Field(ge=1)] | None = Field(
        None, description="number of users of the product, for the share of users that are affected"
    )
    title: Word | None = Field(None, description="name of the incident in messages; default: the name of the table")

    @model_validator(mode="after")
    def _by_the_clock(self) -> Self:
        for name in ("within", "quiet", "reopen"):
            duration: Duration | None = getattr(self, name)
            if duration is not None and duration.unit != Unit.HOURS:
                raise refuse(name, f"{name} cannot be working time: signals are counted by the clock")
        if self.quiet is not None and self.quiet.amount < self.within.amount:
            raise refuse(
                "quiet",
                f"quiet = {_text(self.quiet)} has to be at least within = {_text(self.within)}, "
                "or an incident is over while its signals are counted",
            )
        return self

    @property
    def group_fields(self) -> tuple[str, ...]:
        """The fields of ``by``."""
        return tuple(dict.fromkeys(field_name(word) for word in self.by))

    @property
    def counted_field(self) -> str | None:
        """The field whose different values are counted; None where signals are."""
        return field_name(self.distinct) if self.distinct else None

    @property
    def quiet_time(self) -> timedelta:
        """The time without a signal after which an incident is over."""
        quiet = self.quiet or max(USUAL_QUIET, self.within, key=lambda duration: duration.amount)
        return timedelta(hours=quiet.amount)

    @property
    def reopen_time(self) -> timedelta:
        """The time after its end within which an incident is opened again."""
        return timedelta(hours=(self.reopen or USUAL_REOPEN).amount)

    @property
    def window(self) -> WindowRule:
        """The sliding window."""
        return WindowRule(self.count, timedelta(hours=self.within.amount), self.quiet_time)


def _text(duration: Duration) -> str:
    """A duration in its usual unit: minutes below two hours."""
    minutes = duration.amount * 60
    return f"{minutes:g} minutes" if minutes < 120 else str(duration)


def incident_title(name: str, rule: IncidentRule) -> str:
    """The name of an incident in messages: ``checkout_failures`` becomes Checkout failures."""
    text = name.replace("_", " ").replace("-", " ")
    return rule.title or text[:1].upper() + text[1:]


def window_text(rule: IncidentRule) -> str:
    """What is counted, in words: ``20 signals within 15 minutes``."""
    what = f"different values of {rule.counted_field}" if rule.counted_field else "signals"
    number = f"{rule.count} {what}" if rule.count > 1 else "one signal"
    grouped = f" with the same {' and '.join(rule.group_fields)}" if rule.group_fields else ""
    return f"{number}{grouped} within {_text(rule.within)}"
