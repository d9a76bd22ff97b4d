"""A source that was cut off stops the night."""

import pytest

from features.errors import DataGateError
from features.validation.volume import check_volume

WEEK = [{"tickets": 1000 + night} for night in range(7)]


def test_seventy_percent_of_the_median_is_enough() -> None:
    check_volume({"tickets": 703}, WEEK)


def test_less_is_a_cut_off_source() -> None:
    with pytest.raises(DataGateError, match=r"tickets has 702 rows, 70% of the 1,003 it usually has"):
        check_volume({"tickets": 702}, WEEK)


def test_a_table_that_vanished_counts_as_no_rows() -> None:
    with pytest.raises(DataGateError, match="tickets has 0 rows"):
        check_volume({}, WEEK)


def test_only_the_last_seven_nights_are_usual() -> None:
    check_volume({"tickets": 10}, [{"tickets": 10_000}, *({"tickets": 10} for _ in range(7))])


def test_a_first_night_has_nothing_to_compare_with() -> None:
    check_volume({"tickets": 1}, [])
