"""Drawn labels of a contraction: the revenue falls by a fifth. ``timelines`` explains the marks."""

from support.labels.timelines import CONTRACTION, Timeline

DECREASES = (
    Timeline(
        "A smaller plan inside the window",
        "event on day 8",
        """
                  T ¦             ¦    M
A       ==================v==================
""",
        CONTRACTION,
    ),
    Timeline(
        "A decrease of a tenth is no contraction",
        "no event",
        """
                  T ¦             ¦    M
A       ==================w==================
""",
        CONTRACTION,
    ),
    Timeline(
        "Taken back within the days of grace",
        "no event",
        """
                  T ¦             ¦    M
A       ==================v===^==============
""",
        CONTRACTION,
    ),
    Timeline(
        "Taken back after the days of grace",
        "event on day 8",
        """
                  T ¦             ¦    M
A       ==================v=====^============
""",
        CONTRACTION,
    ),
    Timeline(
        "Inside the lead: too late to act on",
        "unknown: too late to act on: it happened on day 1",
        """
                  T ¦             ¦    M
A       ===========v=========================
""",
        CONTRACTION,
    ),
    Timeline(
        "On the last instant of the window",
        "event on day 16",
        """
                  T ¦             ¦    M
A       ==========================v==========
""",
        CONTRACTION,
    ),
    Timeline(
        "It was smaller before the cutoff already",
        "no event",
        """
                  T ¦             ¦    M
A       ====v================================
""",
        CONTRACTION,
    ),
    Timeline(
        "One of two subscriptions ends: half of the revenue is lost",
        "event on day 11",
        """
                  T ¦             ¦    M
A       =====================================
B       =============N-------E
""",
        CONTRACTION,
    ),
    Timeline(
        "A subscription that another one continues at once",
        "no event",
        """
                  T ¦             ¦    M
A       =============N-------E
B                            S===============
""",
        CONTRACTION,
    ),
    Timeline(
        "A larger subscription starts first, so the sum does not fall",
        "no event",
        """
                  T ¦             ¦    M
A       ==================v==================
B                      S=====================
""",
        CONTRACTION,
    ),
    Timeline(
        "The whole revenue is lost",
        "event on day 11",
        """
                  T ¦             ¦    M
A       =============N-------E
""",
        CONTRACTION,
    ),
    Timeline(
        "The revenue becomes unknown, which is not less",
        "no event",
        """
                  T ¦             ¦    M
A       ==================x==================
""",
        CONTRACTION,
    ),
    Timeline(
        "The revenue is unknown at the cutoff",
        "not eligible: unknown amount",
        """
                  T ¦             ¦    M
A       =====x============v==================
""",
        CONTRACTION,
    ),
    Timeline(
        "The data end before the label matures",
        "unknown: not mature until the data pass day 21",
        """
                  T ¦             ¦    M
A       ==================v==================
""",
        CONTRACTION,
        until=21,
    ),
)
