"""Which groups of features a model's decisions rest on, whatever its kind."""

from features.catalogue import group_of_column
from models.learners.risk_model import RiskModel


def importance(model: RiskModel) -> dict[str, float]:
    """The share of each group of features in what the model learned, adding up to 1; empty where it learned nothing."""
    counted, sizes = model.scorer.column_sizes(), dict[str, float]()
    for place, name in enumerate(model.signature.names):
        group = group_of_column(name)
        sizes[group] = sizes.get(group, 0.0) + counted.get(place, 0.0)
    total = sum(sizes.values())
    return {group: size / total for group, size in sizes.items() if size > 0} if total else {}
