"""What a click in Slack has to know of the queue: who the member is, and the present state of a case or an incident."""

from serving.cases.escalation.path_context import path_context
from serving.cases.people import load_roster
from serving.delivery.channel import ChannelMessage
from serving.delivery.chat.slack_api import SlackApi
from serving.delivery.chat.slack_members import SlackMembers, person_with_address
from serving.delivery.outbox import case_data
from serving.incidents.incident_messages import incident_data
from serving.store import Store
from serving.store.database import utcnow
from serving.store.incident_tables import Incident
from serving.store.tables import Case


def slack_person(store: Store, member: str, channel: str, api: SlackApi) -> str | None:
    """The person that a member of the workspace is, by the addresses in the policy; None where nobody is.

    A member id in the policy counts first. Without one, Slack is asked for the member's mail address, which may also be
    the name by which somebody signs in.
    """
    with store.reading() as session:
        roster = load_roster(session)
    people = [(entry.name, entry.addresses) for entry in roster.people.values()]
    found = person_with_address(member, None, people, (channel, "slack"))
    if found is not None:
        return found
    mail = SlackMembers(api).mail_of(member)
    by_mail = person_with_address(member, mail, people, (channel, "slack"))
    if by_mail is not None or mail is None:
        return by_mail
    names = [name for name in roster.people if name.casefold() == mail]
    return names[0] if len(names) == 1 else None


def case_message(store: Store, case_id: str) -> ChannelMessage | None:
    """A case in its present state, as a message to its channel."""
    with store.reading() as session:
        path_context(session, utcnow())
        case = session.get(Case, case_id)
        data = case_data(session, case) if case is not None else None
    return ChannelMessage("", "case.changed", "", data) if data is not None else None


def incident_message(store: Store, incident_id: str) -> ChannelMessage | None:
    """An incident in its present state, as a message to its channel."""
    with store.reading() as session:
        path_context(session, utcnow())
        incident = session.get(Incident, incident_id)
        data = incident_data(session, incident) if incident is not None else None
    return ChannelMessage("", "incident.changed", "", data) if data is not None else None
