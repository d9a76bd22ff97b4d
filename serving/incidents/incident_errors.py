"""Errors of actions on incidents; each message says what to do."""

from features.errors import RescueError, UsageError


class IncidentNotFoundError(UsageError):
    """There is no such incident."""

    def __init__(self, incident_id: str) -> None:
        super().__init__(f"There is no incident {incident_id!r}: the list of incidents shows all of them.")


class StaleIncidentError(RescueError):
    """Somebody else has changed the incident since the person saw it."""

    def __init__(self, incident_id: str, actor: str, when: str) -> None:
        super().__init__(
            f"{actor} has changed incident {incident_id} at {when} UTC, after you opened it: look at it and try again."
        )
        self.actor = actor


class IncidentStateError(RescueError):
    """The action is not possible in the incident's state."""
