"""What customers write in tickets, by plain signals: off unless asked for, since text is personal and often absent.

A general measure of sentiment reads "we have decided not to renew" as neutral, so these look for what a person would
underline: a call for a manager, a rival's name or an offer, the word cancel, an end of patience. They read the subject
and the body as the ticket was known at the cutoff, and count; the words themselves never leave the room.
"""

from functools import partial

from features.definitions.feature import Feature
from features.definitions.support import TICKETS

_TEXT = "lower(concat_ws(' ', subject, body))"


def mentions(*phrases: str) -> str:
    """The condition that a ticket's text has one of the phrases (regular expressions, in lower case)."""
    return f"regexp_matches({_TEXT}, '({'|'.join(phrases)})')"


CANCEL = mentions(
    "cancel(ling|ing|lation)? (the|our|my|at)",
    "(we|i) (will|want to|have to|intend to) cancel",
    "terminat",
    "not (going to )?renew",
    "whether to renew",
    "end (the|our) (contract|subscription)",
)
COMPETITOR = mentions(
    "competitor",
    "alternative (to|vendor|provider|supplier|product)",
    "(other|another) (vendor|provider|supplier)",
    "switch(ing)? (to|from)",
    "mov(e|ing) (over )?to another",
    "asked [a-z]+ for (an offer|a quote)",
    "how [a-z]+ does (this|it)",
    "(offer|quote|demo|trial) (from|by|of|with) ",
)
MANAGER = mentions(
    "(your|a|the) (manager|supervisor|superior)", "management", "(account|customer) director", "escalate"
)
IMPATIENCE = mentions(
    "(not|un) ?acceptable",
    "out of patience",
    "third time",
    "still no (answer|reply)",
    "(nobody|no one) (seems|answers)",
)
THANKFUL = mentions("really likes?", "going well", "happy (with|to)", "great (work|job|support)", "thanks in advance")

_number = partial(Feature, group="support")

TEXT_FEATURES = (
    _number(
        "text_cancel_28d",
        TICKETS.count(28, CANCEL),
        "tickets of the last four weeks whose text speaks of cancelling",
        "tickets",
        "{text_cancel_28d:n ticket} of the last four weeks speak of cancelling",
        1,
    ),
    _number(
        "text_cancel_90d",
        TICKETS.count(90, CANCEL),
        "tickets of 90 days whose text speaks of cancelling",
        "tickets",
        "{text_cancel_90d:n ticket} of 90 days speak of cancelling",
        1,
    ),
    _number(
        "text_rival_90d",
        TICKETS.count(90, COMPETITOR),
        "tickets of 90 days whose text speaks of a competitor or an offer",
        "tickets",
        "{text_rival_90d:n ticket} of 90 days speak of a competitor",
        1,
    ),
    _number(
        "text_manager_28d",
        TICKETS.count(28, MANAGER),
        "tickets of the last four weeks whose text asks for a manager",
        "tickets",
        "{text_manager_28d:n ticket} of the last four weeks ask for a manager",
        1,
    ),
    _number(
        "text_manager_90d",
        TICKETS.count(90, MANAGER),
        "tickets of 90 days whose text asks for a manager",
        "tickets",
        "{text_manager_90d:n ticket} of 90 days ask for a manager",
        1,
    ),
    _number(
        "text_patience_28d",
        TICKETS.count(28, IMPATIENCE),
        "tickets of the last four weeks whose text tells that patience is at an end",
        "tickets",
        "{text_patience_28d:n ticket} of the last four weeks tell of lost patience",
        1,
    ),
    _number(
        "text_patience_share_90d",
        TICKETS.count(90, IMPATIENCE) / TICKETS.count(90),
        "share of the tickets of 90 days whose text tells that patience is at an end",
        "share",
        "{text_patience_share_90d:pct} of the tickets of 90 days tell of lost patience",
        1,
    ),
    _number(
        "text_thankful_share_90d",
        TICKETS.count(90, THANKFUL) / TICKETS.count(90),
        "share of the tickets of 90 days whose text is content",
        "share",
        "{text_thankful_share_90d:pct} of the tickets of 90 days sound content",
        -1,
    ),
    _number(
        "text_since_cancel_days",
        TICKETS.since(365, CANCEL),
        "days since a ticket spoke of cancelling",
        "days",
        "A ticket spoke of cancelling on {text_since_cancel_days:ago}",
        -1,
    ),
)
