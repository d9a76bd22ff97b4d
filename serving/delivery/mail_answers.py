"""The line of a mail that lets its reader answer without signing in: only where the mail asks them to act at once.

What can wait is in the morning's digest, which links to the app: whoever reads it begins to work there anyway.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from serving.paths.message_settings import MessageSettings
from serving.store.database import MESSAGES
from serving.store.exchange import Message

ASKS = frozenset(
    {"opened", "raised_again", "escalated", "handed_over", "assigned", "returned", "reopened", "sla_breached"}
)
"""The events whose messages ask somebody to act on a case."""
ACTING_PARTIES = frozenset({None, "responsible", "receiving_squad"})


def answer_lines(session: Session, message: Message) -> str:
    """The lines after a message to a person; empty where there is nothing to answer, or no link may be sent.

    The link is made as the mail is sent, and is not stored.
    """
    settings: MessageSettings = session.info.get(MESSAGES) or MessageSettings()
    payload = message.payload
    is_mail = (settings.channels or {}).get(message.channel) == "email"
    if settings.answers is None or not is_mail or message.case_id is None or message.batch is not None:
        return ""
    if not message.recipient or payload.get("party") not in ACTING_PARTIES:
        return ""
    if message.kind.partition(".")[2] not in ASKS or "@" in payload["to"]:
        return ""
    at = datetime.fromisoformat(payload["timestamp"].removesuffix("Z"))
    link = settings.answers.link(message.case_id, payload["to"], at)
    hours = settings.answers.hours
    return (
        "\nAnswer without signing in (acknowledge, snooze or disagree):\n"
        f"{link}\nThe link is for you alone and works for {hours} hours.\n"
    )
