"""Which signals count for which incident: the conditions of ``[incidents.NAME]``, over the signals that are new.

Each signal is evaluated once, by the policy of that moment. A signal that reports the end of a problem (status
``resolved``) never counts.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from serving.policy.definition.incidents.incident_rules import IncidentRule
from serving.policy.definition.incidents.signal_columns import SIGNAL_FIELDS
from serving.policy.definition.policy_file import Policy
from serving.policy.detection.triggers import evaluate_rows
from serving.signals.signal_fields import RESOLVED
from serving.store.bulk import insert_new
from serving.store.incident_tables import SignalMatch, SignalRow

SIGNALS_AT_ONCE = 50_000
"""Signals that are evaluated in one transaction."""

_READ = ("signal_id", "occurred_at", *SIGNAL_FIELDS)


@dataclass
class NewMatches:
    """The groups of signals that have new ones, by the name of the incident: the group and its earliest new signal.

    ``taken`` is the number of signals that were evaluated.
    """

    taken: int
    groups: dict[str, dict[str, datetime]] = field(default_factory=lambda: defaultdict(dict))


def match_new_signals(session: Session, policy: Policy, limit: int = SIGNALS_AT_ONCE) -> NewMatches:
    """Evaluate up to ``limit`` signals that are new, and store those that count."""
    rows = _take(session, limit)
    found = NewMatches(rows.num_rows)
    flags = evaluate_rows(rows, policy.conditions.incidents)
    counting = pc.fill_null(pc.not_equal(rows["status"], RESOLVED), True).to_numpy(zero_copy_only=False)
    for name, rule in policy.rules.incidents.items():
        matching = rows.filter(pa.array(np.logical_and(flags[name], counting)))
        if matching.num_rows:
            _store_matches(session, name, rule, matching, found.groups[name])
    return found


def _take(session: Session, limit: int) -> pa.Table:
    """The oldest of the new signals; they are no longer new in this transaction.

    The rows are changed and read in one statement: a signal that arrives in between stays new.
    """
    new = select(SignalRow.signal_id).where(SignalRow.pending).order_by(SignalRow.signal_id).limit(limit)
    columns = [getattr(SignalRow, name) for name in _READ]
    taken = update(SignalRow).where(SignalRow.signal_id.in_(new)).values(pending=False).returning(*columns)
    rows = session.execute(taken.execution_options(synchronize_session=False)).all()
    values: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * len(_READ)
    types = {"occurred_at": pa.timestamp("us"), "value": pa.float64()}
    return pa.table(
        {name: pa.array(part, types.get(name, pa.string())) for name, part in zip(_READ, values, strict=True)}
    )


def _store_matches(
    session: Session, name: str, rule: IncidentRule, matching: pa.Table, groups: dict[str, datetime]
) -> None:
    fields = [matching[part].to_pylist() for part in rule.group_fields]
    keys = [group_key(dict(zip(rule.group_fields, values, strict=True))) for values in zip(*fields, strict=True)]
    keys = keys or [group_key({})] * matching.num_rows
    times: list[datetime] = matching["occurred_at"].to_pylist()
    for key, at in zip(keys, times, strict=True):
        groups[key] = min(groups.get(key, at), at)
    counted = matching[rule.counted_field] if rule.counted_field else pa.nulls(matching.num_rows, pa.string())
    rows = pa.table(
        {
            "incident_name": pa.array([name] * matching.num_rows, pa.string()),
            "group_key": pa.array(keys, pa.string()),
            "occurred_at": matching["occurred_at"],
            "signal_id": matching["signal_id"],
            "account_id": matching["account_id"],
            "user_id": matching["user_id"],
            "counted": counted,
        }
    )
    if rule.counted_field:
        rows = rows.filter(pc.is_valid(rows["counted"]))
    insert_new(session, SignalMatch.__table__, rows)


def group_key(grouping: Mapping[str, str | None]) -> str:
    """The fields of a group with their values, as canonical JSON; a value that a signal does not have is null."""
    return json.dumps(grouping, sort_keys=True, ensure_ascii=False)
