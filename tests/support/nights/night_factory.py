"""A small night: accounts, scores, a policy and its decision, with no more than the queue needs."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import pyarrow as pa

from models.contracts import SCORES
from serving.contracts import Flag, Lane
from serving.nights.case_updates import Package
from serving.nights.night_lease import Night, RecordedNight, begin_night
from serving.nights.record_night import NightRecord, record_night
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.state.case_status import LiveFigures
from serving.policy.state.queue_state import Decision
from serving.store import Store

NIGHT = date(2026, 3, 1)
NOW = datetime.combine(NIGHT, time(5))

RULES = PolicyFile.model_validate(
    {
        "risks": {"churn": {"enter": 0.4, "leave": 0.2}, "escalation": {"enter": 0.4, "leave": 0.2}},
        "severities": [
            {
                "name": "high",
                "when": "churn > 0.8",
                "respond_hours": 4.0,
                "resolve_hours": 48.0,
                "responsible": "primary",
                "accountable": "lead",
                "escalate_after_hours": [8.0, 16.0],
            },
            {
                "name": "normal",
                "respond_hours": 24.0,
                "resolve_hours": 240.0,
                "responsible": "primary",
                "accountable": "lead",
            },
        ],
        "squads": {
            "north": {"skills": ["churn"], "members": ["ann", "bob", "cid"], "capacity": 1000},
            "south": {"skills": ["escalation"], "members": ["dan", "eve"], "capacity": 1000},
        },
        "routing": {"fallback": "north"},
    }
)


@dataclass
class Clock:
    """A clock that a test sets; at first it is an hour after the night."""

    now: datetime = NOW + timedelta(hours=1)

    def __call__(self) -> datetime:
        return self.now


def names(count: int) -> list[str]:
    """Account ids, ascending."""
    return [f"a{number:06d}" for number in range(count)]


def accounts_of(ids: Sequence[str]) -> pa.Table:
    """The policy's table of candidates, as far as the queue reads it."""
    count = len(ids)
    return pa.table(
        {
            "account_id": pa.array(ids, pa.string()),
            "parent_id": pa.nulls(count, pa.string()),
            "name": pa.array([f"Ünit {name}" for name in ids], pa.string()),
            "segment": pa.array(["enterprise"] * count, pa.string()),
            "industry": pa.nulls(count, pa.string()),
            "region": pa.array(["emea"] * count, pa.string()),
            "owner": pa.array(["olga"] * count, pa.string()),
            "arr": pa.array([1000.0 + n for n in range(count)]),
            "renews_in": pa.array([n % 90 if n % 7 else None for n in range(count)], pa.int64()),
        }
    )


def scores_of(ids: Sequence[str], as_of: date = NIGHT, risks: Iterable[str] = ("churn", "escalation")) -> pa.Table:
    """One score an account and risk."""
    places = np.arange(len(ids)) % 97
    stale = ["usage_daily is 9 days old"]
    tables = [
        pa.table(
            {
                "account_id": pa.array(ids, pa.string()),
                "risk": pa.array([risk] * len(ids), pa.string()),
                "as_of": pa.array([as_of] * len(ids), pa.date32()),
                "probability": pa.array(0.1 + 0.8 * places / 97),
                "rank_score": pa.array(places - 50.5),
                "model_version": pa.array([f"{risk}-1"] * len(ids), pa.string()),
                "quality": pa.array([stale if n % 11 == 0 else [] for n in range(len(ids))], pa.list_(pa.string())),
            },
            schema=SCORES,
        )
        for risk in risks
    ]
    return pa.concat_tables(tables)


def flag_of(account: str, rank: int = 1, as_of: date = NIGHT, **changes: object) -> Flag:
    """A flag for the north squad."""
    fields: dict[str, object] = {
        "account_id": account,
        "as_of": as_of,
        "risk": "churn",
        "probabilities": {"churn": 0.6, "escalation": 0.2},
        "priority": 1000.0 - rank,
        "squad": "north",
        "rank": rank,
        "at_stake": 5000.0,
        "severity": "normal",
        "alarms": ("risk:churn",),
    }
    return Flag(**(fields | changes))  # type: ignore[arg-type]


def package_of(flag: Flag) -> Package:
    """A hand-off with the parts that the queue reads."""
    content = {"account_id": flag.account_id, "case": {"risk": flag.risk, "triggers": []}, "risks": []}
    return Package(
        content=json.dumps(content | {"as_of": flag.as_of.isoformat()}),
        schema_version="1",
        headline=f"{flag.account_id} may leave",
    )


def record_of(ids: Sequence[str], decision: Decision, channels: tuple[str, ...] = ("hook",)) -> NightRecord:
    """Everything that a night writes."""
    flags = (*decision.flags, *(again.flag for again in decision.raised_again))
    return NightRecord(
        decision=decision,
        rules=RULES,
        scores=scores_of(ids, decision.as_of),
        accounts=accounts_of(ids),
        handoffs={(flag.account_id, flag.risk): package_of(flag) for flag in flags},
        channels=channels,
    )


def simple_decision(ids: Sequence[str], as_of: date = NIGHT, **changes: object) -> Decision:
    """A decision that flags every account of ``ids``, in this order."""
    flags = tuple(flag_of(name, rank, as_of) for rank, name in enumerate(ids, 1))
    return Decision(as_of=as_of, policy_version="p1", flags=flags, **changes)  # type: ignore[arg-type]


def live_of(case_id: str, account: str, **changes: object) -> LiveFigures:
    """Tonight's figures of an open case."""
    fields: dict[str, object] = {
        "case_id": case_id,
        "account_id": account,
        "lane": Lane.AT_RISK,
        "status": "running",
        "probabilities": {"churn": 0.7},
        "priority": 2000.0,
        "revenue": 6000.0,
        "ends_on": None,
        "days_left": None,
        "alarms": ("risk:churn",),
    }
    return LiveFigures(**(fields | changes))  # type: ignore[arg-type]


def take(store: Store, as_of: date = NIGHT, now: datetime = NOW, run_id: str = "run-1") -> Night:
    """Begin a night that is still to be recorded."""
    night = begin_night(store, as_of, run_id, now=now)
    assert isinstance(night, Night)
    return night


def run(store: Store, record: NightRecord, now: datetime = NOW) -> RecordedNight:
    """Begin a night and record it."""
    return record_night(store, take(store, record.decision.as_of, now), record, now=now)


def open_cases(store: Store, count: int, as_of: date = NIGHT, now: datetime = NOW) -> list[str]:
    """A recorded night with ``count`` new cases; their accounts."""
    ids = names(count)
    run(store, record_of(ids, simple_decision(ids, as_of)), now)
    return ids


def next_night(as_of: date = NIGHT) -> tuple[date, datetime]:
    """The night after, and when it runs."""
    later = as_of + timedelta(days=1)
    return later, datetime.combine(later, time(5))
