"""Drawn labels of churn by silence. ``timelines`` explains the marks."""

from support.labels.timelines import SILENCE, Timeline

SILENT = (
    Timeline(
        "Falls silent",
        "event on day 14",
        """
                  T             V
signs      i   u
""",
        SILENCE,
    ),
    Timeline(
        "A sign of life inside the window",
        "no event",
        """
                  T             V
signs          u          i
""",
        SILENCE,
    ),
    Timeline(
        "A row of use with no events is no sign of life",
        "event on day 14",
        """
                  T             V
signs          u          z
""",
        SILENCE,
    ),
    Timeline(
        "Signs of life after the window come too late",
        "event on day 14",
        """
                  T             V
signs          u                 u
""",
        SILENCE,
    ),
    Timeline(
        "Already silent at the cutoff",
        "not eligible: no sign of life in 9 days",
        """
                  T             V
signs   i                 i
""",
        SILENCE,
    ),
)
