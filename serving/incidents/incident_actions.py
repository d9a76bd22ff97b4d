"""What people do to an incident: acknowledge, comment and resolve; each is one transaction and one row of the record.

Everybody who may see cases sees incidents, because whoever calls a customer has to know of them. Who works one is in
its squad, sees every squad, or was reached by its escalation path.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from features.errors import UsageError
from serving.cases.permissions import Act, Actor, NotAllowedError
from serving.incidents.incident_changes import CLOSED_BY_PERSON, OPEN
from serving.incidents.incident_context import IncidentContext
from serving.incidents.incident_errors import IncidentNotFoundError, IncidentStateError, StaleIncidentError
from serving.incidents.incident_messages import announce, enqueue_incident_change, incident_headline
from serving.incidents.incident_record import record_incident, recorded_fields
from serving.paths.protocol import ProtocolEvent
from serving.policy.definition.policy_schema import PolicyFile
from serving.store.database import Store, utcnow
from serving.store.incident_tables import Incident
from serving.store.queries.incident_queries import incident_history

REMARK = "comment"


@dataclass
class _Action:
    """One action: the locked incident, the actor, and the recorded fields before it."""

    session: Session
    incident: Incident
    actor: Actor
    now: datetime
    before: dict[str, Any]
    kind: str
    comment: str | None = None


class Incidents:
    """The use cases; ``clock`` returns the time (naive UTC).

    ``rules`` are those of the policy in use (default: the newest night's), ``channels`` those on which cases are
    announced: both are for the message that an incident is over.

    Every method takes the id of the incident, the actor and, where a page was shown, the ``version`` on it. It returns
    the incident after the change.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime] = utcnow,
        rules: PolicyFile | None = None,
        channels: tuple[str, ...] = (),
    ) -> None:
        self.store = store
        self.clock = clock
        self.rules = rules
        self.channels = channels

    def acknowledge(self, incident_id: str, actor: Actor, version: int | None = None) -> Incident:
        """Take the incident on: the actor is responsible, and its path escalates no further."""
        with self._action(incident_id, actor, version, "acknowledge") as action:
            incident = action.incident
            _require_open(incident)
            if incident.acknowledged_at is not None:
                raise IncidentStateError(f"{incident.acknowledged_by} has acknowledged the incident already.")
            incident.acknowledged_at, incident.acknowledged_by = action.now, actor.name
            incident.responsible, incident.respond_by = actor.name, None
            incident.path_due = action.now  # steps that only inform go on; the timers compute when
        return action.incident

    def resolve(self, incident_id: str, actor: Actor, version: int | None = None, *, comment: str = "") -> Incident:
        """End the incident; a full window of later signals opens it again."""
        with self._action(incident_id, actor, version, "resolve") as action:
            incident = action.incident
            _require_open(incident)
            incident.state, incident.closed_at = CLOSED_BY_PERSON, action.now
            incident.responsible = incident.responsible or actor.name
            incident.respond_by, incident.path_due = None, None
            action.comment = comment.strip() or None
        return action.incident

    def comment(self, incident_id: str, actor: Actor, *, text: str) -> Incident:
        """Add a comment to the timeline; it never conflicts with other changes."""
        if not text.strip():
            raise UsageError("Write what to put on the timeline: the text is empty.")
        with self._action(incident_id, actor, None, REMARK, act=Act.COMMENT) as action:
            action.comment = text.strip()
        return action.incident

    @contextmanager
    def _action(
        self, incident_id: str, actor: Actor, version: int | None, kind: str, *, act: Act = Act.WORK
    ) -> Iterator[_Action]:
        with self.store.transaction() as session:
            incident = session.get(Incident, incident_id, with_for_update=True)
            if incident is None or not actor.may(Act.SEE):
                raise IncidentNotFoundError(incident_id)
            _require_permission(incident, actor, act)
            _require_current(session, incident, version)
            action = _Action(session, incident, actor, self.clock(), recorded_fields(incident), kind)
            yield action
            record_incident(
                session, incident, action.before, action.kind, actor=actor.name, at=action.now, comment=action.comment
            )
            if kind == "resolve":
                self._announce_end(action)
            elif kind != REMARK:
                enqueue_incident_change(session, incident, kind, actor=actor.name, at=action.now)

    def _announce_end(self, action: _Action) -> None:
        if self.rules is None:
            context = IncidentContext.of_newest_night(action.session, action.now)
        else:
            context = IncidentContext.of(action.session, self.rules, self.channels, action.now)
        who = context.paths.titles.get(action.actor.name, action.actor.name)
        announce(
            action.session,
            action.incident,
            ProtocolEvent.INCIDENT_OVER,
            context,
            action.now,
            headline=f"{who} has resolved it: {incident_headline(action.incident)}",
            actor=action.actor.name,
            comment=action.comment or "",
        )


def may_work(incident: Incident, actor: Actor) -> bool:
    """Whether the actor may acknowledge and resolve the incident."""
    theirs = actor.sees(incident.squad) or actor.name in incident.reached or actor.name == incident.responsible
    return actor.may(Act.WORK) and theirs


def _require_permission(incident: Incident, actor: Actor, act: Act) -> None:
    if not actor.may(act):
        raise NotAllowedError(f"{actor.name} is {actor.role}, which does not include to {act} incidents: ask a lead.")
    if act == Act.WORK and not may_work(incident, actor):
        raise NotAllowedError(
            f"{actor.name} is not in the squad {incident.squad}, which works this incident: ask one of its members."
        )


def _require_current(session: Session, incident: Incident, version: int | None) -> None:
    if version is not None and version != incident.version:
        changes = [event for event in incident_history(session, incident.id) if event.kind != REMARK]
        last = changes[-1]
        raise StaleIncidentError(incident.id, last.actor, f"{last.at:%Y-%m-%d %H:%M}")


def _require_open(incident: Incident) -> None:
    if incident.state != OPEN:
        raise IncidentStateError(f"The incident is {incident.state} already.")
