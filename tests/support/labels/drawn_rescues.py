"""Drawn labels of accounts that the team called, left alone or was kept from. ``timelines`` explains the marks."""

from support.labels.timelines import Timeline

RESCUES = (
    Timeline(
        "The team called: not a plain negative",
        "no event, treated",
        """
                  T    ¦                        ¦         M
A       =====================================================
team                c
""",
    ),
    Timeline(
        "The team looked and did nothing, and called after the window",
        "no event",
        """
                  T    ¦                        ¦         M
A       =====================================================
team        c       n                            c
""",
    ),
    Timeline(
        "Held out: it would have been called",
        "event on day 12, held out",
        """
                  T    ¦                        ¦         M
A       ======================N--------E
team                h
""",
    ),
    Timeline(
        "A call that was noted by mistake and taken back: nobody was called",
        "no event",
        """
                  T    ¦                        ¦         M
A       =====================================================
team                w   K
""",
    ),
    Timeline(
        "Taken back after the label has matured: too late to change the label",
        "no event, treated",
        """
                  T    ¦                        ¦         M
A       =====================================================
team                w                                       K
""",
    ),
    Timeline(
        "Held out every night and left to itself: never treated",
        "no event, held out",
        """
                  T    ¦                        ¦         M
A       =====================================================
team              hhhhhhhh
""",
    ),
    Timeline(
        "Held out, and somebody called nevertheless: held out, not treated",
        "no event, held out",
        """
                  T    ¦                        ¦         M
A       =====================================================
team                H
""",
    ),
)
