"""The labels of hand-drawn timelines: the contract's rules, one case at a time, in the order of the docs' page.

``PYTHONPATH=tests python -m support.labels.labels_drawn > docs/labels.md`` makes the page of the docs.
"""

from support.labels.drawn_churn import NOTICES
from support.labels.drawn_decreases import DECREASES
from support.labels.drawn_escalations import ESCALATIONS
from support.labels.drawn_late_payments import LATE_PAYMENTS
from support.labels.drawn_rescues import RESCUES
from support.labels.drawn_silence import SILENT
from support.labels.timelines import page

TIMELINES = (*NOTICES, *RESCUES, *ESCALATIONS, *SILENT, *DECREASES, *LATE_PAYMENTS)

if __name__ == "__main__":
    print(page(TIMELINES), end="")
