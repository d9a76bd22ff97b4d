"""What customers write in tickets, by simple phrases: off by default, since text is personal and often absent.

A general measure of sentiment reads "we have decided not to renew" as neutral, so these look for what a person would
underline: a call for a manager, a competitor or an offer, the word cancel, impatience. They read the subject and the
body as the ticket was known at the cutoff, and count; the words themselves are not stored.
"""

from functools import partial

from features.definitions.feature import Feature
from features.definitions.support import OPENED

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
        OPENED.count(28, CANCEL),
        "tickets of the last four weeks whose text mentions cancelling",
        "tickets",
        "{text_cancel_28d:n ticket} of the last four weeks mention cancelling",
        1,
    ),
    _number(
        "text_cancel_90d",
        OPENED.count(90, CANCEL),
        "tickets of 90 days whose text mentions cancelling",
        "tickets",
        "{text_cancel_90d:n ticket} of 90 days mention cancelling",
        1,
    ),
    _number(
        "text_rival_90d",
        OPENED.count(90, COMPETITOR),
        "tickets of 90 days whose text mentions a competitor or an offer",
        "tickets",
        "{text_rival_90d:n ticket} of 90 days mention a competitor",
        1,
    ),
    _number(
        "text_manager_28d",
        OPENED.count(28, MANAGER),
        "tickets of the last four weeks whose text asks for a manager",
        "tickets",
        "{text_manager_28d:n ticket} of the last four weeks ask for a manager",
        1,
    ),
    _number(
        "text_manager_90d",
        OPENED.count(90, MANAGER),
        "tickets of 90 days whose text asks for a manager",
        "tickets",
        "{text_manager_90d:n ticket} of 90 days ask for a manager",
        1,
    ),
    _number(
        "text_patience_28d",
        OPENED.count(28, IMPATIENCE),
        "tickets of the last four weeks whose text shows impatience",
        "tickets",
        "{text_patience_28d:n ticket} of the last four weeks show impatience",
        1,
    ),
    _number(
        "text_patience_share_90d",
        OPENED.count(90, IMPATIENCE) / OPENED.count(90),
        "share of the tickets of 90 days whose text shows impatience",
        "share",
        "{text_patience_share_90d:pct} of the tickets of 90 days show impatience",
        1,
    ),
    _number(
        "text_thankful_share_90d",
        OPENED.count(90, THANKFUL) / OPENED.count(90),
        "share of the tickets of 90 days whose text is positive",
        "share",
        "{text_thankful_share_90d:pct} of the tickets of 90 days sound positive",
        -1,
    ),
    _number(
        "text_since_cancel_days",
        OPENED.since(365, CANCEL),
        "days since a ticket mentioned cancelling",
        "days",
        "A ticket mentioned cancelling on {text_since_cancel_days:ago}",
        -1,
    ),
)
