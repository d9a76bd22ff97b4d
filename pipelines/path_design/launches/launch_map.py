"""What fails in a launch: clusters of its tickets and signals, and what the terms of each would have found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from features.errors import UsageError, suggest_name
from pipelines.night.ticket_counts import RESOLVED, STATES, opened_tickets
from pipelines.path_design.launches.launch_clusters import (
    LEAST_LAUNCH_TICKETS,
    NO_CLUSTER,
    Labels,
    TicketText,
    cluster_texts,
    is_technical,
    name_cluster,
    read_text,
)
from pipelines.path_design.launches.launch_signals import SignalGroup, group_signals
from pipelines.path_design.launches.launch_terms import choose_terms
from serving.policy.definition.tickets.adoption import adopting_triggers
from serving.policy.definition.tickets.ticket_filter import TicketFilter
from serving.policy.definition.tickets.ticket_kinds import TicketKinds

if TYPE_CHECKING:
    from features.history.history import History
    from serving.policy.definition.policy_schema import PolicyFile
    from serving.policy.definition.tickets.ticket_rules import LaunchRule


@dataclass(frozen=True)
class Caught:
    """Tickets that proposed terms find: of the cluster, of the other tickets about the launch, and later ones."""

    of_cluster: int
    of_others: int
    later: int
    later_total: int


@dataclass(frozen=True)
class LaunchCluster:
    """One kind of ticket about the launch."""

    name: str
    tickets: int
    unresolved: int
    accounts: int
    technical: bool
    terms: tuple[str, ...]
    example: str
    signals: tuple[str, ...]
    caught: Caught


@dataclass(frozen=True)
class LaunchMap:
    """The tickets and signals about a launch from its start until some instant.

    ``outside`` are tickets in no cluster, ``labels`` the cluster of each ticket by its id, in the order of opening.
    ``ended`` is whether the policy already ends the broad path by adopted triggers.
    """

    name: str
    start: datetime
    until: datetime
    ends: datetime
    tickets: int
    unresolved: int
    outside: int
    clusters: tuple[LaunchCluster, ...]
    signals: tuple[SignalGroup, ...]
    labels: dict[str, int]
    adopted: tuple[str, ...]

    @property
    def too_few(self) -> bool:
        """Whether there are too few tickets to look for clusters."""
        return self.tickets < LEAST_LAUNCH_TICKETS


def map_launch(
    history: History,
    rules: PolicyFile,
    name: str,
    signals: Sequence[dict[str, Any]] = (),
    as_of: datetime | None = None,
) -> LaunchMap:
    """Cluster what was reported about a launch.

    Args:
        history: where the tickets come from.
        rules: the policy with the launch.
        name: the launch.
        signals: rows as :func:`pipelines.path_design.launches.launch_signals.read_signals` returns them.
        as_of: use what was reported before this instant (UTC, without a zone). Default: the end of the launch's hours,
            or of the data where that is earlier.

    Raises:
        UsageError: the policy has no such launch, or the data end before it starts.
    """
    rule = find_launch(rules, name)
    start, ends = rule.start.replace(tzinfo=None), rule.ends.replace(tzinfo=None)
    end_of_data = datetime.combine(history.until, time.min)
    until = min(as_of or ends, end_of_data)
    _refuse_too_early(name, start, until)
    about = TicketKinds(rules).about(name)
    rows = _tickets(history, about, end_of_data)
    first = [row for row in rows if row["opened_at"] < until]
    texts = [read_text(f"{row['subject'] or ''} {row['body'] or ''}", rule.terms) for row in first]
    labels = cluster_texts(texts)
    places = [(row["account_id"], row["opened_at"], int(label)) for row, label in zip(first, labels, strict=True)]
    groups = group_signals(signals, places, start, until, rule.product)
    resolved = _resolved(history, [row["ticket_id"] for row in first], until)
    numbers = range(int(labels.max(initial=NO_CLUSTER)) + 1)
    clusters = [_cluster(number, first, texts, labels, resolved, groups) for number in numbers]
    caught = _caught(history, about, [terms for _, terms in clusters], first, labels, until, end_of_data)
    return LaunchMap(
        name=name,
        start=start,
        until=until,
        ends=ends,
        tickets=len(first),
        unresolved=sum(row["ticket_id"] not in resolved for row in first),
        outside=int((labels == NO_CLUSTER).sum()),
        clusters=tuple(
            LaunchCluster(**it, terms=terms, caught=found) for (it, terms), found in zip(clusters, caught, strict=True)
        ),
        signals=tuple(groups),
        labels={row["ticket_id"]: int(label) for row, label in zip(first, labels, strict=True)},
        adopted=_adopted(rules, name),
    )


def _refuse_too_early(name: str, start: datetime, until: datetime) -> None:
    if until <= start:
        raise UsageError(
            f"The launch {name} starts at {start:%Y-%m-%d %H:%M} UTC, and the data reach to {until:%Y-%m-%d %H:%M}."
        )


def find_launch(rules: PolicyFile, name: str) -> LaunchRule:
    """The launch of a policy.

    Raises:
        UsageError: there is none of this name.
    """
    if name not in rules.launches:
        hint = suggest_name(name, rules.launches) if rules.launches else "add [launches.NAME] to the policy."
        raise UsageError(f"The policy has no launch {name!r}; {hint}")
    return rules.launches[name]


def _adopted(rules: PolicyFile, name: str) -> tuple[str, ...]:
    return tuple(adopting_triggers(rules, name))


def _cluster(
    number: int,
    rows: Sequence[dict[str, Any]],
    texts: Sequence[TicketText],
    labels: Labels,
    resolved: set[str],
    groups: Sequence[SignalGroup],
) -> tuple[dict[str, Any], tuple[str, ...]]:
    inside = labels == number
    mine = [row for row, is_mine in zip(rows, inside, strict=True) if is_mine]
    words = [text for text, is_mine in zip(texts, inside, strict=True) if is_mine]
    rest = [text for text, is_mine in zip(texts, inside, strict=True) if not is_mine]
    signals = tuple(group.code for group in groups if group.cluster == number)
    subjects = sorted((str(row["subject"] or row["body"] or "") for row in mine), key=lambda text: (-len(text), text))
    facts = {
        "name": name_cluster(words, rest),
        "tickets": len(mine),
        "unresolved": sum(row["ticket_id"] not in resolved for row in mine),
        "accounts": len({row["account_id"] for row in mine}),
        "technical": bool(signals) or is_technical(words),
        "example": subjects[len(subjects) // 4] if subjects else "",
        "signals": signals,
    }
    return facts, choose_terms(texts, inside).terms


def _tickets(history: History, about: TicketFilter, until: datetime) -> list[dict[str, Any]]:
    """The tickets about the launch as they were opened, in this order."""
    columns = sorted({"subject", "body", *about.columns})
    rows: list[dict[str, Any]] = history.query(
        f"SELECT ticket_id, account_id, opened_at, subject, body FROM ({opened_tickets(history, columns)}) "
        f"WHERE {about.sql()} AND opened_at < TIMESTAMP '{until}' ORDER BY opened_at, ticket_id"
    ).to_pylist()
    return rows


def _caught(
    history: History,
    about: TicketFilter,
    terms: Sequence[tuple[str, ...]],
    first: Sequence[dict[str, Any]],
    labels: Labels,
    until: datetime,
    end_of_data: datetime,
) -> list[Caught]:
    """What each list of terms finds, by the same SQL that a night runs."""
    filters = [TicketFilter("proposed", terms=words, about=about) for words in terms]
    if not filters:
        return []
    kinds = ", ".join(f"({it.sql() if it.terms else 'FALSE'}) AS k{place}" for place, it in enumerate(filters))
    columns = sorted({"subject", "body", *about.columns})
    rows = history.query(
        f"SELECT ticket_id, opened_at, {kinds} FROM ({opened_tickets(history, columns)}) "
        f"WHERE {about.sql()} AND opened_at < TIMESTAMP '{end_of_data}'"
    ).to_pylist()
    label = {row["ticket_id"]: int(number) for row, number in zip(first, labels, strict=True)}
    later = [row for row in rows if row["opened_at"] >= until]
    found = []
    for place in range(len(filters)):
        hits = [label[row["ticket_id"]] for row in rows if row[f"k{place}"] and row["ticket_id"] in label]
        found.append(
            Caught(
                of_cluster=hits.count(place),
                of_others=len(hits) - hits.count(place),
                later=sum(bool(row[f"k{place}"]) for row in later),
                later_total=len(later),
            )
        )
    return found


def _resolved(history: History, tickets: Sequence[str], until: datetime) -> set[str]:
    """The tickets that were resolved before an instant."""
    if "ticket_events" not in history.present or not tickets:
        return set()
    actor = "actor" if "actor" in history.columns["ticket_events"] else "NULL"
    rows = history.query(
        f"SELECT ticket_id FROM ticket_events WHERE occurred_at < TIMESTAMP '{until}' "
        f"AND ({STATES.format(actor=actor)}) AND ticket_id IN (SELECT unnest(CAST(? AS VARCHAR[]))) "
        f"GROUP BY ticket_id HAVING arg_max(kind, row(occurred_at, kind)) IN {RESOLVED}",
        [list(tickets)],
    )
    return set(rows["ticket_id"].to_pylist())
