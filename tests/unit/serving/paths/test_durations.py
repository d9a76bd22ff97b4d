"""Durations: numbers are hours of the clock, texts may be working time."""

import pytest

from features.errors import UsageError
from serving.paths.durations import Duration, Unit, differences


@pytest.mark.parametrize(
    ("value", "duration", "text"),
    [
        (4, Duration(4), "4 hours"),
        (0.5, Duration(0.5), "30 minutes"),
        ("4.0 hours", Duration(4), "4 hours"),
        ("30 minutes", Duration(0.5), "30 minutes"),
        ("20 minutes", Duration(20 / 60), "20 minutes"),
        ("1 day", Duration(24), "24 hours"),
        ("4 working hours", Duration(4, Unit.WORKING_HOURS), "4 working hours"),
        (" 1  Working  hour ", Duration(1, Unit.WORKING_HOURS), "1 working hour"),
        ("2 working days", Duration(2, Unit.WORKING_DAYS), "2 working days"),
    ],
)
def test_a_duration_is_read_and_written(value: float | str, duration: Duration, text: str) -> None:
    assert Duration.parse(value) == duration
    assert str(duration) == text
    assert Duration.parse(text) == duration


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, "above 0"),
        (-1, "above 0"),
        (9000, "at most a year"),
        ("0 working days", "above 0"),
        ("1.5 working days", "a whole number of working days"),
        ("4 workng hours", "did you mean 'working hours'"),
        ("soon", "is no duration: write a number of hours"),
        (float("nan"), "above 0"),
    ],
)
def test_what_is_no_duration_is_refused(value: float | str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Duration.parse(value)


def test_the_time_of_each_tier_is_the_difference_to_the_one_before() -> None:
    assert differences([Duration(4), Duration(12)]) == (Duration(4), Duration(8))
    assert differences([]) == ()
