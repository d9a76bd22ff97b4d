"""Hand-drawn timelines get exactly the label that is written beside them, and the docs page shows the same ones."""

import pytest
from labels_drawn import TIMELINES
from timelines import Timeline, ruler


@pytest.mark.parametrize("timeline", TIMELINES, ids=lambda timeline: timeline.title)
def test_label_of_a_drawn_timeline(timeline: Timeline) -> None:
    assert timeline.told() == timeline.says


@pytest.mark.parametrize("timeline", TIMELINES, ids=lambda timeline: timeline.title)
def test_every_drawing_is_to_scale(timeline: Timeline) -> None:
    assert timeline.drawing.strip("\n").splitlines()[0] == ruler(timeline.rule)
