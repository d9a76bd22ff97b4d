"""Drawn labels of a late payment: an invoice is unpaid 3 days after it was due. ``timelines`` explains the marks."""

from support.labels.timelines import LATE_PAYMENT, Timeline

LATE_PAYMENTS = (
    Timeline(
        "Never paid: late at the end of the third day after it was due",
        "event on day 7",
        """
                  T             M
bill         i       d
""",
        LATE_PAYMENT,
    ),
    Timeline(
        "Paid on the third day: on time",
        "no event",
        """
                  T             M
bill         i       d  p
""",
        LATE_PAYMENT,
    ),
    Timeline(
        "Paid on the fourth day: late, though it is paid",
        "event on day 7",
        """
                  T             M
bill         i       d   p
""",
        LATE_PAYMENT,
    ),
    Timeline(
        "Late before the cutoff already",
        "no event",
        """
                  T             M
bill     i   d
""",
        LATE_PAYMENT,
    ),
    Timeline(
        "A payment in time that our copy learns of before the label matures",
        "no event",
        """
                  T             M
bill         i       d P   K
""",
        LATE_PAYMENT,
    ),
    Timeline(
        "A payment in time that our copy learns of after the label has matured",
        "event on day 7",
        """
                  T             M
bill         i       d P           K
""",
        LATE_PAYMENT,
    ),
    Timeline(
        "A credit note is never late",
        "no event",
        """
                  T             M
bill         c       d
""",
        LATE_PAYMENT,
    ),
    Timeline(
        "An account without an invoice before the cutoff",
        "not eligible: no invoice",
        """
                  T             M
bill                i    d
""",
        LATE_PAYMENT,
    ),
)
