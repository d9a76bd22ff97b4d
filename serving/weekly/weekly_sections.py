"""What the weekly report consists of: sections with a sentence to read first, a chart, a table, and a note."""

from collections.abc import Sequence
from dataclasses import dataclass

from serving.night_report.report_text import plural
from serving.store.queries.results.weekly_queries import Amounts, CasesAtInstant, SavedButGone
from serving.weekly.weekly_charts import BarChart, IntervalChart

AMOUNT_DEFINITION = (
    "“Revenue saved” and “Revenue lost” are recurring revenue a year: the amount that was recorded when the case was "
    "closed, else the revenue at stake, else its estimate. An account that is saved or lost again within 90 days "
    "counts only with what is more than before."
)
"""What the two names mean, on every page and in the report."""


@dataclass(frozen=True)
class WeeklyTable:
    """A table of a section; ``right`` are the numbers of its columns of figures."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[int] = frozenset()


@dataclass(frozen=True)
class WeeklySection:
    """A section: its title, the sentence to read first, further sentences, a chart, a table, and how it was counted."""

    key: str
    title: str
    lead: str
    lines: Sequence[str] = ()
    chart: BarChart | IntervalChart | None = None
    table: WeeklyTable | None = None
    note: str = ""
    links: Sequence[tuple[str, str]] = ()
    """Words and page of the cases behind the figures, for who reads it in the app."""


@dataclass(frozen=True)
class WeeklyText:
    """The whole report."""

    title: str
    subtitle: str
    summary: Sequence[str]
    sections: Sequence[WeeklySection]


def amounts_text(money: Amounts) -> str:
    """Amounts with their currencies, the largest first: ``1,200,000 EUR and 20,000 USD``; ``an unknown amount``."""
    parts = [
        f"{amount:,.0f} {code}".strip() for code, amount in sorted(money.items(), key=lambda item: (-item[1], item[0]))
    ]
    if not parts:
        return "an unknown amount"
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def open_revenue_text(found: CasesAtInstant, complete: bool) -> str:
    """What is at stake in open cases, as a sentence; at the end of the week, or now while it goes on."""
    when = "At the end of the week" if complete else "Now"
    if not found.cases:
        return f"{when} no case {'was' if complete else 'is'} open."
    amount, verb = amounts_text(found.revenue), "was" if complete else "is"
    return f"{when} {amount} of recurring revenue a year {verb} at stake in {open_cases_text(found)}."


def open_cases_text(found: CasesAtInstant) -> str:
    """``18 open cases (14 at risk, 4 leaving)``, as the lanes of the queue name them."""
    lanes = f" ({found.cases - found.leaving:,} at risk, {found.leaving:,} leaving)" if found.leaving else ""
    return f"{plural(found.cases, 'open case')}{lanes}"


def outcome_text(cases: int, money: Amounts, word: str) -> str:
    """How much was saved or lost: ``120,000 EUR was saved in 3 cases``."""
    if not cases:
        return f"nothing was {word}"
    return f"{amounts_text(money)} was {word} in {plural(cases, 'case')}"


def gone_text(gone: SavedButGone) -> str:
    """What of the saved is gone all the same, after it: `` (of these, 1 account with 5,000 EUR has left, …)``."""
    if not gone.accounts:
        return ""
    have, are, were = ("has", "is", "was") if gone.accounts == 1 else ("have", "are", "were")
    whose = f"{plural(gone.accounts, 'account')} with {amounts_text(gone.money)}"
    return f" (of these, {whose} {have} left, {are} leaving or {were} lost since)"


def first_upper(text: str) -> str:
    """A text as the beginning of a sentence; the rest stays as it is."""
    return text[:1].upper() + text[1:]
