"""What to do first: one suggested play for each group of reasons, as a table that a team can read and argue with.

A play is a suggestion with its reason, not an order. It is chosen by the strongest reason that survived refits; where
there is none that raises the risk, by the risk itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from models.contracts import Reason


@dataclass(frozen=True)
class Play:
    """A named way to begin: its steps in order, in the imperative."""

    name: str
    title: str
    steps: tuple[str, ...]


BY_GROUP: Mapping[str, Play] = {
    "usage": Play(
        "win-back-use",
        "Find out why they use it less",
        (
            "Ask the champion what changed in their work, before showing anything.",
            "Name the teams or features that went quiet, and offer a session for one of them.",
            "Agree on one number to watch and look at it together in two weeks.",
        ),
    ),
    "adoption": Play(
        "broaden-use",
        "Get the second team going",
        (
            "Pick the one feature that accounts like this one keep using.",
            "Train two people, not twenty, on a case of their own.",
            "Check after two weeks whether they came back by themselves.",
        ),
    ),
    "support": Play(
        "clear-the-desk",
        "Clear the open tickets first",
        (
            "Read the open tickets before calling; know which one hurts most.",
            "Get a date from the support lead for each, and tell the customer the dates.",
            "Call again when the last one is closed, not before.",
        ),
    ),
    "escalations": Play(
        "calm-an-escalation",
        "One owner, one daily word",
        (
            "Name one person who answers for the whole matter.",
            "Tell the customer daily where it stands, also when nothing moved.",
            "Write down together what solved means before solving it.",
        ),
    ),
    "health": Play(
        "ask-the-sponsor",
        "Ask the sponsor what the score hides",
        (
            "Check what moved the health score and whether it is still true.",
            "Talk to the sponsor, not only to the daily user.",
            "Correct the score if it was wrong, and say why.",
        ),
    ),
    "billing": Play(
        "settle-the-account",
        "Talk about the invoice as people",
        (
            "Find out whether the invoice is disputed, lost or unaffordable: three different calls.",
            "Bring finance in with an offer you may make.",
            "Keep product questions out of this call, and note those that come up.",
        ),
    ),
    "contract": Play(
        "early-renewal",
        "Open the renewal early",
        (
            "Ask who decides this time and what they have to show for it.",
            "Bring their own figures of use against what they pay for.",
            "Offer the plan that fits, even if it is the smaller one.",
        ),
    ),
    "rescues": Play(
        "second-attempt",
        "Do something else than last time",
        (
            "Read what was tried and what came of it.",
            "Let someone they have not met make the call.",
            "Agree on what would make them stay, in their words.",
        ),
    ),
}

PARTING = Play(
    "before-they-leave",
    "Talk before the notice takes effect",
    (
        "Thank them, and ask what made the decision and who made it; do not argue.",
        "Find out whether anything would open it again, and whether you may offer that.",
        "If not, part well: help with the export of their data, and leave the door open.",
    ),
)
"""For an account that has given notice: there the question is no longer whether it is at risk."""

BY_RISK: Mapping[str, Play] = {"churn": BY_GROUP["contract"], "escalation": BY_GROUP["escalations"]}
FIRST_CALL = Play(
    "first-call",
    "Call and listen",
    ("Look through this page for what you would ask yourself.", "Call the owner's contact and ask how it is going."),
)


def suggest(risk: str, reasons: Sequence[Reason], notice_for: date | None = None) -> tuple[Play, str]:
    """The play for a risk and its reasons, and why it was chosen, as a sentence; a notice given comes first."""
    if notice_for is not None and risk == "churn":
        return PARTING, f"Notice was given; the contract ends on {notice_for.day} {notice_for:%b %Y}"
    for reason in reasons:
        if reason.strength > 0 and not reason.weak and reason.group in BY_GROUP:
            return BY_GROUP[reason.group], f"The strongest reason that a rescue can act on: {reason.sentence}"
    if risk in BY_RISK:
        return BY_RISK[risk], f"No single reason stands out, so the usual beginning for a {risk} risk"
    return FIRST_CALL, "No reason stands out"
