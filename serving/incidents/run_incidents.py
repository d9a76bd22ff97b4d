"""One round of incidents: new signals are counted, incidents are opened, escalated and ended.

It may run at any time and any number of times. A round is several transactions, and each is complete in itself: the
signals that it counted, the incidents that they changed, and the messages about these are written together. So a
process that dies is followed by one that goes on where it was.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from serving.incidents.incident_changes import Change, IncidentChange, SignalGroup, close_quiet, update_group
from serving.incidents.signal_matching import BATCH, match_new_signals
from serving.incidents.timer_lease import TimerLease, require_lease
from serving.policy.definition.policy_file import Policy
from serving.signals.signal_intake import prune_signals
from serving.store import Session, Store
from serving.store.database import utcnow

KEEP_DAYS = 30


@dataclass
class IncidentReport:
    """What a round did: how many signals it counted, and the ids of the incidents that it changed."""

    signals: int = 0
    opened: list[str] = field(default_factory=list)
    reopened: list[str] = field(default_factory=list)
    over: list[str] = field(default_factory=list)
    escalated: list[str] = field(default_factory=list)
    breached: list[str] = field(default_factory=list)
    pruned: int = 0

    def add(self, changes: Iterable[Change]) -> None:
        """Note changes of incidents."""
        lists = {
            IncidentChange.OPENED: self.opened,
            IncidentChange.REOPENED: self.reopened,
            IncidentChange.OVER: self.over,
        }
        for change in changes:
            lists[change.kind].append(change.incident.id)


def run_incidents(
    store: Store,
    policy: Policy,
    *,
    now: datetime | None = None,
    lease: TimerLease | None = None,
    keep_days: int = KEEP_DAYS,
    batch: int = BATCH,
) -> IncidentReport:
    """Count the new signals by ``[incidents.*]`` of the policy, and bring every incident up to date.

    Raises:
        LeaseLostError: another process has taken over from this one.
    """
    now = now or utcnow()
    report = IncidentReport()
    taken = batch
    while taken == batch:
        with store.transaction() as session:
            require_lease(session, lease)
            taken = _count_signals(session, policy, now, report, batch)
    with store.transaction() as session:
        require_lease(session, lease)
        report.add(close_quiet(session, now))
        report.pruned = prune_signals(session, now, keep_days)
    return report


def _count_signals(session: Session, policy: Policy, now: datetime, report: IncidentReport, batch: int) -> int:
    new = match_new_signals(session, policy, batch)
    report.signals += new.taken
    for name, groups in new.groups.items():
        for key, since in groups.items():
            group = SignalGroup(name, policy.rules.incidents[name], key, json.loads(key))
            report.add(update_group(session, group, since, policy.rules, now))
    return new.taken
