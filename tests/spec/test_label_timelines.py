"""Hand-drawn timelines get exactly the label that is written beside them, and the docs page shows the same ones."""

from pathlib import Path

import pytest
from support.labels.labels_drawn import TIMELINES
from support.labels.timelines import Timeline, page, ruler


@pytest.mark.parametrize("timeline", TIMELINES, ids=lambda timeline: timeline.title)
def test_label_of_a_drawn_timeline(timeline: Timeline) -> None:
    assert timeline.answer() == timeline.says


@pytest.mark.parametrize("timeline", TIMELINES, ids=lambda timeline: timeline.title)
def test_every_drawing_is_to_scale(timeline: Timeline) -> None:
    assert timeline.drawing.strip("\n").splitlines()[0] == ruler(timeline.rule)


def test_the_page_of_the_docs_shows_these_drawings(root: Path) -> None:
    assert (root / "docs" / "labels.md").read_text() == page(TIMELINES)
