"""What happens on a ticket after it is opened: who takes it, comments, when it is solved, how it is rated."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipelines.simulator.activity.vocabulary import TEAM_OF, TEAMS, URGENT, VALUES
from pipelines.simulator.clock import DAY, Flags, Floats, Ints

_HOUR: Final = 3600


@dataclass(frozen=True)
class Tickets:
    """Tickets of a block: ``who`` is the account's place in it, ascending; ``mood`` its satisfaction at opening."""

    who: Ints
    number: Ints
    opened: Ints
    solved: Ints
    priority: Ints
    category: Ints
    weeks_open: Ints
    breached: Flags
    mood: Floats


@dataclass(frozen=True)
class TicketEvents:
    """One kind of event on the tickets at places ``which``; ``value`` holds codes of ``vocabulary.VALUES``."""

    which: Ints
    at: Ints
    kind: str
    value: Ints
    actor: str = "agent"
    team: str = "support"


def threads(random: np.random.Generator, tickets: Tickets) -> Iterator[TicketEvents]:
    """Every event of these tickets but escalations."""
    yield from _handling(random, tickets)
    yield from _talk(random, tickets)
    yield from _trouble(random, tickets)
    yield from _closing(random, tickets)


def _between(random: np.random.Generator, tickets: Tickets, which: Ints) -> Ints:
    """An instant while the ticket is open."""
    span = tickets.solved[which] - tickets.opened[which]
    instants: Ints = tickets.opened[which] + 60 + (random.random(which.size) * (span - 120)).astype(np.int64)
    return instants


def _some(random: np.random.Generator, tickets: Tickets, share: float | Floats) -> Ints:
    return np.flatnonzero(random.random(tickets.who.size) < share)


def _constant(which: Ints, value: str) -> Ints:
    return np.full(which.size, VALUES.index(value))


def _handling(random: np.random.Generator, tickets: Tickets) -> Iterator[TicketEvents]:
    everyone = np.arange(tickets.who.size)
    wait = (random.lognormal(0.3, 0.8, everyone.size) * _HOUR).astype(np.int64)
    taken = np.minimum(tickets.opened + wait, tickets.solved - 300)
    team = np.array(TEAM_OF)[tickets.category] + VALUES.index(TEAMS[0])
    yield TicketEvents(everyone, taken, "assigned", team, "system")
    yield TicketEvents(everyone, taken + 240, "comment", _constant(everyone, ""))
    waiting = _some(random, tickets, 0.25)
    yield TicketEvents(waiting, _between(random, tickets, waiting), "status", _constant(waiting, "pending"))


def _talk(random: np.random.Generator, tickets: Tickets) -> Iterator[TicketEvents]:
    replies = np.repeat(np.arange(tickets.who.size), random.poisson(0.7 + 0.35 * np.exp(-0.5 * tickets.mood)))
    yield TicketEvents(replies, _between(random, tickets, replies), "comment", _constant(replies, ""), "customer")
    answers = np.repeat(np.arange(tickets.who.size), random.poisson(0.6, tickets.who.size))
    yield TicketEvents(answers, _between(random, tickets, answers), "comment", _constant(answers, ""))


def _trouble(random: np.random.Generator, tickets: Tickets) -> Iterator[TicketEvents]:
    breached = np.flatnonzero(tickets.breached)
    late = np.minimum(
        tickets.opened[breached] + random.integers(2 * _HOUR, 30 * _HOUR, breached.size), tickets.solved[breached] - 60
    )
    what = np.where(random.random(breached.size) < 0.6, "first_reply", "resolution")
    value = np.where(what == "first_reply", VALUES.index("first_reply"), VALUES.index("resolution"))
    yield TicketEvents(breached, late, "sla_breached", value, "system")
    raised = _some(random, tickets, 0.08 * np.exp(-0.5 * tickets.mood) * (tickets.priority != URGENT))
    urgent = np.where(random.random(raised.size) < 0.3, VALUES.index("urgent"), VALUES.index("high"))
    yield TicketEvents(raised, _between(random, tickets, raised), "priority", urgent)


def _closing(random: np.random.Generator, tickets: Tickets) -> Iterator[TicketEvents]:
    everyone = np.arange(tickets.who.size)
    yield TicketEvents(everyone, tickets.solved, "solved", _constant(everyone, ""))
    back = random.random(everyone.size) < 0.06 * np.exp(-0.4 * tickets.mood)
    reopened, final = everyone[back], everyone[~back]
    again = tickets.solved[reopened] + random.integers(4 * _HOUR, 3 * DAY, reopened.size)
    yield TicketEvents(reopened, again, "reopened", _constant(reopened, "open"), "customer")
    resolved = again + random.integers(3 * _HOUR, 4 * DAY, reopened.size)
    yield TicketEvents(reopened, resolved, "solved", _constant(reopened, ""))
    ends = tickets.solved.copy()
    ends[reopened] = resolved
    yield TicketEvents(everyone, ends + 4 * DAY, "closed", _constant(everyone, ""), "system")
    rated = final[random.random(final.size) < 0.3]
    stars = np.clip(np.rint(3.7 + 0.75 * tickets.mood[rated] + random.normal(0, 0.8, rated.size)), 1, 5).astype(
        np.int64
    )
    at = tickets.solved[rated] + random.integers(600, 2 * DAY, rated.size)
    yield TicketEvents(rated, at, "csat", stars + VALUES.index("1") - 1, "customer")
