"""The whole schema in one place: importing this module registers every table."""

from serving.store import (
    decision_tables,
    exchange,
    handover_tables,
    incident_tables,
    operations_tables,
    people_tables,
    policy_tables,
    tables,
    timer_tables,
)
from serving.store.base import Base
from serving.store.casework import casework_tables

METADATA = Base.metadata

__all__ = [
    "METADATA",
    "casework_tables",
    "decision_tables",
    "exchange",
    "handover_tables",
    "incident_tables",
    "operations_tables",
    "people_tables",
    "policy_tables",
    "tables",
    "timer_tables",
]
