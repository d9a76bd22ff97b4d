"""The settings of one of a company's own columns in the accounts: what it holds, and whether it ever changes.

An account's plan of today, read beside a cutoff of last year, is knowledge of the future: a model would learn that lost
customers have the plan "none". So a column is read from accounts without ``known_at`` only where it is declared
constant.
"""

from collections.abc import Collection, Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from features.catalogue import Attribute
from features.contract import ACCOUNTS
from features.errors import UsageError
from pipelines.setting_sections.metric_settings import Wording

ColumnName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$")]


class AttributeSettings(BaseModel):
    """One section ``[attributes.KEY]`` of the settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["number", "category"] = Field(
        description="`number`, or `category`: a text with few different values; rare ones are learned as one."
    )
    higher: Literal["good", "bad", "neither"] = Field(
        "neither", description="Whether a higher number is `good` or `bad` for the account, or `neither`."
    )
    title: Wording = Field("", description="What it is called in a sentence; the key by default.")
    unit: Wording = Field("", description="The unit of a number, for example people or %.")
    column: ColumnName | None = Field(
        None, description="Its name in the table accounts, in lower case; the key by default."
    )
    constant: bool = Field(
        False,
        description="Whether the value of an account never changes. Only then is it read from accounts without "
        "`known_at`.",
    )

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        for key in ("higher", "unit"):
            if self.kind == "category" and key in self.model_fields_set and getattr(self, key) not in ("", "neither"):
                raise PydanticCustomError("category", "a category has no {key}; only a number has one", {"key": key})
        return self

    def attribute(self, key: str) -> Attribute:
        """The declaration under its key."""
        title = self.title or key.replace("_", " ").capitalize()
        return Attribute(key, title, self.kind, self.unit, self.higher, self.column or key, self.constant)


def check_attribute_columns(attributes: Mapping[str, AttributeSettings]) -> None:
    """Check that each attribute has a column of its own.

    Raises:
        UsageError: the contract or another attribute has the column already.
    """
    own_columns("attribute", {key: it.column or key for key, it in attributes.items()}, ACCOUNTS.names)


def own_columns(what: str, columns: Mapping[str, str], reserved: Collection[str]) -> None:
    """Check that each key has a column of its own, and that none is ``reserved`` (:class:`UsageError`)."""
    keys: dict[str, str] = {}
    for key, column in columns.items():
        if column in reserved:
            raise UsageError(f"The {what} {key} cannot be the column {column}: the contract has it.")
        if column in keys:
            raise UsageError(f"The {what}s {keys[column]} and {key} are both the column {column}.")
        keys[column] = key
