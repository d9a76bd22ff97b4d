"""The reference of features, ``docs/features.md``: generated from the catalogue and the contract."""

from collections.abc import Iterable

from features.catalogue import FEATURES, GROUPS, OPTIONAL, Feature, Metric, metric_features
from features.contract import TABLES

_INTRODUCTION = """# Features

Generated from `features/catalogue.py` by `make docs`; do not edit. There are {count} features in {groups} groups. The
settings can add [optional features](#optional-features), [your own metrics](#own-metrics-metrics), and columns and
features [of your own](how-to/extend.md).

Every feature is computed *as of* a cutoff: a row counts if and only if it was known before the first instant of that
day. *Window* is how many days before the cutoff it looks back (– is the state at the cutoff). *Risk* is the direction
in which risk is expected to go with the value: ↑ rises, ↓ falls, blank either; ⇈ and ⇊ are certain enough to bind a
model to.

A feature is missing where its source has no information: the table or column is not there, nothing was delivered yet,
or the feed has stopped. An account without rows in a feed that is delivered has a true zero. While a feed is late (its
newest row is older than on any such weekday of half a year), its features have the values of the day after that row,
and their sentences say until when they are known: days that nobody has seen are not read as silence.

| feed | counts as stopped after |
|---|---|
{limits}
"""

_METRICS = """## {title} (`metrics`)

The table `metrics` holds your own numbers by name: a satisfaction survey, an adoption share, licences in use. A number
is used where `rescue.toml` declares it, with its direction; `rescue check` counts the rows of all others, which are
ignored.

```toml
[metrics.nps]
name = "NPS"           # in the column metric; the key by default
title = "NPS"          # in sentences; the key by default
unit = "points"
higher = "good"        # or "bad"; required
```

Each declared metric has four features. The change compares the latest value with the one that was the latest 28 days
before the cutoff, by the time of measurement. The trend is the slope of the least-squares line through all values of 90
days, for every 30 days; it needs two days of measurement. Where several sources measure at one instant, the value of
the last source by name is the latest. Models learn from them, hand-offs give them as reasons, and the policy's
conditions may use them. For the declaration above they are:

"""

_RISK = {(1, True): "⇈", (1, False): "↑", (-1, True): "⇊", (-1, False): "↓", (0, False): ""}
_EXAMPLE = Metric("nps", "NPS", "points", "good", "NPS")


def render_features() -> str:
    """The whole document."""
    limits = [f"| `{table.name}` | {table.stopped_after} days |" for table in TABLES.values() if table.stopped_after]
    groups = {feature.group for feature in FEATURES}
    introduction = _INTRODUCTION.format(count=len(FEATURES), groups=len(groups), limits="\n".join(limits))
    return "\n".join([introduction, *(_section(group) for group in GROUPS), *map(_optional, OPTIONAL)])


def _section(group: str) -> str:
    if group == "metrics":
        return _METRICS.format(title=GROUPS[group]) + _table(metric_features(_EXAMPLE))
    return f"## {GROUPS[group]} (`{group}`)\n\n{_table(feature for feature in FEATURES if feature.group == group)}"


def _optional(name: str) -> str:
    return f'## Optional features\n\nWith `optional = ["{name}"]` in `rescue.toml`:\n\n{_table(OPTIONAL[name])}'


def _table(features: Iterable[Feature]) -> str:
    head = ["| feature | meaning | unit | source | window | risk | sentence |", "|---|---|---|---|---|---|---|"]
    return "\n".join([*head, *map(_row, features), ""])


def _row(feature: Feature) -> str:
    cells = (
        f"`{feature.name}`",
        feature.meaning,
        feature.unit,
        ", ".join(f"`{source}`" for source in feature.sources),
        str(feature.window or "–"),
        _RISK[feature.direction, feature.monotone],
        feature.sentence.replace("|", "\\|"),
    )
    return f"| {' | '.join(cells)} |"
