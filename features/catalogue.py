"""Every feature there is. A feature is one line in its subject's file; nothing else has to be edited to add one."""

import hashlib

from features import account, support
from features.feature import GROUPS, Feature

__all__ = ["CATALOGUE_VERSION", "FEATURES", "GROUPS", "Feature"]

FEATURES: tuple[Feature, ...] = (*support.FEATURES, *account.FEATURES)

CATALOGUE_VERSION = hashlib.sha256("\n".join(map(repr, FEATURES)).encode()).hexdigest()[:12]
"""A hash of every definition: two frames with one version have columns of one meaning."""
