"""The settings of named sources: a night may read its accounts from a CRM, its tickets from a help desk, and so on.

On the command line a source is ``--data NAME=SOURCE``. A source given there keeps what its section of ``rescue.toml``
says of it (its mapping, its schema), and only its place is another one; the other sources of the file stay.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator

from features.errors import UsageError, suggest_name

RESERVED_SOURCE_NAMES = frozenset({"main", "memory", "system", "temp", "information_schema", "pg_catalog"})
"""Names that DuckDB has given to catalogs and schemas of its own."""

MATCHES = ("links", "same_id", "external_id", "domain", "name")
"""Ways to find the account of a record of another system."""

WhenMissing = Literal["stop", "continue"]
_NAMED = re.compile(r"([A-Za-z][A-Za-z0-9_]*)=(.+)", re.DOTALL)


class SourceSettings(BaseModel):
    """A section ``[sources.NAME]`` of the settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    data: str = Field("", description="The source: a folder, a DuckDB or SQLite file, or a database URL.")
    db_schema: str | None = Field(
        None, alias="schema", description="The schema of its tables; by default every schema that has unique names."
    )
    mapping: Path | None = Field(
        None, description="Folder of <table>.sql files, or a mapping that Rescue brings, such as zendesk/fivetran."
    )
    timezone: str | None = Field(
        None, description="Time zone of its times that have none, such as Europe/Berlin; by default UTC."
    )
    when_missing: WhenMissing = Field(
        "stop",
        description="What a night does where the source cannot be read or is stale: stop, or continue without it. "
        "A source of accounts always stops.",
    )
    stale_after: int | None = Field(
        None, ge=0, description="Days without a new row of this source after which it is stale; by default never."
    )
    system: str | None = Field(
        None, description="The name of the system in the table links; by default the first part of its mapping."
    )
    partition_by: tuple[str, ...] = Field(
        (),
        description="Columns by whose months a table of PostgreSQL, MySQL or MariaDB is read in parts, the first that "
        "it has; months that have not changed since the last night are not read again.",
    )
    match_by: tuple[str, ...] = Field(
        ("links", "same_id", "external_id", "domain"),
        description=f"How its companies are matched with accounts, in this order: {', '.join(MATCHES)}.",
    )
    least_matched: float = Field(
        0.5, ge=0, le=1, description="Share of its companies that have to match an account, else it counts as missing."
    )

    @field_validator("timezone")
    @classmethod
    def _zone(cls, timezone: str | None) -> str | None:
        if timezone is not None and timezone not in available_timezones():
            hint = suggest_name(timezone, available_timezones())
            raise UsageError(f"The setting timezone of a source cannot be {timezone!r}; {hint}")
        return timezone

    @field_validator("match_by")
    @classmethod
    def _ways(cls, ways: tuple[str, ...]) -> tuple[str, ...]:
        for way in ways:
            if way not in MATCHES:
                raise UsageError(f"The setting match_by cannot be {way!r}; {suggest_name(way, MATCHES)}")
        return ways


@dataclass(frozen=True)
class GivenData:
    """What ``--data`` says: one source without a name, or sources by name; neither where it is not given."""

    single: str | None = None
    named: Mapping[str, str] = field(default_factory=dict)


def read_data_option(values: object, option: str = "--data") -> GivenData:
    """The sources or mappings that an option names; ``values`` is a text or path, several, or ``None``.

    A text with ``=`` that is an existing file or folder is that file or folder.

    Raises:
        UsageError: two sources have no name, or the same; or one has a name and another has none.
    """
    several: Sequence[object] = values if isinstance(values, (list, tuple)) else [values] if values else []
    texts = [str(value) for value in several]
    pairs = [_split(text) for text in texts]
    single = [text for name, text in pairs if not name]
    if len(single) > 1 or (single and len(pairs) > 1):
        unnamed = f"{single[0]} and {single[1]} have" if len(single) > 1 else f"{single[0]} has"
        raise UsageError(
            f"{option} is given {len(pairs)} times, and {unnamed} no name: several sources need one each, such as "
            f"{option} crm=FOLDER {option} helpdesk=FOLDER."
        )
    named: dict[str, str] = {}
    for name, text in pairs:
        if name in named:
            raise UsageError(f"{option} names the source {name!r} twice: {named[name]} and {text}.")
        if name:
            named[name] = text
    return GivenData(single[0] if single else None, named)


def named_sections(data: GivenData, mapping: GivenData) -> dict[str, dict[str, str]] | None:
    """The sections of sources that the command line gives; ``None`` where it names none.

    Raises:
        UsageError: a mapping is for a source by name, and the only source has none.
    """
    if data.single is not None and mapping.named:
        name = next(iter(mapping.named))
        raise UsageError(
            f"--mapping names the source {name!r}, but --data has no name: write --data {name}={data.single}."
        )
    sections = {name: {"data": text} for name, text in data.named.items()}
    for name, text in mapping.named.items():
        sections.setdefault(name, {})["mapping"] = text
    return sections or None


def check_sources(sources: Mapping[str, SourceSettings]) -> None:
    """Check the names of sources, and that each says where it is.

    Raises:
        UsageError: a name is reserved or has other signs than lower-case letters, digits and ``_``, or has no data.
    """
    for name, source in sources.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise UsageError(f"A source cannot be called {name!r}: use lower-case letters, digits and _.")
        if name in RESERVED_SOURCE_NAMES:
            raise UsageError(f"A source cannot be called {name!r}, which DuckDB uses itself; choose another name.")
        if not source.data:
            raise UsageError(f"[sources.{name}] needs data: a folder, a file or a database URL.")


def _split(text: str) -> tuple[str, str]:
    match = _NAMED.fullmatch(text)
    if match is None or Path(text).exists():
        return "", text
    return match[1], match[2]
