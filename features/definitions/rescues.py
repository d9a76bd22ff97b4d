"""Past rescues of the account, and how they ended.

A held-out account was not rescued, nor one that was selected and on which nobody acted, and a withdrawn decision did
not happen: none of them counts as a decision.
"""

from functools import partial

from features.definitions.feature import Feature
from features.definitions.measures import Stream

CASES = Stream("outcomes", "outcomes", "decided_at").where(
    "coalesce(action, '') NOT IN ('held_out', 'selected', 'withdrawn') AND NOT coalesce(holdout, false)"
)

_number = partial(Feature, group="rescues")

RESCUE_FEATURES = (
    _number(
        "rescues_365d",
        CASES.count(365),
        "rescue decisions in a year",
        "decisions",
        "{rescues_365d:n rescue decision} in a year",
    ),
    _number(
        "rescue_recency_days",
        CASES.since(),
        "days since the last rescue decision",
        "days",
        "Last rescue decision on {rescue_recency_days:ago}",
    ),
    _number(
        "rescues_saved_365d",
        CASES.count(365, "verdict = 'saved'"),
        "rescues in a year that ended saved",
        "rescues",
        "{rescues_saved_365d:n rescue} ended saved in a year",
    ),
    _number(
        "rescues_lost_365d",
        CASES.count(365, "verdict = 'lost'"),
        "rescues in a year that ended lost",
        "rescues",
        "{rescues_lost_365d:n rescue} ended lost in a year",
        1,
    ),
    _number(
        "rescues_false_alarm_365d",
        CASES.count(365, "verdict = 'false_alarm'"),
        "flags in a year that were false alarms",
        "flags",
        "{rescues_false_alarm_365d:n false alarm} in a year",
        -1,
    ),
    Feature(
        "rescue_last_verdict",
        CASES.text("verdict"),
        "verdict of the last rescue",
        "text",
        "Last rescue ended {rescue_last_verdict:text}",
        group="rescues",
        kind="category",
    ),
)
