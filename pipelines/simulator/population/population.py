"""Who the accounts are before anything happens to them: size, trade, fit, habits, contract.

Two thirds are there when the source begins; the rest arrive while it runs, so there are cold starts at every cutoff.
Some belong to a group, whose members share a part of their fit.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipelines.simulator.clock import Flags, Floats, Ints

BLOCK: Final = 1000
"""Accounts that live together in one block, each block with random streams of its own."""

FEATURES: Final = ("core", "reports", "automation", "api", "mobile", "integrations")
ANNUAL, MANUAL, MULTI_YEAR, MONTHLY = range(4)

_COMMITMENT = np.array([1.0, 1.0, 0.85, 1.7])  # a longer term is cheaper, by contract
_STAYED = 0.15  # those who are there when the source begins are those who did not leave before
_MANAGED = 40  # accounts a manager looks after


@dataclass(frozen=True)
class Population:
    """One block's accounts; every array has one entry an account, in the order of their ids.

    ``contract`` is ANNUAL (renews itself), MANUAL (lapses unless renewed), MULTI_YEAR or MONTHLY; ``term`` its months.
    ``created`` and ``first_term`` are days. ``shares`` is account × product feature: the part of a working day's users
    who touch it. Biases are in points of the health score.
    """

    number: Ints
    segment: Ints
    industry: Ints
    region: Ints
    group: Ints
    manager: Ints
    created: Ints
    first_term: Ints
    contract: Ints
    term: Ints
    plan: Ints
    price: Floats
    seats: Ints
    fit: Floats
    adoption: Floats
    shares: Floats
    ticket_rate: Floats
    health_bias: Floats
    optimism: Floats
    punctual: Floats
    addon: Flags

    @property
    def size(self) -> int:
        """How many accounts the block has."""
        return len(self.number)


def draw(generator: np.random.Generator, block: int, start: int, until: int) -> Population:
    """The accounts of one block for a source that knows the days from ``start`` up to ``until``."""
    size = BLOCK
    segment = generator.choice(3, size, p=[0.66, 0.26, 0.08])
    created = _created(generator, size, start, until)
    contract, term = _contracts(generator, segment)
    group = _groups(generator, block)
    seats = np.maximum(2, generator.lognormal(np.log([7.0, 24.0, 90.0])[segment], 0.5)).astype(np.int64)
    return Population(
        number=np.arange(size, dtype=np.int64) + block * size,
        segment=segment,
        industry=generator.integers(0, 8, size),
        region=generator.choice(3, size, p=[0.5, 0.35, 0.15]),
        group=group,
        manager=generator.integers(0, size // _MANAGED, size) + block * (size // _MANAGED),
        created=created,
        first_term=_first_term(generator, created, start),
        contract=contract,
        term=term,
        plan=np.minimum(segment + (generator.random(size) < 0.4), 3).astype(np.int64),
        price=generator.lognormal(np.log([420.0, 520.0, 600.0])[segment], 0.15) * _COMMITMENT[contract],
        seats=seats,
        fit=_fit(generator, group) + np.where(created < start, _STAYED, 0.0),
        adoption=generator.normal(0.0, 0.25, size),
        shares=_shares(generator, size),
        ticket_rate=_ticket_rate(generator, segment),
        health_bias=generator.normal(0.0, 1.0, size),
        optimism=generator.normal(4.0, 7.0, size),
        punctual=generator.normal(0.0, 0.5, size),
        addon=generator.random(size) < 0.08,
    )


def _created(generator: np.random.Generator, size: int, start: int, until: int) -> Ints:
    before = start - 30 - (generator.gamma(1.6, 420.0, size)).astype(np.int64)
    during = generator.integers(start, until, size)
    created: Ints = np.where(generator.random(size) < 0.66, before, during).astype(np.int64)
    return created


def _first_term(generator: np.random.Generator, created: Ints, start: int) -> Ints:
    """The day on which the term that runs when we first see the account began."""
    anchor = generator.integers(0, 3650, created.size)
    return np.where(created < start, np.maximum(created, start - 1 - anchor % 360), created)


def _contracts(generator: np.random.Generator, segment: Ints) -> tuple[Ints, Ints]:
    roll = generator.random(segment.size)
    bounds = np.array([[0.52, 0.64, 0.66], [0.68, 0.84, 0.94], [0.56, 0.72, 1.0]])[segment]
    contract = (roll[:, None] > bounds).sum(axis=1)
    years = np.where(generator.random(segment.size) < 0.6, 24, 36)
    return contract, np.select([contract == MONTHLY, contract == MULTI_YEAR], [1, years], 12)


def _groups(generator: np.random.Generator, block: int) -> Ints:
    """The group each account belongs to, −1 for most."""
    member = generator.random(BLOCK) < 0.12
    groups = generator.integers(0, 40, BLOCK) + block * 40
    return np.where(member, groups, -1).astype(np.int64)


def _fit(generator: np.random.Generator, group: Ints) -> Floats:
    own = generator.normal(0.1, 0.75, group.size)
    shared = generator.normal(0.1, 0.75, 40)[group % 40]
    fit: Floats = np.where(group >= 0, 0.7 * own + 0.7 * shared, own)
    return fit


def _shares(generator: np.random.Generator, size: int) -> Floats:
    usual = np.array([0.85, 0.22, 0.14, 0.08, 0.16, 0.08])
    adopted = generator.random((size, len(FEATURES))) < np.array([1.0, 0.75, 0.5, 0.3, 0.5, 0.35])
    shares: Floats = np.minimum(usual * generator.lognormal(0.0, 0.35, (size, len(FEATURES))), 0.95) * adopted
    return shares


def _ticket_rate(generator: np.random.Generator, segment: Ints) -> Floats:
    """Tickets per week of an account with ordinary satisfaction."""
    rate: Floats = np.array([0.10, 0.22, 0.55])[segment] * generator.lognormal(0.0, 0.35, segment.size)
    return rate
