"""The settings that a mapping brings in its ``mapping.toml``: those of risks, and the company's own words.

A risk is a table of its name, ``[churn]``, or ``[risks.churn]`` as in ``rescue.toml``.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from features.errors import UsageError
from features.toml_text import load_toml
from features.validation.values.reading_rules import ReadingRules, check_words
from models.risks.configuration import configured
from models.risks.defaults import DEFAULTS
from pipelines.extensions.load_extensions import load_extensions, own_features
from pipelines.setting_sections.ticket_attribute_settings import SECTION as TICKET_ATTRIBUTES
from pipelines.settings import Settings
from pipelines.sources.mappings.mapping_folder import find_mapping
from pipelines.sources.mappings.mapping_inputs import INPUTS, VIEWS

RISKS, WORDS = "risks", "words"


@dataclass(frozen=True)
class MappingSettings:
    """Settings by risk, and by vocabulary the words of a company with their meanings."""

    risks: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    words: Mapping[str, dict[str, str]] = field(default_factory=dict)


def read_mapping_settings(mapping: Path) -> MappingSettings:
    """The settings that a mapping brings, in the ``mapping.toml`` of its folder; none where it has no such file.

    Raises:
        UsageError: the file is not TOML, or holds something else; the sentence names it.
    """
    file = find_mapping(mapping).settings
    if not file.is_file():
        return MappingSettings()
    try:
        sections = load_toml(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not TOML: {error}.") from None
    for own in (INPUTS, VIEWS):
        sections.pop(own, None)
    sections.pop(TICKET_ATTRIBUTES, None)  # read with the settings, because policies name them too
    words = _tables(file, WORDS, sections.pop(WORDS, {}))
    risks = {**_tables(file, RISKS, sections.pop(RISKS, {})), **_tables(file, "", sections)}
    lists = {risk: {name: _value(value) for name, value in values.items()} for risk, values in risks.items()}
    return MappingSettings(lists, words)


def merged_risk_settings(settings: Settings) -> dict[str, dict[str, Any]]:
    """The settings of the risks, by risk: the operator's win over the mapping's, and these over an extension's.

    Raises:
        UsageError: an extension cannot be used.
    """
    own_features(settings)  # conditions of risks may name them
    own = load_extensions(settings).risks
    given = _of_all_mappings(settings, "risks")
    names = sorted({*own, *given, *settings.risks})
    return {name: {**own.get(name, {}), **given.get(name, {}), **settings.risks.get(name, {})} for name in names}


def require_usable_risks(settings: Settings) -> None:
    """Check the risks of settings, mapping and extensions together, before the source is read.

    Raises:
        UsageError: a risk or an extension cannot be used.
    """
    configured(merged_risk_settings(settings))


def reading_rules(settings: Settings) -> ReadingRules:
    """The company's own words, those of the operator before those of the mapping, and the days that mean "no date".

    Raises:
        UsageError: a word is given a meaning that does not exist.
    """
    given = _of_all_mappings(settings, "words")
    names = sorted({*given, *settings.words})
    words = {name: {**given.get(name, {}), **settings.words.get(name, {})} for name in names}
    check_words(words)
    return ReadingRules(words, settings.no_dates)


def _of_all_mappings(settings: Settings, part: Literal["risks", "words"]) -> dict[str, dict[str, Any]]:
    """The risks or words of every mapping in use: those of the joint mapping win over those of a source's own."""
    mappings = [it.mapping for it in settings.sources.values() if it.mapping is not None]
    mappings += [settings.mapping] if settings.mapping is not None else []
    merged: dict[str, dict[str, Any]] = {}
    for mapping in mappings:
        for name, values in getattr(read_mapping_settings(mapping), part).items():
            merged[name] = {**merged.get(name, {}), **values}
    return merged


def _tables(file: Path, section: str, values: object) -> dict[str, dict[str, Any]]:
    """The tables of a section; every value of it has to be one."""
    inner = values.items() if isinstance(values, dict) else [(section, values)]
    for name, table in inner:
        if not isinstance(table, dict):
            example = f"[{section or RISKS}.{'priority' if section == WORDS else DEFAULTS[0].name}]"
            raise UsageError(f"{file} may hold tables of risk settings and words only, such as {example}, not {name}.")
    return dict(inner)


def _value(value: Any) -> Any:
    """TOML's arrays are tuples for us, like every list of names in the risks' settings."""
    return tuple(value) if isinstance(value, list) else value
