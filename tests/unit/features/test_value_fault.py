"""Errors of values are worded for somebody who writes TOML."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, StringConstraints, ValidationError, field_validator

from features.value_fault import fault_text


class Values(BaseModel):
    """Values of every kind that settings have."""

    home: Path = Path()
    code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "EUR"
    rates: dict[str, float] = Field(default_factory=dict)
    names: tuple[str, ...] = Field(("a",), min_length=1)
    kind: Literal["gate", "never"] = "gate"
    days: int = Field(1, ge=1)
    own: str = ""

    @field_validator("own")
    @classmethod
    def _own(cls, own: str) -> str:
        if own:
            raise ValueError("there is no squad of this name.")
        return own


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"home": 3}, " has to be a path, written as a text, not 3"),
        ({"code": "EURO"}, " has to be a code of three capital letters, such as EUR, not 'EURO'"),
        ({"rates": 3}, " has to be a table, not 3"),
        ({"names": "a"}, " has to be a list, not 'a'"),
        ({"names": []}, " has to be a list that is not empty"),
        ({"kind": "x"}, " has to be one of gate, never, not 'x'"),
        ({"days": "x"}, " has to be a whole number, not 'x'"),
        ({"days": 0}, " has to be at least 1, not 0"),
        ({"own": "x"}, ": there is no squad of this name"),
    ],
)
def test_a_fault_says_what_the_value_has_to_be(values: Mapping[str, Any], text: str) -> None:
    with pytest.raises(ValidationError) as error:
        Values.model_validate(values)
    (found,) = error.value.errors()
    name = str(found["loc"][0])
    assert fault_text(name, found) == f"{name}{text}"
    assert "'x'" not in fault_text(name, found, with_value=False)
