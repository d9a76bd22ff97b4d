"""The features of a company's own numbers: four for each metric that the settings declare."""

from functools import partial

from features.contract import Metric
from features.definitions.feature import Feature
from features.definitions.measures import Stream

_METRICS = Stream("metrics", "metrics", "measured_at")


def metric_features(metric: Metric) -> tuple[Feature, ...]:
    """The features of one metric: its latest value, its change and trend, and the age of the latest value.

    - ``metric_<key>_last``: the latest value. Of several sources at one instant, the last by name counts.
    - ``metric_<key>_change_28d``: the latest value minus the one that was the latest 28 days before the cutoff, by
      measurement time; null where there was none.
    - ``metric_<key>_trend_90d``: the slope of the least-squares line through all values of 90 days, in units for
      every 30 days; null with fewer than two days of measurement.
    - ``metric_<key>_age_days``: days since the latest value was measured.
    """
    rows = _METRICS.where(f"metric = '{metric.name.replace(chr(39), chr(39) * 2)}'")
    number = partial(Feature, group="metrics", metric=metric)
    last, changed, trend, age = (
        f"metric_{metric.key}_{part}" for part in ("last", "change_28d", "trend_90d", "age_days")
    )
    title, unit = metric.title, metric.unit
    return (
        number(
            last,
            rows.value("value"),
            f"latest value of {title}",
            unit,
            f"{title}: {{{last}:in {unit}}}[, measured on {{{age}:ago}}]",
            metric.direction,
        ),
        number(
            changed,
            rows.value("value") - rows.before(28).value("value"),
            f"{title} against four weeks earlier",
            unit,
            f"{title} {{{changed}:by {unit}}} in four weeks[, to {{{last}:in {unit}}}]",
            metric.direction,
        ),
        number(
            trend,
            rows.trend("value", 90) * 30,
            f"trend of {title} over 90 days, per month",
            f"{unit} a month".lstrip(),
            f"Over 90 days {title} {{{trend}:by {unit}}} a month",
            metric.direction,
        ),
        number(
            age,
            rows.since(where="value IS NOT NULL"),
            f"days since {title} was measured",
            "days",
            f"{title} last measured on {{{age}:ago}}",
        ),
    )
