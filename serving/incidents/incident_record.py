"""The record of an incident: one append-only row for every change, in the transaction of the change.

Figures that grow with each signal are no change: they are replaced, and the version stays, so no open page becomes
stale in a storm.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from serving.cases.audit import changed_fields, json_fields
from serving.store.incident_tables import Incident, IncidentEvent

RECORDED = (
    *("state", "severity", "squad", "closed_at", "reopened", "acknowledged_at", "acknowledged_by", "responsible"),
    *("path_step", "path_repeats", "respond_by", "resolve_by", "respond_breached_at", "resolve_breached_at"),
)
"""The fields of an incident whose changes are recorded."""


def recorded_fields(incident: Incident) -> dict[str, Any]:
    """The recorded fields as JSON values."""
    return json_fields(incident, RECORDED)


def record_incident(
    session: Session,
    incident: Incident,
    before: Mapping[str, Any],
    kind: str,
    *,
    actor: str,
    at: datetime,
    comment: str | None = None,
) -> IncidentEvent:
    """Record how the incident changed since ``before`` (from :func:`recorded_fields`), and raise its version.

    A remark changes no field, so the version stays.
    """
    incident.updated_at = at
    changed = changed_fields(before, recorded_fields(incident))
    incident.version = (incident.version or 0) + bool(changed.after)
    event = IncidentEvent(
        incident_id=incident.id,
        at=at,
        actor=actor,
        kind=kind,
        before=changed.before,
        after=changed.after,
        comment=comment,
        version=incident.version,
    )
    session.add(event)
    return event
