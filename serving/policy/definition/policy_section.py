"""The base of every section of a policy file, and the types of its values.

Every field's ``description`` is its documentation: ``docs/policy.md`` is generated from them.
"""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from features.errors import UsageError
from serving.paths.durations import LONGEST_HOURS, Duration, Unit

Fraction = Annotated[float, Field(gt=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Nights = Annotated[int, Field(ge=1, le=365)]
Days = Annotated[int, Field(ge=0, le=3660)]
Word = Annotated[str, Field(min_length=1, max_length=200)]
Names = Annotated[tuple[Word, ...], Field(strict=False)]
Text = Annotated[str, Field(min_length=1, max_length=4000)]


def _parse_duration(value: object) -> Duration:
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        raise PydanticCustomError("duration", "has to be a number of hours, or a text such as '4 working hours'")
    try:
        return Duration.parse(value)
    except UsageError as error:
        raise PydanticCustomError("duration", "is wrong: {reason}", {"reason": str(error).rstrip(".")}) from None


def _written(duration: Duration) -> float | str:
    return duration.amount if duration.unit == Unit.HOURS else str(duration)


Within = Annotated[
    Duration,
    BeforeValidator(_parse_duration),
    PlainSerializer(_written),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST_HOURS}, {"type": "string"}]}
    ),
]
"""A number of hours, or a text: "30 minutes", "4 working hours", "2 working days"."""


class Section(BaseModel):
    """A table of the policy file: unknown keys are refused, types are not coerced, values cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def refuse(field: str, message: str) -> PydanticCustomError:
    """The error of a rule between fields; ``field`` is the key whose line the message names."""
    return PydanticCustomError("policy", "{reason}", {"reason": message, "field": field})


def refuse_value(message: str) -> PydanticCustomError:
    """The error of one value, whose own line the message names."""
    return PydanticCustomError("policy", "{reason}", {"reason": message})


class Urgency(Section):
    """A band of days to renewal or to the end of the contract, and its factor."""

    within_days: Annotated[int, Field(ge=1)] = Field(description="renewal or end within this many days")
    factor: Annotated[float, Field(gt=0, le=10)] = Field(description="factor of the priority")


Bands = Annotated[tuple[Urgency, ...], Field(strict=False)]


def refuse_overlap(bands: tuple[Urgency, ...]) -> None:
    """Raise the error of bands that are not ascending."""
    days = [band.within_days for band in bands]
    if days != sorted(set(days)):
        raise refuse(
            "urgency", f"the urgency bands overlap: within_days has to increase from band to band, and it is {days}"
        )
