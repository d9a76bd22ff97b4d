"""Why this account: reasons that a person can tell a customer-success manager.

A hundred and fifty contributions explain nothing. They are exact (log-odds that add up to the score), so they may be
summed into the catalogue's groups; a group is described by the feature that carries most of it, with its dated fact.
Only what raises the risk is a reason, and what an account *is* comes after what happened to it: nobody can call a
customer about its region. Where the same learner, fitted on earlier cutoffs, does not agree, the reason is marked weak:
it may be an accident of this fit.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pyarrow as pa

from features.catalogue import Feature, features_of, group_of_column
from models.contracts import Reason
from models.data.arrays import Floats
from models.learners.risk_model import RiskModel

MOST = 4
"""So many reasons an account; a fifth does not change what anybody does."""
LEAST = 0.05
"""Log-odds below which a group is no reason (about one percentage point at a risk of 25%)."""
BACKGROUND = "account"
"""The group that describes no event: its reasons come last, however strong."""
SURVIVES = 1 / 3
"""A refit supports a reason when it gives the group at least this share of the strength."""


def explain(model: RiskModel, rows: pa.Table) -> list[tuple[Reason, ...]]:
    """The reasons of each row, the strongest first but the background last; none where nothing raises its risk.

    Exact contributions cost about a millisecond a row and refit: ask for the flagged accounts only.

    Args:
        model: the model that scored the rows.
        rows: rows of the frame, with ``as_of`` and every column of the model.
    """
    names = list(model.features)
    shares = model.contributions(rows)[:, :-1]
    refits = [refit[:, :-1] for refit in model.refit_contributions(rows)]
    facts, features = rows.to_pylist(), features_of(rows.schema)
    return [
        _of_row(names, row, shares[place], [refit[place] for refit in refits], features)
        for place, row in enumerate(facts)
    ]


def leading_groups(model: RiskModel, rows: pa.Table) -> list[str | None]:
    """The group of each row's first reason, None where it has none: all that the routing needs, for many rows."""
    names = list(model.features)
    shares = model.contributions(rows)[:, :-1]
    groups = sorted({group_of_column(name) for name in names})
    strengths = np.zeros((rows.num_rows, len(groups)))
    for place, name in enumerate(names):
        strengths[:, groups.index(group_of_column(name))] += shares[:, place]
    strengths[strengths < LEAST] = -np.inf
    news = np.where([group == BACKGROUND for group in groups], np.minimum(strengths, 0.0), strengths)
    first = news.argmax(axis=1)
    enough = np.isfinite(news.max(axis=1, initial=-np.inf))
    return [groups[place] if raised else None for place, raised in zip(first.tolist(), enough.tolist(), strict=True)]


def group_strengths(names: Sequence[str], shares: Floats) -> dict[str, float]:
    """Contributions of single columns summed into the catalogue's groups."""
    strengths: dict[str, float] = {}
    for name, share in zip(names, shares, strict=True):
        strengths[group_of_column(name)] = strengths.get(group_of_column(name), 0.0) + float(share)
    return strengths


def _of_row(
    names: list[str],
    row: Mapping[str, object],
    shares: Floats,
    refits: list[Floats],
    features: Mapping[str, Feature],
) -> tuple[Reason, ...]:
    strengths = group_strengths(names, shares)
    again = [group_strengths(names, refit) for refit in refits]
    rising = sorted(
        (group for group in strengths if strengths[group] >= LEAST), key=lambda g: (g == BACKGROUND, -strengths[g], g)
    )
    return tuple(
        Reason(
            group=group,
            feature=(feature := _leading(group, names, row, shares)),
            strength=round(strengths[group], 6),
            sentence=_sentence(feature, row, features),
            weak=_is_weak(strengths[group], [refit.get(group, 0.0) for refit in again]),
        )
        for group in rising[:MOST]
    )


def _leading(group: str, names: list[str], row: Mapping[str, object], shares: Floats) -> str:
    """The feature that carries most of its group; one with a value goes before one without, which says nothing."""
    own = [place for place, name in enumerate(names) if group_of_column(name) == group and shares[place] > 0]
    return names[max(own, key=lambda place: (row[names[place]] is not None, shares[place]))]


def _sentence(name: str, row: Mapping[str, object], features: Mapping[str, Feature]) -> str:
    as_of = row["as_of"]
    if name not in features or not isinstance(as_of, date):
        return f"{name} is {row[name]}"
    return features[name].describe(row, as_of)


def _is_weak(strength: float, again: list[float]) -> bool:
    """Whether fewer than two thirds of the refits support the reason; without refits it is not weak."""
    supported = [refit >= SURVIVES * strength for refit in again]
    return bool(supported) and float(np.mean(supported)) < 2 / 3
