"""One round of incidents: new signals are counted, incidents are opened, escalated and ended.

It may run at any time and any number of times. A round is several transactions, and each is complete in itself: the
signals that it counted, the incidents that they changed, and the messages about these are written together. So a
process that dies is followed by one that goes on where it was.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from serving.incidents.incident_changes import (
    OPEN,
    Change,
    IncidentChange,
    SignalGroup,
    close_quiet,
    over_at,
    update_group,
)
from serving.incidents.incident_context import IncidentContext
from serving.incidents.incident_deadlines import breach_deadlines
from serving.incidents.incident_messages import announce, incident_headline
from serving.incidents.incident_path import begin_path, run_incident_paths
from serving.incidents.signal_matching import SIGNALS_AT_ONCE, match_new_signals
from serving.incidents.timer_lease import TimerLease, require_lease
from serving.paths.protocol import ProtocolEvent
from serving.policy.definition.policy_file import Policy
from serving.signals.signal_intake import prune_signals
from serving.store import Session, Store
from serving.store.database import utcnow
from serving.store.incident_tables import Incident, SignalRow

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

    @property
    def changed(self) -> bool:
        """Whether any incident changed."""
        return any((self.opened, self.reopened, self.over, self.escalated, self.breached))

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
    channels: tuple[str, ...] = (),
    lease: TimerLease | None = None,
    keep_days: int = KEEP_DAYS,
    batch: int = SIGNALS_AT_ONCE,
) -> IncidentReport:
    """Count the new signals by ``[incidents.*]`` of the policy, and bring every incident up to date.

    ``channels`` are those on which cases are announced.

    Raises:
        LeaseLostError: another process has taken over from this one.
    """
    now = now or utcnow()
    report = IncidentReport()
    taken = batch
    while taken == batch:
        with store.transaction() as session:
            require_lease(session, lease)
            context = IncidentContext.of(session, policy.rules, channels, now)
            taken = _count_signals(session, policy, context, now, report, batch)
    with store.transaction() as session:
        require_lease(session, lease)
        context = IncidentContext.of(session, policy.rules, channels, now)
        _announce_all(session, close_quiet(session, now), context, now, report)
        report.escalated = run_incident_paths(session, context, now)
        report.breached = breach_deadlines(session, context, now)
        report.pruned = prune_signals(session, now, keep_days)
    return report


def next_incident_due(session: Session) -> datetime | None:
    """The earliest instant at which a round would change or send anything; None where nothing is open.

    It may be in the past: then a round has something to do at once.
    """
    instants = list(session.scalars(select(SignalRow.received_at).where(SignalRow.pending).limit(1)))
    for incident in session.scalars(select(Incident).where(Incident.state == OPEN)):
        times = (
            over_at(incident),
            incident.path_due,
            incident.respond_by if incident.respond_breached_at is None else None,
            incident.resolve_by if incident.resolve_breached_at is None else None,
        )
        instants += [at for at in times if at is not None]
    return min(instants, default=None)


def _announce_all(
    session: Session, changes: Iterable[Change], context: IncidentContext, now: datetime, report: IncidentReport
) -> None:
    changes = list(changes)
    report.add(changes)
    for change in changes:
        incident = change.incident
        if change.kind is IncidentChange.OVER:
            headline = incident_headline(incident)
            announce(session, incident, ProtocolEvent.INCIDENT_OVER, context, now, headline=headline)
        else:
            begin_path(session, incident, context, now, again=change.kind is IncidentChange.REOPENED)


def _count_signals(
    session: Session, policy: Policy, context: IncidentContext, now: datetime, report: IncidentReport, batch: int
) -> int:
    new = match_new_signals(session, policy, batch)
    report.signals += new.taken
    for name, groups in new.groups.items():
        for key, since in groups.items():
            group = SignalGroup(name, policy.rules.incidents[name], key, json.loads(key))
            _announce_all(session, update_group(session, group, since, policy.rules, now), context, now, report)
    return new.taken
