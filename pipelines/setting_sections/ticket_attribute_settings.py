"""The settings of a company's own columns of tickets: a symptom, a product, the person who opened it.

What a help desk shows of a ticket today is often not what it showed when the ticket was opened: a group or an assignee
is overwritten. So such a column is read from tickets without ``known_at`` only where it is declared constant. It makes
no feature: the kinds of tickets of a policy may name it, and `rescue paths map` learns criteria from it.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.contract import TICKETS, Column, ColumnType
from features.errors import UsageError, suggest_name
from features.toml_text import load_toml
from features.value_fault import fault_text
from pipelines.setting_sections.attribute_settings import ColumnName, own_columns
from pipelines.setting_sections.metric_settings import Wording

SECTION = "ticket_attributes"


class TicketAttributeSettings(BaseModel):
    """One section ``[ticket_attributes.KEY]`` of the settings, or of the ``mapping.toml`` of a mapping."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["number", "category"] = Field("category", description="`number`, or `category`: a text.")
    title: Wording = Field("", description="What it is called in a report; the key by default.")
    column: ColumnName | None = Field(
        None, description="Its name in the table tickets, in lower case; the key by default."
    )
    constant: bool = Field(
        False,
        description="Whether the value of a ticket never changes after it was opened. Only then is it read from "
        "tickets without `known_at`.",
    )

    def entry(self, key: str) -> Column:
        """The column as an entry of the contract."""
        kind = ColumnType.NUMBER if self.kind == "number" else ColumnType.TEXT
        title = self.title or key.replace("_", " ").capitalize()
        return Column(self.column or key, kind, meaning=title, few_values=True, changing=not self.constant)


def check_ticket_columns(attributes: Mapping[str, TicketAttributeSettings]) -> None:
    """Check that each attribute of tickets has a column of its own.

    Raises:
        UsageError: the contract or another attribute has the column already.
    """
    reserved = (*TICKETS.names, "opened_hour", "opened_weekday")
    own_columns("ticket attribute", {key: it.column or key for key, it in attributes.items()}, reserved)


def attributes_of_mapping(mapping: Path | None) -> dict[str, TicketAttributeSettings]:
    """The attributes of tickets that the ``mapping.toml`` in a mapping's folder declares.

    Raises:
        UsageError: one of them cannot be used; the sentence names the file.
    """
    file = mapping / "mapping.toml" if mapping is not None else None
    if file is None or not file.is_file():
        return {}
    try:
        section = load_toml(file.read_text("utf-8")).get(SECTION, {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not TOML: {error}.") from None
    if not isinstance(section, dict):
        raise UsageError(f"{file}: {SECTION} holds tables, such as [{SECTION}.symptom].")
    return {key: _read(file, key, values) for key, values in section.items()}


def _read(file: Path, key: str, values: Any) -> TicketAttributeSettings:
    try:
        return TicketAttributeSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join((SECTION, key, *(str(part) for part in first["loc"])))
        if first["type"] == "extra_forbidden":
            hint = suggest_name(str(first["loc"][-1]), TicketAttributeSettings.model_fields)
            raise UsageError(f"{file}: there is no setting {name}; {hint}") from None
        raise UsageError(f"{file}: the setting {fault_text(name, first)}.") from None
