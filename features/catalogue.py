"""Every feature there is. A feature is one entry in its subject's file; nothing else is edited to add one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from features.contract import Attribute, Metric
from features.definitions.account import ACCOUNT_FEATURES
from features.definitions.adoption import ADOPTION_FEATURES
from features.definitions.billing import BILLING_FEATURES
from features.definitions.contacts import CONTACT_FEATURES
from features.definitions.contract_terms import CONTRACT_FEATURES
from features.definitions.escalations import ESCALATION_FEATURES
from features.definitions.feature import GROUPS, ExtensionFile, Feature
from features.definitions.health import HEALTH_FEATURES
from features.definitions.own.attribute_features import attribute_feature
from features.definitions.own.declarations import computes_the_same, declare_feature, declared_feature, extension_of
from features.definitions.own.metric_features import metric_features
from features.definitions.rescues import RESCUE_FEATURES
from features.definitions.source_presence import PRESENCE_FEATURES
from features.definitions.support import SUPPORT_FEATURES
from features.definitions.ticket_text import TEXT_FEATURES
from features.definitions.usage import LAST_YEAR_FEATURES, USAGE_FEATURES
from features.errors import UsageError, suggest_name

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "CATALOGUE_VERSION",
    "FEATURES",
    "GROUPS",
    "OPTIONAL",
    "Attribute",
    "ExtensionFile",
    "Feature",
    "Metric",
    "attribute_feature",
    "check_features",
    "computes_the_same",
    "declaration_of",
    "declare_features",
    "extension_of",
    "features_of",
    "field_metadata",
    "find_feature",
    "group_of_column",
    "metric_features",
    "own_features",
    "select_features",
]

FEATURES: tuple[Feature, ...] = (
    *USAGE_FEATURES,
    *ADOPTION_FEATURES,
    *CONTACT_FEATURES,
    *SUPPORT_FEATURES,
    *ESCALATION_FEATURES,
    *HEALTH_FEATURES,
    *BILLING_FEATURES,
    *CONTRACT_FEATURES,
    *ACCOUNT_FEATURES,
    *RESCUE_FEATURES,
    *PRESENCE_FEATURES,
)
"""The features of every frame."""

OPTIONAL: Mapping[str, tuple[Feature, ...]] = {"text": TEXT_FEATURES, "last_year": LAST_YEAR_FEATURES}
"""Features that are off unless a setting names them."""

CATALOGUE_VERSION = hashlib.sha256(
    "\n".join(repr(replace(feature, sentence="", meaning="")) for feature in FEATURES).encode()
).hexdigest()[:12]
"""A hash of every definition without its words: two frames of one version have columns of one meaning."""

_BY_NAME = {feature.name: feature for feature in (*FEATURES, *(one for group in OPTIONAL.values() for one in group))}
_OWN: dict[str, Feature] = {}
_DECLARATION, _DAYS_EARLIER = b"rescue.metric", b"rescue.days_earlier"


def select_features(
    optional: Sequence[str] = (), metrics: Iterable[Metric] = (), own: Iterable[Feature] = ()
) -> tuple[Feature, ...]:
    """Every feature, the optional ones of these names, those of the declared metrics, and the company's ``own``.

    Raises:
        UsageError: there are no optional features of that name, or two features have one name.
    """
    for name in optional:
        if name not in OPTIONAL:
            raise UsageError(f"There are no optional features named {name!r}; {suggest_name(name, OPTIONAL)}")
    selected = (*FEATURES, *(feature for name in optional for feature in OPTIONAL[name]))
    selected += tuple(feature for metric in metrics for feature in metric_features(metric))
    selected += tuple(own)
    check_features(selected)
    return selected


def declare_features(features: Iterable[Feature]) -> None:
    """Make a company's own features known by name in this process, as those of the catalogue are."""
    _OWN.update({feature.name: feature for feature in features})


def own_features() -> Mapping[str, Feature]:
    """The features that were made known by :func:`declare_features`, by name."""
    return _OWN


def field_metadata(feature: Feature) -> dict[bytes, bytes] | None:
    """What a frame's column carries beside values: a company's own declaration, and where it is measured earlier."""
    declaration = declare_feature(feature)
    earlier = {day.isoformat(): days for day, days in feature.days_earlier.items()}
    texts = {_DECLARATION: declaration, _DAYS_EARLIER: json.dumps(earlier) if earlier else ""}
    return {name: text.encode() for name, text in texts.items() if text} or None


def declaration_of(field: pa.Field) -> str:
    """The declaration that a frame's column was made from, as JSON; empty for a feature of the catalogue."""
    declaration: bytes = (field.metadata or {}).get(_DECLARATION, b"")
    return declaration.decode()


def find_feature(column: str, declaration: str = "") -> Feature | None:
    """The feature of that name; the declared one where there is a declaration; ``None`` where there is none."""
    return declared_feature(column, declaration) if declaration else _BY_NAME.get(column, _OWN.get(column))


def features_of(schema: pa.Schema) -> dict[str, Feature]:
    """The features of a frame's columns, by name; columns that are no feature of this version are left out."""
    features = {field.name: find_feature(field.name, declaration_of(field)) for field in schema}
    for name in features:
        text: bytes = (schema.field(name).metadata or {}).get(_DAYS_EARLIER, b"")
        if text and (feature := features[name]):
            earlier = {date.fromisoformat(day): days for day, days in json.loads(text).items()}
            features[name] = replace(feature, days_earlier=earlier)
    return {name: feature for name, feature in features.items() if feature}


def group_of_column(column: str) -> str:
    """The reason group of a column; one that this version's catalogue does not know belongs to the kind of account."""
    feature = find_feature(column)
    if feature:
        return feature.group
    return "metrics" if column.startswith("metric_") else "account"


def check_features(features: Sequence[Feature]) -> None:
    """Check that names are unique and that a sentence uses only features that exist.

    Raises:
        UsageError: they do not fit together; the sentence names the feature.
    """
    names = [feature.name for feature in features]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise UsageError(f"two features are named {min(repeated)!r}: rename one.")
    for feature in features:
        for used in feature.sentence_fields:
            if used not in names:
                raise UsageError(f"the sentence of {feature.name!r} uses {used!r}, which is no feature.")


check_features(select_features(tuple(OPTIONAL)))
