"""The columns that a policy's conditions may name: account fields, the probability of each risk, and every feature."""

from collections.abc import Iterable
from functools import cache

from features import catalogue
from features.condition_text import say_condition
from features.conditions import Columns, Kind
from features.contract import Metric
from models.contracts import EvidenceKind

TEXTS = (
    *("account_id", "parent_id", "type", "name", "segment", "industry", "region", "owner", "currency"),
    *("ticket_category", "contract_status"),
)
TICKET_EVIDENCE = tuple(f"ticket_{kind.value}_28d" for kind in EvidenceKind)
"""How many tickets of the last four weeks have this evidence, whether or not text feeds a model."""
NUMBERS = ("arr", "renews_in", "leaves_in", "partial_loss_share", *TICKET_EVIDENCE)
ACCOUNT_FIELDS: dict[str, Kind] = {**dict.fromkeys(TEXTS, "text"), **dict.fromkeys(NUMBERS, "number")}
"""Fields of an account besides its features; ``arr`` is recurring revenue per year, ``renews_in`` days to the renewal,
``leaves_in`` days to the end of the contract of an account that leaves, ``partial_loss_share`` the share of the revenue
that ends while other contracts go on."""

CASE_FIELDS: dict[str, Kind] = {"probability": "number", "at_stake": "number"}
"""Only in the conditions of severities and of VIP accounts: probability of the case's risk, and revenue at stake."""


ACCOUNT_MEANINGS = {
    "account_id": "account",
    "parent_id": "parent account",
    "type": "type of account",
    "owner": "account owner",
    "ticket_category": "category of the last ticket",
    "contract_status": "status of the contract",
    "arr": "yearly revenue",
    "renews_in": "days to the renewal",
    "leaves_in": "days to the end of the contract",
    "partial_loss_share": "share of the revenue that ends",
    "at_stake": "revenue at stake",
    **{f"ticket_{kind.value}_28d": f"tickets of 28 days with {kind.value.replace('_', ' ')}" for kind in EvidenceKind},
}
"""What a field of an account means, where its name does not say it."""


def condition_in_words(text: str, risks: Iterable[str]) -> str:
    """A condition of the policy as people read it: what is tested, and which values it may have."""
    likely = {name for risk in risks for name in (risk.lower(), f"probability_{risk}".lower())} | {"probability"}
    risk_meanings = {name: f"probability of {name.removeprefix('probability_')}" for name in likely - {"probability"}}
    return say_condition(text, _column_meanings() | risk_meanings, _shares() | likely)


@cache
def _column_meanings() -> dict[str, str]:
    return {feature.name.lower(): feature.meaning for feature in catalogue.select_features()} | ACCOUNT_MEANINGS


@cache
def _shares() -> frozenset[str]:
    """The columns that are read as percent, apart from probabilities."""
    shares = (feature.name.lower() for feature in catalogue.select_features() if feature.unit == "share")
    return frozenset({*shares, "partial_loss_share"})


def condition_columns(
    risks: Iterable[str],
    *,
    metrics: Iterable[Metric] = (),
    own: Iterable[catalogue.Feature] = (),
    of_case: bool = False,
) -> Columns:
    """Every name that a condition may use, in lower case, with the column that it reads and its kind.

    The probability of a risk has two names: that of the risk and that of its column (``probability_<risk>``).
    ``metrics`` are those that the settings declare: their features may be used too, and so may the company's ``own``.
    """
    known: dict[str, tuple[str, Kind]] = {}
    for feature in catalogue.select_features(metrics=metrics, own=own):
        known[feature.name.lower()] = (feature.name, "number" if feature.kind == "number" else "text")
    for name, kind in {**ACCOUNT_FIELDS, **(CASE_FIELDS if of_case else {})}.items():
        known[name] = (name, kind)
    for risk in risks:
        known[risk.lower()] = known[f"probability_{risk}".lower()] = (f"probability_{risk}", "number")
    return known
