"""The one sentence that lists, headlines and messages show of a case: the first reason of its hand-off.

The order of the model's reasons puts an event that few accounts have first, even where the model gives it hardly any
weight. Alone in a line, such a reason hides what is more certain: a trigger that fired, and what the customer wrote.
So a first reason of small weight comes after them.
"""

from collections.abc import Sequence
from typing import Any

from serving.handoff.why_now import without_day_counts

SMALL_WEIGHT = 0.3
"""Log-odds below which a reason is called weak: e^0.3 adds a third to the odds."""


def first_reason(package: dict[str, Any]) -> str | None:
    """The first reason in a hand-off (its JSON of the newest schema), without days counted from then; None without any.

    Where the risk was not scored, because the customer has cancelled: what else happened, else a reason of weight of
    another risk, else the cancellation.
    """
    case, why = package.get("case", {}), list(package.get("why_now", ()))
    cards = sorted(package.get("risks", ()), key=lambda card: card["probability"] or 0, reverse=True)
    own = _raising(card for card in cards if card["risk"] == case["risk"])
    others = _raising(card for card in cards if card["risk"] != case["risk"])
    of_model = {reason["sentence"] for reason in (*own, *others)}
    cancelled = why[:1] if package.get("contract", {}).get("notice_for") else []
    events = [sentence for sentence in why[len(cancelled) :] if sentence not in of_model]
    triggers = [trigger["message"] for trigger in case.get("triggers", ())]
    causes = (
        *_first_of_weight(own),
        *triggers,
        *events,
        *_sentences(own),
        *_first_of_weight(others),
        *cancelled,
        *_sentences(others),
        *why,
    )
    return next(map(without_day_counts, causes), None)


def has_small_weight(strength: float, *, weak: bool) -> bool:
    """Whether a reason says little: the model gives it hardly any weight, or does not find it again in refits."""
    return weak or strength < SMALL_WEIGHT


def _raising(cards: Any) -> list[dict[str, Any]]:
    """The reasons that raise the risks of these cards, in the order for people."""
    return [reason for card in cards for reason in card.get("reasons", ()) if reason["strength"] > 0]


def _first_of_weight(reasons: Sequence[dict[str, Any]]) -> list[str]:
    first = reasons[:1]
    return [it["sentence"] for it in first if not has_small_weight(it["strength"], weak=bool(it.get("weak")))]


def _sentences(reasons: Sequence[dict[str, Any]]) -> list[str]:
    return [reason["sentence"] for reason in reasons]
