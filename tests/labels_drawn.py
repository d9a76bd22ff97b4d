"""The labels of hand-drawn timelines: the contract's rules, one case at a time, in the order of the docs' page.

``python tests/labels_drawn.py > docs/labels.md`` makes the page of the docs.
"""

from drawn_escalations import ESCALATIONS
from drawn_notices import NOTICES
from drawn_rescues import RESCUES
from drawn_silence import SILENT
from timelines import page

TIMELINES = (*NOTICES, *RESCUES, *ESCALATIONS, *SILENT)

if __name__ == "__main__":
    print(page(TIMELINES), end="")
