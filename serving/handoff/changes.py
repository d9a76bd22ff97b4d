"""What changed since the previous hand-off: a sentence for each difference that matters to a person."""

from collections.abc import Iterator

from serving.handoff.facts import AccountState

MIN_PROBABILITY_CHANGE = 0.05
"""A smaller change of a probability is not listed."""


def changes_since(previous: AccountState, current: AccountState, currency: str = "") -> tuple[str, ...]:
    """The differences between two states of an account, risks first; amounts are in ``currency`` where it is known."""
    return tuple(_changes(previous, current, f" {currency}" if currency else ""))


def _changes(previous: AccountState, current: AccountState, unit: str) -> Iterator[str]:
    for risk, probability in sorted(current.probabilities.items()):
        earlier = previous.probabilities.get(risk)
        if earlier is not None and abs(probability - earlier) >= MIN_PROBABILITY_CHANGE:
            name = risk.capitalize().replace("_", " ")
            yield f"{name} risk {_verb(probability - earlier)} from {earlier:.0%} to {probability:.0%}"
    yield from _number("Health", previous.health, current.health, least=5)
    yield from _number("Open tickets", previous.tickets_open, current.tickets_open, least=1)
    yield from _number("Overdue amount", previous.overdue, current.overdue, least=1, unit=unit)
    yield from _number("Recurring revenue", previous.arr, current.arr, least=1, unit=unit)
    if previous.owner != current.owner and current.owner is not None:
        yield f"The owner is now {current.owner}" + (f", before it was {previous.owner}" if previous.owner else "")
    if previous.renews_on != current.renews_on and current.renews_on is not None:
        yield f"The renewal is now on {current.renews_on.day} {current.renews_on:%b %Y}"


def _number(name: str, previous: float | None, current: float | None, *, least: float, unit: str = "") -> Iterator[str]:
    if previous is not None and current is not None and abs(current - previous) >= least:
        yield f"{name} {_verb(current - previous)} from {previous:,.0f}{unit} to {current:,.0f}{unit}"


def _verb(difference: float) -> str:
    return "rose" if difference > 0 else "fell"
