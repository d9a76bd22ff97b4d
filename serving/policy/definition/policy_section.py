"""The base of every section of a policy file, and the types of its values.

Every field's ``description`` is its documentation: ``docs/policy.md`` is generated from them.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

Fraction = Annotated[float, Field(gt=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Hours = Annotated[float, Field(gt=0, le=24 * 366)]
Nights = Annotated[int, Field(ge=1, le=365)]
Days = Annotated[int, Field(ge=0, le=3660)]
Word = Annotated[str, Field(min_length=1, max_length=200)]
Names = Annotated[tuple[Word, ...], Field(strict=False)]
Text = Annotated[str, Field(min_length=1, max_length=4000)]


class Section(BaseModel):
    """A table of the policy file: unknown keys are refused, types are not coerced, values cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def refuse(field: str, message: str) -> PydanticCustomError:
    """The error of a rule between fields; ``field`` is the key whose line the message names."""
    return PydanticCustomError("policy", "{reason}", {"reason": message, "field": field})


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
