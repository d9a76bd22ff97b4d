"""How often a case came back: two squads may hand a case to each other for ever, and nobody works on it."""

from collections.abc import Sequence
from itertools import pairwise

MOST_RETURNS = 3
"""At this return between the same two squads, the accountable person gets the case."""


def count_returns(squads: Sequence[str]) -> int:
    """How often the newest move of a case has happened before and now as a return, 0 where it is no return.

    ``squads`` are the squads of the case in their order, the newest last. A return is a move to the squad that handed
    the case to the present one. Handing it over again after that is no return.

    >>> count_returns(["care", "support", "care"])
    1
    >>> count_returns(["care", "support", "care", "support"])
    0
    >>> count_returns(["care", "support", "care", "support", "care", "support", "care"])
    3
    """
    senders: list[str] = []
    returns: dict[frozenset[str], int] = {}
    newest = 0
    for earlier, later in pairwise(squads):
        newest = 0
        if earlier == later:
            continue
        if senders and senders[-1] == later:
            senders.pop()
            pair = frozenset((earlier, later))
            newest = returns[pair] = returns.get(pair, 0) + 1
        else:
            senders.append(earlier)
    return newest
