"""The one message on top of a page that says what was just done, or why it was not done."""

from dataclasses import dataclass

from serving.cases.case_errors import StaleCaseError
from serving.web import display_text


@dataclass(frozen=True)
class FlashMessage:
    """The text, and its tone (``good`` or ``bad``)."""

    text: str
    tone: str = "good"


def success_message(action: str) -> FlashMessage | None:
    """The message after an action that the page's address names; None for an unknown name."""
    text = display_text.SUCCESS_TEXTS.get(action)
    return FlashMessage(text) if text else None


def failure_message(error: Exception, draft: str = "") -> FlashMessage:
    """Why something was not done, and that the text that was typed is still there."""
    kept = " Your text is kept in the form below." if draft else ""
    return FlashMessage(error_text(error) + kept, "bad")


def error_text(error: Exception) -> str:
    """The error's message; for a conflict, what the other person did."""
    if isinstance(error, StaleCaseError):
        action = display_text.event_text(error.kind)
        return (
            f"{error.actor} {action} at {error.when} UTC, after you opened this page. Check the case, then try again."
        )
    return str(error)
