"""The one line on top of a page that says what was just done, or why not."""

from collections.abc import Mapping
from dataclasses import dataclass

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
    """What to say, in which tone (``good`` or ``bad``), and where to go from there."""

    text: str
    tone: str = "good"
    url: str = ""
    link: str = ""


def done(move: str) -> Notice | None:
    """What to say after a move that an address names; nothing for a word that is none."""
    return Notice(DONE[move]) if move in DONE else None


def refused(error: Exception) -> Notice:
    """Why something was not done; the error's message is written for the reader."""
    return Notice(str(error), "bad")
