"""Drawn labels of escalation. ``timelines`` explains the marks."""

from support.labels.timelines import ESCALATION, Timeline

ESCALATIONS = (
    Timeline(
        "An escalation inside the window, of a customer whose notice is known",
        "event on day 8",
        """
                  T             V
A       =====N------------------------E
tickets      o            !
""",
        ESCALATION,
    ),
    Timeline(
        "An escalation on the last instant of the window",
        "event on day 14",
        """
                  T             V
A       ===============================
tickets      o                  !
""",
        ESCALATION,
    ),
    Timeline(
        "Escalated before the cutoff and after the window",
        "no event",
        """
                  T             V
A       ===============================
tickets   o  !                   !
""",
        ESCALATION,
    ),
    Timeline(
        "An escalation that our copy learns of after the verdict",
        "no event",
        """
                  T             V
A       ===============================
tickets   o               ?          K
""",
        ESCALATION,
    ),
    Timeline(
        "No subscription runs any more",
        "not eligible: no running subscription",
        """
                  T             V
A       =N--E
tickets   o               !
""",
        ESCALATION,
    ),
    Timeline(
        "No subscriptions at all: a ticket makes a customer",
        "event on day 8",
        """
                  T             V
tickets   o               !
""",
        ESCALATION,
    ),
    Timeline(
        "No subscriptions, and the first ticket comes after the cutoff",
        "not eligible: no ticket in 365 days",
        """
                  T             V
tickets              o    !
""",
        ESCALATION,
    ),
)
