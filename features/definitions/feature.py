"""One feature: what it means, where it comes from, in which direction risk goes with it, and its sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Literal

from features.contract import Attribute, Metric
from features.definitions.measures import Aggregate, Ago, FeedAge, FeedAlive, Measure, Siblings, Succession
from features.definitions.sentences import can_be_said, fields_of, render_sentence
from features.errors import UsageError

GROUPS: Mapping[str, str] = {
    "usage": "Use of the product",
    "adoption": "Breadth of use",
    "support": "Support load",
    "escalations": "Escalations",
    "health": "Health score",
    "metrics": "Own metrics",
    "billing": "Payments",
    "contract": "Contract and renewal",
    "account": "Kind of account",
    "rescues": "Past rescues",
    "data": "State of the data",
}
"""The groups of reasons, and their titles."""


@dataclass(frozen=True)
class ExtensionFile:
    """A file of a company's own definitions: its name as it is shown, and the SHA-256 of its content."""

    name: str
    digest: str


@dataclass(frozen=True)
class Feature:
    """A column of the frame.

    Attributes:
        name: the column. Registered models refer to it, so it is never changed.
        measure: what is computed.
        meaning: what the value is, as a noun phrase.
        unit: the unit of the value.
        sentence: a template (see ``sentences``) that may use any feature of the row.
        direction: +1 where risk is expected to rise with the value, −1 where it falls, 0 where it may do either.
        monotone: whether the direction is certain enough to bind a model to it.
        group: the group of reasons that it belongs to.
        kind: a category is text, a number is a float; both may be missing.
        metric: the declaration that it was made from, where it is a company's own number.
        attribute: the same, where it is a company's own column of the accounts.
        extension: the file that defines it, where it is no feature of the catalogue.
        days_earlier: in a frame, the cutoffs at which it is measured so many days earlier, because a feed is late.
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
    metric: Metric | None = None
    attribute: Attribute | None = field(default=None, repr=False)
    extension: ExtensionFile | None = field(default=None, repr=False)
    days_earlier: Mapping[date, int] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.group not in GROUPS:
            raise UsageError(f"feature {self.name!r}: no group {self.group!r}; the groups are {', '.join(GROUPS)}.")
        if self.monotone and not self.direction:
            raise UsageError(f"feature {self.name!r} is monotone, so its direction must be -1 or 1.")

    @property
    def place(self) -> str:
        """Where it is defined, for a message: "extensions/trainings.py: the feature trained_people_90d"."""
        return f"{self.extension.name}: the feature {self.name}" if self.extension else f"The feature {self.name}"

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The tables that must be there for the feature to have a value, the one it mainly measures first."""
        tables: dict[str, None] = {}
        for part in self.measure.parts:
            if isinstance(part, Aggregate):
                tables.setdefault(part.stream.table)
            elif isinstance(part, FeedAge | FeedAlive | Siblings | Succession):
                tables.setdefault(part.table)
        return tuple(tables)

    @property
    def source(self) -> str:
        """The table that it mainly measures."""
        return self.sources[0]

    @cached_property
    def window(self) -> int | None:
        """How many days before the cutoff it looks back; ``None`` for the state at the cutoff, or all time."""
        days = [
            (part.within or 0) + part.stream.shift if isinstance(part, Aggregate) else part.days
            for part in self.measure.parts
            if isinstance(part, Aggregate | Ago)
        ]
        return max(days, default=0) or None

    def sentence_of(self, row: Mapping[str, object], as_of: date) -> str | None:
        """The sentence for a person, from the row's features; ``None`` where the value is missing or impossible."""
        if row.get(self.name) is None:
            return None
        return render_sentence(self.sentence, row, as_of - timedelta(days=self.days_earlier.get(as_of, 0)))

    def has_sentence(self, row: Mapping[str, object]) -> bool:
        """Whether :meth:`sentence_of` a row is a sentence."""
        return row.get(self.name) is not None and can_be_said(self.sentence, row)

    def describe(self, row: Mapping[str, object], as_of: date) -> str:
        """The sentence; where there is none, that the value is not known."""
        return self.sentence_of(row, as_of) or f"{self.meaning[0].upper()}{self.meaning[1:]}: not known"

    @property
    def sentence_fields(self) -> tuple[str, ...]:
        """The names of the features that its sentence uses."""
        return fields_of(self.sentence)
