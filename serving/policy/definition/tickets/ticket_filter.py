"""A kind of ticket as SQL: the same text decides in a night, in a replay and in a proposal.

Words are compared without regard to case and accents, and as whole words: "fail" is not in "failover", and "fail*" is.
Scripts that are written without spaces have no whole words, so a term of them may occur anywhere.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from features.conditions import Condition, Kind
from features.contract import TABLES, ColumnType
from features.quoting import quote_text

NOT_CONDITIONS = frozenset({"ticket_id", "account_id", "merged_into", "url"})
"""Columns of tickets that identify a single row, so that no kind of ticket can be defined by them."""

DERIVED: Mapping[str, Kind] = {"opened_hour": "number", "opened_weekday": "number"}
"""Columns that follow from when a ticket was opened: the hour (0 to 23) and the day of the week (1: Monday), UTC."""

_NUMBERS = (ColumnType.NUMBER, ColumnType.WHOLE)
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def ticket_columns() -> dict[str, tuple[str, Kind]]:
    """What a condition over tickets may name: the contract's columns, a company's own, and those of the opening."""
    table = TABLES["tickets"]
    known: dict[str, tuple[str, Kind]] = {name: (name, kind) for name, kind in DERIVED.items()}
    for column in table.columns:
        if column.name not in NOT_CONDITIONS and column.kind in (ColumnType.TEXT, *_NUMBERS):
            known[column.name.lower()] = (column.name, "number" if column.kind in _NUMBERS else "text")
    return known


def fold_text(text: str) -> str:
    """A text in lower case without accents, as the engine folds it."""
    parts = unicodedata.normalize("NFD", text.lower())
    return unicodedata.normalize("NFC", "".join(part for part in parts if unicodedata.category(part) != "Mn"))


def term_pattern(terms: Sequence[str]) -> str:
    """The regular expression (RE2) of folded texts that contain one of the terms."""
    spaced: list[str] = []
    unspaced: list[str] = []
    for term in terms:
        words = r"\s+".join(re.escape(word) for word in fold_text(term.removesuffix("*")).split())
        words += r"[\pL\pN_]*" if term.endswith("*") else ""
        (unspaced if _UNSPACED.search(term) else spaced).append(words)
    whole = rf"(^|[^\pL\pN_])({'|'.join(spaced)})($|[^\pL\pN_])" if spaced else ""
    return "|".join(part for part in (whole, *unspaced) if part)


@dataclass(frozen=True)
class TicketFilter:
    """One kind of ticket.

    Attributes:
        name: what conditions call the number of an account's tickets: ``issues_NAME`` or ``launch_NAME``.
        condition: over the columns of a ticket as it was opened.
        terms: words, of which a ticket contains one; empty: any ticket.
        opened_within_days: how long a ticket counts; None: as long as it is unresolved.
        start: tickets opened before it do not count.
        ends: from this instant on there are none any more.
        about: the kind that a ticket has to be of too: the launch.
        without: kinds whose tickets are left out: those that are routed by a trigger of their own.
    """

    name: str
    condition: Condition | None = None
    terms: tuple[str, ...] = ()
    opened_within_days: int | None = None
    start: datetime | None = None
    ends: datetime | None = None
    about: "TicketFilter | None" = None
    without: tuple["TicketFilter", ...] = ()

    @property
    def column(self) -> str:
        """Its column among the candidates. Two policies may give one name to different kinds, so it has a hash."""
        content = f"{self.sql()} {self.opened_within_days} {self.ends}"
        return f"{self.name}@{hashlib.sha256(content.encode()).hexdigest()[:10]}"

    @property
    def columns(self) -> frozenset[str]:
        """The columns of a ticket that it reads, besides when it was opened."""
        own = frozenset(self.condition.columns) if self.condition else frozenset()
        text = frozenset({"subject", "body"}) if self.terms else frozenset()
        inner = (self.about, *self.without) if self.about else self.without
        return own.union(text, *(other.columns for other in inner)) - frozenset(DERIVED)

    def sql(self) -> str:
        """Whether a row of ``opened`` is a ticket of this kind: SQL over its columns and ``folded``, never unknown."""
        parts = []
        if self.condition:
            parts.append(f"coalesce({self.condition.sql}, FALSE)")
        if self.terms:
            parts.append(f"regexp_matches(folded, {quote_text(term_pattern(self.terms))})")
        if self.start:
            parts.append(f"opened_at >= TIMESTAMP '{self.start.replace(tzinfo=None).isoformat(sep=' ')}'")
        if self.about:
            parts.append(f"({self.about.sql()})")
        parts += [f"NOT ({other.sql()})" for other in self.without]
        return " AND ".join(parts) or "TRUE"
