"""Which sources are there, and how old their newest row is: the reasons why other features may be missing.

They follow from the contract: a table with a ``feature_prefix`` has one of each.
"""

from functools import partial

from features.contract import TABLES, Table
from features.definitions.feature import Feature
from features.definitions.measures import FeedAge, FeedAlive

_number = partial(Feature, group="data")


def _presence(table: Table) -> Feature:
    name = f"has_{table.feature_prefix}"
    meaning = f"the source delivers {table.title}"
    return _number(name, FeedAlive(table.name), meaning, "0 or 1", f"The source delivers {table.title}: {{{name}:yes}}")


def _age(table: Table) -> Feature:
    name = f"{table.feature_prefix}_feed_age_days"
    meaning = f"days since the newest row of {table.title}, of any account"
    return _number(name, FeedAge(table.name), meaning, "days", f"Newest row of {table.title}: {{{name}:ago}}")


def presence_features(table: Table) -> tuple[Feature, ...]:
    """Whether a table is delivered, and how old its newest row is; none for a table without a ``feature_prefix``."""
    return (_presence(table), _age(table)) if table.feature_prefix else ()


_FEEDS = tuple(table for table in TABLES.values() if table.feature_prefix)

PRESENCE_FEATURES = (*map(_presence, _FEEDS), *map(_age, _FEEDS))
