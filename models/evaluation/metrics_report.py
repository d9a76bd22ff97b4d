"""How good is it? Answered on cutoffs that no training row had seen, at the capacity the team has, with intervals.

Every metrics report holds the same figures for the model and, beside it, for the baselines and the logistic regression
on the same rows. Figures are described in `models.evaluation.metrics.FIGURES` and computed there. What has to be said
about them is a code with numbers (`models.data.findings.Finding`), rendered by `models.reports.sentences`.

Scorers are ``model``, ``logistic`` and the baselines as ``rule_<name>`` (`models.learners.baselines`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.history.versions import EPOCH
from models.data.findings import Finding
from models.evaluation.bootstrap import Estimate
from models.evaluation.evaluation_rows import EvaluationRows, Scores
from models.evaluation.metrics import precision_lead, probability_figures, ranking_figures
from models.evaluation.statistics.signal_test import SignalTest

MODEL, LOGISTIC, RULE = "model", "logistic", "rule_"
LEAK_AUC = 0.95
MIN_SEGMENT_ACCOUNTS = 20
"""Accounts with an event that a segment needs for a report of its own."""


@dataclass(frozen=True)
class MetricsReport:
    """All figures of all scorers on one set of rows.

    ``rows`` counts account × cutoff, ``events`` different events (an account and when it happened),
    ``accounts_with_event`` the accounts behind them, and ``effective_rows`` how many equally weighted rows carry
    as much evidence. ``scorers`` maps a scorer's name to its figures; a baseline has no probabilities, so it lacks the
    figures that need one.
    """

    name: str
    first: date
    last: date
    rows: int
    effective_rows: float
    accounts: int
    accounts_with_event: int
    cutoffs: int
    events: int
    base_rate: float
    scorers: Mapping[str, Mapping[str, Estimate]]

    def to_json(self) -> dict[str, Any]:
        """Plain data; see docs/backtest-json.md."""
        figures = {
            scorer: {name: estimate.to_json() for name, estimate in own.items()} for scorer, own in self.scorers.items()
        }
        return {**vars(self), "first": self.first.isoformat(), "last": self.last.isoformat(), "scorers": figures}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "MetricsReport":
        """What :meth:`to_json` wrote."""
        scorers = {
            scorer: {name: Estimate.from_json(estimate) for name, estimate in figures.items()}
            for scorer, figures in data["scorers"].items()
        }
        dates = {name: date.fromisoformat(data[name]) for name in ("first", "last")}
        return cls(**{**data, **dates, "scorers": scorers})


@dataclass(frozen=True)
class BaselineLead:
    """By how much average precision the model is ahead of the best baseline, which is ``baseline``."""

    baseline: str
    lead: Estimate

    @property
    def shown(self) -> bool:
        """Whether the model is ahead beyond chance."""
        return self.lead.low > 0

    def to_json(self) -> dict[str, Any]:
        """Plain data; see docs/backtest-json.md."""
        return {"baseline": self.baseline, "lead": self.lead.to_json(), "shown": self.shown}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "BaselineLead":
        """What :meth:`to_json` wrote."""
        return cls(data["baseline"], Estimate.from_json(data["lead"]))


@dataclass(frozen=True)
class Evaluation:
    """What a model was worth on later cutoffs.

    Attributes:
        risk: its name. ``kind`` is the learner that was chosen, ``reason`` why this one.
        capacity: accounts a night; every figure at capacity uses it.
        signal: whether it ranks accounts better than chance; ``verdict`` the same with its figures.
        overall: all test periods together.
        folds: one report a test period.
        unseen_accounts: the same learner on accounts that none of its training rows came from.
        segments: one report a segment with enough accounts.
        warnings: what a careful reader should know.
        lead: over the best baseline; None where the model is a baseline or there is none.
    """

    risk: str
    kind: str
    reason: Finding
    capacity: int
    signal: bool
    verdict: Finding
    overall: MetricsReport
    folds: tuple[MetricsReport, ...]
    unseen_accounts: MetricsReport | None = None
    segments: tuple[MetricsReport, ...] = ()
    warnings: tuple[Finding, ...] = ()
    lead: BaselineLead | None = None

    def with_warnings(self, more: Sequence[Finding]) -> "Evaluation":
        """The same with more warnings, such as those about the source, which an evaluation cannot see."""
        return replace(self, warnings=(*self.warnings, *more))

    def to_json(self) -> dict[str, Any]:
        """Plain data; see docs/backtest-json.md."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Evaluation":
        """What :meth:`to_json` wrote."""
        unseen, lead = data["unseen_accounts"], data["lead"]
        typed = {
            "reason": Finding.from_json(data["reason"]),
            "verdict": Finding.from_json(data["verdict"]),
            "overall": MetricsReport.from_json(data["overall"]),
            "folds": tuple(MetricsReport.from_json(fold) for fold in data["folds"]),
            "unseen_accounts": MetricsReport.from_json(unseen) if unseen else None,
            "segments": tuple(MetricsReport.from_json(segment) for segment in data["segments"]),
            "warnings": tuple(Finding.from_json(warning) for warning in data["warnings"]),
            "lead": BaselineLead.from_json(lead) if lead else None,
        }
        return cls(**{**data, **typed})


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value.to_json() if hasattr(value, "to_json") else value


def report_metrics(name: str, rows: EvaluationRows, scorers: Mapping[str, Scores], capacity: int) -> MetricsReport:
    """All figures of all scorers on these rows."""
    return MetricsReport(
        name=name,
        first=EPOCH + timedelta(days=int(rows.day.min())),
        last=EPOCH + timedelta(days=int(rows.day.max())),
        rows=len(rows),
        effective_rows=rows.effective_rows,
        accounts=rows.units,
        accounts_with_event=rows.units_with_event,
        cutoffs=rows.cutoffs,
        events=len(np.unique(rows.event_number[rows.event_number >= 0])),
        base_rate=float(np.average(rows.event, weights=rows.weight)),
        scorers={scorer: _figures(rows, scores, capacity) for scorer, scores in scorers.items()},
    )


def report_parts(
    labels: NDArray[Any], rows: EvaluationRows, scorers: Mapping[str, Scores], capacity: int, fewest: int = 1
) -> tuple[MetricsReport, ...]:
    """A report for each label (a fold, a segment) that has at least ``fewest`` accounts with an event."""
    reports = []
    for label in np.unique(labels):
        chosen = labels == label
        part = rows.take(chosen)
        if part.units_with_event >= fewest:
            own = {name: scores.take(chosen) for name, scores in scorers.items()}
            reports.append(report_metrics(str(label), part, own, capacity))
    return tuple(reports)


def assess_signal(report: MetricsReport, test: SignalTest) -> tuple[bool, Finding]:
    """Whether the model ranks the accounts of a night better than chance, and the finding that says so.

    The test has to reject chance, and the interval of the AUC has to agree. Probabilities that were worse than the base
    rate do not make the model worthless: those of the first folds were calibrated on hardly any events.
    :func:`find_suspicions` says where they were.
    """
    figures = report.scorers[MODEL]
    auc, skill = figures["auc"], figures["log_loss_skill"]
    numbers = {"auc": auc.to_json(), "log_loss_skill": skill.to_json(), **test.to_json()}
    if not (test.shown and auc.low > 0.5):
        return False, Finding("no_signal", numbers)
    return True, Finding("signal" if skill.value > 0 else "ranking_only", numbers)


def lead_over_baselines(rows: EvaluationRows, scorers: Mapping[str, Scores]) -> BaselineLead | None:
    """The model against the baseline with the best average precision; None where there is no baseline."""
    baselines = {name.removeprefix(RULE): scores.rank for name, scores in scorers.items() if name.startswith(RULE)}
    values = {name: ranking_figures(rows, rank)["average_precision"].value for name, rank in baselines.items()}
    if not values:
        return None
    best = max(values, key=lambda name: values[name])
    return BaselineLead(best, precision_lead(rows, scorers[MODEL].rank, baselines[best]))


def find_suspicions(report: MetricsReport, capacity: int, signal: bool) -> tuple[Finding, ...]:
    """What a careful reader should ask about these figures; ``signal`` as of :func:`assess_signal`."""
    figures, accounts = report.scorers[MODEL], report.rows / report.cutoffs
    auc, skill = figures["auc"], figures["log_loss_skill"]
    candidates = [
        (signal and skill.value <= 0, Finding("probabilities_off", {"log_loss_skill": skill.to_json()})),
        (auc.value > LEAK_AUC, Finding("possible_leak", {"auc": auc.value})),
        (accounts < 2 * capacity, Finding("large_capacity", {"capacity": capacity, "accounts": round(accounts)})),
    ]
    return tuple(finding for applies, finding in candidates if applies)


def _figures(rows: EvaluationRows, scores: Scores, capacity: int) -> dict[str, Estimate]:
    figures = ranking_figures(rows, scores.rank, capacity)
    if scores.probability is None:
        return figures
    return figures | probability_figures(rows, scores.probability)
