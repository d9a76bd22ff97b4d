"""The one line on top of a page that says what was just done, or why not."""

from collections.abc import Mapping
from dataclasses import dataclass

from serving.cases.case_errors import StaleCaseError
from serving.web import display_text

DONE: Mapping[str, str] = {
    "claim": "Claimed: this case is yours.",
    "assign": "Assigned.",
    "reassign": "Reassigned.",
    "hand_over": "Handed over to the other squad.",
    "release": "Given back to the squad.",
    "contact": "Noted: the customer was contacted.",
    "plan": "Put in plan.",
    "snooze": "Snoozed.",
    "wake": "Taken up again.",
    "resolve": "Resolved. Its outcome is on the record.",
    "reopen": "Reopened: this case is yours.",
    "comment": "Your comment is on the record.",
    "disagree": "Your disagreement is on the record; the analyst reads it.",
    "undo": "Your last move is taken back.",
    "saved": "The view is saved.",
    "forgotten": "The view is forgotten.",
}


@dataclass(frozen=True)
class Notice:
    """What to say, and in which tone (``good`` or ``bad``)."""

    text: str
    tone: str = "good"


def done(move: str) -> Notice | None:
    """What to say after a move that an address names; nothing for a word that is none."""
    return Notice(DONE[move]) if move in DONE else None


def refused(error: Exception, typed: str = "") -> Notice:
    """Why something was not done, and that what was ``typed`` is still there."""
    return Notice(why_not(error) + (" What you typed is kept in the form below." if typed else ""), "bad")


def why_not(error: Exception) -> str:
    """The error's message, which is written for the reader; who was quicker is told as the record tells it."""
    if isinstance(error, StaleCaseError):
        did = display_text.event(error.kind)
        return f"{error.actor} {did} at {error.when} UTC, after you opened this page: look at it again."
    return str(error)
