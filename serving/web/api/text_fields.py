"""Texts and numbers that callers send: as long as a person types, and storable in every database."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

LONGEST = 4000


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a text cannot contain the NUL character")
    return text


Word = Annotated[str, StringConstraints(max_length=200), AfterValidator(_storable)]
Said = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST, pattern=r"\S"), AfterValidator(_storable)]
Remark = Annotated[str, StringConstraints(max_length=LONGEST), AfterValidator(_storable)]
Version = Annotated[int, Field(ge=1, lt=1 << 31, description="The version that you saw.")]


class Sent(BaseModel):
    """What every body shares: a field that does not exist is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)
