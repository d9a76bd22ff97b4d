"""Drawn labels of escalation. ``timelines`` explains the marks."""

from support.labels.timelines import ESCALATION, Timeline

ESCALATIONS = (
    Timeline(
        "An escalation inside the window, of a customer whose notice is known",
        "event on day 8",
        """
                  T             M
A       =====N------------------------E
tickets      o            !
""",
        ESCALATION,
    ),
    Timeline(
        "An escalation on the last instant of the window",
        "event on day 14",
        """
                  T             M
A       ===============================
tickets      o                  !
""",
        ESCALATION,
    ),
    Timeline(
        "Escalated before the cutoff and after the window",
        "no event",
        """
                  T             M
A       ===============================
tickets   o  !                   !
""",
        ESCALATION,
    ),
    Timeline(
        "An escalation that our copy learns of after the label has matured",
        "no event",
        """
                  T             M
A       ===============================
tickets   o               ?          K
""",
        ESCALATION,
    ),
    Timeline(
        "No subscription runs any more",
        "not eligible: no subscription",
        """
                  T             M
A       =N--E
tickets   o               !
""",
        ESCALATION,
    ),
    Timeline(
        "No subscriptions at all: a ticket makes a customer",
        "event on day 8",
        """
                  T             M
tickets   o               !
""",
        ESCALATION,
    ),
    Timeline(
        "No subscriptions, and the first ticket comes after the cutoff",
        "not eligible: no ticket",
        """
                  T             M
tickets              o    !
""",
        ESCALATION,
    ),
)
