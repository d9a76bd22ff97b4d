"""What changed since the last hand-off: sentences, and only for what a person would call a change."""

from collections.abc import Iterator

from serving.handoff.facts import Standing

NOTABLE = 0.05
"""A probability that moved by less is told as the same."""


def changes_since(before: Standing, now: Standing) -> tuple[str, ...]:
    """What is different between two standings of an account, the most telling first."""
    return tuple(_told(before, now))


def _told(before: Standing, now: Standing) -> Iterator[str]:
    for risk, probability in sorted(now.probabilities.items()):
        earlier = before.probabilities.get(risk)
        if earlier is not None and abs(probability - earlier) >= NOTABLE:
            yield f"{risk.capitalize()} risk {_way(probability - earlier)} from {earlier:.0%} to {probability:.0%}"
    yield from _moved("Health", before.health, now.health, least=5)
    yield from _moved("Open tickets", before.tickets_open, now.tickets_open, least=1)
    yield from _moved("Overdue amount", before.overdue, now.overdue, least=1)
    yield from _moved("Recurring revenue", before.arr, now.arr, least=1)
    if before.owner != now.owner and now.owner is not None:
        yield f"The owner is now {now.owner}" + (f", before it was {before.owner}" if before.owner else "")
    if before.renews_on != now.renews_on and now.renews_on is not None:
        yield f"The renewal is now on {now.renews_on:%d %b %Y}"


def _moved(what: str, before: float | None, now: float | None, *, least: float) -> Iterator[str]:
    if before is not None and now is not None and abs(now - before) >= least:
        yield f"{what} {_way(now - before)} from {before:,.0f} to {now:,.0f}"


def _way(difference: float) -> str:
    return "rose" if difference > 0 else "fell"
