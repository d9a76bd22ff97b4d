"""Why an answer from outside was not taken, in words for somebody who sees no page of the app."""

from serving.cases.case_errors import CaseNotFoundError, StaleCaseError
from serving.cases.people import load_roster
from serving.incidents.incident_errors import IncidentNotFoundError, StaleIncidentError
from serving.store import Store
from serving.web.display_text import event_text


def refusal_text(store: Store, error: Exception) -> str:
    """The sentence of an error; that of a conflict names the person as others read the name, and what they did."""
    if isinstance(error, CaseNotFoundError | IncidentNotFoundError):
        return "You may not act on this: it belongs to another squad, or is no longer there."
    if isinstance(error, StaleCaseError):
        return f"{_name(store, error.actor)} {event_text(error.kind)} before you: nothing was done. {_LOOK}"
    if isinstance(error, StaleIncidentError):
        return f"{_name(store, error.actor)} changed the incident before you: nothing was done. {_LOOK}"
    return str(error)


_LOOK = "Look at its present state, and answer again if it still makes sense."


def _name(store: Store, person: str) -> str:
    with store.reading() as session:
        return load_roster(session).person(person).shown
