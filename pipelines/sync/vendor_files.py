"""What is read of each system: its tables, where they are, how pages follow each other, and what tells a change."""

import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

TimeFormat = Literal["epoch", "utc", "day_before", "same"]


class ChangeQuery(BaseModel):
    """How only what has changed is asked for: a column of the records whose largest value is remembered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    parameter: str
    first: int | str
    time: TimeFormat
    template: str = "{since}"

    def value(self, since: int | str, fields: str) -> int | str:
        """The parameter that asks for the records since a value of the column."""
        moment = WRITTEN[self.time](since)
        return moment if self.template == "{since}" else self.template.format(since=moment, fields=fields)


class VendorTable(BaseModel):
    """A table of a system. One without ``changes`` is read whole every time, and replaced."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    path: str
    records: str = Field(description="where the records are in the answer; $ is the answer itself")
    key: str = "id"
    params: dict[str, int | str] = Field(default_factory=dict)
    pages: dict[str, Any]
    changes: ChangeQuery | None = None


class VendorFile(BaseModel):
    """A system: how it is signed in to, the mapping that Rescue brings for it, and its tables."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    sign_in: Literal["bearer", "basic", "user_token"]
    mapping: str | None = None
    tables: tuple[VendorTable, ...]


def read_vendor(kind: str) -> VendorFile:
    """The file of a system."""
    text = files("pipelines.sync").joinpath("vendors", f"{kind}.toml").read_text(encoding="utf-8")
    return VendorFile.model_validate(tomllib.loads(text))


def _instant(value: int | str) -> datetime:
    if isinstance(value, int):
        return datetime.fromtimestamp(value, UTC)
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


WRITTEN: Mapping[TimeFormat, Callable[[int | str], int | str]] = {
    "epoch": lambda value: int(_instant(value).timestamp()),
    "utc": lambda value: f"{_instant(value).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
    "day_before": lambda value: f"{_instant(value) - timedelta(days=1):%Y-%m-%d}",
    "same": lambda value: value,
}
"""How a system wants a moment to be written. A day alone is in the time zone of the token's user, so it is the day
before: what is read twice is merged by its key."""
