"""The one message on top of a page that says what was just done, or why it was not done."""

from dataclasses import dataclass
from datetime import datetime

from serving.cases.case_errors import StaleCaseError
from serving.cases.permissions import OtherOwnerError
from serving.paths.message_text import local_time
from serving.policy_versions.saved_policies import PolicyConflictError
from serving.web import display_text
from serving.web.reader import UNKNOWN_READER, PageReader


@dataclass(frozen=True)
class FlashMessage:
    """The text, its tone (``good`` or ``bad``), what it says about single cases, and a link: its title and address."""

    text: str
    tone: str = "good"
    details: tuple[str, ...] = ()
    link: tuple[str, str] | None = None


def success_message(action: str) -> FlashMessage | None:
    """The message after an action that the page's address names; None for an unknown name."""
    text = display_text.SUCCESS_TEXTS.get(action)
    return FlashMessage(text) if text else None


def failure_message(error: Exception, draft: str = "", reader: PageReader = UNKNOWN_READER) -> FlashMessage:
    """Why something was not done, and that the text that was typed is still there."""
    kept = " Your text is kept in the form below." if draft else ""
    return FlashMessage(error_text(error, reader) + kept, "bad")


def error_text(error: Exception, reader: PageReader = UNKNOWN_READER) -> str:
    """The error's message; for a conflict, what the other person did, in the names and the time of the reader."""
    if isinstance(error, StaleCaseError):
        action, actor = display_text.event_text(error.kind), reader.name_of(error.actor)
        when = local_time(datetime.fromisoformat(error.when), reader.zone)
        return f"{actor} {action} on {when}, after you opened this page. Check the case, then try again."
    if isinstance(error, PolicyConflictError) and error.saved:
        last = error.saved[0]
        return (
            f"{reader.name_of(last.author)} saved version {last.number} on {local_time(last.saved_at, reader.zone)}, "
            f'after you began: "{last.reason}". Nothing of yours was saved. Compare, and save again.'
        )
    if isinstance(error, OtherOwnerError):
        owner = reader.name_of(error.owner)
        return f"This case belongs to {owner}: ask {owner} to release it, or a lead to reassign it."
    return str(error)
