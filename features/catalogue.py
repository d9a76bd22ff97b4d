"""Every feature there is. A feature is one entry in its subject's file; nothing else is edited to add one."""

import hashlib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from features.definitions import (
    account,
    adoption,
    billing,
    contract_terms,
    escalations,
    health,
    rescues,
    source_presence,
    support,
    ticket_text,
    usage,
)
from features.definitions.feature import GROUPS, Feature
from features.errors import UsageError

__all__ = ["CATALOGUE_VERSION", "FEATURES", "GROUPS", "OPTIONAL", "Feature", "check", "chosen"]

SUBJECTS = (usage, adoption, support, escalations, health, billing, contract_terms, account, rescues, source_presence)

FEATURES: tuple[Feature, ...] = tuple(feature for subject in SUBJECTS for feature in subject.FEATURES)

OPTIONAL: Mapping[str, tuple[Feature, ...]] = {"text": ticket_text.FEATURES}
"""Features that are off unless a setting names them."""

CATALOGUE_VERSION = hashlib.sha256("\n".join(map(repr, FEATURES)).encode()).hexdigest()[:12]
"""A hash of every definition: two frames of one version have columns of one meaning."""


def chosen(optional: Sequence[str] = ()) -> tuple[Feature, ...]:
    """Every feature, and the optional ones of these names."""
    for name in optional:
        if name not in OPTIONAL:
            near = get_close_matches(name, OPTIONAL, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there is {', '.join(sorted(OPTIONAL))}."
            raise UsageError(f"There are no optional features named {name!r}; {hint}")
    return (*FEATURES, *(feature for name in optional for feature in OPTIONAL[name]))


def check(features: tuple[Feature, ...]) -> None:
    """Names are unique, and a sentence uses only features that exist."""
    names = [feature.name for feature in features]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two features are named {name!r}: rename one.")
    for feature in features:
        for used in feature.told_with:
            if used not in names:
                raise UsageError(f"the sentence of {feature.name!r} uses {used!r}, which is no feature.")


check(chosen(tuple(OPTIONAL)))
