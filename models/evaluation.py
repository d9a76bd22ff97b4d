"""How good is it? Answered on cutoffs that no training row had seen, at the capacity the team has, with intervals.

Every panel holds the same figures for the model and, beside it, for the rules of thumb and the logistic regression on
the same rows. Figures come with a 95 % interval from drawing *accounts* again (`models.bootstrap`). The JSON keys:

``risk, kind, capacity, signal, verdict, warnings``; ``pooled``, ``origins[]``, ``unseen_accounts`` and ``segments[]`` are
panels: ``name, first, last, rows, accounts, cutoffs, events, base_rate`` and ``scorers`` → scorer → figure →
``{value, low, high}``.

Scorers are ``model``, ``logistic`` and the rules (`models.rules`). Figures are described in `models.measures.FIGURES`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from models.bootstrap import Estimate

MODEL, LOGISTIC = "model", "logistic"


@dataclass(frozen=True)
class Panel:
    """All figures of all scorers on one set of rows.

    ``events`` counts different events (an account and when it happened), ``rows`` account × cutoff. ``scorers`` maps a
    scorer's name to its figures; a rule of thumb has no probabilities, so it lacks the figures that need one.
    """

    name: str
    first: date
    last: date
    rows: int
    accounts: int
    cutoffs: int
    events: int
    base_rate: float
    scorers: Mapping[str, Mapping[str, Estimate]]

    def to_json(self) -> dict[str, Any]:
        """Plain data with the keys that this module documents."""
        figures = {
            scorer: {name: estimate.to_json() for name, estimate in found.items()}
            for scorer, found in self.scorers.items()
        }
        return {**vars(self), "first": self.first.isoformat(), "last": self.last.isoformat(), "scorers": figures}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Panel":
        """What :meth:`to_json` wrote."""
        scorers = {
            scorer: {name: Estimate.from_json(estimate) for name, estimate in figures.items()}
            for scorer, figures in data["scorers"].items()
        }
        dates = {name: date.fromisoformat(data[name]) for name in ("first", "last")}
        return cls(**{**data, **dates, "scorers": scorers})


@dataclass(frozen=True)
class Evaluation:
    """What a model was worth on later cutoffs.

    ``signal`` says whether it tells more than the base rate does, and ``verdict`` the same in a sentence. ``origins``
    is one panel a test period, ``pooled`` all of them together, ``unseen_accounts`` the same learner on accounts that
    none of its training rows came from, ``segments`` one panel a segment.
    """

    risk: str
    kind: str
    capacity: int
    signal: bool
    verdict: str
    pooled: Panel
    origins: tuple[Panel, ...]
    unseen_accounts: Panel | None = None
    segments: tuple[Panel, ...] = ()
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data with the keys that this module documents."""
        return {
            **vars(self),
            "pooled": self.pooled.to_json(),
            "origins": [panel.to_json() for panel in self.origins],
            "unseen_accounts": self.unseen_accounts.to_json() if self.unseen_accounts else None,
            "segments": [panel.to_json() for panel in self.segments],
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Evaluation":
        """What :meth:`to_json` wrote."""
        unseen = data["unseen_accounts"]
        panels = {
            "pooled": Panel.from_json(data["pooled"]),
            "origins": tuple(Panel.from_json(panel) for panel in data["origins"]),
            "unseen_accounts": Panel.from_json(unseen) if unseen else None,
            "segments": tuple(Panel.from_json(panel) for panel in data["segments"]),
        }
        return cls(**{**data, **panels, "warnings": tuple(data["warnings"])})
