"""The reference of features, ``docs/features.md``: drawn from the catalogue, never written by hand."""

from features.catalogue import FEATURES
from features.definitions.feature import GROUPS, Feature
from features.engine.feeds import MAX_SILENCE

_INTRO = """# Features

Made from `features/catalogue.py` by `make docs`; do not edit. There are {count} features in {groups} groups.

Every feature is asked *as of* a cutoff: a row counts if and only if it was known before the first instant of that day.
*Window* is how many days before the cutoff it looks back (– is the state at the cutoff). *Risk* says which way risk is
expected to go with the value: ↑ rises, ↓ falls, blank either; ⇈ and ⇊ are certain enough to bind a model to.

A feature is missing where its source says nothing: the table or column is not there, nothing was delivered yet, or the
feed has stopped ({patience}). An account without rows in a living source has a true zero.
"""

_RISK = {(1, True): "⇈", (1, False): "↑", (-1, True): "⇊", (-1, False): "↓", (0, False): ""}


def render_features() -> str:
    """The whole document."""
    patience = ", ".join(f"`{table}` after {days} days of silence" for table, days in MAX_SILENCE.items())
    intro = _INTRO.format(count=len(FEATURES), groups=len(GROUPS), patience=patience)
    return "\n".join([intro, *(_section(group) for group in GROUPS)])


def _section(group: str) -> str:
    rows = [_row(feature) for feature in FEATURES if feature.group == group]
    head = ["| feature | meaning | unit | source | window | risk | told as |", "|---|---|---|---|---|---|---|"]
    return "\n".join([f"## {GROUPS[group]} (`{group}`)", "", *head, *rows, ""])


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
