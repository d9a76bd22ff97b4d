"""Drawn labels of churn by silence. ``timelines`` explains the marks."""

from support.labels.timelines import SILENCE, Timeline

SILENT = (
    Timeline(
        "Falls silent",
        "event on day 14",
        """
                  T             M
activity   i   u
""",
        SILENCE,
    ),
    Timeline(
        "A sign of life inside the window",
        "no event",
        """
                  T             M
activity       u          i
""",
        SILENCE,
    ),
    Timeline(
        "A row of use with no events is no activity",
        "event on day 14",
        """
                  T             M
activity       u          z
""",
        SILENCE,
    ),
    Timeline(
        "Signs of life after the window come too late",
        "event on day 14",
        """
                  T             M
activity       u                 u
""",
        SILENCE,
    ),
    Timeline(
        "Already silent at the cutoff",
        "not eligible: no activity",
        """
                  T             M
activityi                 i
""",
        SILENCE,
    ),
)
