"""Features that compare an account with the portfolio: its value minus the median of comparable accounts.

A median needs all accounts, and a frame is built by ranges of them, or of some only. So the frame first gets the
account's own value and segment as extra columns, and the medians are computed from the finished frame; where a frame
has only some accounts, from a second one of all accounts with nothing but these columns.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrow import date_array, nullable_array, to_numpy
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
    """The extra columns that those of these features are computed from which compare: own value, and segment."""
    if not any(map(compares_with_portfolio, features)):
        return ()
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
    def of(cls, parts: Iterable[pa.Table], features: Sequence[Feature]) -> "Portfolio":
        """The medians over the rows of all accounts, with the columns of :func:`own_values`.

        Each part has all rows of its cutoffs, ordered by cutoff: beside it, only the rows of one cutoff are in memory.
        """
        relative = [(feature, feature.measure) for feature in features if isinstance(feature.measure, AgainstPortfolio)]
        days, segments_of, found = [], [], []
        for of_day in (of_day for part in parts for of_day in _by_cutoff(part)):
            segments = pc.unique(_segments(of_day))
            segment = to_numpy(pc.index_in(_segments(of_day), value_set=segments)).astype(np.int64)
            medians = {}
            for feature, measure in relative:
                values = _values(of_day[_OWN + feature.name])
                of_segment, counts = _medians(values, segment, len(segments))
                of_all, _ = _medians(values, np.zeros_like(segment), 1)
                medians[feature.name] = np.where(counts >= measure.least, of_segment, of_all)
            days.append(to_numpy(of_day["as_of"][:1].cast(pa.int32()))[0])
            segments_of.append(segments)
            found.append(medians)
        all_segments = pc.unique(pa.chunked_array(segments_of, pa.string()))
        usual = {feature.name: np.full((len(days), len(all_segments)), np.nan) for feature, _ in relative}
        for place, (segments, medians) in enumerate(zip(segments_of, found, strict=True)):
            for name, of_segment in medians.items():
                usual[name][place, to_numpy(pc.index_in(segments, value_set=all_segments))] = of_segment
        return cls(date_array(np.array(days, np.int64)), all_segments, {name: of.ravel() for name, of in usual.items()})

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
        segment = to_numpy(pc.index_in(_segments(rows), value_set=self.segments))
        places: Ints = day * len(self.segments) + segment
        return places

    def compare(self, rows: pa.Table) -> dict[str, pa.Array]:
        """The column of each feature for some of the rows."""
        group = self.groups(rows)
        return {
            name: nullable_array(np.round(_values(rows[_OWN + name]) - usual[group], DECIMALS))
            for name, usual in self.usual.items()
        }


def _by_cutoff(rows: pa.Table) -> Iterator[pa.Table]:
    """The rows of each cutoff, of rows that are ordered by cutoff."""
    first = 0
    for count in pc.value_counts(rows["as_of"]).field("counts").to_pylist():
        yield rows.slice(first, count)
        first += count


def _segments(rows: pa.Table) -> pa.ChunkedArray:
    return rows[_SEGMENT].cast(pa.string())


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
