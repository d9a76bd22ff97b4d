"""Features that compare an account with the portfolio: its value minus the median of comparable accounts.

A median needs all accounts, and a frame is built by ranges of them, or of some only. So the frame first gets the
account's own value and segment as extra columns, and the medians are computed from the finished frame; where a frame
has only some accounts, from a second one of all accounts with nothing but these columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import nullable_array, to_numpy
from features.definitions.account import ACCOUNT_FEATURES
from features.definitions.feature import Feature
from features.definitions.measures import AgainstPortfolio
from features.engine.evaluate import DECIMALS
from features.engine.windows import Floats, Ints, sort_positions

_SEGMENT = "portfolio: segment"
_OWN = "portfolio: "


def compares_with_portfolio(feature: Feature) -> bool:
    """Whether the feature needs the values of other accounts."""
    return isinstance(feature.measure, AgainstPortfolio)


def own_values(features: Sequence[Feature]) -> tuple[Feature, ...]:
    """The extra columns that these features are computed from: each account's own value, and its segment."""
    segment = next(feature.measure for feature in ACCOUNT_FEATURES if feature.name == "segment")
    return (
        Feature(_SEGMENT, segment, "segment", "text", "", kind="category"),
        *(
            Feature(_OWN + feature.name, feature.measure.inner, feature.meaning, feature.unit, "")
            for feature in features
            if isinstance(feature.measure, AgainstPortfolio)
        ),
    )


@dataclass(frozen=True)
class Portfolio:
    """The medians of a portfolio: by feature, cutoff and segment, and by cutoff for segments that have too few."""

    days: pa.Array
    segments: pa.Array
    usual: Mapping[str, Floats]

    @classmethod
    def of(cls, rows: pa.Table, features: Sequence[Feature]) -> "Portfolio":
        """The medians over the rows of all accounts, with the columns of :func:`own_values`."""
        days, segments = pc.unique(rows["as_of"]), pc.unique(rows[_SEGMENT])
        empty, usual = cls(days, segments, {}), {}
        group = empty.groups(rows)
        day = group // max(len(segments), 1)
        for feature in features:
            if isinstance(feature.measure, AgainstPortfolio):
                values = _values(rows[_OWN + feature.name])
                of_segment, counts = _medians(values, group, len(days) * len(segments))
                of_all, _ = _medians(values, day, len(days))
                enough = counts >= feature.measure.least
                usual[feature.name] = np.where(enough, of_segment, np.repeat(of_all, len(segments)))
        return cls(days, segments, usual)

    @classmethod
    def of_medians(cls, rows: pa.Table, features: Sequence[Feature]) -> "Portfolio":
        """The medians as a cluster computed them.

        ``rows`` has one row a cutoff and segment, and one a cutoff for all segments (``whole``), with the columns
        ``as_of``, ``segment``, and the median and the number of values of each feature (``m0``, ``n0``, …).
        """
        days, segments = pc.unique(rows["as_of"]), pc.unique(rows.filter(pc.invert(rows["whole"]))["segment"])
        whole = to_numpy(rows["whole"])
        day = to_numpy(pc.index_in(rows["as_of"], value_set=days)).astype(np.int64)
        segment = to_numpy(pc.fill_null(pc.index_in(rows["segment"], value_set=segments), 0)).astype(np.int64)
        usual = {}
        for number, feature in enumerate(features):
            if isinstance(feature.measure, AgainstPortfolio):
                median, count = _values(rows[f"m{number}"]), to_numpy(rows[f"n{number}"])
                of_all = np.full(len(days), np.nan)
                of_all[day[whole]] = median[whole]
                medians = np.repeat(of_all, len(segments))
                enough = ~whole & (count >= feature.measure.least)
                medians[day[enough] * len(segments) + segment[enough]] = median[enough]
                usual[feature.name] = medians
        return cls(days, segments, usual)

    def groups(self, rows: pa.Table) -> Ints:
        """The place of each row's cutoff and segment; accounts without a segment are one."""
        day = to_numpy(pc.index_in(rows["as_of"], value_set=self.days)).astype(np.int64)
        segment = to_numpy(pc.index_in(rows[_SEGMENT], value_set=self.segments))
        places: Ints = day * len(self.segments) + segment
        return places

    def compare(self, rows: pa.Table) -> dict[str, pa.Array]:
        """The column of each feature for some of the rows."""
        group = self.groups(rows)
        return {
            name: nullable_array(np.round(_values(rows[_OWN + name]) - usual[group], DECIMALS))
            for name, usual in self.usual.items()
        }


def compare_with_portfolio(frame: pa.Table, portfolio: pa.Table, features: Sequence[Feature]) -> Mapping[str, pa.Array]:
    """The columns of these features for the rows of the frame.

    Args:
        frame: the rows, with the columns of :func:`own_values`.
        portfolio: the rows of all accounts at the same cutoffs, with the same columns.
        features: features with the measure ``AgainstPortfolio``.
    """
    return Portfolio.of(portfolio, features).compare(frame)


def _values(column: pa.ChunkedArray) -> Floats:
    """The numbers, NaN where one is null."""
    known = to_numpy(pc.is_valid(column))
    return np.where(known, to_numpy(column), np.nan)


def _medians(values: Floats, group: Ints, groups: int) -> tuple[Floats, Ints]:
    """The median of each group and how many values it has; NaN and 0 for a group without values."""
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known])]
    order = order[sort_positions(group[order], None)]
    counts = np.bincount(group[order], minlength=groups)
    first = np.cumsum(counts) - counts
    medians = np.full(groups, np.nan)
    some = np.flatnonzero(counts)
    low, high = first[some] + (counts[some] - 1) // 2, first[some] + counts[some] // 2
    medians[some] = (values[order[low]] + values[order[high]]) / 2
    return medians, counts
