"""The tiered support flow from ticket history: what the first group does not resolve, and how to see it at the opening.

Issue types are ranked by how many tickets of them were reassigned. For each, and for all tickets together, criteria are
learned on earlier months and tested on later ones. A proposal is made only where the test passes after correction for
the number of proposals, so that data without structure give none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from features.errors import DataGateError, UsageError, suggest_name
from pipelines.path_design.issues.issue_criteria import Criteria, CriteriaMapper, DefinitionSummary, MapOptions
from pipelines.path_design.issues.opening_columns import OpeningColumn, find_opening_columns
from pipelines.path_design.issues.opening_rules import ValueTest
from pipelines.path_design.issues.rule_learning import LEAST_TICKETS
from pipelines.path_design.issues.ticket_outcomes import DEFINITIONS, EMPTY, TicketFlags, TicketTable, read_tickets

if TYPE_CHECKING:
    from collections.abc import Callable

    from features.history.history import History

ALL_GROUPS = "all"
LATER_SHARE = 1 / 3
REPEAT_DAYS = 30
NEARLY_CERTAIN = 0.97
"""Precision on later months from which a criterion looks like a column that is written after the fact."""


@dataclass(frozen=True)
class IssueTypeSummary:
    """One issue type: how often the first group did not resolve it at once, what that cost, and its criteria.

    ``hours_lost`` sums, over these tickets, the hours beyond the median of those that the first group resolved at once.
    ``repeats`` is the share of tickets whose account had opened one of this type within 30 days before. ``resolver`` is
    the group that in the end resolved most of the tickets that were not resolved at once, "" if it is unknown.
    """

    name: str
    tickets: int
    handed_on: int
    escalated: int
    hours_lost: float | None
    repeats: float
    resolver: str
    resolver_share: float
    criteria: Criteria


@dataclass(frozen=True)
class IssueMap:
    """The whole map."""

    source: str
    first: date
    last: date
    later_from: date
    options: MapOptions
    issue_type: str
    tier1: str
    tier1_share: float
    tickets: int
    columns: tuple[OpeningColumn, ...]
    types: tuple[IssueTypeSummary, ...]
    general: Criteria
    definitions: tuple[DefinitionSummary, ...]
    warnings: tuple[str, ...]

    @property
    def proposals(self) -> list[tuple[str, Criteria]]:
        """The criteria that passed, by issue type; those of all tickets only where no issue type has any."""
        found = [(it.name, it.criteria) for it in self.types if it.criteria.proposed]
        return found or ([(EMPTY, self.general)] if self.general.proposed else [])


def map_issues(
    history: History, source: str, options: MapOptions, log: Callable[[str], None] = lambda _: None
) -> IssueMap:
    """Map the tickets of a history.

    Raises:
        UsageError: there is no such definition or column.
        DataGateError: the source has no tickets, or too few with a known outcome.
    """
    if options.outcome not in DEFINITIONS:
        raise UsageError(f"There is no outcome {options.outcome!r}; {suggest_name(options.outcome, DEFINITIONS)}")
    tickets, columns = _read_enough(history, options)
    tier1 = _tier1(tickets, options.tier1)
    every = len(tickets)
    tickets = tickets.take(tickets.group == tier1) if tier1 else tickets
    issue_type = _issue_type(tickets, columns, options.issue_type)
    later_from = _later_from(tickets)
    later = tickets.opened_at >= np.datetime64(later_from)
    learned = tickets.opened_at < np.datetime64(later_from - timedelta(days=options.within_days))
    mapper = CriteriaMapper(tickets, columns, options, learned, later)
    types = _top_types(tickets, issue_type, options.top)
    log(f"Learning criteria for {len(types)} issue types")
    general, *by_type = mapper.criteria([np.ones(len(tickets), dtype=bool), *(chosen for _, chosen in types)])
    summaries = tuple(
        _summary(name, tickets, chosen, criteria) for (name, chosen), criteria in zip(types, by_type, strict=True)
    )
    log("Comparing definitions of the outcome")
    definitions = tuple(mapper.definition(name) for name in DEFINITIONS)
    return IssueMap(
        source=source,
        first=_day(tickets.opened_at[0]),
        last=_day(tickets.opened_at[-1]),
        later_from=later_from,
        options=options,
        issue_type=issue_type,
        tier1=tier1,
        tier1_share=len(tickets) / every,
        tickets=len(tickets),
        columns=columns,
        types=summaries,
        general=general,
        definitions=definitions,
        warnings=tuple(_warnings([*by_type, general])),
    )


def _read_enough(history: History, options: MapOptions) -> tuple[TicketTable, tuple[OpeningColumn, ...]]:
    """The tickets with a known outcome and what is known of their columns; refused where there are too few."""
    if "tickets" not in history.present or "ticket_events" not in history.present:
        raise DataGateError(
            "Escalation paths are designed from tickets and ticket_events, and the source has not both."
        )
    columns = find_opening_columns(history)
    tickets = read_tickets(history, columns, options.within_days)
    if len(tickets) < 2 * LEAST_TICKETS:
        raise DataGateError(
            f"The source has {len(tickets)} tickets whose outcome is known after {options.within_days} days; "
            f"criteria need at least {2 * LEAST_TICKETS}."
        )
    return tickets, columns


def _tier1(tickets: TicketTable, wanted: str | None) -> str:
    """The first group of the tickets that are mapped; "" where all are, as without a group known at the opening.

    Raises:
        UsageError: no, or too few, tickets are opened with the wanted group.
    """
    counts = Counter(group for group in tickets.texts.get("group", np.array([])).tolist() if group)
    if wanted == ALL_GROUPS or (wanted is None and not counts):
        return EMPTY
    if wanted is not None and wanted not in counts:
        raise UsageError(f"No tickets are opened with the group {wanted!r}; {suggest_name(wanted, counts)}")
    group, count = (wanted, counts[wanted]) if wanted is not None else counts.most_common(1)[0]
    if count >= 2 * LEAST_TICKETS:
        return group
    if wanted is None:
        return EMPTY
    raise UsageError(f"Only {count} tickets are opened with the group {group!r}; criteria need {2 * LEAST_TICKETS}.")


def _issue_type(tickets: TicketTable, columns: Sequence[OpeningColumn], wanted: str | None) -> str:
    if wanted is not None:
        if wanted not in tickets.texts:
            raise UsageError(
                f"There is no column {wanted!r} that was known at the opening; {suggest_name(wanted, tickets.texts)}"
            )
        return wanted
    usable = [name for name in ("category", *tickets.texts) if name in tickets.texts]
    return next((name for name in usable if len(set(tickets.texts[name].tolist())) > 1), EMPTY)


def _top_types(tickets: TicketTable, column: str, top: int) -> list[tuple[str, TicketFlags]]:
    """The issue types with the most tickets that were reassigned, and their tickets."""
    if not column:
        return []
    values = tickets.texts[column]
    handed_on = tickets.outcomes["handed_on"]
    counts = Counter(value for value in values[handed_on].tolist() if value)
    return [(value, values == value) for value, _ in counts.most_common(top)]


def _later_from(tickets: TicketTable) -> date:
    """The beginning of the month from which on about a third of the tickets were opened."""
    months = tickets.months()
    starts = np.unique(months)[1:]
    if not len(starts):
        return _day(tickets.opened_at[len(tickets) * 2 // 3])
    shares = np.array([np.mean(months >= start) for start in starts])
    return _day(starts[int(np.argmin(np.abs(shares - LATER_SHARE)))])


def _summary(name: str, tickets: TicketTable, chosen: TicketFlags, criteria: Criteria) -> IssueTypeSummary:
    handed_on = tickets.outcomes["handed_on"] & chosen
    stayed = tickets.hours[chosen & ~handed_on]
    hours = tickets.hours[handed_on]
    usual = float(np.nanmedian(stayed)) if np.isfinite(stayed).any() else None
    lost = None if usual is None else float(np.nansum(np.maximum(hours - usual, 0.0)))
    resolved = handed_on & (tickets.resolver != EMPTY)
    groups = Counter(tickets.resolver[resolved].tolist())
    resolver, count = groups.most_common(1)[0] if groups else (EMPTY, 0)
    return IssueTypeSummary(
        name=name,
        tickets=int(chosen.sum()),
        handed_on=int(handed_on.sum()),
        escalated=int((tickets.outcomes["escalated"] & chosen).sum()),
        hours_lost=lost,
        repeats=_repeats(tickets.take(chosen)),
        resolver=resolver,
        resolver_share=count / int(resolved.sum()) if count else 0.0,
        criteria=criteria,
    )


def _repeats(tickets: TicketTable) -> float:
    """The share of tickets whose account had opened another one within 30 days before."""
    last: dict[int, np.datetime64] = {}
    repeated = 0
    for cluster, at in zip(tickets.cluster.tolist(), tickets.opened_at, strict=True):
        before = last.get(cluster)
        repeated += int(before is not None and bool(at - before <= np.timedelta64(REPEAT_DAYS, "D")))
        last[cluster] = at
    return repeated / len(tickets) if len(tickets) else 0.0


def _warnings(criteria: Sequence[Criteria]) -> list[str]:
    certain = [it for it in criteria if it.proposed and it.figures and it.figures.precision.value >= NEARLY_CERTAIN]
    columns = sorted(
        {test.column for it in certain for rule in it.rules for test in rule.tests if isinstance(test, ValueTest)}
    )
    if not columns:
        return []
    return [
        f"Criteria over {', '.join(columns)} are nearly always right. Check that these columns are filled when a "
        "ticket is opened, and not afterwards."
    ]


def _day(at: np.datetime64) -> date:
    day: date = at.astype("datetime64[D]").astype(object)
    return day
