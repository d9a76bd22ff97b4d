"""What a policy's conditions may name: the account's fields, its risks' probabilities, and every feature."""

from collections.abc import Iterable
from difflib import get_close_matches

from features import catalogue
from serving.policy.definition.conditions import Columns, Kind

TEXTS = ("account_id", "parent_id", "name", "segment", "industry", "region", "owner", "ticket_category")
NUMBERS = ("arr", "renews_in")
ACCOUNT_FIELDS: dict[str, Kind] = {**dict.fromkeys(TEXTS, "text"), **dict.fromkeys(NUMBERS, "number")}
"""Fields of an account beside its features; ``renews_in`` is days to renewal, ``arr`` the recurring revenue a year."""

OF_THE_CASE: dict[str, Kind] = {"probability": "number", "at_stake": "number"}
"""Only where a case is weighed (severities, VIP): the probability of its own risk, and the revenue at stake."""


def columns(risks: Iterable[str], *, of_the_case: bool = False) -> Columns:
    """Every name a condition may use, lower case, with the column it reads and its kind.

    A risk's probability goes by the risk's own name (``churn``) and by its column's (``probability_churn``).
    """
    known: dict[str, tuple[str, Kind]] = {}
    for feature in catalogue.FEATURES:
        known[feature.name.lower()] = (feature.name, "number" if feature.kind == "number" else "text")
    for name, kind in {**ACCOUNT_FIELDS, **(OF_THE_CASE if of_the_case else {})}.items():
        known[name] = (name, kind)
    for risk in risks:
        known[risk.lower()] = known[f"probability_{risk}".lower()] = (f"probability_{risk}", "number")
    return known


def nearest(name: str, names: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the nearest one, or the names there are."""
    allowed = sorted(names)
    near = get_close_matches(name, allowed, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(allowed)}" if allowed else "there are none"
