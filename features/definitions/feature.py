"""One feature: what it means, where it comes from, which way risk goes with it, and how it is told to a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal

from features.definitions.measures import Aggregate, Ago, FeedAge, FeedAlive, Measure, Siblings
from features.definitions.sentences import fields_of, tell
from features.errors import UsageError

GROUPS: Mapping[str, str] = {
    "usage": "Use of the product",
    "adoption": "Breadth of use",
    "support": "Support load",
    "escalations": "Escalations",
    "health": "Health score",
    "billing": "Payments",
    "contract": "Contract and renewal",
    "account": "Kind of account",
    "rescues": "Past rescues",
    "data": "State of the data",
}
"""The groups of reasons, and their titles."""


@dataclass(frozen=True)
class Feature:
    """A column of the frame.

    ``direction`` is +1 where risk is expected to rise with the value, −1 where it falls, 0 where it may do either;
    ``monotone`` says that this is certain enough to bind a model to it. ``sentence`` is a template (see ``telling``)
    that may use any feature of the row. A category is text, a number is a float; both may be missing.
    """

    name: str
    measure: Measure
    meaning: str
    unit: str
    sentence: str
    direction: Literal[-1, 0, 1] = 0
    monotone: bool = False
    group: str = "account"
    kind: Literal["number", "category"] = "number"

    def __post_init__(self) -> None:
        if self.group not in GROUPS:
            raise UsageError(f"feature {self.name!r}: no group {self.group!r}; the groups are {', '.join(GROUPS)}.")
        if self.monotone and not self.direction:
            raise UsageError(f"feature {self.name!r} is monotone, so its direction must be -1 or 1.")

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The tables that must be there for the feature to have a value, the one it mainly measures first."""
        found: dict[str, None] = {}
        for part in self.measure.parts:
            if isinstance(part, Aggregate):
                found.setdefault(part.stream.table)
            elif isinstance(part, FeedAge | FeedAlive | Siblings):
                found.setdefault(part.table)
        return tuple(found)

    @property
    def source(self) -> str:
        """The table that it mainly measures."""
        return self.sources[0]

    @property
    def window(self) -> int | None:
        """How many days before the cutoff it looks back; ``None`` for the state at the cutoff, or all time."""
        reach = [
            (part.within or 0) + part.stream.shift if isinstance(part, Aggregate) else part.days
            for part in self.measure.parts
            if isinstance(part, Aggregate | Ago)
        ]
        return max(reach, default=0) or None

    def tell(self, row: Mapping[str, object], as_of: date) -> str:
        """The sentence for a person, from the row's features; says so plainly where the value is missing."""
        if row.get(self.name) is None:
            return f"{self.meaning[0].upper()}{self.meaning[1:]}: not known"
        return tell(self.sentence, row, as_of)

    @property
    def told_with(self) -> tuple[str, ...]:
        """The names of the features that its sentence uses."""
        return fields_of(self.sentence)
