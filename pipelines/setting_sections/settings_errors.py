"""The message about a setting that does not exist or does not fit, with the nearest name."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import SettingsError

from features.errors import suggest_name
from features.value_fault import fault_text
from pipelines.setting_sections.attribute_settings import AttributeSettings
from pipelines.setting_sections.currency_settings import CurrencySettings
from pipelines.setting_sections.metric_settings import MetricSettings
from pipelines.setting_sections.monitoring_settings import MonitoringSettings
from pipelines.setting_sections.source_settings import SourceSettings
from pipelines.setting_sections.sync_settings import SyncSettings
from pipelines.setting_sections.ticket_attribute_settings import TicketAttributeSettings
from serving.web.identity.review_settings import ReviewSettings

SENTENCE = "sentence"
"""The type of an error whose message is a whole sentence of ours."""

SECTIONS: dict[str, type[BaseModel]] = {
    "review": ReviewSettings,
    "monitoring": MonitoringSettings,
    "metrics": MetricSettings,
    "attributes": AttributeSettings,
    "ticket_attributes": TicketAttributeSettings,
    "currency": CurrencySettings,
    "sources": SourceSettings,
}
"""Sections whose keys are fixed."""

_SECRETS: dict[str, type[BaseModel]] = {"sync": SyncSettings}
"""Further sections in which a key that has to be there is a secret."""


def explain_setting_error(error: ValidationError, fields: Mapping[str, FieldInfo]) -> str:
    """The first error as a sentence, with the nearest allowed word where a word is not known.

    ``fields`` are the settings outside of sections.
    """
    first = error.errors()[0]
    *path, last = (str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        section = SECTIONS.get(path[0]) if path else None
        known = section.model_fields if section else fields
        return f"There is no setting {'.'.join((*path, last))}; {suggest_name(last, known)}"
    if first["type"] in (SENTENCE, "missing"):
        return _missing(path, last) if first["type"] == "missing" else str(first["msg"])
    name = ".".join((*path, last))
    if first["type"] == "literal_error":
        allowed = re.findall(r"'([^']*)'", first["ctx"]["expected"])
        return f"The setting {name} cannot be {first['input']!r}; {suggest_name(str(first['input']), allowed)}"
    return f"The setting {fault_text(name.removesuffix('.[key]'), first)}."


def explain_unreadable(error: Exception, file: Path, place_of: Callable[[str], str | None]) -> str:
    """Why the settings cannot be read at all; ``place_of`` names where the value of a setting comes from."""
    if isinstance(error, SettingsError) and "EnvironmentSource" in str(error):
        field = str(error).partition('"')[2].partition('"')[0]
        return (
            f"{place_of(field)}: the setting {field} cannot be read; sections and lists are written as JSON, "
            """such as '["a", "b"]'."""
        )
    if isinstance(error, RecursionError):
        return f"{file} cannot be read: its values are nested too deeply."
    if "integer string conversion" in str(error):
        return f"{file} cannot be read: one of its numbers is too large."
    return f"{file} cannot be read: {error}."


def _missing(path: list[str], key: str) -> str:
    """That a key is missing; for a secret, where it comes from."""
    section = _SECRETS.get(path[0]) if path else None
    name = ".".join((*path, key))
    if section is None or key not in section.model_fields or section.model_fields[key].annotation is not SecretStr:
        return f"The setting {name} is missing."
    variable = f"RESCUE_{'__'.join((*path, key))}".upper()
    return (
        f"The setting {name} is missing: set it in the environment ({variable}), or {variable}_FILE to a file that "
        "holds it."
    )
